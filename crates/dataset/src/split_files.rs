//! The shards of a split, however they are stored.

use arrow::datatypes::SchemaRef;
use base::BoxError;
use dataflow::{BatchIter, Source};

use crate::{ExampleFiles, ParquetFiles};

/// The shards of a split, ready to be read.
#[derive(Clone, Debug)]
pub enum SplitFiles {
    /// Parquet.
    Parquet(ParquetFiles),
    /// Records, and how many there are.
    Records(ExampleFiles, u64),
}

impl SplitFiles {
    /// Returns the number of rows.
    pub fn num_rows(&self) -> u64 {
        match self {
            Self::Parquet(files) => files.num_rows(),
            Self::Records(_, num_rows) => *num_rows,
        }
    }

    fn as_source(&self) -> &dyn Source {
        match self {
            Self::Parquet(files) => files,
            Self::Records(files, _) => files,
        }
    }
}

impl Source for SplitFiles {
    fn schema(&self) -> SchemaRef {
        self.as_source().schema()
    }

    fn num_partitions(&self) -> usize {
        self.as_source().num_partitions()
    }

    fn read(
        &self,
        partition: usize,
        columns: Option<&[String]>,
    ) -> Result<BatchIter<'_>, BoxError> {
        self.as_source().read(partition, columns)
    }
}
