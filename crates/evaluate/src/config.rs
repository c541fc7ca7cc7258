//! What a user can say about an evaluation.

mod slices;

use std::collections::BTreeMap;
use std::num::NonZeroU64;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Task;
use crate::metrics::{MetricSpec, requested};

pub use slices::{SliceSpec, SliceValues, Wanted};

/// What is measured, on which slices, and what is good enough.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The features, or crosses of features, whose values make slices; `[]` is all examples together, and
    /// `{ features = ["hour"], values = { company = "Flash Cab" } }` those of one company.
    pub slices: Vec<SliceSpec>,
    /// Slices whose metrics are compared with those of another slice.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub cross_slices: Vec<CrossSlices>,
    /// The metrics to compute. Without it: the usual ones of the model's task. Those that thresholds name are
    /// always computed. Behind a name, `@0.3` is a threshold or `@10` a number of ranks, and in brackets are
    /// classes: `precision@0.3`, `recall[2]`, `f1_score[macro]`, `precision[micro,top=3]`;
    /// `fairness_indicators` are ten rates at nine thresholds. docs/evaluation.md lists all.
    #[serde(skip_serializing_if = "Option::is_none")]
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
    /// A prediction counts as positive when it is greater than this, unless the metric says otherwise.
    #[schemars(range(min = 0, max = 1))]
    pub classification_threshold: f64,
    /// How much each class counts in `[macro]` and `[weighted]`, by its id; those that are not named do not
    /// count. Without it, all count the same.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub class_weights: BTreeMap<String, f64>,
    /// For rankings: the feature that says which query a document is an answer to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub query_key: Option<String>,
    /// How far metrics may be off by the choice of examples. Without it, this is not estimated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub confidence_intervals: Option<ConfidenceIntervals>,
    /// The thresholds of tables that say which class, or label, is taken for which, for up to 100 of them. Without it,
    /// classes are told by the likeliest, and up to 20 labels at `classification_threshold`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub confusion_thresholds: Vec<f64>,
    /// Examples to look at: values of a feature, such as an id, of examples that are drawn from each slice.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub samples: Vec<SampleConfig>,
}

/// Examples that are drawn from each slice, each the likelier the more it counts and at most once.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SampleConfig {
    /// The feature whose values are shown. Examples without a value are not drawn.
    pub feature: String,
    /// Which examples: `"all"`, or `"false_positives"`, `"false_negatives"`, `"true_positives"` or `"true_negatives"`
    /// of the candidate.
    #[serde(default)]
    pub of: SampleOf,
    /// How many, at most.
    #[serde(default = "ten")]
    #[schemars(range(min = 1, max = 1000))]
    pub size: u32,
    /// A prediction counts as positive when it is greater than this; `classification_threshold` without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 1))]
    pub threshold: Option<f64>,
    /// Of several classes or labels: the one that is meant. Without it, any of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class: Option<u32>,
    /// Another number draws other examples.
    #[serde(default)]
    pub seed: u64,
}

fn ten() -> u32 {
    10
}

/// Which examples are drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "each is what it is called")]
pub enum SampleOf {
    #[default]
    All,
    TruePositives,
    FalsePositives,
    TrueNegatives,
    FalseNegatives,
}

/// Slices that are compared with another one: metric of the slice minus metric of the other.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CrossSlices {
    /// The slice to compare with, by the values of its features; `{}` is all examples together.
    pub baseline: BTreeMap<String, Wanted>,
    /// The slices that are compared with it.
    pub slices: Vec<SliceSpec>,
}

/// How confidence intervals are estimated.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ConfidenceIntervals {
    /// `"jackknife"` leaves out one part of the examples after the other; `"poisson_bootstrap"` draws
    /// examples again. The first is cheaper.
    pub method: ConfidenceMethod,
    /// How many parts, or how often is drawn.
    #[schemars(range(min = 2, max = 1000))]
    pub num_replicates: u32,
    /// How often the interval should hold the true value.
    #[schemars(range(min = 0, max = 1))]
    pub level: f64,
    /// Another number draws other examples.
    pub seed: u64,
}

/// A way to estimate confidence intervals.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ConfidenceMethod {
    /// Every example is in one of some parts, and each part is left out once.
    Jackknife,
    /// Every replicate has each example as often as a Poisson distribution of mean 1 says.
    PoissonBootstrap,
}

impl Default for ConfidenceIntervals {
    fn default() -> Self {
        Self { method: ConfidenceMethod::Jackknife, num_replicates: 20, level: 0.95, seed: 0 }
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            slices: vec![SliceSpec::Features(Vec::new())],
            cross_slices: Vec::new(),
            metrics: None,
            thresholds: Vec::new(),
            min_slice_size: NonZeroU64::MIN,
            example_weight: None,
            classification_threshold: 0.5,
            class_weights: BTreeMap::new(),
            query_key: None,
            confidence_intervals: None,
            confusion_thresholds: Vec::new(),
            samples: Vec::new(),
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
    /// The metric, as in `metrics`.
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
    /// The slice to compare with, by the values of its features; `{}` is all examples together. The bounds are
    /// then of the difference: metric of the slice minus metric of this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub against: Option<BTreeMap<String, Wanted>>,
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
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum ThresholdSlices {
    /// By name.
    Named(NamedSlices),
    /// On every slice of each of these crosses of features; `[]` is all examples together.
    Features(Vec<SliceSpec>),
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
            against: None,
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

/// The slices of one cross of features, as the configuration asks for them.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Cross {
    /// Sorted, each once.
    pub(crate) features: Vec<String>,
    /// The values of which a slice must have one set; nothing where every slice is asked for.
    pub(crate) wanted: Option<Vec<BTreeMap<String, Wanted>>>,
}

impl Config {
    /// Returns everything that names slices, with its key in the configuration.
    pub(crate) fn slice_specs(&self) -> Vec<(String, SliceSpec)> {
        let one = |values: &BTreeMap<String, Wanted>| {
            SliceSpec::Values(SliceValues { features: Vec::new(), values: values.clone() })
        };
        let mut specs = Vec::new();
        let mut list = |key: &str, list: &[SliceSpec]| {
            let places = list.iter().enumerate();
            specs.extend(places.map(|(place, spec)| (format!("{key}.{place}"), spec.clone())));
        };
        list("slices", &self.slices);
        for (place, cross) in self.cross_slices.iter().enumerate() {
            list(&format!("cross_slices.{place}.slices"), &cross.slices);
        }
        for (place, threshold) in self.thresholds.iter().enumerate() {
            if let ThresholdSlices::Features(slices) = &threshold.slices {
                list(&format!("thresholds.{place}.slices"), slices);
            }
        }
        for (place, cross) in self.cross_slices.iter().enumerate() {
            specs.push((format!("cross_slices.{place}.baseline"), one(&cross.baseline)));
        }
        for (place, threshold) in self.thresholds.iter().enumerate() {
            if let Some(values) = &threshold.against {
                specs.push((format!("thresholds.{place}.against"), one(values)));
            }
        }
        specs
    }

    /// Returns every cross of features to slice by: the overall one, and all that something names; each once.
    pub(crate) fn crosses(&self) -> Vec<Cross> {
        let mut crosses = BTreeMap::from([(Vec::new(), None)]);
        for (_, spec) in self.slice_specs() {
            let values = spec.values().cloned();
            let wanted = crosses.entry(spec.features()).or_insert_with(|| Some(Vec::new()));
            match (wanted.as_mut(), values) {
                (_, None) => *wanted = None,
                (Some(wanted), Some(values)) if !wanted.contains(&values) => wanted.push(values),
                _ => {}
            }
        }
        crosses.into_iter().map(|(features, wanted)| Cross { features, wanted }).collect()
    }

    /// Returns whether something is drawn by the places of examples in the data, see [`Numbered`](crate::Numbered).
    pub fn needs_positions(&self) -> bool {
        self.confidence_intervals.is_some() || !self.samples.is_empty()
    }

    /// Returns the metrics to compute, sorted by name, each once. Names that are none are left out.
    pub(crate) fn metrics_for(&self, task: Task) -> Vec<MetricSpec> {
        requested(self, task).into_iter().filter_map(Result::ok).collect()
    }
}
