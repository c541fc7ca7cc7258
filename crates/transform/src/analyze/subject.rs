//! What is learned of some columns together, and its mergeable state.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::Int64Type;
use graph::ValueType;
use serde::{Deserialize, Serialize};
use sketch::bytes::{Reader, Stored};
use sketch::{Count, Weight};

use super::counts::{Counts, pair};
use super::numbers::{LearnedNumbers, NumbersState, weight_of};
use super::{Learned, keyed};
use crate::TransformError;

/// What is learned of columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Analysis {
    /// The distribution of numbers.
    Numbers,
    /// The distribution of floats by the weights in a second column.
    WeightedNumbers,
    /// How often each text occurs.
    Texts { beside: Beside, is_weighted: bool },
    /// The distribution of numbers for each key in a second column.
    KeyedNumbers,
}

/// What is in a column beside that of texts; weights are in one behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Beside {
    Nothing,
    /// Integers: how often each text occurs with each, and how often each occurs in all rows.
    Labels,
    /// Texts: how often each text occurs with each.
    Keys,
}

/// What is learned of which columns of a pass.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Subject {
    pub(crate) analysis: Analysis,
    /// Outputs of the pass's graph, by place.
    pub(crate) columns: Vec<usize>,
}

impl Subject {
    /// Returns whether the columns are as many as the analysis takes, and of its types.
    pub(crate) fn fits(&self, types: &[ValueType]) -> bool {
        let found: Option<Vec<ValueType>> =
            self.columns.iter().map(|&column| types.get(column).copied()).collect();
        let Some(found) = found else { return false };
        let number = found.first().is_some_and(|first| first.is_number());
        match self.analysis {
            Analysis::Numbers => number && found.len() == 1,
            Analysis::WeightedNumbers => found == [ValueType::Float; 2],
            Analysis::KeyedNumbers => number && found[1..] == [ValueType::String],
            Analysis::Texts { beside, is_weighted } => {
                let beside = match beside {
                    Beside::Nothing => None,
                    Beside::Labels => Some(ValueType::Int),
                    Beside::Keys => Some(ValueType::String),
                };
                let weight = is_weighted.then_some(ValueType::Float);
                found.into_iter().eq([ValueType::String].into_iter().chain(beside).chain(weight))
            }
        }
    }

    /// Returns the state of no rows.
    pub(crate) fn start(&self, max_count_bytes: usize) -> State {
        match self.analysis {
            Analysis::Numbers => State::Numbers(NumbersState::new()),
            Analysis::WeightedNumbers => State::WeightedNumbers(NumbersState::weighted()),
            Analysis::Texts { is_weighted: true, .. } => {
                State::WeightedCounts(Counts::new(max_count_bytes))
            }
            Analysis::Texts { .. } | Analysis::KeyedNumbers => {
                State::Counts(Counts::new(max_count_bytes))
            }
        }
    }

    /// Takes some rows of all columns into a state.
    pub(crate) fn update(&self, state: &mut State, all: &[ArrayRef]) -> Result<(), TransformError> {
        let column = |place: usize| -> &dyn Array { &all[self.columns[place]] };
        match (self.analysis, state) {
            (Analysis::Numbers, State::Numbers(numbers)) => numbers.update(column(0)),
            (Analysis::WeightedNumbers, State::WeightedNumbers(numbers)) => {
                numbers.update_weighted(column(0), column(1));
            }
            (Analysis::KeyedNumbers, State::Counts(counts)) => {
                return keyed::update(counts, column(0), column(1));
            }
            (Analysis::Texts { beside, .. }, State::Counts(counts)) => {
                let beside = (beside != Beside::Nothing).then(|| (beside, column(1)));
                return count_texts(counts, column(0), beside, |_| Some(1));
            }
            (Analysis::Texts { beside, .. }, State::WeightedCounts(counts)) => {
                let weights = column(self.columns.len() - 1);
                let beside = (beside != Beside::Nothing).then(|| (beside, column(1)));
                return count_texts(counts, column(0), beside, |row| weight_of(weights, row));
            }
            _ => return Err(TransformError::DifferentPass),
        }
        Ok(())
    }

    /// Takes the bytes of a state.
    pub(crate) fn read(&self, input: &mut Reader<'_>) -> Result<State, TransformError> {
        Ok(match self.analysis {
            Analysis::Numbers => State::Numbers(NumbersState::read(input)?),
            Analysis::WeightedNumbers => State::WeightedNumbers(NumbersState::read(input)?),
            Analysis::Texts { is_weighted: true, .. } => {
                State::WeightedCounts(Counts::read(input)?)
            }
            Analysis::Texts { .. } | Analysis::KeyedNumbers => State::Counts(Counts::read(input)?),
        })
    }
}

/// What was learned of a subject so far.
#[derive(Debug)]
pub(crate) enum State {
    Numbers(NumbersState<u64>),
    WeightedNumbers(NumbersState<Weight>),
    Counts(Counts<u64>),
    WeightedCounts(Counts<Weight>),
}

impl State {
    pub(crate) fn merge(&mut self, other: &Self) -> Result<(), TransformError> {
        match (self, other) {
            (Self::Numbers(one), Self::Numbers(other)) => one.merge(other),
            (Self::WeightedNumbers(one), Self::WeightedNumbers(other)) => one.merge(other),
            (Self::Counts(one), Self::Counts(other)) => return one.merge(other),
            (Self::WeightedCounts(one), Self::WeightedCounts(other)) => return one.merge(other),
            _ => return Err(TransformError::DifferentPass),
        }
        Ok(())
    }

    /// Returns whether a part of it is in a temporary file.
    pub(crate) fn is_spilled(&self) -> bool {
        match self {
            Self::Numbers(_) | Self::WeightedNumbers(_) => false,
            Self::Counts(counts) => counts.is_spilled(),
            Self::WeightedCounts(counts) => counts.is_spilled(),
        }
    }

    pub(crate) fn finish(self) -> Learned {
        Learned(match self {
            Self::Numbers(numbers) => Found::Numbers(Arc::new(numbers.finish())),
            Self::WeightedNumbers(numbers) => Found::WeightedNumbers(Arc::new(numbers.finish())),
            Self::Counts(counts) => Found::Counts(Arc::new(counts)),
            Self::WeightedCounts(counts) => Found::WeightedCounts(Arc::new(counts)),
        })
    }

    pub(crate) fn write(&self, out: &mut Vec<u8>) -> Result<(), TransformError> {
        match self {
            Self::Numbers(numbers) => numbers.write(out),
            Self::WeightedNumbers(numbers) => numbers.write(out),
            Self::Counts(counts) => return counts.write(out),
            Self::WeightedCounts(counts) => return counts.write(out),
        }
        Ok(())
    }
}

/// What was learned of a subject, cheap to clone.
#[derive(Clone, Debug)]
pub(crate) enum Found {
    Numbers(Arc<LearnedNumbers>),
    WeightedNumbers(Arc<LearnedNumbers<Weight>>),
    Counts(Arc<Counts<u64>>),
    WeightedCounts(Arc<Counts<Weight>>),
}

/// Takes in a column of texts, with what is beside it, where there is a count for the row.
fn count_texts<C: Count>(
    counts: &mut Counts<C>,
    texts: &dyn Array,
    beside: Option<(Beside, &dyn Array)>,
    count: impl Fn(usize) -> Option<C>,
) -> Result<(), TransformError> {
    let Some(texts) = texts.as_string_opt::<i32>() else { return Ok(()) };
    let text = |row: usize| texts.is_valid(row).then(|| texts.value(row).as_bytes());
    let mut bytes = Vec::new();
    for row in 0..texts.len() {
        let Some(count) = count(row) else { continue };
        match beside {
            None => {
                if let Some(text) = text(row) {
                    counts.add(text, count)?;
                }
            }
            Some((Beside::Labels, labels)) => {
                let Some(labels) = labels.as_primitive_opt::<Int64Type>() else { continue };
                if labels.is_null(row) {
                    continue;
                }
                let label = labels.value(row).cast_unsigned().to_le_bytes();
                pair(None, &label, &mut bytes);
                counts.add(&bytes, count)?;
                if let Some(text) = text(row) {
                    pair(Some(text), &label, &mut bytes);
                    counts.add(&bytes, count)?;
                }
            }
            Some((_, keys)) => {
                let Some(keys) = keys.as_string_opt::<i32>() else { continue };
                let Some(text) = text(row) else { continue };
                // A byte tells a missing key from an empty one.
                let mut key = Vec::new();
                if keys.is_valid(row) {
                    key.push(0);
                    key.extend_from_slice(keys.value(row).as_bytes());
                }
                pair(Some(text), &key, &mut bytes);
                counts.add(&bytes, count)?;
            }
        }
    }
    Ok(())
}
