//! What was learned of each key becomes tables behind a lookup of the key.

use std::sync::Arc;

use graph::{Boundaries, KeyedBoundaries, Literal, Op, Table, ValueType, Vocabulary};

use super::analyzers::{as_int, statistic};
use super::{Compiler, Wanted};
use crate::TransformError;
use crate::analyze::keyed::{self, MAX_KEYS};
use crate::analyze::vocabulary::NO_TOKENS;
use crate::analyze::{Counts, LearnedNumbers};
use crate::ir::{PerKey, Statistic};

/// Where the constants of each key are.
#[derive(Clone, Debug)]
pub(super) struct Keys {
    /// The place of an example's key, an INT.
    place: graph::NodeId,
    /// Which of all keys, in ascending order, is at each place.
    order: Arc<[usize]>,
}

impl Compiler<'_> {
    pub(super) fn per_key(
        &mut self,
        per_key: &PerKey,
        wanted: &Wanted,
        args: &[graph::NodeId],
        counts: &Counts<u64>,
        value_type: ValueType,
    ) -> Result<graph::NodeId, TransformError> {
        let [x, key] = *args else { unreachable!("numbers and their keys") };
        let are_ints = self.builder.value_type(x)? == ValueType::Int;
        let mut learn = Learn { compiler: self, wanted, key, counts, are_ints };
        match per_key {
            PerKey::ScaleToZScore => {
                let (place, learned) = learn.each(|numbers| {
                    let moments = &numbers.distributed.moments;
                    (moments.finite_mean(), moments.finite_variance())
                })?;
                Ok(self.builder.scale_to_z_score_per_key(x, place, &learned)?)
            }
            PerKey::ScaleByMinMax(range) => {
                let (place, learned) =
                    learn.each(|numbers| numbers.range().unwrap_or((0.0, 0.0)))?;
                Ok(self.builder.scale_by_min_max_per_key(x, place, &learned, range.floats())?)
            }
            PerKey::Bucketize { num_buckets } => {
                let (place, learned) = learn.each(|numbers| numbers.boundaries(*num_buckets))?;
                let boundaries =
                    learned.into_iter().map(Boundaries::new).collect::<Result<_, _>>()?;
                let op = Op::BucketizePerKey(KeyedBoundaries::new(boundaries));
                Ok(self.builder.node(op, &[x, place])?)
            }
            PerKey::Statistic(wanted) => {
                let (place, learned) =
                    learn.each(|numbers| statistic(*wanted, numbers, value_type))?;
                let is_missing = matches!(wanted, Statistic::Min | Statistic::Max);
                let table = table(learned, value_type, is_missing);
                Ok(self.builder.node(Op::Gather(table), &[place])?)
            }
        }
    }

    pub(super) fn count_per_key(
        &mut self,
        wanted: &Wanted,
        key: graph::NodeId,
        counts: &Counts<u64>,
    ) -> Result<graph::NodeId, TransformError> {
        let mut names = Vec::new();
        let mut found = Vec::new();
        counts.for_each(&mut |text, count| {
            if names.len() == MAX_KEYS {
                return Err(TransformError::TooManyKeys { limit: MAX_KEYS });
            }
            names.push(String::from_utf8_lossy(text).into_owned());
            found.push(Literal::Int(as_int(count)));
            Ok(())
        })?;
        let keys = self.keys(wanted, key, &names)?;
        let found = keys.order.iter().map(|&at| found[at].clone()).collect();
        let table = table(found, ValueType::Int, false);
        Ok(self.builder.node(Op::Gather(table), &[keys.place])?)
    }

    /// Returns where the constants of keys are, which are in ascending order.
    ///
    /// The empty key is behind all others, as a vocabulary cannot hold it, and those with a line break are left out.
    fn keys(
        &mut self,
        wanted: &Wanted,
        key: graph::NodeId,
        names: &[String],
    ) -> Result<Keys, TransformError> {
        if let Some(known) = self.keys.get(wanted) {
            return Ok(known.clone());
        }
        let mut order: Vec<usize> =
            (0..names.len()).filter(|&at| Vocabulary::can_hold(&names[at])).collect();
        let tokens = match order.as_slice() {
            [] => vec![NO_TOKENS],
            order => order.iter().map(|&at| names[at].as_str()).collect(),
        };
        let argument = wanted.0[wanted.0.len() - 1];
        let name = self.vocabulary_name(argument);
        let vocabulary = self.builder.vocabulary(&name, Vocabulary::new(tokens)?)?;
        let lookup = Op::Lookup { vocabulary, num_oov_buckets: 0, default_value: -1 };
        let mut place = self.builder.node(lookup, &[key])?;
        if let Some(empty) = names.iter().position(String::is_empty) {
            let text = self.builder.literal("")?;
            let is_empty = self.builder.node(Op::Equal, &[key, text])?;
            let behind = self.builder.literal(as_int(order.len() as u64))?;
            place = self.builder.node(Op::Select, &[is_empty, behind, place])?;
            order.push(empty);
        }
        let keys = Keys { place, order: order.into() };
        self.keys.insert(wanted.clone(), keys.clone());
        Ok(keys)
    }
}

/// What is needed to learn of keys.
struct Learn<'a, 'b> {
    compiler: &'a mut Compiler<'b>,
    wanted: &'a Wanted,
    key: graph::NodeId,
    counts: &'a Counts<u64>,
    are_ints: bool,
}

impl Learn<'_, '_> {
    /// Returns the place of an example's key, and what `learn` makes of each key's numbers, by place.
    fn each<T: Clone>(
        &mut self,
        learn: impl FnMut(&LearnedNumbers) -> T,
    ) -> Result<(graph::NodeId, Vec<T>), TransformError> {
        let learned = keyed::learn(self.counts, self.are_ints, learn)?;
        let (names, learned): (Vec<String>, Vec<T>) = learned.into_iter().unzip();
        let keys = self.compiler.keys(self.wanted, self.key, &names)?;
        Ok((keys.place, keys.order.iter().map(|&at| learned[at].clone()).collect()))
    }
}

/// Returns constants as a table; unknown keys have 0, or no value.
fn table(learned: Vec<Literal>, value_type: ValueType, is_missing: bool) -> Table {
    if value_type == ValueType::Int {
        let int = |literal: Literal| match literal {
            Literal::Int(value) => Some(value),
            _ => None,
        };
        Table::ints(learned.into_iter().map(int), (!is_missing).then_some(0))
    } else {
        let float = |literal: Literal| match literal {
            Literal::Float(value) => Some(value),
            _ => None,
        };
        Table::floats(learned.into_iter().map(float), (!is_missing).then_some(0.0))
    }
}
