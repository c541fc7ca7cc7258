//! Why a schema could not be read, inferred, updated or used.

use std::path::PathBuf;

use base::{Classify, ErrorKind, IoError};
use formats::text::TextError;

use crate::SchemaProblem;

/// Why a schema could not be read, inferred, updated or used.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each message names its fields")]
pub enum SchemaError {
    /// The file could not be read or written.
    #[error(transparent)]
    Io(#[from] IoError),

    /// The file is there but is not the text form of a schema.
    #[error("{}: not a schema", .path.display())]
    NotASchema { path: PathBuf, source: TextError },

    /// The schema contradicts itself, so that nothing can be compared with it.
    #[error("the schema cannot be used: {}", list(.problems))]
    InvalidSchema { problems: Vec<SchemaProblem> },

    /// The environment is not one that the schema knows.
    #[error("unknown environment {environment:?}, expected one of the schema's: {}", .known.join(", "))]
    UnknownEnvironment { environment: String, known: Vec<String>, nearest: Option<String> },

    /// The statistics contradict themselves.
    #[error("the statistics cannot be used: {feature}: {reason}")]
    InvalidStatistics { feature: String, reason: String },
}

impl Classify for SchemaError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Io(error) => error.kind(),
            Self::NotASchema { .. }
            | Self::InvalidSchema { .. }
            | Self::InvalidStatistics { .. } => ErrorKind::Data,
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

/// The first few problems, and how many more there are.
fn list(problems: &[SchemaProblem]) -> String {
    const SHOWN: usize = 10;
    let mut text: Vec<String> = problems.iter().take(SHOWN).map(ToString::to_string).collect();
    if problems.len() > SHOWN {
        text.push(format!("and {} more", problems.len() - SHOWN));
    }
    text.join("; ")
}
