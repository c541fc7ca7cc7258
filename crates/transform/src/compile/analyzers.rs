//! What was learned becomes nodes of the graph.

use graph::{Boundaries, Floats, ListOp, Literal, Matrix, Op, Table, ValueType, Vocabulary};
use sketch::{StateError, as_f64};

use super::{Compiler, needs};
use crate::TransformError;
use crate::analyze::{
    Counts, Found, Learned, LearnedNumbers, covariance, learn_byte_pairs, learn_word_pieces, tukey,
    vocabulary::{self, Token},
};
use crate::ir::{Analyzer, Node, NodeId, OfNumbers, Statistic, VocabularyOptions, as_float};

const LEARNED: &str = "what was learned is what the analyzer needs";

impl Compiler<'_> {
    pub(super) fn analyzer(
        &mut self,
        analyzer: &Analyzer,
        node: &Node,
        args: &[graph::NodeId],
    ) -> Result<graph::NodeId, TransformError> {
        let mut wanted = needs(analyzer, node).into_iter();
        let first = wanted.next().expect("every analyzer needs something");
        let Learned(found) = self.found(&first);
        let value_type = node.value_type.unwrap_or(ValueType::Float);
        match (analyzer, found) {
            (Analyzer::Numbers(of_numbers), Found::Numbers(numbers)) => {
                self.of_numbers(of_numbers, args[0], &numbers, value_type)
            }
            (Analyzer::WeightedBuckets { num_buckets }, Found::WeightedNumbers(numbers)) => {
                let boundaries = Boundaries::new(numbers.boundaries(*num_buckets))?;
                Ok(self.builder.node(Op::Bucketize(boundaries), &args[..1])?)
            }
            (Analyzer::PerKey(per_key), Found::Counts(counts)) => {
                self.per_key(per_key, &first, args, &counts, value_type)
            }
            (Analyzer::CountPerKey, Found::Counts(counts)) => {
                self.count_per_key(&first, args[0], &counts)
            }
            (Analyzer::Vocabulary(options), found) => {
                let keyed = wanted.next().map(|keyed| self.found(&keyed).0);
                let tokens = match (&found, &keyed) {
                    (Found::Counts(counts), None) => vocabulary::tokens(options, counts, None)?,
                    (Found::WeightedCounts(counts), None) => {
                        vocabulary::tokens(options, counts, None)?
                    }
                    (Found::Counts(counts), Some(Found::Counts(keyed))) => {
                        vocabulary::tokens(options, counts, Some(keyed))?
                    }
                    (Found::WeightedCounts(counts), Some(Found::WeightedCounts(keyed))) => {
                        vocabulary::tokens(options, counts, Some(keyed))?
                    }
                    _ => unreachable!("{LEARNED}"),
                };
                self.vocabulary(options, node.args[0], args[0], tokens)
            }
            (Analyzer::BytePairs { vocab_size }, Found::Counts(counts)) => {
                let tokens = learn_byte_pairs(&words(&counts)?, *vocab_size);
                let name = self.vocabulary_name(node.args[0]);
                let vocabulary = self.builder.vocabulary(&name, Vocabulary::new(tokens)?)?;
                let op = Op::OfList(ListOp::BytePairs { vocabulary });
                Ok(self.builder.node(op, &args[..1])?)
            }
            (Analyzer::WordPieces { vocab_size }, Found::Counts(counts)) => {
                let tokens = learn_word_pieces(&words(&counts)?, *vocab_size);
                let name = self.vocabulary_name(node.args[0]);
                let vocabulary = self.builder.vocabulary(&name, Vocabulary::new(tokens)?)?;
                let op = Op::OfList(ListOp::WordPieces { vocabulary });
                Ok(self.builder.node(op, &args[..1])?)
            }
            (Analyzer::TermWeights { size, is_smooth }, Found::Counts(documents)) => {
                let num_documents = match wanted.next().map(|lengths| self.found(&lengths)) {
                    Some(Learned(Found::Numbers(lengths))) => lengths.size(),
                    _ => unreachable!("{LEARNED}"),
                };
                let weights = term_weights(&documents, num_documents, *size, *is_smooth)?;
                let op = Op::OfList(ListOp::TermWeights { weights: Floats(weights) });
                Ok(self.builder.node(op, &args[..1])?)
            }
            (Analyzer::Density { num_buckets }, Found::Numbers(buckets)) => {
                let width = match wanted.next().map(|of_numbers| self.found(&of_numbers)) {
                    Some(Learned(Found::Numbers(numbers))) => {
                        let (min, max) = numbers.range().unwrap_or((0.0, 0.0));
                        (max - min) / as_f64(*num_buckets as u64)
                    }
                    _ => 1.0 / as_f64(*num_buckets as u64),
                };
                let densities = counts(&buckets, *num_buckets).into_iter();
                let total = as_f64(buckets.size());
                let densities = densities.map(|count| Some(as_f64(count) / total / width));
                let table = Table::floats(densities, Some(0.0));
                Ok(self.builder.node(Op::Gather(table), &args[..1])?)
            }
            (Analyzer::Histogram { num_buckets }, Found::Numbers(buckets)) => {
                let counts = counts(&buckets, *num_buckets).into_iter();
                self.constants(counts.map(|count| Literal::Int(as_int(count))))
            }
            (Analyzer::Covariance { .. }, Found::Covariance(covariances)) => {
                self.constants(covariances.iter().copied().map(Literal::Float))
            }
            (Analyzer::PrincipalComponents { length, output_dim }, Found::Covariance(found)) => {
                let vectors = covariance::principal(&found, *length as usize, *output_dim as usize);
                let op = ListOp::Multiply(Matrix::new(*output_dim, vectors)?);
                Ok(self.builder.node(Op::OfList(op), &args[..1])?)
            }
            _ => unreachable!("{LEARNED}"),
        }
    }

    /// Returns a list of constants.
    fn constants(
        &mut self,
        literals: impl Iterator<Item = Literal>,
    ) -> Result<graph::NodeId, TransformError> {
        let nodes = literals.map(|literal| self.builder.literal(literal));
        let nodes = nodes.collect::<Result<Vec<_>, _>>()?;
        Ok(self.builder.node(Op::OfList(ListOp::Make), &nodes)?)
    }

    fn of_numbers(
        &mut self,
        of_numbers: &OfNumbers,
        x: graph::NodeId,
        numbers: &LearnedNumbers,
        value_type: ValueType,
    ) -> Result<graph::NodeId, TransformError> {
        let moments = &numbers.distributed.moments;
        let (mean, variance) = (moments.finite_mean(), moments.finite_variance());
        let ranks = &numbers.distributed.ranks;
        Ok(match of_numbers {
            OfNumbers::ScaleToZScore => self.builder.scale_to_z_score(x, mean, variance)?,
            OfNumbers::ScaleByMinMax(range) => {
                let found = numbers.range().unwrap_or((0.0, 0.0));
                self.builder.scale_by_min_max(x, found, range.floats())?
            }
            OfNumbers::ScaleToGaussian => {
                let fitted = tukey::fit(ranks);
                let sides = (fitted.left, fitted.right);
                let has_long_tails = fitted.left > 0.0 || fitted.right > 0.0;
                let scale = if has_long_tails { fitted.scale } else { variance.sqrt() };
                self.builder.inverse_tukey_hh(x, (fitted.location, scale), sides)?
            }
            OfNumbers::Bucketize { num_buckets } => {
                let boundaries = Boundaries::new(numbers.boundaries(*num_buckets))?;
                self.builder.node(Op::Bucketize(boundaries), &[x])?
            }
            OfNumbers::EqualWidthBuckets { num_buckets } => {
                let boundaries = Boundaries::new(equal_width(numbers.range(), *num_buckets))?;
                self.builder.node(Op::Bucketize(boundaries), &[x])?
            }
            OfNumbers::BucketizeWithInterpolation { num_buckets } => {
                let boundaries = Boundaries::new(numbers.boundaries(*num_buckets))?;
                self.builder.apply_buckets_with_interpolation(x, &boundaries)?
            }
            OfNumbers::Statistic(wanted) => {
                self.builder.literal(statistic(*wanted, numbers, value_type))?
            }
            OfNumbers::Quantile { fraction } => {
                let found = ranks.quantile(as_float(fraction));
                self.builder
                    .literal(found.map_or(Literal::Null(ValueType::Float), Literal::Float))?
            }
        })
    }

    fn vocabulary(
        &mut self,
        options: &VocabularyOptions,
        argument: NodeId,
        x: graph::NodeId,
        tokens: Vec<Token>,
    ) -> Result<graph::NodeId, TransformError> {
        let name = match &options.name {
            Some(name) => name.clone(),
            None => self.vocabulary_name(argument),
        };
        let vocabulary = match options.stores_frequency {
            true => Vocabulary::with_frequencies(
                tokens.into_iter().map(|token| (token.frequency.to_string(), token.text)),
            )?,
            false => Vocabulary::new(tokens.into_iter().map(|token| token.text))?,
        };
        let vocabulary = self.builder.vocabulary(&name, vocabulary)?;
        let op = Op::Lookup {
            vocabulary,
            num_oov_buckets: options.num_oov_buckets,
            default_value: options.default_value,
        };
        Ok(self.builder.node(op, &[x])?)
    }
}

/// Returns the inverse document frequency of each term: `1 + ln((N + 1) / (n + 1))` where that is smooth, else
/// `1 + ln(N / n)`, and 0 for a term that is in no document.
fn term_weights(
    documents: &Counts<u64>,
    num_documents: u64,
    size: u32,
    is_smooth: bool,
) -> Result<Vec<f64>, TransformError> {
    let all = as_f64(num_documents);
    let unseen = if is_smooth { 1.0 + (all + 1.0).ln() } else { 0.0 };
    let mut weights = vec![unseen; size as usize];
    documents.for_each(&mut |id, count| {
        let id = std::str::from_utf8(id).ok().and_then(|id| id.parse::<usize>().ok());
        if let Some(weight) = id.and_then(|id| weights.get_mut(id)) {
            let with = as_f64(count);
            *weight = 1.0 + if is_smooth { (all + 1.0) / (with + 1.0) } else { all / with }.ln();
        }
        Ok(())
    })?;
    Ok(weights)
}

/// Returns counted words with their counts.
fn words(counts: &Counts<u64>) -> Result<Vec<(String, u64)>, TransformError> {
    let mut words = Vec::new();
    counts.for_each(&mut |bytes, count| {
        let word =
            std::str::from_utf8(bytes).map_err(|_| StateError { reason: "a text is not UTF-8" })?;
        words.push((word.to_owned(), count));
        Ok(())
    })?;
    Ok(words)
}

/// Returns one number about numbers as a constant, missing when there is none.
pub(super) fn statistic(
    statistic: Statistic,
    numbers: &LearnedNumbers,
    value_type: ValueType,
) -> Literal {
    let moments = &numbers.distributed.moments;
    let is_int = value_type == ValueType::Int;
    let found = match statistic {
        Statistic::Min if is_int => numbers.ints.map(|ints| Literal::Int(ints.min)),
        Statistic::Max if is_int => numbers.ints.map(|ints| Literal::Int(ints.max)),
        Statistic::Sum if is_int => Some(Literal::Int(numbers.ints.map_or(0, |ints| ints.sum))),
        Statistic::Min => numbers.range().map(|(min, _)| Literal::Float(min)),
        Statistic::Max => numbers.range().map(|(_, max)| Literal::Float(max)),
        Statistic::Sum => Some(Literal::Float(numbers.sum())),
        Statistic::Mean => Some(Literal::Float(moments.finite_mean())),
        Statistic::Var => Some(Literal::Float(moments.finite_variance())),
        Statistic::Size => Some(Literal::Int(as_int(numbers.size()))),
        Statistic::TukeyLocation
        | Statistic::TukeyScale
        | Statistic::TukeyHLeft
        | Statistic::TukeyHRight => {
            let fitted = tukey::fit(&numbers.distributed.ranks);
            Some(Literal::Float(match statistic {
                Statistic::TukeyLocation => fitted.location,
                Statistic::TukeyScale => fitted.scale,
                Statistic::TukeyHLeft => fitted.left,
                _ => fitted.right,
            }))
        }
    };
    found.unwrap_or(Literal::Null(value_type))
}

pub(super) fn as_int(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// Returns the boundaries between buckets of equal width in a finite range.
fn equal_width(range: Option<(f64, f64)>, num_buckets: usize) -> Vec<f64> {
    let Some((min, max)) = range.filter(|(min, max)| min.is_finite() && max.is_finite()) else {
        return Vec::new();
    };
    let share = |bucket: usize| as_f64(bucket as u64) / as_f64(num_buckets as u64);
    (1..num_buckets).map(|bucket| min + share(bucket) * (max - min)).collect()
}

/// Returns how often each bucket's number was seen.
fn counts(buckets: &LearnedNumbers, num_buckets: usize) -> Vec<u64> {
    let entries = &buckets.distributed.ranks.entries;
    let count = |bucket: usize| {
        let bucket = as_f64(bucket as u64);
        let found = entries.binary_search_by(|entry| entry.value.total_cmp(&bucket));
        found.map_or(0, |place| entries[place].weight)
    };
    (0..num_buckets).map(count).collect()
}
