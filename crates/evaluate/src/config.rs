//! What a user can say about an evaluation.

use std::num::NonZeroU64;

use model::Task;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use crate::metrics::{default_metrics, metric_names};

/// What is measured, on which slices, and what is good enough.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The features, or crosses of features, whose values make slices; `[]` is all examples together.
    pub slices: Vec<Vec<String>>,
    /// The metrics to compute. Without it: the usual ones of the model's task. Those that thresholds name are
    /// always computed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "metric_names_schema")]
    pub metrics: Option<Vec<String>>,
    /// What a model must reach to be blessed; all must hold. Without any, no model is blessed.
    pub thresholds: Vec<Threshold>,
    /// Slices with fewer examples are left out, and thresholds do not look at them. The slice of all
    /// examples is always there.
    pub min_slice_size: NonZeroU64,
    /// The feature that says how much an example counts, from 0 to 4294967296; every example must have it.
    /// Without it, all count the same.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub example_weight: Option<String>,
    /// A prediction counts as positive when it is greater than this.
    #[schemars(range(min = 0, max = 1))]
    pub classification_threshold: f64,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            slices: vec![vec![]],
            metrics: None,
            thresholds: Vec::new(),
            min_slice_size: NonZeroU64::MIN,
            example_weight: None,
            classification_threshold: 0.5,
        }
    }
}

/// What one metric must reach. Bounds are inclusive; a bound that is not given does not bind.
///
/// Changes compare with the baseline, the latest blessed model: candidate minus baseline, and for relative
/// ones that difference divided by the baseline. While there is no baseline, they do not bind.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Threshold {
    /// The metric.
    #[schemars(schema_with = "metric_name_schema")]
    pub metric: String,
    /// The least value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lower_bound: Option<f64>,
    /// The greatest value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upper_bound: Option<f64>,
    /// The least change against the baseline; -0.01 lets the metric fall by 0.01.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_change: Option<f64>,
    /// The greatest change against the baseline, for metrics where lower is better.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_change: Option<f64>,
    /// The least change as a share of the baseline; -0.01 lets the metric fall by one percent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_relative_change: Option<f64>,
    /// The greatest change as a share of the baseline.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_relative_change: Option<f64>,
    /// Where the threshold holds: `"overall"`, `"all"` slices, or a list such as `[["trip_start_hour"]]`.
    ///
    /// The reference applies a threshold to every slice unless told otherwise, so that a slice of three
    /// examples can hold back a model; ours hold overall unless told otherwise.
    #[serde(default)]
    pub slices: ThresholdSlices,
}

/// One bound of a threshold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is described at the threshold's field of the same name")]
pub enum Bound {
    LowerBound,
    UpperBound,
    MinChange,
    MaxChange,
    MinRelativeChange,
    MaxRelativeChange,
}

/// Where a threshold holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum ThresholdSlices {
    /// By name.
    Named(NamedSlices),
    /// On every slice of each of these crosses of features; `[]` is all examples together.
    Features(Vec<Vec<String>>),
}

/// Slices that have a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum NamedSlices {
    /// All examples together.
    Overall,
    /// Every slice that is computed.
    All,
}

impl Default for ThresholdSlices {
    fn default() -> Self {
        Self::Named(NamedSlices::Overall)
    }
}

impl Threshold {
    /// Returns a threshold that asks for nothing yet, overall.
    pub fn new(metric: &str) -> Self {
        Self {
            metric: metric.to_owned(),
            lower_bound: None,
            upper_bound: None,
            min_change: None,
            max_change: None,
            min_relative_change: None,
            max_relative_change: None,
            slices: ThresholdSlices::default(),
        }
    }

    /// Returns one of the bounds, if it is given.
    pub fn bound(&self, bound: Bound) -> Option<f64> {
        match bound {
            Bound::LowerBound => self.lower_bound,
            Bound::UpperBound => self.upper_bound,
            Bound::MinChange => self.min_change,
            Bound::MaxChange => self.max_change,
            Bound::MinRelativeChange => self.min_relative_change,
            Bound::MaxRelativeChange => self.max_relative_change,
        }
    }
}

impl Bound {
    /// Every bound, in the order of a threshold's keys.
    pub const ALL: [Self; 6] = [
        Self::LowerBound,
        Self::UpperBound,
        Self::MinChange,
        Self::MaxChange,
        Self::MinRelativeChange,
        Self::MaxRelativeChange,
    ];

    /// Returns the bound's key in a threshold.
    pub fn key(self) -> &'static str {
        match self {
            Self::LowerBound => "lower_bound",
            Self::UpperBound => "upper_bound",
            Self::MinChange => "min_change",
            Self::MaxChange => "max_change",
            Self::MinRelativeChange => "min_relative_change",
            Self::MaxRelativeChange => "max_relative_change",
        }
    }

    /// Returns whether values must not be less, rather than not greater.
    pub fn is_lower(self) -> bool {
        matches!(self, Self::LowerBound | Self::MinChange | Self::MinRelativeChange)
    }

    /// Returns whether the bound compares with a baseline.
    pub fn is_change(self) -> bool {
        !matches!(self, Self::LowerBound | Self::UpperBound)
    }
}

impl Config {
    /// Returns every cross of features to slice by: the overall one, those of `slices` and those that
    /// thresholds name; each once, the features of a cross sorted.
    pub(crate) fn crosses(&self) -> Vec<Vec<String>> {
        let mut crosses: Vec<Vec<String>> = self.slices.clone();
        crosses.push(Vec::new());
        for threshold in &self.thresholds {
            match &threshold.slices {
                ThresholdSlices::Named(NamedSlices::Overall | NamedSlices::All) => {}
                ThresholdSlices::Features(features) => crosses.extend(features.iter().cloned()),
            }
        }
        crosses.iter_mut().for_each(normalize);
        crosses.sort_unstable();
        crosses.dedup();
        crosses
    }

    /// Returns the names of the metrics to compute, sorted.
    pub(crate) fn metrics_for(&self, task: Task) -> Vec<String> {
        let mut names: Vec<String> = match &self.metrics {
            Some(names) => names.clone(),
            None => default_metrics(task).map(str::to_owned).collect(),
        };
        names.extend(self.thresholds.iter().map(|threshold| threshold.metric.clone()));
        names.sort_unstable();
        names.dedup();
        names
    }
}

/// Puts the features of a cross in order, each once.
pub(crate) fn normalize(cross: &mut Vec<String>) {
    cross.sort_unstable();
    cross.dedup();
}

fn metric_name_schema(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "string", "enum": metric_names().collect::<Vec<_>>() })
}

fn metric_names_schema(generator: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": ["array", "null"], "items": metric_name_schema(generator) })
}
