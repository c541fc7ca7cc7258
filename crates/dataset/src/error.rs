//! Why examples could not be read or written.

use std::path::PathBuf;

use arrow::datatypes::DataType;
use arrow::error::ArrowError;
use base::{Classify, ErrorKind, IoError, nearest};
use parquet::errors::ParquetError;

use crate::avro::AvroError;
use crate::difference::ColumnDifference;
use crate::ipc::ArrowFileError;
use crate::parquet_files::ParquetFault;
use crate::{Payload, TfExampleError};

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

    /// The file is not what a Parquet file is at its two ends.
    #[error("{}: not a whole Parquet file of {size} bytes: {fault}", .path.display())]
    ParquetEnds { path: PathBuf, size: u64, fault: ParquetFault },

    /// The file's footer is fine, but its values cannot be read.
    #[error("{}: the values from row {row} on cannot be decoded", .path.display())]
    Decode { path: PathBuf, row: u64, source: ArrowError },

    /// Avro cannot be read.
    #[error(transparent)]
    Avro(#[from] AvroError),

    /// Arrow IPC cannot be read.
    #[error(transparent)]
    ArrowFile(#[from] ArrowFileError),

    /// A batch does not fit its schema.
    #[error("{}: a batch does not fit", .path.display())]
    Arrow { path: PathBuf, source: ArrowError },

    /// Records cannot be read or written.
    #[error(transparent)]
    Records(Box<TfExampleError>),

    /// A list with a missing value in it, where records are to be written. Examples count from 1.
    #[error(
        "example {number} of split `{split}`: column `{column}`: is a list with a missing value in it, which {payload} cannot hold"
    )]
    GapInList { split: String, number: u64, column: String, payload: Payload },

    /// The file that says what the records of a dataset hold says something else.
    #[error("{}: not the features of examples", .path.display())]
    RecordSchema { path: PathBuf, source: serde_json::Error },

    /// Two files of one dataset do not have the same columns.
    #[error("{}: the columns are not those of {}: {difference}", .path.display(), .first.display())]
    SchemaMismatch { path: PathBuf, first: PathBuf, difference: ColumnDifference },

    /// Two files of one dataset have a column with values that do not go together.
    #[error("{}: column `{column}`: holds values of type {found}, but of type {expected} in {}", .path.display(), .other.display())]
    TypeMismatch {
        path: PathBuf,
        column: String,
        found: Box<DataType>,
        other: PathBuf,
        expected: Box<DataType>,
    },

    /// A column that was asked for and that no file has.
    #[error("{}: column `{column}` is missing here and in all other files", .path.display())]
    NoSuchColumn { path: PathBuf, column: String, found: Vec<String> },

    /// A file that was to be a text is none.
    #[error("{}: no UTF-8 text from byte {place} on", .path.display())]
    NotText { path: PathBuf, place: u64 },

    /// A text that is too long for a value.
    #[error("{}: has {found} bytes, expected at most {limit} in one text", .path.display())]
    LongText { path: PathBuf, found: u64, limit: u64 },

    /// A split that the dataset does not have.
    #[error("{}: no split `{split}`, expected one of {available}", .root.display())]
    NoSuchSplit { root: PathBuf, split: String, available: String },

    /// A folder without any split in it.
    #[error("{}: no examples found, expected folders named `Split-<name>` with files", .root.display())]
    Empty { root: PathBuf },
}

impl From<TfExampleError> for DatasetError {
    fn from(error: TfExampleError) -> Self {
        Self::Records(Box::new(error))
    }
}

impl Classify for DatasetError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Io(error) => error.kind(),
            Self::Records(error) => error.kind(),
            Self::Avro(error) => error.kind(),
            Self::ArrowFile(error) => error.kind(),
            Self::Parquet { .. }
            | Self::ParquetEnds { .. }
            | Self::RecordSchema { .. }
            | Self::GapInList { .. }
            | Self::Decode { .. }
            | Self::Arrow { .. }
            | Self::SchemaMismatch { .. }
            | Self::NotText { .. }
            | Self::LongText { .. }
            | Self::TypeMismatch { .. }
            | Self::NoSuchColumn { .. } => ErrorKind::Data,
            Self::NoSuchSplit { .. } | Self::Empty { .. } => ErrorKind::NotFound,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Io(error) => error.hint(),
            Self::Records(error) => error.hint(),
            Self::GapInList { .. } => {
                Some("write Parquet, which holds it, or leave such values out".to_owned())
            }
            Self::NoSuchColumn { column, found, .. } => {
                let near = nearest(column, found.iter().map(String::as_str))?;
                Some(format!("did you mean `{near}`?"))
            }
            Self::ParquetEnds { fault, .. } => fault.hint(),
            Self::NotText { .. } => {
                Some("leave the file out, by a narrower pattern, or convert it to UTF-8".to_owned())
            }
            Self::Avro(error) => error.hint(),
            Self::ArrowFile(error) => error.hint(),
            _ => None,
        }
    }
}
