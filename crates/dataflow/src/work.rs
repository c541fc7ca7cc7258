//! What is computed over a source.

use arrow::array::RecordBatch;
use base::BoxError;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Mergeable state of a full pass.
///
/// Merging the states of two halves equals one state over the whole (exactly for exact results, within the
/// stated error for sketches). The byte form is versioned, so that engines, caches and incremental runs can
/// carry it.
pub trait Accumulator: Send + Sized + 'static {
    /// What the pass is for.
    type Output;

    /// Takes in one batch of rows.
    ///
    /// # Errors
    ///
    /// The accumulator's own error when a batch is not what it was built for.
    fn update(&mut self, batch: &RecordBatch) -> Result<(), BoxError>;

    /// Takes in another state, whose rows come after this one's.
    ///
    /// # Errors
    ///
    /// The accumulator's own error when the states are not of one pass.
    fn merge(&mut self, other: Self) -> Result<(), BoxError>;

    /// Returns the result.
    ///
    /// # Errors
    ///
    /// The accumulator's own error when the rows seen do not have a result.
    fn finish(self) -> Result<Self::Output, BoxError>;

    /// Returns the state as bytes, a version first.
    fn to_bytes(&self) -> Vec<u8>;

    /// Reads a state back.
    ///
    /// # Errors
    ///
    /// The accumulator's own error when the bytes are not a state of a known version.
    fn from_bytes(bytes: &[u8]) -> Result<Self, BoxError>;
}

/// The description of a full pass: plain data from which any worker can rebuild it.
pub trait Pass: Serialize + DeserializeOwned + Sync {
    /// The state that the pass fills.
    type State: Accumulator;

    /// Returns the columns that the pass reads, or `None` for all.
    fn columns(&self) -> Option<Vec<String>>;

    /// Returns an empty state.
    ///
    /// # Errors
    ///
    /// The pass's own error when its description does not make sense.
    fn start(&self) -> Result<Self::State, BoxError>;
}

/// The description of a row-wise step: batch in, batch out, rows independent of one another.
pub trait Stage: Serialize + DeserializeOwned + Sync {
    /// Returns the columns that the stage reads, or `None` for all.
    fn columns(&self) -> Option<Vec<String>>;

    /// Returns the batch that takes the place of `batch`.
    ///
    /// # Errors
    ///
    /// The stage's own error.
    fn apply(&self, batch: &RecordBatch) -> Result<RecordBatch, BoxError>;
}
