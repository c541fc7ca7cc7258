//! Why a schema could not be read, inferred, updated or used.

use std::path::{Path, PathBuf};

use base::{Classify, ErrorKind, IoError};
use formats::text::TextError;

use crate::CustomError;

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

    /// The file is text, but not that of custom validations.
    #[error("cannot read {}", .path.display())]
    NotACustomValidation { path: PathBuf, source: TextError },

    /// Custom validations are wrong.
    #[error("{}", all(.path, .errors))]
    Custom { path: PathBuf, errors: Vec<CustomError> },

    /// The environment is not one that the schema knows.
    #[error("unknown environment {environment:?}, expected {}", expected(.known))]
    UnknownEnvironment { environment: String, known: Vec<String>, nearest: Option<String> },

    /// No type of anomaly has this name.
    #[error("unknown type of anomaly {name:?}, expected a name such as SCHEMA_NEW_COLUMN")]
    UnknownAnomalyType { name: String, nearest: Option<String> },

    /// No severity has this name.
    #[error("unknown severity {name:?}, expected WARNING or ERROR")]
    UnknownSeverity { name: String },

    /// There are statistics of several slices, but none of all examples.
    #[error("statistics of {}, expected those of \"All Examples\" among them", slices(.found))]
    NoDefaultSlice { found: Vec<String> },

    /// A batch does not have the columns that a validator was made for.
    #[error("the batch has columns {}, expected {} of the same types", .found.join(", "), .expected.join(", "))]
    OtherColumns { found: Vec<String>, expected: Vec<String> },

    /// A feature is to be compared, but not said by what.
    #[error(
        "feature `{feature}`: its comparator has no threshold, expected one of infinity_norm, jensen_shannon_divergence or normalized_abs_difference"
    )]
    NothingToCompare { feature: String },

    /// The statistics have one feature twice.
    #[error("feature `{feature}` has statistics twice, expected them once")]
    DuplicateStatistics { feature: String },
}

impl Classify for SchemaError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Io(error) => error.kind(),
            Self::NotText { .. }
            | Self::NotASchema { .. }
            | Self::NotACustomValidation { .. }
            | Self::NoDefaultSlice { .. }
            | Self::DuplicateStatistics { .. } => ErrorKind::Data,
            Self::NothingToCompare { .. }
            | Self::UnknownEnvironment { .. }
            | Self::UnknownAnomalyType { .. }
            | Self::UnknownSeverity { .. } => ErrorKind::Usage,
            Self::Custom { errors, .. } => errors.first().map_or(ErrorKind::Usage, Classify::kind),
            Self::OtherColumns { .. } => ErrorKind::Bug,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Io(error) => error.hint(),
            Self::Custom { errors, .. } => errors.iter().find_map(Classify::hint),
            Self::UnknownEnvironment { nearest: Some(nearest), .. }
            | Self::UnknownAnomalyType { nearest: Some(nearest), .. } => {
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

/// Returns all mistakes of a file, each with its name.
fn all(path: &Path, errors: &[CustomError]) -> String {
    let lines: Vec<String> =
        errors.iter().map(|error| format!("{}: {error}", path.display())).collect();
    lines.join("\n")
}

fn slices(found: &[String]) -> String {
    match found {
        [] => "no dataset".to_owned(),
        found => format!("the slices {}", found.join(", ")),
    }
}
