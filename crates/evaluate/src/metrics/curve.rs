//! Areas under curves, from a histogram of predictions.

use super::ratio;

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
}

#[derive(Clone, Copy, Debug, Default)]
struct Beyond {
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
    pub(crate) fn new(points: &[Point]) -> Self {
        let mut beyond = vec![Beyond::default()];
        let mut total = Beyond::default();
        let mut last_place = None;
        for point in points.iter().rev() {
            let place = num_thresholds_below(point.mean_prediction);
            total.positives += point.positives;
            total.negatives += point.negatives;
            if last_place == Some(place) {
                beyond.pop();
            }
            last_place = Some(place);
            beyond.push(total);
        }
        Self { beyond, total }
    }

    /// Returns the area under the curve of recall over false positive rate, straight between thresholds.
    pub(crate) fn auc(&self) -> f64 {
        let area: f64 = self
            .steps()
            .map(|(above, below)| {
                let height = f64::midpoint(above.positives, below.positives);
                (below.negatives - above.negatives) * height
            })
            .sum();
        ratio(ratio(area, self.total.positives), self.total.negatives)
    }

    /// Returns the area under the curve of precision over recall; between thresholds, true and false
    /// positives grow in proportion, and so precision does not follow a straight line.
    ///
    /// # Source
    ///
    /// Davis and Goadrich, "The relationship between precision-recall and ROC curves" (2006).
    pub(crate) fn auc_precision_recall(&self) -> f64 {
        let area: f64 = self
            .steps()
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

    /// Returns neighbouring thresholds between which there is weight.
    fn steps(&self) -> impl Iterator<Item = (Beyond, Beyond)> {
        let pairs = self.beyond.windows(2).map(|pair| (pair[0], pair[1]));
        pairs.filter(|(above, below)| below.all() > above.all())
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
        assert!(Curve::new(&[point]).auc().is_nan());
        // Nothing is predicted wrong.
        assert_eq!(Curve::new(&[point]).auc_precision_recall(), 1.0);
        let point = Point { positives: 0.0, negatives: 2.0, mean_prediction: 0.5 };
        assert!(Curve::new(&[point]).auc_precision_recall().is_nan());
        assert!(Curve::default().auc().is_nan());
    }
}
