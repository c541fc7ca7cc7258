//! What training makes small.

use crate::TaskConfig;

/// The loss of one example, by its logit and label.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Loss {
    /// The negative log likelihood of a label of 0 or 1.
    Logistic,
    /// The squared difference.
    Squared,
}

impl Loss {
    pub(crate) fn of(task: TaskConfig) -> Self {
        match task {
            TaskConfig::BinaryClassification => Self::Logistic,
            TaskConfig::Regression => Self::Squared,
        }
    }

    /// Returns the mean loss of some examples and its derivative by each logit.
    pub(crate) fn mean_and_slopes(self, logits: &[f32], labels: &[f32]) -> (f64, Vec<f32>) {
        let count = count(logits);
        #[expect(clippy::cast_possible_truncation, reason = "gradients are single precision")]
        let slopes = logits
            .iter()
            .zip(labels)
            .map(|(&logit, &label)| (self.slope(logit.into(), label.into()) / count) as f32)
            .collect();
        (self.sum(logits, labels) / count, slopes)
    }

    /// Returns the sum of the losses of some examples.
    pub(crate) fn sum(self, logits: &[f32], labels: &[f32]) -> f64 {
        let pairs = logits.iter().zip(labels);
        pairs.map(|(&logit, &label)| self.value(logit.into(), label.into())).sum()
    }

    fn value(self, logit: f64, label: f64) -> f64 {
        match self {
            // log(1 + e^z) - yz, arranged so that neither end overflows.
            Self::Logistic => logit.max(0.0) - logit * label + (-logit.abs()).exp().ln_1p(),
            Self::Squared => (logit - label).powi(2),
        }
    }

    fn slope(self, logit: f64, label: f64) -> f64 {
        match self {
            Self::Logistic => 1.0 / (1.0 + (-logit).exp()) - label,
            Self::Squared => 2.0 * (logit - label),
        }
    }
}

fn count(values: &[f32]) -> f64 {
    // Batches are far below 2^52 examples.
    f64::from(u32::try_from(values.len()).unwrap_or(u32::MAX))
}
