//! Why examples could not be read from records or written as records.

use std::path::PathBuf;

use arrow::datatypes::DataType;
use arrow::error::ArrowError;
use base::{Classify, ErrorKind};
use formats::example::ValueKind;
use formats::wire::WireError;

use super::Payload;
use crate::{FeatureType, TfRecordError};

/// Why examples could not be read from records or written as records.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each message names its fields")]
pub enum TfExampleError {
    /// The file could not be read.
    #[error(transparent)]
    File(#[from] TfRecordError),

    /// A record that is not an example of the features expected. Records count from 1, bytes from 0.
    #[error("{}: record {number} at byte {offset}: {problem}", .path.display())]
    Record { path: PathBuf, number: u64, offset: u64, problem: ExampleProblem },

    /// A feature with values of one kind here and another there.
    #[error(
        "feature `{feature}`: has {first} values in record {first_number} of {}, but {second} values in record {second_number} of {}", .first_path.display(), .second_path.display()
    )]
    KindConflict {
        feature: String,
        first: FeatureType,
        first_path: PathBuf,
        first_number: u64,
        second: FeatureType,
        second_path: PathBuf,
        second_number: u64,
    },

    /// A name that stands both in the context and in the feature lists.
    #[error(
        "feature `{feature}`: is both in the context and in the feature lists, expected one of them"
    )]
    NameInBoth { feature: String },

    /// More feature names than any dataset has.
    #[error("more than {limit} different feature names were found")]
    TooManyFeatures { limit: usize },

    /// A column of a type that records do not have.
    #[error("column `{column}`: has type {data_type}, which {payload} cannot hold")]
    UnsupportedType { column: String, data_type: DataType, payload: Payload },

    /// A name that two columns have.
    #[error("column `{column}`: stands twice in the schema")]
    DuplicateColumn { column: String },

    /// A batch without a column of the schema.
    #[error("column `{column}`: is not in the batch")]
    MissingColumn { column: String },

    /// A list with a missing value within.
    #[error(
        "column `{column}`: row {row} of the batch is a list with a missing value in it, which {payload} cannot hold"
    )]
    MissingInList { column: String, row: usize, payload: Payload },

    /// A column's values do not fit the types that records have.
    #[error("column `{column}`")]
    Cast { column: String, source: ArrowError },

    /// Columns that do not make a batch.
    #[error("examples do not fit their schema")]
    Batch { source: ArrowError },

    /// A batch that is not one of raw records.
    #[error("a batch does not hold raw records")]
    NotRecords,

    /// A state of an unknown version.
    #[error("the state of a discovery cannot be read: {reason}")]
    BadState { reason: String },
}

/// What is wrong with a record.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "each message names its fields")]
pub enum ExampleProblem {
    /// The bytes are not a message.
    #[error(transparent)]
    Wire(#[from] WireError),

    /// A name that is not text.
    #[error("a feature's name is not UTF-8: {name:?}")]
    NameNotUtf8 { name: String },

    /// A feature with values of another kind than its column has.
    #[error("feature `{feature}`: has {found} values, expected {}", kind_name(*.expected))]
    Kind { feature: String, found: FeatureType, expected: Option<FeatureType> },

    /// A feature with no values or many where its column has room for one.
    #[error("feature `{feature}`: has {found} values, expected one or the feature to be missing")]
    Count { feature: String, found: usize },

    /// A feature that is missing where its column says that it never is.
    #[error("feature `{feature}`: is missing, but its column is required")]
    Missing { feature: String },

    /// Bytes that are not text in a column of text.
    #[error("feature `{feature}`: has a value that is not UTF-8, expected text")]
    NotUtf8 { feature: String },

    /// More bytes than the offsets of one batch can tell.
    #[error("the batch is full, so that a record of {found} bytes does not fit")]
    BatchFull { found: usize },
}

impl From<WireError> for Box<ExampleProblem> {
    fn from(error: WireError) -> Self {
        Self::new(error.into())
    }
}

fn kind_name(kind: Option<FeatureType>) -> String {
    kind.map_or_else(|| "none".to_owned(), |kind| format!("{kind} values"))
}

impl From<ValueKind> for FeatureType {
    fn from(kind: ValueKind) -> Self {
        match kind {
            ValueKind::Bytes => Self::Bytes,
            ValueKind::Float => Self::Float,
            ValueKind::Int => Self::Int,
        }
    }
}

impl Classify for TfExampleError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::File(error) => error.kind(),
            Self::Record { .. }
            | Self::KindConflict { .. }
            | Self::NameInBoth { .. }
            | Self::TooManyFeatures { .. }
            | Self::UnsupportedType { .. }
            | Self::DuplicateColumn { .. }
            | Self::MissingInList { .. }
            | Self::Cast { .. }
            | Self::Batch { .. } => ErrorKind::Data,
            Self::MissingColumn { .. } | Self::NotRecords | Self::BadState { .. } => ErrorKind::Bug,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::File(error) => error.hint(),
            Self::Record { problem: ExampleProblem::Wire(_), .. } => {
                Some("its checksum is right, so it was written this way: does the file hold other messages?".to_owned())
            }
            Self::Record { problem: ExampleProblem::Count { .. }, .. } => {
                Some("make the column a list".to_owned())
            }
            Self::Record { problem: ExampleProblem::NotUtf8 { .. }, .. } => {
                Some("make the column one of bytes".to_owned())
            }
            _ => None,
        }
    }
}
