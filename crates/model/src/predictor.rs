//! The one way to ask for predictions.

use arrow::array::RecordBatch;
use base::BoxError;

use crate::Signature;

/// The output that every model has: a probability or several, the expected label, or a score.
pub const PREDICTION: &str = "prediction";

/// The output of a classifier before the function that makes probabilities of it.
pub const LOGIT: &str = "logit";

/// Anything that predicts: a bare model over transformed features, or a servable over raw ones.
pub trait Predictor: Send + Sync {
    /// Returns the signature of the model within.
    fn signature(&self) -> &Signature;

    /// Returns one row of [`Signature::outputs`] per example, in order.
    ///
    /// Columns may come in any order, and those that are not needed are ignored.
    ///
    /// # Errors
    ///
    /// The predictor's own error when a column that it needs is not there or has another type.
    fn predict(&self, examples: &RecordBatch) -> Result<RecordBatch, BoxError>;
}
