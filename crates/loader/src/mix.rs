//! What a loader mixes, and where it comes from.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::compute::interleave_record_batch;
use base::BoxError;
use dataflow::Source;

use crate::LoaderError;

/// Some examples, of which others can be made up row by row.
///
/// A type parameter of the loader and not a trait object, so that what trainers decode is decoded by the reading threads,
/// many rows at a time, and mixed as it is.
pub trait Examples: Send + Sync + Sized + 'static {
    /// Returns how many examples there are.
    fn num_rows(&self) -> usize;

    /// Returns whether an example stays with the one before it, as those of one query do: both are drawn together.
    fn stays_with_previous(&self, row: usize) -> bool {
        let _ = row;
        false
    }

    /// Returns so many examples of several parts, each by the part's place and its row in it.
    ///
    /// # Errors
    ///
    /// [`LoaderError::Columns`] when the parts do not fit each other.
    fn gather(parts: &[&Self], rows: &[(usize, usize)]) -> Result<Self, LoaderError>;
}

/// Examples in partitions, which can be read in any order and from any thread.
pub trait Partitions: Send + Sync + 'static {
    /// What is read.
    type Examples: Examples;
    /// Why it could not be read.
    type Error: From<LoaderError> + Send + 'static;

    /// Returns how many partitions there are.
    fn num_partitions(&self) -> usize;

    /// Opens one partition.
    ///
    /// # Errors
    ///
    /// The reader's own error when it cannot be opened.
    fn read(&self, partition: usize) -> Result<Parts<'_, Self>, Self::Error>;
}

/// The examples of a partition, some at a time.
pub type Parts<'a, P> = Box<
    dyn Iterator<Item = Result<<P as Partitions>::Examples, <P as Partitions>::Error>> + Send + 'a,
>;

/// The columns of a source, as they are.
pub struct Columns {
    source: Arc<dyn Source + Send>,
    names: Option<Vec<String>>,
}

impl Columns {
    /// Returns some columns of a source, or all of them.
    pub fn new(source: Arc<dyn Source + Send>, names: Option<Vec<String>>) -> Self {
        Self { source, names }
    }
}

impl Partitions for Columns {
    type Examples = RecordBatch;
    type Error = BoxError;

    fn num_partitions(&self) -> usize {
        self.source.num_partitions()
    }

    fn read(&self, partition: usize) -> Result<Parts<'_, Self>, BoxError> {
        self.source.read(partition, self.names.as_deref())
    }
}

impl Examples for RecordBatch {
    fn num_rows(&self) -> usize {
        self.num_rows()
    }

    fn gather(parts: &[&Self], rows: &[(usize, usize)]) -> Result<Self, LoaderError> {
        interleave_record_batch(parts, rows).map_err(|source| LoaderError::Columns { source })
    }
}
