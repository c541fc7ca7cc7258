//! What a checked call becomes: operations of the graph.

use graph::{Boundaries, Literal, Literals, Op, ValueType};

use super::Checker;
use super::call::{Given, number};
use crate::functions::Special;
use crate::ir::{Mapper, NodeCode, NodeId};

const BOOL: Option<ValueType> = Some(ValueType::Bool);

impl Checker<'_> {
    /// Returns the one operation that a function is, over all values given.
    pub(super) fn plain(
        &mut self,
        op: &Op,
        given: &[Given<'_>],
        value_type: Option<ValueType>,
    ) -> NodeId {
        self.arena.op(op.clone(), all_values(given), value_type)
    }

    /// Returns an operation of two over all values given, from the left.
    pub(super) fn fold(
        &mut self,
        op: &Op,
        given: &[Given<'_>],
        value_type: Option<ValueType>,
    ) -> NodeId {
        self.chain(op, &all_values(given), value_type)
    }

    pub(super) fn special(
        &mut self,
        code: Special,
        given: &[Given<'_>],
        value_type: Option<ValueType>,
    ) -> NodeId {
        let mut args = all_values(given);
        let op = match code {
            Special::In => return self.is_in(&args),
            Special::Between => {
                let low = self.arena.op(Op::GreaterOrEqual, vec![args[0], args[1]], BOOL);
                let high = self.arena.op(Op::LessOrEqual, vec![args[0], args[2]], BOOL);
                args = vec![low, high];
                Op::And
            }
            Special::Like => return self.like(args[0], &given[1], &given[2]),
            Special::NullIf => {
                let equal = self.arena.op(Op::Equal, args.clone(), BOOL);
                let null = self.null(value_type);
                args = vec![equal, null, args[0]];
                Op::Select
            }
            Special::Substring => {
                Op::Substring { start: given[1].int().unwrap_or(1), length: count(given[2].int()) }
            }
            Special::Replace => Op::Replace {
                from: given[1].text().unwrap_or_default().to_owned(),
                to: given[2].text().unwrap_or_default().to_owned(),
            },
            Special::ApplyBuckets => match self.boundaries(&given[1]) {
                Some(boundaries) => Op::Bucketize(boundaries),
                None => return self.arena.mistake(value_type),
            },
            Special::ApplyBucketsWithInterpolation => {
                return match self.boundaries(&given[1]) {
                    Some(boundaries) => {
                        let code = NodeCode::Mapper(Mapper::Interpolate(boundaries));
                        self.arena.add(code, vec![args[0]], value_type)
                    }
                    None => self.arena.mistake(value_type),
                };
            }
            Special::Lists(code) => return self.list(code, given, value_type),
            Special::HashStrings => match self.hash(given) {
                Some(op) => op,
                None => return self.arena.mistake(value_type),
            },
        };
        self.arena.op(op, args, value_type)
    }

    fn chain(&mut self, op: &Op, args: &[NodeId], value_type: Option<ValueType>) -> NodeId {
        let mut result = args[0];
        for &arg in &args[1..] {
            result = self.arena.op(op.clone(), vec![result, arg], value_type);
        }
        result
    }

    fn is_in(&mut self, args: &[NodeId]) -> NodeId {
        let constants: Option<Vec<Literal>> =
            args[1..].iter().map(|&arg| self.arena.as_literal(arg).cloned()).collect();
        if let Some(Ok(literals)) = constants.map(Literals::new) {
            return self.arena.op(Op::IsIn(literals), vec![args[0]], BOOL);
        }
        let mut equal = Vec::new();
        for &arg in &args[1..] {
            equal.push(self.arena.op(Op::Equal, vec![args[0], arg], BOOL));
        }
        self.chain(&Op::Or, &equal, BOOL)
    }

    fn boundaries(&mut self, given: &Given<'_>) -> Option<Boundaries> {
        let values: Vec<f64> = given.literals.iter().filter_map(number).collect();
        if let Some(place) = values.windows(2).position(|pair| pair[0] > pair[1]) {
            let (before, found) = (values[place], values[place + 1]);
            let message =
                format!("boundary {found:?} comes after {before:?}, expected ascending ones");
            self.report(given.exprs[place + 1].at, message, None);
            return None;
        }
        Boundaries::new(values).ok()
    }

    fn hash(&mut self, given: &[Given<'_>]) -> Option<Op> {
        let num_buckets = count(given[1].int()).unwrap_or(1);
        match (count(given[2].int()), count(given[3].int())) {
            (None, None) => Some(Op::Hash { num_buckets }),
            (Some(first), Some(second)) => {
                Some(Op::KeyedHash { num_buckets, key: [first, second] })
            }
            (first, _) => {
                let missing = if first.is_some() { "key_1" } else { "key_0" };
                let at = given[2].at().or(given[3].at()).unwrap_or(0);
                self.report(at, format!("a key is two numbers: `{missing}` is not given"), None);
                None
            }
        }
    }
}

pub(super) fn all_values(given: &[Given<'_>]) -> Vec<NodeId> {
    given.iter().flat_map(|given| &given.nodes).copied().collect()
}

/// Numbers were checked against the range of their parameter, so nothing is lost here.
pub(super) fn count(value: Option<i64>) -> Option<u64> {
    value.and_then(|value| u64::try_from(value).ok())
}
