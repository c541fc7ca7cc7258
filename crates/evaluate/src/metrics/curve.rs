//! Areas under curves, from a histogram of predictions.

use std::borrow::Cow;

use super::{Confusion, ratio};

/// Predictions are kept in this many buckets of equal width; 1 has a bucket of its own.
pub(crate) const NUM_BUCKETS: u16 = 10_000;

/// The weight of one bucket of predictions.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Point {
    /// Weight of the examples whose label is 1.
    pub(crate) positives: f64,
    /// Weight of the examples whose label is 0.
    pub(crate) negatives: f64,
    /// The weighted mean of the predictions.
    pub(crate) mean_prediction: f64,
}

/// How many positives and negatives lie beyond each threshold.
///
/// # Source
///
/// As the reference has it: 10,000 thresholds, of which the first is just below 0, the last just above 1
/// and the others are whole multiples of 1/9999; a bucket counts as beyond a threshold with all its weight
/// when its mean is greater.
#[derive(Clone, Debug, Default)]
pub(crate) struct Curve {
    /// Weight beyond the thresholds at which it changes, from the highest threshold down.
    beyond: Vec<Beyond>,
    total: Beyond,
    points: Vec<Point>,
}

/// How high a curve is taken to be between two thresholds; as Keras's `summation_method`.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Heights {
    /// The middle: straight lines.
    Interpolation,
    /// The lower of the two, so that the area is never too large.
    Minoring,
    /// The higher of the two.
    Majoring,
}

impl Heights {
    fn of(self, above: f64, below: f64) -> f64 {
        match self {
            Self::Interpolation => f64::midpoint(above, below),
            Self::Minoring => above.min(below),
            Self::Majoring => above.max(below),
        }
    }
}

#[derive(Clone, Copy, Debug, Default)]
struct Beyond {
    /// How many thresholds are below the predictions that were counted last.
    place: u16,
    positives: f64,
    negatives: f64,
}

impl Beyond {
    fn all(self) -> f64 {
        self.positives + self.negatives
    }
}

impl Curve {
    /// Returns the curve of buckets in ascending order.
    pub(crate) fn new(points: Vec<Point>) -> Self {
        let mut beyond = vec![Beyond { place: NUM_BUCKETS, ..Beyond::default() }];
        let mut total = Beyond::default();
        for point in points.iter().rev() {
            let place = num_thresholds_below(point.mean_prediction);
            total.positives += point.positives;
            total.negatives += point.negatives;
            if beyond.len() > 1 && total.place == place {
                beyond.pop();
            }
            total.place = place;
            beyond.push(total);
        }
        Self { beyond, total, points }
    }

    /// Returns `(threshold, confusion)` from the highest threshold down, where anything changes.
    pub(crate) fn confusions(&self) -> impl Iterator<Item = (f64, Confusion)> {
        self.beyond.iter().map(|beyond| {
            let confusion = Confusion {
                true_positives: beyond.positives,
                false_positives: beyond.negatives,
                true_negatives: self.total.negatives - beyond.negatives,
                false_negatives: self.total.positives - beyond.positives,
            };
            (threshold(beyond.place), confusion)
        })
    }

    /// Returns the greatest of one ratio at the thresholds where another one is good enough.
    fn best(&self, value: fn(Confusion) -> f64, is_good: impl Fn(Confusion) -> bool) -> f64 {
        let good = self.confusions().filter(|(_, confusion)| is_good(*confusion));
        good.map(|(_, confusion)| value(confusion)).fold(f64::NAN, f64::max)
    }

    pub(crate) fn precision_at_recall(&self, recall: f64) -> f64 {
        self.best(Confusion::precision, |confusion| confusion.recall() >= recall)
    }

    pub(crate) fn recall_at_precision(&self, precision: f64) -> f64 {
        self.best(Confusion::recall, |confusion| confusion.precision() >= precision)
    }

    pub(crate) fn recall_at_false_positive_rate(&self, rate: f64) -> f64 {
        self.best(Confusion::recall, |confusion| confusion.false_positive_rate() <= rate)
    }

    pub(crate) fn sensitivity_at_specificity(&self, specificity: f64) -> f64 {
        self.best(Confusion::recall, |confusion| confusion.specificity() >= specificity)
    }

    pub(crate) fn specificity_at_sensitivity(&self, sensitivity: f64) -> f64 {
        self.best(Confusion::specificity, |confusion| confusion.recall() >= sensitivity)
    }

    pub(crate) fn threshold_at_recall(&self, recall: f64) -> f64 {
        let found = self.confusions().find(|(_, confusion)| confusion.recall() >= recall);
        found.map_or(f64::NAN, |(threshold, _)| threshold)
    }

    pub(crate) fn max_recall(&self) -> f64 {
        self.best(Confusion::recall, |_| true)
    }

    /// Returns the sum of precision times what recall gains, from the highest threshold down.
    pub(crate) fn average_precision(&self) -> f64 {
        let area: f64 = steps(&self.beyond)
            .map(|(above, below)| {
                (below.positives - above.positives) * below.positives / below.all()
            })
            .sum();
        ratio(area, self.total.positives)
    }

    /// Returns the mean distance between predictions and labels in ten buckets of equal width, by weight.
    pub(crate) fn expected_calibration_error(&self) -> f64 {
        let distance: f64 = self
            .calibration(10)
            .iter()
            .map(|bin| {
                (bin.mean_prediction * (bin.positives + bin.negatives) - bin.positives).abs()
            })
            .sum();
        ratio(distance, self.total.all())
    }

    /// Returns the weights and mean predictions in some buckets of equal width, those that have any.
    pub(crate) fn calibration(&self, num_bins: u16) -> Vec<Point> {
        let mut bins: Vec<Point> = Vec::new();
        let mut last = None;
        for point in &self.points {
            let place = bin(point.mean_prediction, num_bins);
            if last != Some(place) {
                bins.push(Point::default());
                last = Some(place);
            }
            let Some(bin) = bins.last_mut() else { continue };
            let (before, weight) =
                (bin.positives + bin.negatives, point.positives + point.negatives);
            bin.mean_prediction =
                (bin.mean_prediction * before + point.mean_prediction * weight) / (before + weight);
            bin.positives += point.positives;
            bin.negatives += point.negatives;
        }
        bins
    }

    /// Returns the area under the curve of recall over false positive rate, at so many thresholds.
    pub(crate) fn auc(&self, num_thresholds: f64, heights: Heights) -> f64 {
        let area: f64 = steps(&self.at(num_thresholds))
            .map(|(above, below)| {
                let height = heights.of(above.positives, below.positives);
                (below.negatives - above.negatives) * height
            })
            .sum();
        ratio(ratio(area, self.total.positives), self.total.negatives)
    }

    /// Returns the area under the curve of precision over recall, at so many thresholds. Between thresholds, true and
    /// false positives grow in proportion, and so precision does not follow a straight line.
    ///
    /// # Source
    ///
    /// Davis and Goadrich, "The relationship between precision-recall and ROC curves" (2006).
    pub(crate) fn auc_precision_recall(&self, num_thresholds: f64) -> f64 {
        let area: f64 = steps(&self.at(num_thresholds))
            .map(|(above, below)| {
                let gained = below.positives - above.positives;
                let slope = gained / (below.all() - above.all());
                let intercept = above.positives - slope * above.all();
                let growth = if above.all() > 0.0 { below.all() / above.all() } else { 1.0 };
                slope * (gained + intercept * growth.ln())
            })
            .sum();
        ratio(area, self.total.positives)
    }

    /// Returns the same with the lower or the higher precision of two thresholds between them. Above all predictions
    /// there is no precision, and the step from there is left out, as the reference does.
    pub(crate) fn auc_precision_recall_of(&self, num_thresholds: f64, heights: Heights) -> f64 {
        let area: f64 = steps(&self.at(num_thresholds))
            .filter(|(above, _)| above.all() > 0.0)
            .map(|(above, below)| {
                let height =
                    heights.of(above.positives / above.all(), below.positives / below.all());
                (below.positives - above.positives) * height
            })
            .sum();
        ratio(area, self.total.positives)
    }

    /// Returns what is beyond so many thresholds of equal distance, from the highest down; 0 are all that there are.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "numbers of thresholds are checked to be whole and small"
    )]
    fn at(&self, num_thresholds: f64) -> Cow<'_, [Beyond]> {
        if num_thresholds == 0.0 || num_thresholds as u16 >= NUM_BUCKETS {
            return Cow::Borrowed(&self.beyond);
        }
        let last = num_thresholds as u16 - 1;
        let mut points = self.points.iter().rev().peekable();
        let mut beyond = Beyond::default();
        let at = (0..=last).rev().map(|place| {
            let threshold = match place {
                0 => -1e-7,
                place if place == last => 1.0 + 1e-7,
                place => f64::from(place) / f64::from(last),
            };
            while let Some(point) = points.next_if(|point| point.mean_prediction > threshold) {
                beyond.positives += point.positives;
                beyond.negatives += point.negatives;
            }
            beyond
        });
        Cow::Owned(at.collect())
    }
}

/// Returns neighbouring thresholds between which there is weight.
fn steps(beyond: &[Beyond]) -> impl Iterator<Item = (Beyond, Beyond)> {
    let pairs = beyond.windows(2).map(|pair| (pair[0], pair[1]));
    pairs.filter(|(above, below)| below.all() > above.all())
}

/// Returns one of the bins of equal width between 0 and 1; 1 is in the last.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the prediction is between 0 and 1, and the cast saturates"
)]
pub(crate) fn bin(prediction: f64, num_bins: u16) -> u16 {
    ((prediction * f64::from(num_bins)) as u16).min(num_bins - 1)
}

/// Returns the highest threshold that is less than predictions with so many thresholds below them.
fn threshold(num_below: u16) -> f64 {
    let steps = f64::from(NUM_BUCKETS - 1);
    match num_below {
        0 | 1 => -1e-7,
        NUM_BUCKETS => 1.0 + 1e-7,
        place => f64::from(place - 1) / steps,
    }
}

/// Returns how many thresholds are less than a prediction between 0 and 1.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the prediction is between 0 and 1, and the cast saturates"
)]
fn num_thresholds_below(prediction: f64) -> u16 {
    let steps = f64::from(NUM_BUCKETS - 1);
    // The threshold before 0 is always less. The product may round up to the threshold itself, so look.
    let mut place = ((prediction * steps).ceil() as u16).min(NUM_BUCKETS - 2);
    while place > 0 && f64::from(place) / steps >= prediction {
        place -= 1;
    }
    while place < NUM_BUCKETS - 2 && f64::from(place + 1) / steps < prediction {
        place += 1;
    }
    place + 1
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "these sums and areas are exact")]
mod tests {
    use super::*;

    #[test]
    fn a_prediction_counts_beyond_the_thresholds_that_are_less() {
        let threshold = |i: u16| match i {
            0 => -1e-7,
            9999 => 1.0 + 1e-7,
            i => f64::from(i) / 9999.0,
        };
        let thresholds: Vec<f64> = (0..10_000).map(threshold).collect();
        let predictions =
            (0..=20_000).map(|i| f64::from(i) / 20_000.0).chain((1..9999).map(threshold));
        for prediction in predictions {
            let expected = thresholds.partition_point(|threshold| *threshold < prediction);
            assert_eq!(usize::from(num_thresholds_below(prediction)), expected, "{prediction}");
        }
    }

    #[test]
    fn without_one_of_the_classes_there_is_no_area() {
        let point = Point { positives: 2.0, negatives: 0.0, mean_prediction: 0.5 };
        assert!(Curve::new(vec![point]).auc(0.0, Heights::Interpolation).is_nan());
        // Nothing is predicted wrong.
        assert_eq!(Curve::new(vec![point]).auc_precision_recall(0.0), 1.0);
        let point = Point { positives: 0.0, negatives: 2.0, mean_prediction: 0.5 };
        assert!(Curve::new(vec![point]).auc_precision_recall(0.0).is_nan());
        assert!(Curve::default().auc(0.0, Heights::Majoring).is_nan());
    }

    #[test]
    fn ratios_are_sought_over_all_thresholds() {
        let point =
            |positives, negatives, mean_prediction| Point { positives, negatives, mean_prediction };
        let curve = Curve::new(vec![
            point(0.0, 4.0, 0.1),
            point(1.0, 1.0, 0.4),
            point(1.0, 0.0, 0.6),
            point(2.0, 0.0, 0.9),
        ]);
        assert_eq!(curve.precision_at_recall(0.7), 1.0);
        assert_eq!(curve.precision_at_recall(0.8), 0.8);
        assert_eq!(curve.recall_at_precision(0.9), 0.75);
        assert_eq!(curve.recall_at_false_positive_rate(0.1), 0.75);
        assert_eq!(curve.sensitivity_at_specificity(0.8), 1.0);
        assert_eq!(curve.specificity_at_sensitivity(0.8), 0.8);
        assert_eq!(curve.max_recall(), 1.0);
        // The highest threshold that is still less than 0.6.
        assert_eq!(curve.threshold_at_recall(0.75), 5999.0 / 9999.0);
        assert_eq!(curve.average_precision(), 0.75 + 0.25 * 0.8);
        let expected = (0.4 + 0.2 + 0.4 + 0.2) / 9.0;
        assert!((curve.expected_calibration_error() - expected).abs() < 1e-15);
        assert!(Curve::default().max_recall().is_nan());
    }
}
