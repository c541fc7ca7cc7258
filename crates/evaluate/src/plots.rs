//! What plots are drawn from: right and wrong at all thresholds, calibration, and how predictions are spread.

use crate::compute::Sample;
use crate::metrics::{Confusion, bin};
use crate::plan::{Plan, View};
use crate::tables::{ClassTable, LabelTable};
use crate::{EvaluatePass, Task};

/// How many points a curve has at most.
const NUM_POINTS: usize = 200;
/// How many buckets of predictions there are.
pub(crate) const NUM_BINS: u16 = 20;

/// What the plots of one model on one slice are drawn from.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Plots {
    /// From the highest threshold down; of binary classifiers.
    pub thresholds: Vec<ThresholdPoint>,
    /// Buckets of predictions of equal width, in order, those that have any.
    pub calibration: Vec<CalibrationBin>,
    /// For several classes: how much weight of each label is predicted as each class.
    pub confusion: Vec<Vec<f64>>,
    /// For several classes: the same at thresholds, those that were asked for.
    pub classes_at: Vec<ClassTable>,
    /// For several labels: what is predicted of the examples that have each, at thresholds.
    pub labels_at: Vec<LabelTable>,
}

/// What is right and wrong at one threshold.
#[derive(Clone, Copy, Debug, PartialEq)]
#[expect(missing_docs, reason = "each is what it is called")]
pub struct ThresholdPoint {
    pub threshold: f64,
    pub true_positives: f64,
    pub false_positives: f64,
    pub true_negatives: f64,
    pub false_negatives: f64,
}

/// Examples whose predictions are near each other.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CalibrationBin {
    /// The lower end; the upper one is a twentieth above.
    pub from: f64,
    /// The mean of the predictions.
    pub mean_prediction: f64,
    /// Weight of the examples whose label is 1.
    pub positives: f64,
    /// Weight of the examples whose label is 0.
    pub negatives: f64,
}

/// Returns what the plots of one model are drawn from; nothing where nothing was counted for them.
pub(crate) fn plots(
    pass: &EvaluatePass,
    plan: &Plan,
    sample: &Sample<'_, '_>,
    model: u8,
) -> Option<Plots> {
    let mut plots = Plots::default();
    if pass.task == Task::BinaryClassification
        && let Some(curve) = sample.curve(View::WHOLE, model)
    {
        let points: Vec<(f64, Confusion)> = curve.confusions().collect();
        let step = points.len().div_ceil(NUM_POINTS).max(1);
        let last = points.len().saturating_sub(1);
        plots.thresholds = points
            .iter()
            .enumerate()
            .filter(|(place, _)| place % step == 0 || *place == last)
            .map(|(_, (threshold, confusion))| ThresholdPoint {
                threshold: *threshold,
                true_positives: confusion.true_positives,
                false_positives: confusion.false_positives,
                true_negatives: confusion.true_negatives,
                false_negatives: confusion.false_negatives,
            })
            .collect();
        let bins = curve.calibration(NUM_BINS).into_iter();
        plots.calibration = bins
            .map(|point| CalibrationBin {
                from: f64::from(bin(point.mean_prediction, NUM_BINS)) / f64::from(NUM_BINS),
                mean_prediction: point.mean_prediction,
                positives: point.positives,
                negatives: point.negatives,
            })
            .collect();
    }
    if let Some(tables) = &plan.tables
        && !sample.is_unknown(View::WHOLE, model)
    {
        let model = usize::from(model);
        plots.confusion = tables.likeliest(sample, model);
        plots.classes_at = tables.of_classes(sample, model);
        plots.labels_at = tables.of_labels(sample, model);
    }
    (plots != Plots::default()).then_some(plots)
}
