//! What an evaluation found.

use std::collections::BTreeMap;
use std::path::Path;

use crate::config::ConfidenceIntervals;
use crate::intervals::Interval;
use crate::plots::Plots;
use crate::samples::DrawnSample;
use crate::{EvaluateError, SliceValue, Task, serialize};

/// What was measured, slice by slice.
#[derive(Clone, Debug, PartialEq)]
pub struct Evaluation {
    /// What the model predicts.
    pub task: Task,
    /// Examples that were left out because they have no label.
    pub num_missing_labels: u64,
    /// Whether a baseline was evaluated beside the candidate.
    pub has_baseline: bool,
    /// Slices that were left out because they have fewer examples than asked for.
    pub num_small_slices: u64,
    /// The crosses of features that were left out because they have more slices than
    /// [`MAX_SLICES`](crate::MAX_SLICES), than fit [`MAX_BUCKETS`](crate::MAX_BUCKETS), or of which more than a
    /// million values would be drawn as samples.
    pub crowded: Vec<Vec<String>>,
    /// The slices: first all examples together, then by the features of their keys, then by their values.
    pub slices: Vec<SliceResult>,
    /// The slices that were compared with another one.
    pub comparisons: Vec<SliceComparison>,
    /// How intervals were estimated, if they were.
    pub confidence_intervals: Option<ConfidenceIntervals>,
}

/// The features and values that all examples of a slice share; none for all examples together.
pub type SliceKey = Vec<(String, SliceValue)>;

/// What was measured on one slice.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SliceResult {
    /// The slice, its features in order of their names.
    pub key: SliceKey,
    /// How many examples with a label it has.
    pub num_examples: u64,
    /// The candidate's metrics; NaN where one is not defined for these examples.
    pub metrics: BTreeMap<String, f64>,
    /// The baseline's metrics, where there is a baseline.
    pub baseline: Option<BTreeMap<String, f64>>,
    /// How far the candidate's metrics may be off; those for which that could be estimated.
    pub intervals: BTreeMap<String, Interval>,
    /// The same of the baseline's.
    pub baseline_intervals: BTreeMap<String, Interval>,
    /// The same of candidate minus baseline.
    pub change_intervals: BTreeMap<String, Interval>,
    /// What the candidate's plots are drawn from; of the slices with the most examples.
    pub plots: Option<Plots>,
    /// The same of the baseline.
    pub baseline_plots: Option<Plots>,
    /// Examples of the slice, of those kinds that were asked for.
    pub samples: Vec<DrawnSample>,
}

/// What was measured on one slice, minus what was measured on another one.
#[derive(Clone, Debug, PartialEq)]
pub struct SliceComparison {
    /// The slice.
    pub slice: SliceKey,
    /// The slice that it is compared with.
    pub baseline: SliceKey,
    /// The candidate's metrics on the first minus those on the second.
    pub metrics: BTreeMap<String, f64>,
    /// How far these differences may be off.
    pub intervals: BTreeMap<String, Interval>,
}

impl Evaluation {
    /// Returns the slice of all examples together, if it was computed.
    pub fn overall(&self) -> Option<&SliceResult> {
        self.slices.iter().find(|slice| slice.key.is_empty())
    }

    /// Returns what [`Evaluation::save`] writes, as a JSON object.
    pub fn to_json(&self) -> serde_json::Value {
        serialize::to_json(self)
    }

    /// Writes the evaluation to a file.
    ///
    /// # Errors
    ///
    /// [`EvaluateError::Io`] when the disk refuses.
    pub fn save(&self, path: &Path) -> Result<(), EvaluateError> {
        serialize::save(self, path)
    }

    /// Reads an evaluation.
    ///
    /// # Errors
    ///
    /// [`EvaluateError::Io`], [`EvaluateError::NotAnEvaluation`] or [`EvaluateError::Version`].
    pub fn load(path: &Path) -> Result<Self, EvaluateError> {
        serialize::load(path)
    }
}

impl SliceResult {
    /// Returns the slice as people read it: `overall`, or `company: Flash Cab, trip_start_hour: 7`.
    pub fn name(&self) -> String {
        slice_name(&self.key)
    }
}

/// Returns a slice as people read it: `overall`, or `company: Flash Cab, trip_start_hour: 7`.
pub fn slice_name(key: &SliceKey) -> String {
    if key.is_empty() {
        return "overall".to_owned();
    }
    let parts: Vec<_> = key.iter().map(|(feature, value)| format!("{feature}: {value}")).collect();
    parts.join(", ")
}
