//! The metrics: names, definitions, and the tasks that they are for.
//!
//! A new metric is one line in [`METRICS`]; if it needs a sum that is not yet there, a field of
//! [`ModelTotals`] and of the state behind it.

mod confusion;
mod curve;

use base::nearest;
use model::Task;

pub(crate) use confusion::Confusion;
pub(crate) use curve::{Curve, NUM_BUCKETS, Point};

/// What the metrics of one model on one slice are computed from.
#[derive(Clone, Debug)]
pub(crate) struct ModelTotals {
    pub(crate) num_examples: u64,
    /// Sum of weights; all sums below are weighted.
    pub(crate) weight: f64,
    pub(crate) label: f64,
    pub(crate) prediction: f64,
    /// Sum of predictions of examples whose label is 1.
    pub(crate) positive_prediction: f64,
    pub(crate) squared_error: f64,
    pub(crate) absolute_error: f64,
    pub(crate) log_loss: f64,
    /// At the classification threshold.
    pub(crate) confusion: Confusion,
    pub(crate) curve: Curve,
}

/// One metric.
pub(crate) struct Metric {
    pub(crate) name: &'static str,
    binary: For,
    regression: For,
    /// The number itself; not a number where a denominator is zero.
    pub(crate) compute: fn(&ModelTotals) -> f64,
}

/// Whether a metric is for a task.
#[derive(Clone, Copy, PartialEq, Eq)]
enum For {
    Default,
    OnRequest,
    Never,
}

use For::{Default as Usual, Never, OnRequest};

const fn metric(
    name: &'static str,
    binary: For,
    regression: For,
    compute: fn(&ModelTotals) -> f64,
) -> Metric {
    Metric { name, binary, regression, compute }
}

/// Every metric, in the order in which people read them.
pub(crate) static METRICS: &[Metric] = &[
    metric("example_count", Usual, Usual, |t| t.num_examples as f64),
    metric("weighted_example_count", Usual, Usual, |t| t.weight),
    metric("auc", Usual, Never, |t| t.curve.auc()),
    metric("auc_precision_recall", Usual, Never, |t| t.curve.auc_precision_recall()),
    metric("accuracy", Usual, Never, |t| t.confusion.accuracy()),
    metric("precision", Usual, Never, |t| t.confusion.precision()),
    metric("recall", Usual, Never, |t| t.confusion.recall()),
    metric("f1_score", OnRequest, Never, |t| t.confusion.f1_score()),
    metric("log_loss", Usual, Never, |t| ratio(t.log_loss, t.weight)),
    metric("mean_squared_error", OnRequest, Usual, |t| ratio(t.squared_error, t.weight)),
    metric("root_mean_squared_error", OnRequest, Usual, |t| {
        ratio(t.squared_error, t.weight).sqrt()
    }),
    metric("mean_absolute_error", OnRequest, Usual, |t| ratio(t.absolute_error, t.weight)),
    metric("calibration", Usual, Usual, |t| ratio(t.prediction, t.label)),
    metric("mean_label", Usual, Usual, |t| ratio(t.label, t.weight)),
    metric("mean_prediction", Usual, Usual, |t| ratio(t.prediction, t.weight)),
    metric("coefficient_of_discrimination", OnRequest, Never, |t| {
        let negative_prediction = t.prediction - t.positive_prediction;
        ratio(t.positive_prediction, t.label) - ratio(negative_prediction, t.weight - t.label)
    }),
    metric("true_positives", OnRequest, Never, |t| t.confusion.true_positives),
    metric("true_negatives", OnRequest, Never, |t| t.confusion.true_negatives),
    metric("false_positives", OnRequest, Never, |t| t.confusion.false_positives),
    metric("false_negatives", OnRequest, Never, |t| t.confusion.false_negatives),
    metric("specificity", OnRequest, Never, |t| t.confusion.specificity()),
    metric("false_positive_rate", OnRequest, Never, |t| t.confusion.false_positive_rate()),
    metric("false_negative_rate", OnRequest, Never, |t| t.confusion.false_negative_rate()),
    metric("negative_predictive_value", OnRequest, Never, |t| {
        t.confusion.negative_predictive_value()
    }),
    metric("false_discovery_rate", OnRequest, Never, |t| t.confusion.false_discovery_rate()),
    metric("false_omission_rate", OnRequest, Never, |t| t.confusion.false_omission_rate()),
    metric("prevalence", OnRequest, Never, |t| t.confusion.prevalence()),
    metric("predicted_positive_rate", OnRequest, Never, |t| t.confusion.predicted_positive_rate()),
    metric("threat_score", OnRequest, Never, |t| t.confusion.threat_score()),
    metric("balanced_accuracy", OnRequest, Never, |t| t.confusion.balanced_accuracy()),
    metric("matthews_correlation_coefficient", OnRequest, Never, |t| {
        t.confusion.matthews_correlation_coefficient()
    }),
    metric("fowlkes_mallows_index", OnRequest, Never, |t| t.confusion.fowlkes_mallows_index()),
    metric("informedness", OnRequest, Never, |t| t.confusion.informedness()),
    metric("markedness", OnRequest, Never, |t| t.confusion.markedness()),
    metric("positive_likelihood_ratio", OnRequest, Never, |t| {
        t.confusion.positive_likelihood_ratio()
    }),
    metric("negative_likelihood_ratio", OnRequest, Never, |t| {
        t.confusion.negative_likelihood_ratio()
    }),
    metric("diagnostic_odds_ratio", OnRequest, Never, |t| t.confusion.diagnostic_odds_ratio()),
];

/// What else people call a metric.
const OTHER_NAMES: &[(&str, &str)] = &[
    ("binary_accuracy", "accuracy"),
    ("binary_crossentropy", "log_loss"),
    ("binary_cross_entropy", "log_loss"),
    ("cross_entropy", "log_loss"),
    ("loss", "log_loss"),
    ("roc_auc", "auc"),
    ("auc_pr", "auc_precision_recall"),
    ("pr_auc", "auc_precision_recall"),
    ("average_precision", "auc_precision_recall"),
    ("f1", "f1_score"),
    ("mse", "mean_squared_error"),
    ("brier_score", "mean_squared_error"),
    ("rmse", "root_mean_squared_error"),
    ("mae", "mean_absolute_error"),
    ("mcc", "matthews_correlation_coefficient"),
    ("sensitivity", "recall"),
    ("true_positive_rate", "recall"),
    ("true_negative_rate", "specificity"),
    ("positive_predictive_value", "precision"),
];

impl Metric {
    pub(crate) fn is_for(&self, task: Task) -> bool {
        self.use_for(task) != Never
    }

    fn use_for(&self, task: Task) -> For {
        match task {
            Task::BinaryClassification => self.binary,
            Task::Regression => self.regression,
            Task::MultiClassClassification { .. }
            | Task::MultiLabelClassification { .. }
            | Task::Ranking => Never,
        }
    }

    /// Returns whether the metric is about the examples alone, whatever the model predicts.
    pub(crate) fn ignores_predictions(&self) -> bool {
        matches!(self.name, "example_count" | "weighted_example_count" | "mean_label")
    }
}

/// Returns whether a metric needs to know how the predictions are spread.
pub(crate) fn needs_curve(name: &str) -> bool {
    matches!(name, "auc" | "auc_precision_recall")
}

/// Returns the names of all metrics, in the order in which people read them.
pub fn metric_names() -> impl Iterator<Item = &'static str> + Clone {
    METRICS.iter().map(|metric| metric.name)
}

/// Returns the names of the metrics that are computed for a task without asking.
pub fn default_metrics(task: Task) -> impl Iterator<Item = &'static str> {
    METRICS.iter().filter(move |metric| metric.use_for(task) == Usual).map(|metric| metric.name)
}

/// Returns whether there are metrics for a task.
pub(crate) fn has_metrics(task: Task) -> bool {
    METRICS.iter().any(|metric| metric.is_for(task))
}

pub(crate) fn find(name: &str) -> Option<&'static Metric> {
    METRICS.iter().find(|metric| metric.name == name)
}

/// Returns which metric a name that is none probably means.
pub(crate) fn suggestion(name: &str) -> Option<String> {
    let lower = name.to_lowercase();
    let other = OTHER_NAMES.iter().find(|(other, _)| *other == lower).map(|(_, name)| *name);
    let swapped = || metric_names().find(|found| letters(found) == letters(&lower));
    let meant = other.or_else(swapped).or_else(|| nearest(name, metric_names()));
    meant.map(|name| format!("did you mean `{name}`?"))
}

/// Returns the letters of a name, sorted: short names are mostly misspelt by swapping two.
fn letters(name: &str) -> Vec<char> {
    let mut letters: Vec<char> = name.chars().collect();
    letters.sort_unstable();
    letters
}

/// Returns a quotient, or NaN where the denominator is zero.
pub(crate) fn ratio(numerator: f64, denominator: f64) -> f64 {
    if denominator == 0.0 { f64::NAN } else { numerator / denominator }
}
