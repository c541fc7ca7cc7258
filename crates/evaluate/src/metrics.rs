//! The metrics: names, definitions, and the tasks that they are for.
//!
//! A new metric is one line in [`METRICS`]; if it needs a sum that is not yet there, a [`PairTerm`] or a
//! [`Term`](crate::plan::Term) and what makes it in `rows.rs`.

mod confusion;
mod curve;
mod name;
mod ranking;
mod sums;

use base::nearest;

use crate::Task;
use crate::task::{BINARY, LANGUAGE, MULTI_CLASS, MULTI_LABEL, RANKING, REGRESSION, Tasks};

pub(crate) use confusion::Confusion;
use curve::Heights;
pub(crate) use curve::{Curve, NUM_BUCKETS, Point, bin};
pub(crate) use name::{Average, MetricSpec, parse, requested};
pub(crate) use ranking::{Document, Ranked, ranked};
pub(crate) use sums::{Example, NUM_PAIR_TERMS, PairSums, PairTerm, Pairing};

use Compute::{
    Comparison, Examples, OfConfusion, OfCurve, OfExamples, OfFeature, OfLabels, OfPairs, OfQueries,
};
use PairTerm as P;

/// One metric.
pub(crate) struct Metric {
    pub(crate) name: &'static str,
    /// The tasks for which it is computed without asking.
    pub(crate) usual: Tasks,
    /// The tasks for which it is defined.
    pub(crate) tasks: Tasks,
    pub(crate) at: At,
    pub(crate) compute: Compute,
    /// What it is, in one line.
    pub(crate) help: &'static str,
}

/// What the number behind `@` is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum At {
    /// There is none.
    Nothing,
    /// The threshold above which predictions count as positive.
    Threshold,
    /// A ratio from 0 to 1, which must be given.
    Ratio,
    /// How many of the highest ranks are looked at; all of them without it.
    Rank,
    /// The same, but it must be given.
    SomeRank,
    /// At how many thresholds a curve is looked at; 10,000 without it.
    NumThresholds,
}

/// How a metric comes from what was counted. A denominator of zero gives NaN.
pub(crate) enum Compute {
    /// From the examples alone, whatever a model predicts.
    Examples(fn(&Example<'_>) -> f64),
    /// From sums over labels alone.
    OfLabels(fn(&PairSums) -> f64),
    /// The mean of a feature, whatever a model predicts.
    OfFeature,
    /// From sums over examples.
    OfExamples(fn(&Example<'_>) -> f64),
    /// From sums over pairs of label and prediction.
    OfPairs(&'static [PairTerm], fn(&PairSums) -> f64),
    /// From what is right and wrong at a threshold.
    OfConfusion(fn(Confusion) -> f64),
    /// From what is right and wrong at all thresholds.
    OfCurve(fn(&Curve, f64) -> f64),
    /// A mean over queries.
    OfQueries(Ranked),
    /// From the predictions of candidate and baseline.
    Comparison(Pairing),
}

const fn metric(
    name: &'static str,
    usual: Tasks,
    tasks: Tasks,
    at: At,
    compute: Compute,
    help: &'static str,
) -> Metric {
    Metric { name, usual, tasks, at, compute, help }
}

/// Tasks whose labels are 0 and 1 in the end.
const CLASSES: Tasks = BINARY | MULTI_CLASS | MULTI_LABEL;
const ANY: Tasks = CLASSES | REGRESSION | RANKING | LANGUAGE;
const NUMBERS: Tasks = CLASSES | REGRESSION;
const NO: Tasks = 0;

/// A metric of the confusion matrix that is computed when it is asked for.
const fn counted(name: &'static str, compute: fn(Confusion) -> f64, help: &'static str) -> Metric {
    metric(name, NO, CLASSES, At::Threshold, OfConfusion(compute), help)
}

/// A metric of the curve at a ratio.
const fn at_ratio(
    name: &'static str,
    compute: fn(&Curve, f64) -> f64,
    help: &'static str,
) -> Metric {
    metric(name, NO, CLASSES, At::Ratio, OfCurve(compute), help)
}

/// Every metric, in the order in which people read them.
#[rustfmt::skip]
pub(crate) static METRICS: &[Metric] = &[
    metric("example_count", ANY, ANY, At::Nothing, Examples(|e| e.count()), "examples with a label; queries are not counted here"),
    metric("weighted_example_count", ANY, ANY, At::Nothing, Examples(|e| e.weight()), "sum of the weights of examples"),
    metric("auc", BINARY, CLASSES, At::NumThresholds, OfCurve(|c, n| c.auc(n, Heights::Interpolation)), "area under recall over false positive rate"),
    metric("auc_precision_recall", BINARY, CLASSES, At::NumThresholds, OfCurve(Curve::auc_precision_recall), "area under precision over recall (Davis and Goadrich)"),
    metric("auc_minoring", NO, CLASSES, At::NumThresholds, OfCurve(|c, n| c.auc(n, Heights::Minoring)), "`auc`, with the lower recall of two thresholds between them"),
    metric("auc_majoring", NO, CLASSES, At::NumThresholds, OfCurve(|c, n| c.auc(n, Heights::Majoring)), "`auc`, with the higher one"),
    metric("auc_precision_recall_minoring", NO, CLASSES, At::NumThresholds, OfCurve(|c, n| c.auc_precision_recall_of(n, Heights::Minoring)), "`auc_precision_recall`, with the lower precision of two thresholds between them"),
    metric("auc_precision_recall_majoring", NO, CLASSES, At::NumThresholds, OfCurve(|c, n| c.auc_precision_recall_of(n, Heights::Majoring)), "`auc_precision_recall`, with the higher one"),
    metric("average_precision", NO, CLASSES, At::Nothing, OfCurve(|c, _| c.average_precision()), "precision, weighted by the recall that each threshold gains"),
    metric("accuracy", BINARY | MULTI_CLASS, CLASSES, At::Threshold, OfConfusion(Confusion::accuracy), "share that is predicted right; for several classes, by the likeliest"),
    metric("precision", BINARY, CLASSES, At::Threshold, OfConfusion(Confusion::precision), "tp / (tp + fp)"),
    metric("recall", BINARY, CLASSES, At::Threshold, OfConfusion(Confusion::recall), "tp / (tp + fn)"),
    counted("f1_score", Confusion::f1_score, "2 tp / (2 tp + fp + fn)"),
    metric("log_loss", CLASSES, CLASSES, At::Nothing, OfPairs(&[P::LogLoss], |t| ratio(t.of(P::LogLoss), t.weight)), "cross entropy, in nats; for several classes, of the label's class"),
    metric("mean_squared_error", REGRESSION, NUMBERS, At::Nothing, OfPairs(&[P::SquaredError], |t| ratio(t.of(P::SquaredError), t.weight)), "mean of (label - prediction)², of probabilities the Brier score"),
    metric("root_mean_squared_error", REGRESSION, NUMBERS, At::Nothing, OfPairs(&[P::SquaredError], |t| ratio(t.of(P::SquaredError), t.weight).sqrt()), "its square root"),
    metric("mean_absolute_error", REGRESSION, NUMBERS, At::Nothing, OfPairs(&[P::AbsoluteError], |t| ratio(t.of(P::AbsoluteError), t.weight)), "mean of |label - prediction|"),
    metric("mean_absolute_percentage_error", NO, REGRESSION, At::Nothing, OfPairs(&[P::PercentageError], |t| 100.0 * ratio(t.of(P::PercentageError), t.weight)), "mean of 100 |label - prediction| / |label|"),
    metric("mean_squared_logarithmic_error", NO, REGRESSION, At::Nothing, OfPairs(&[P::SquaredLogError], |t| ratio(t.of(P::SquaredLogError), t.weight)), "mean of (ln(label + 1) - ln(prediction + 1))²; NaN where there are numbers below -1"),
    metric("squared_pearson_correlation", NO, NUMBERS, At::Nothing, OfPairs(&[P::Label, P::LabelSquared, P::PredictionSquared, P::LabelPrediction], PairSums::squared_pearson_correlation), "square of the correlation of labels and predictions"),
    metric("coefficient_of_determination", NO, REGRESSION, At::Nothing, OfPairs(&[P::Label, P::LabelSquared, P::SquaredError], PairSums::coefficient_of_determination), "1 - squared error / variance of the labels, R²"),
    metric("calibration", BINARY | REGRESSION, NUMBERS, At::Nothing, OfPairs(&[P::Label], |t| ratio(t.of(P::Prediction), t.of(P::Label))), "sum of predictions / sum of labels"),
    metric("expected_calibration_error", NO, CLASSES, At::Nothing, OfCurve(|c, _| c.expected_calibration_error()), "mean distance of prediction and label in ten buckets of equal width"),
    metric("mean_label", BINARY | REGRESSION, NUMBERS | RANKING, At::Nothing, OfLabels(|t| ratio(t.of(P::Label), t.weight)), "mean of the labels"),
    metric("mean_prediction", BINARY | REGRESSION, NUMBERS | RANKING, At::Nothing, OfPairs(&[], |t| ratio(t.of(P::Prediction), t.weight)), "mean of the predictions"),
    metric("mean", NO, ANY, At::Nothing, OfFeature, "mean of a feature among the examples that have it, as `mean(fare)`"),
    metric("coefficient_of_discrimination", NO, CLASSES, At::Nothing, OfPairs(&[P::Label, P::PositivePrediction], |t| { let (of_positives, of_negatives) = t.mean_predictions(); of_positives - of_negatives }), "mean prediction of positives minus that of negatives (Tjur)"),
    metric("relative_coefficient_of_discrimination", NO, CLASSES, At::Nothing, OfPairs(&[P::Label, P::PositivePrediction], |t| { let (of_positives, of_negatives) = t.mean_predictions(); ratio(of_positives, of_negatives) }), "mean prediction of positives / that of negatives"),
    counted("true_positives", |c| c.true_positives, "weight of positives that are predicted so"),
    counted("true_negatives", |c| c.true_negatives, "weight of negatives that are predicted so"),
    counted("false_positives", |c| c.false_positives, "weight of negatives that are predicted positive"),
    counted("false_negatives", |c| c.false_negatives, "weight of positives that are predicted negative"),
    counted("specificity", Confusion::specificity, "tn / (tn + fp)"),
    counted("false_positive_rate", Confusion::false_positive_rate, "fp / (fp + tn)"),
    counted("false_negative_rate", Confusion::false_negative_rate, "fn / (fn + tp)"),
    counted("negative_predictive_value", Confusion::negative_predictive_value, "tn / (tn + fn)"),
    counted("false_discovery_rate", Confusion::false_discovery_rate, "fp / (fp + tp)"),
    counted("false_omission_rate", Confusion::false_omission_rate, "fn / (fn + tn)"),
    counted("prevalence", Confusion::prevalence, "share of positives"),
    counted("prevalence_threshold", Confusion::prevalence_threshold, "(√(tpr (1 - tnr)) + tnr - 1) / (tpr + tnr - 1)"),
    counted("predicted_positive_rate", Confusion::predicted_positive_rate, "share that is predicted positive"),
    counted("predicted_negative_rate", Confusion::predicted_negative_rate, "share that is predicted negative"),
    counted("threat_score", Confusion::threat_score, "tp / (tp + fn + fp)"),
    counted("balanced_accuracy", Confusion::balanced_accuracy, "mean of recall and specificity"),
    counted("matthews_correlation_coefficient", Confusion::matthews_correlation_coefficient, "correlation of labels and what is predicted"),
    counted("fowlkes_mallows_index", Confusion::fowlkes_mallows_index, "√(precision · recall)"),
    counted("informedness", Confusion::informedness, "recall + specificity - 1"),
    counted("markedness", Confusion::markedness, "precision + negative predictive value - 1"),
    counted("positive_likelihood_ratio", Confusion::positive_likelihood_ratio, "recall / false positive rate"),
    counted("negative_likelihood_ratio", Confusion::negative_likelihood_ratio, "false negative rate / specificity"),
    counted("diagnostic_odds_ratio", Confusion::diagnostic_odds_ratio, "tp tn / (fp fn)"),
    at_ratio("precision_at_recall", Curve::precision_at_recall, "highest precision with at least this recall"),
    at_ratio("recall_at_precision", Curve::recall_at_precision, "highest recall with at least this precision"),
    at_ratio("recall_at_false_positive_rate", Curve::recall_at_false_positive_rate, "highest recall with at most this false positive rate"),
    at_ratio("sensitivity_at_specificity", Curve::sensitivity_at_specificity, "highest recall with at least this specificity"),
    at_ratio("specificity_at_sensitivity", Curve::specificity_at_sensitivity, "highest specificity with at least this recall"),
    at_ratio("threshold_at_recall", Curve::threshold_at_recall, "highest threshold with at least this recall"),
    metric("max_recall", NO, CLASSES, At::Nothing, OfCurve(|c, _| c.max_recall()), "recall below all predictions"),
    metric("top_k_accuracy", NO, MULTI_CLASS, At::SomeRank, OfExamples(|e| ratio(e.of_rank(), e.weight())), "share whose class is among the likeliest"),
    metric("exact_match", MULTI_LABEL, MULTI_LABEL | REGRESSION, At::Threshold, OfExamples(|e| ratio(e.of_threshold(), e.weight())), "share of which every label is predicted right; of numbers, to the last digit"),
    metric("ndcg", RANKING, RANKING, At::Rank, OfQueries(Ranked::Ndcg), "discounted gain of the ranking / that of the best one"),
    metric("mean_average_precision", RANKING, RANKING, At::Rank, OfQueries(Ranked::AveragePrecision), "mean of the precision at each relevant document"),
    metric("mean_reciprocal_rank", RANKING, RANKING, At::Rank, OfQueries(Ranked::ReciprocalRank), "mean of 1 / rank of the first relevant document"),
    metric("hit_rate", NO, RANKING, At::SomeRank, OfQueries(Ranked::Hit), "share of queries with a relevant document among the first"),
    metric("precision_at_rank", NO, RANKING, At::SomeRank, OfQueries(Ranked::Precision), "share of the first that is relevant"),
    metric("recall_at_rank", NO, RANKING, At::SomeRank, OfQueries(Ranked::Recall), "share of the relevant that is among the first"),
    metric("min_label_position", NO, RANKING, At::Nothing, OfQueries(Ranked::MinLabelPosition), "mean rank of the first relevant document"),
    metric("total_queries", RANKING, RANKING, At::Nothing, OfQueries(Ranked::TotalQueries), "number of queries"),
    metric("total_documents", NO, RANKING, At::Nothing, OfQueries(Ranked::TotalDocuments), "number of documents"),
    metric("min_documents", NO, RANKING, At::Nothing, OfQueries(Ranked::MinDocuments), "documents of the query with the fewest"),
    metric("max_documents", NO, RANKING, At::Nothing, OfQueries(Ranked::MaxDocuments), "documents of the query with the most"),
    metric("cross_entropy", LANGUAGE, LANGUAGE, At::Nothing, OfPairs(&[P::Label], |t| ratio(t.of(P::Prediction), t.of(P::Label))), "negative log likelihood of a token, in nats"),
    metric("perplexity", LANGUAGE, LANGUAGE, At::Nothing, OfPairs(&[P::Label], |t| ratio(t.of(P::Prediction), t.of(P::Label)).exp()), "e to the cross entropy"),
    metric("bits_per_byte", NO, LANGUAGE, At::Nothing, OfExamples(|e| e.bits_per_byte()), "negative log likelihood of a byte, in bits; needs the number of bytes"),
    metric("next_token_accuracy", NO, LANGUAGE, At::Nothing, OfExamples(|e| e.next_token_accuracy()), "share of tokens that were the likeliest; needs their number"),
    metric("token_count", LANGUAGE, LANGUAGE, At::Nothing, Examples(|e| e.label()), "tokens that were predicted"),
    metric("symmetric_prediction_difference", NO, NUMBERS, At::Nothing, Comparison(Pairing::Difference), "mean of 2 |candidate - baseline| / |candidate + baseline|"),
    metric("symmetric_flip_rate", NO, CLASSES, At::Threshold, Comparison(Pairing::Flip { from: None, to: None }), "share that only one of candidate and baseline predicts positive"),
    metric("neg_to_neg_flip_rate", NO, CLASSES, At::Threshold, Comparison(Pairing::Flip { from: Some(false), to: Some(false) }), "share that both predict negative"),
    metric("neg_to_pos_flip_rate", NO, CLASSES, At::Threshold, Comparison(Pairing::Flip { from: Some(false), to: Some(true) }), "share that the candidate alone predicts positive"),
    metric("pos_to_neg_flip_rate", NO, CLASSES, At::Threshold, Comparison(Pairing::Flip { from: Some(true), to: Some(false) }), "share that the baseline alone predicts positive"),
    metric("pos_to_pos_flip_rate", NO, CLASSES, At::Threshold, Comparison(Pairing::Flip { from: Some(true), to: Some(true) }), "share that both predict positive"),
    metric("model_cosine_similarity", NO, NUMBERS, At::Nothing, Comparison(Pairing::Cosine), "mean cosine of the angle between the predictions of candidate and baseline"),
];

/// What else people call a metric.
const OTHER_NAMES: &[(&str, &str)] = &[
    ("binary_accuracy", "accuracy"),
    ("sparse_categorical_accuracy", "accuracy"),
    ("categorical_accuracy", "accuracy"),
    ("binary_crossentropy", "log_loss"),
    ("binary_cross_entropy", "log_loss"),
    ("categorical_crossentropy", "log_loss"),
    ("loss", "log_loss"),
    ("roc_auc", "auc"),
    ("auc_roc", "auc"),
    ("auc_pr", "auc_precision_recall"),
    ("pr_auc", "auc_precision_recall"),
    ("f1", "f1_score"),
    ("mse", "mean_squared_error"),
    ("brier_score", "mean_squared_error"),
    ("rmse", "root_mean_squared_error"),
    ("mae", "mean_absolute_error"),
    ("mape", "mean_absolute_percentage_error"),
    ("msle", "mean_squared_logarithmic_error"),
    ("r2", "coefficient_of_determination"),
    ("r_squared", "coefficient_of_determination"),
    ("ece", "expected_calibration_error"),
    ("mcc", "matthews_correlation_coefficient"),
    ("sensitivity", "recall"),
    ("true_positive_rate", "recall"),
    ("true_negative_rate", "specificity"),
    ("positive_predictive_value", "precision"),
    ("positive_rate", "predicted_positive_rate"),
    ("negative_rate", "predicted_negative_rate"),
    ("fall_out", "false_positive_rate"),
    ("miss_rate", "false_negative_rate"),
    ("map", "mean_average_precision"),
    ("mrr", "mean_reciprocal_rank"),
    ("flip_rate", "symmetric_flip_rate"),
];

/// The rates that fairness is judged by, at thresholds from 0.1 to 0.9.
const FAIRNESS_INDICATORS: [&str; 10] = [
    "false_positive_rate",
    "false_negative_rate",
    "recall",
    "specificity",
    "predicted_positive_rate",
    "predicted_negative_rate",
    "false_discovery_rate",
    "false_omission_rate",
    "precision",
    "accuracy",
];

/// What stands for [`FAIRNESS_INDICATORS`] in a configuration.
pub(crate) const FAIRNESS: &str = "fairness_indicators";

impl Metric {
    pub(crate) fn is_for(&self, task: Task) -> bool {
        self.tasks & task.bit() != 0
    }

    /// Returns whether the metric is about the examples alone, whatever the model predicts.
    pub(crate) fn ignores_predictions(&self) -> bool {
        matches!(self.compute, Examples(_) | OfLabels(_) | OfFeature)
    }

    /// Returns whether the metric compares a candidate with a baseline.
    pub(crate) fn is_comparison(&self) -> bool {
        matches!(self.compute, Comparison(_))
    }
}

/// Returns the names of all metrics, in the order in which people read them.
pub fn metric_names() -> impl Iterator<Item = &'static str> + Clone {
    METRICS.iter().map(|metric| metric.name)
}

/// Returns the names of the metrics that are computed for a task without asking.
pub fn default_metrics(task: impl Into<Task>) -> impl Iterator<Item = &'static str> {
    let bit = task.into().bit();
    METRICS.iter().filter(move |metric| metric.usual & bit != 0).map(|metric| metric.name)
}

/// Returns every metric of a task as Markdown: `| name | what it is |`.
pub fn metric_table() -> String {
    let mut table = "| metric | `@` | tasks | what it is |\n| --- | --- | --- | --- |\n".to_owned();
    for metric in METRICS {
        let at = match metric.at {
            At::Nothing => "",
            At::Threshold => "threshold",
            At::Ratio => "ratio, required",
            At::Rank => "number of ranks",
            At::SomeRank => "number of ranks, required",
            At::NumThresholds => "number of thresholds",
        };
        let all = [
            (BINARY, "binary"),
            (MULTI_CLASS, "multi-class"),
            (MULTI_LABEL, "multi-label"),
            (REGRESSION, "regression"),
            (RANKING, "ranking"),
            (LANGUAGE, "language"),
        ];
        let tasks: Vec<String> = all
            .iter()
            .filter(|(bit, _)| metric.tasks & bit != 0)
            .map(|(bit, name)| match metric.usual & bit {
                0 => (*name).to_owned(),
                _ => format!("**{name}**"),
            })
            .collect();
        table.push_str(&format!(
            "| `{}` | {at} | {} | {} |\n",
            metric.name,
            tasks.join(", "),
            metric.help.replace('|', "\\|")
        ));
    }
    table
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
