//! The sums that metrics are computed from.

use super::ratio;
use crate::plan::Term;

/// A sum over pairs of label and prediction, weighted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum PairTerm {
    Label,
    Prediction,
    /// The prediction where the label is 1.
    PositivePrediction,
    SquaredError,
    AbsoluteError,
    LogLoss,
    PercentageError,
    SquaredLogError,
    LabelSquared,
    PredictionSquared,
    LabelPrediction,
}

/// How many there are.
pub(crate) const NUM_PAIR_TERMS: usize = 11;

/// How candidate and baseline are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Pairing {
    /// 2 |a - b| / |a + b|.
    Difference,
    /// The cosine of the angle between the predictions.
    Cosine,
    /// What the baseline and the candidate predict; either way round where nothing is said.
    Flip {
        /// The baseline.
        from: Option<bool>,
        /// The candidate.
        to: Option<bool>,
    },
}

/// The sums over pairs of one model.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PairSums {
    /// Weight of the pairs.
    pub(crate) weight: f64,
    /// By [`PairTerm`]; NaN for those that no metric asks for.
    pub(crate) sums: [f64; NUM_PAIR_TERMS],
}

impl PairSums {
    pub(crate) fn of(&self, term: PairTerm) -> f64 {
        self.sums[term as usize]
    }

    /// Returns the mean prediction of positives and that of negatives.
    pub(crate) fn mean_predictions(&self) -> (f64, f64) {
        let (label, positive) = (self.of(PairTerm::Label), self.of(PairTerm::PositivePrediction));
        let negative = self.of(PairTerm::Prediction) - positive;
        (ratio(positive, label), ratio(negative, self.weight - label))
    }

    pub(crate) fn squared_pearson_correlation(&self) -> f64 {
        let (label, prediction) = (self.of(PairTerm::Label), self.of(PairTerm::Prediction));
        let numerator = self.of(PairTerm::LabelPrediction) - label * prediction / self.weight;
        let of_labels = self.of(PairTerm::LabelSquared) - label * label / self.weight;
        let of_predictions =
            self.of(PairTerm::PredictionSquared) - prediction * prediction / self.weight;
        let denominator = of_labels * of_predictions;
        if denominator > 0.0 { numerator * numerator / denominator } else { f64::NAN }
    }

    pub(crate) fn coefficient_of_determination(&self) -> f64 {
        let label = self.of(PairTerm::Label);
        let spread = self.of(PairTerm::LabelSquared) - label * label / self.weight;
        1.0 - ratio(self.of(PairTerm::SquaredError), spread)
    }
}

/// The sums over examples that one metric looks at.
pub(crate) struct Example<'a> {
    pub(crate) sum: &'a dyn Fn(Term) -> f64,
    /// Weighted labels of all pairs.
    pub(crate) label: f64,
    pub(crate) model: u8,
    /// What stands behind `@`, or stands for it.
    pub(crate) at: f64,
}

impl Example<'_> {
    pub(crate) fn count(&self) -> f64 {
        (self.sum)(Term::Count)
    }

    pub(crate) fn weight(&self) -> f64 {
        (self.sum)(Term::Weight)
    }

    pub(crate) fn label(&self) -> f64 {
        self.label
    }

    /// Returns the weight of the examples whose class is among the first.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "numbers of ranks are checked to be whole and small"
    )]
    pub(crate) fn of_rank(&self) -> f64 {
        (self.sum)(Term::TopCorrect(self.at as u32, self.model))
    }

    /// Returns the weight of the examples of which all is predicted right at the threshold.
    pub(crate) fn of_threshold(&self) -> f64 {
        (self.sum)(Term::ExactMatch(self.at.to_bits(), self.model))
    }

    pub(crate) fn bits_per_byte(&self) -> f64 {
        let nats = (self.sum)(Term::whole(PairTerm::Prediction, self.model));
        ratio(nats / std::f64::consts::LN_2, (self.sum)(Term::Bytes))
    }

    pub(crate) fn next_token_accuracy(&self) -> f64 {
        ratio((self.sum)(Term::CorrectTokens(self.model)), self.label)
    }
}
