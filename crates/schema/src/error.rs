//! Why a schema could not be read, inferred, updated or used.

use std::path::PathBuf;

use base::{Classify, ErrorKind, IoError};
use formats::text::TextError;

/// Why a schema could not be read, inferred, updated or used.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each message names its fields")]
pub enum SchemaError {
    /// The file could not be read or written.
    #[error(transparent)]
    Io(#[from] IoError),

    /// The file is not UTF-8.
    #[error("cannot read {}", .path.display())]
    NotText { path: PathBuf, source: std::str::Utf8Error },

    /// The file is text, but not that of a schema.
    #[error("cannot read {}", .path.display())]
    NotASchema { path: PathBuf, source: TextError },

    /// The environment is not one that the schema knows.
    #[error("unknown environment {environment:?}, expected {}", expected(.known))]
    UnknownEnvironment { environment: String, known: Vec<String>, nearest: Option<String> },

    /// The statistics have one feature twice.
    #[error("feature `{feature}` has statistics twice, expected them once")]
    DuplicateStatistics { feature: String },
}

impl Classify for SchemaError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Io(error) => error.kind(),
            Self::NotText { .. } | Self::NotASchema { .. } | Self::DuplicateStatistics { .. } => {
                ErrorKind::Data
            }
            Self::UnknownEnvironment { .. } => ErrorKind::Usage,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Io(error) => error.hint(),
            Self::UnknownEnvironment { nearest: Some(nearest), .. } => {
                Some(format!("did you mean `{nearest}`?"))
            }
            _ => None,
        }
    }
}

fn expected(known: &[String]) -> String {
    match known {
        [] => "none, as the schema has no default_environment".to_owned(),
        known => format!("one of the schema's: {}", known.join(", ")),
    }
}
