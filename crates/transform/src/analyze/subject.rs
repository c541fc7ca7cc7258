//! What is learned of some columns together, and its mergeable state.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::Int64Type;
use graph::ValueType;
use serde::{Deserialize, Serialize};
use sketch::bytes::{Reader, Stored};
use sketch::{Count, Weight};

use super::align::{align, items};
use super::counts::{Counts, pair};
use super::covariance::CovarianceState;
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
    /// How the floats of vectors of some length go together.
    Covariance { length: u32 },
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
            Analysis::Covariance { .. } => found == [ValueType::Float],
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
            Analysis::Covariance { length } => {
                State::Covariance(CovarianceState::new(length as usize))
            }
            Analysis::WeightedNumbers => State::WeightedNumbers(NumbersState::weighted()),
            Analysis::Texts { is_weighted: true, .. } => {
                State::WeightedCounts(Counts::new(max_count_bytes))
            }
            Analysis::Texts { .. } | Analysis::KeyedNumbers => {
                State::Counts(Counts::new(max_count_bytes))
            }
        }
    }

    /// Takes some rows of all columns into a state. Every value of a list counts.
    pub(crate) fn update(&self, state: &mut State, all: &[ArrayRef]) -> Result<(), TransformError> {
        let found: Vec<&ArrayRef> = self.columns.iter().map(|&place| &all[place]).collect();
        if let State::Covariance(covariance) = state {
            return covariance.update(found[0]);
        }
        let columns = align(&found)?;
        match (self.analysis, state) {
            (Analysis::Numbers, State::Numbers(numbers)) => numbers.update(&columns[0]),
            (Analysis::WeightedNumbers, State::WeightedNumbers(numbers)) => {
                numbers.update_weighted(&columns[0], &columns[1]);
            }
            (Analysis::KeyedNumbers, State::Counts(counts)) => {
                return keyed::update(counts, &columns[0], &columns[1]);
            }
            (Analysis::Texts { beside, .. }, State::Counts(counts)) => {
                if beside == Beside::Labels {
                    count_labels(counts, found[1], |_| Some(1))?;
                }
                return count_texts(counts, beside, &columns, |_| Some(1));
            }
            (Analysis::Texts { beside, .. }, State::WeightedCounts(counts)) => {
                let last = self.columns.len() - 1;
                if beside == Beside::Labels {
                    // Where weights are lists, each of the values is a row of its own.
                    let is_list = found[last].len() != columns[last].len();
                    let (labels, weights) = match is_list {
                        true => (&columns[1], &columns[last]),
                        false => (found[1], found[last]),
                    };
                    count_labels(counts, labels, |row| weight_of(weights, row))?;
                }
                let weights = &columns[last];
                return count_texts(counts, beside, &columns, |row| weight_of(weights, row));
            }
            _ => return Err(TransformError::DifferentPass),
        }
        Ok(())
    }

    /// Takes the bytes of a state.
    pub(crate) fn read(&self, input: &mut Reader<'_>) -> Result<State, TransformError> {
        Ok(match self.analysis {
            Analysis::Numbers => State::Numbers(NumbersState::read(input)?),
            Analysis::Covariance { length } => {
                State::Covariance(CovarianceState::read(length as usize, input)?)
            }
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
    Covariance(CovarianceState),
}

impl State {
    pub(crate) fn merge(&mut self, other: &Self) -> Result<(), TransformError> {
        match (self, other) {
            (Self::Numbers(one), Self::Numbers(other)) => one.merge(other),
            (Self::WeightedNumbers(one), Self::WeightedNumbers(other)) => one.merge(other),
            (Self::Counts(one), Self::Counts(other)) => return one.merge(other),
            (Self::Covariance(one), Self::Covariance(other)) => return one.merge(other),
            (Self::WeightedCounts(one), Self::WeightedCounts(other)) => return one.merge(other),
            _ => return Err(TransformError::DifferentPass),
        }
        Ok(())
    }

    /// Returns whether a part of it is in a temporary file.
    pub(crate) fn is_spilled(&self) -> bool {
        match self {
            Self::Numbers(_) | Self::WeightedNumbers(_) | Self::Covariance(_) => false,
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
            Self::Covariance(covariance) => Found::Covariance(covariance.finish().into()),
        })
    }

    pub(crate) fn write(&self, out: &mut Vec<u8>) -> Result<(), TransformError> {
        match self {
            Self::Numbers(numbers) => numbers.write(out),
            Self::WeightedNumbers(numbers) => numbers.write(out),
            Self::Counts(counts) => return counts.write(out),
            Self::Covariance(covariance) => covariance.write(out),
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
    /// Row by row.
    Covariance(Arc<[f64]>),
}

/// Takes in a column of labels, for how often each occurs in all rows.
fn count_labels<C: Count>(
    counts: &mut Counts<C>,
    labels: &ArrayRef,
    count: impl Fn(usize) -> Option<C>,
) -> Result<(), TransformError> {
    let labels = items(labels);
    let Some(labels) = labels.as_primitive_opt::<Int64Type>() else { return Ok(()) };
    let mut bytes = Vec::new();
    for (row, label) in labels.iter().enumerate() {
        if let (Some(label), Some(count)) = (label, count(row)) {
            pair(None, &label.cast_unsigned().to_le_bytes(), &mut bytes);
            counts.add(&bytes, count)?;
        }
    }
    Ok(())
}

/// Takes in a column of texts, with what is beside it in the next one, where there is a count for the row.
fn count_texts<C: Count>(
    counts: &mut Counts<C>,
    beside: Beside,
    columns: &[ArrayRef],
    count: impl Fn(usize) -> Option<C>,
) -> Result<(), TransformError> {
    let Some(texts) = columns[0].as_string_opt::<i32>() else { return Ok(()) };
    let labels = columns.get(1).and_then(|column| column.as_primitive_opt::<Int64Type>());
    let keys = columns.get(1).and_then(|column| column.as_string_opt::<i32>());
    let mut bytes = Vec::new();
    let mut key = Vec::new();
    for (row, text) in texts.iter().enumerate() {
        let (Some(text), Some(count)) = (text, count(row)) else { continue };
        match (beside, labels, keys) {
            (Beside::Nothing, ..) => counts.add(text.as_bytes(), count)?,
            (Beside::Labels, Some(labels), _) if labels.is_valid(row) => {
                let label = labels.value(row).cast_unsigned().to_le_bytes();
                pair(Some(text.as_bytes()), &label, &mut bytes);
                counts.add(&bytes, count)?;
            }
            (Beside::Keys, _, Some(keys)) => {
                // A byte tells a missing key from an empty one.
                key.clear();
                if keys.is_valid(row) {
                    key.push(0);
                    key.extend_from_slice(keys.value(row).as_bytes());
                }
                pair(Some(text.as_bytes()), &key, &mut bytes);
                counts.add(&bytes, count)?;
            }
            _ => {}
        }
    }
    Ok(())
}
