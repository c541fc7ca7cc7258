//! Metrics of a confusion matrix. A denominator of zero gives NaN.

use super::ratio;

/// How much weight was predicted right and wrong at one threshold.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Confusion {
    pub(crate) true_positives: f64,
    pub(crate) true_negatives: f64,
    pub(crate) false_positives: f64,
    pub(crate) false_negatives: f64,
}

impl Confusion {
    /// Returns the matrix of predictions that are not all numbers.
    pub(crate) fn unknown() -> Self {
        Self {
            true_positives: f64::NAN,
            true_negatives: f64::NAN,
            false_positives: f64::NAN,
            false_negatives: f64::NAN,
        }
    }

    fn positives(self) -> f64 {
        self.true_positives + self.false_negatives
    }

    fn negatives(self) -> f64 {
        self.true_negatives + self.false_positives
    }

    fn predicted_positives(self) -> f64 {
        self.true_positives + self.false_positives
    }

    fn predicted_negatives(self) -> f64 {
        self.true_negatives + self.false_negatives
    }

    fn all(self) -> f64 {
        self.positives() + self.negatives()
    }

    pub(crate) fn accuracy(self) -> f64 {
        ratio(self.true_positives + self.true_negatives, self.all())
    }

    pub(crate) fn precision(self) -> f64 {
        ratio(self.true_positives, self.predicted_positives())
    }

    pub(crate) fn recall(self) -> f64 {
        ratio(self.true_positives, self.positives())
    }

    pub(crate) fn specificity(self) -> f64 {
        ratio(self.true_negatives, self.negatives())
    }

    pub(crate) fn false_positive_rate(self) -> f64 {
        ratio(self.false_positives, self.negatives())
    }

    pub(crate) fn false_negative_rate(self) -> f64 {
        ratio(self.false_negatives, self.positives())
    }

    pub(crate) fn negative_predictive_value(self) -> f64 {
        ratio(self.true_negatives, self.predicted_negatives())
    }

    pub(crate) fn false_discovery_rate(self) -> f64 {
        ratio(self.false_positives, self.predicted_positives())
    }

    pub(crate) fn false_omission_rate(self) -> f64 {
        ratio(self.false_negatives, self.predicted_negatives())
    }

    pub(crate) fn prevalence(self) -> f64 {
        ratio(self.positives(), self.all())
    }

    pub(crate) fn predicted_positive_rate(self) -> f64 {
        ratio(self.predicted_positives(), self.all())
    }

    pub(crate) fn predicted_negative_rate(self) -> f64 {
        ratio(self.predicted_negatives(), self.all())
    }

    pub(crate) fn prevalence_threshold(self) -> f64 {
        let (positive, negative) = (self.recall(), self.specificity());
        let numerator = (positive * (1.0 - negative)).sqrt() + negative - 1.0;
        ratio(numerator, positive + negative - 1.0)
    }

    pub(crate) fn f1_score(self) -> f64 {
        let wrong = self.false_positives + self.false_negatives;
        ratio(2.0 * self.true_positives, 2.0 * self.true_positives + wrong)
    }

    pub(crate) fn threat_score(self) -> f64 {
        ratio(self.true_positives, self.positives() + self.false_positives)
    }

    pub(crate) fn balanced_accuracy(self) -> f64 {
        f64::midpoint(self.recall(), self.specificity())
    }

    pub(crate) fn matthews_correlation_coefficient(self) -> f64 {
        let right = self.true_positives * self.true_negatives;
        let wrong = self.false_positives * self.false_negatives;
        // A square root for each factor: their product leaves the range sooner.
        let scale = self.predicted_positives().sqrt()
            * self.positives().sqrt()
            * self.negatives().sqrt()
            * self.predicted_negatives().sqrt();
        ratio(right - wrong, scale)
    }

    pub(crate) fn fowlkes_mallows_index(self) -> f64 {
        (self.precision() * self.recall()).sqrt()
    }

    pub(crate) fn informedness(self) -> f64 {
        self.recall() + self.specificity() - 1.0
    }

    pub(crate) fn markedness(self) -> f64 {
        self.precision() + self.negative_predictive_value() - 1.0
    }

    pub(crate) fn positive_likelihood_ratio(self) -> f64 {
        ratio(self.recall(), self.false_positive_rate())
    }

    pub(crate) fn negative_likelihood_ratio(self) -> f64 {
        ratio(self.false_negative_rate(), self.specificity())
    }

    pub(crate) fn diagnostic_odds_ratio(self) -> f64 {
        ratio(
            self.true_positives * self.true_negatives,
            self.false_positives * self.false_negatives,
        )
    }
}
