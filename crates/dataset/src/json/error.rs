//! Why JSON Lines could not be read as examples.

use std::path::PathBuf;

use arrow::datatypes::DataType;
use base::{Classify, ErrorKind};

use crate::{RowError, TextError};

/// Why JSON Lines could not be read as examples. Lines count from 1.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each message names its fields")]
pub enum JsonError {
    /// The file could not be opened, read or decompressed, or became shorter after it was looked at.
    #[error(transparent)]
    Text(#[from] TextError),

    /// A file that is plainly something else.
    #[error("{}: found {found}, expected lines of JSON", .path.display())]
    NotText { path: PathBuf, found: &'static str },

    /// A line that never seems to end.
    #[error("{}:{line}: a line is longer than {} MiB", .path.display(), .limit_bytes >> 20)]
    LineTooLong { path: PathBuf, line: u64, limit_bytes: u64 },

    /// A feature with values of two kinds that do not go together.
    #[error("{}:{line}: feature `{feature}` holds {found}, but {other} in {}:{other_line}", .path.display(), .other_path.display())]
    Conflict {
        feature: String,
        path: PathBuf,
        line: u64,
        found: &'static str,
        other_path: PathBuf,
        other_line: u64,
        other: &'static str,
    },

    /// A column of a type that JSON Lines are not read as.
    #[error("feature `{feature}`: JSON cannot be read as {data_type}")]
    UnsupportedType { feature: String, data_type: DataType },

    /// A row that could not be read, where no row may be set aside.
    #[error("{0}")]
    Row(Box<RowError>),
}

impl Classify for JsonError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Text(error) => error.kind(),
            Self::UnsupportedType { .. } => ErrorKind::Usage,
            _ => ErrorKind::Data,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Text(error) => error.hint(),
            Self::LineTooLong { .. } => Some(
                "is it one large list? `jq -c '.[]'` writes each item of a list in a line"
                    .to_owned(),
            ),
            Self::Row(row) => row.hint(),
            _ => None,
        }
    }
}
