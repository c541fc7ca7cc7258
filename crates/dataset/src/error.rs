//! Why examples could not be read or written.

use std::path::PathBuf;

use arrow::error::ArrowError;
use base::{Classify, ErrorKind, IoError};
use parquet::errors::ParquetError;

use crate::avro::AvroError;
use crate::difference::ColumnDifference;
use crate::ipc::ArrowFileError;

/// Why examples could not be read or written.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each message names its fields")]
pub enum DatasetError {
    /// The file could not be opened, read or written.
    #[error(transparent)]
    Io(#[from] IoError),

    /// The file is there but is not the Parquet it should be.
    #[error("{}: not a readable Parquet file", .path.display())]
    Parquet { path: PathBuf, source: ParquetError },

    /// The file's footer is fine, but its values cannot be read.
    #[error("{}: the values cannot be decoded", .path.display())]
    Decode { path: PathBuf, source: ArrowError },

    /// Avro cannot be read.
    #[error(transparent)]
    Avro(#[from] AvroError),

    /// Arrow IPC cannot be read.
    #[error(transparent)]
    ArrowFile(#[from] ArrowFileError),

    /// A batch does not fit its schema.
    #[error("{}: a batch does not fit", .path.display())]
    Arrow { path: PathBuf, source: ArrowError },

    /// Two files of one dataset do not have the same features.
    #[error("{}: the features differ from those of {}: {difference}", .path.display(), .first.display())]
    SchemaMismatch { path: PathBuf, first: PathBuf, difference: ColumnDifference },

    /// A split that the dataset does not have.
    #[error("{}: no split `{split}`, expected one of {available}", .root.display())]
    NoSuchSplit { root: PathBuf, split: String, available: String },

    /// A folder without any split in it.
    #[error("{}: no examples found, expected folders named `Split-<name>` with Parquet files", .root.display())]
    Empty { root: PathBuf },
}

impl Classify for DatasetError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Io(error) => error.kind(),
            Self::Avro(error) => error.kind(),
            Self::ArrowFile(error) => error.kind(),
            Self::Parquet { .. }
            | Self::Decode { .. }
            | Self::Arrow { .. }
            | Self::SchemaMismatch { .. } => ErrorKind::Data,
            Self::NoSuchSplit { .. } | Self::Empty { .. } => ErrorKind::NotFound,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Io(error) => error.hint(),
            Self::Avro(error) => error.hint(),
            Self::ArrowFile(error) => error.hint(),
            _ => None,
        }
    }
}
