//! Why a search gave nothing.

use std::path::PathBuf;

use base::{Classify, ErrorKind, IoError};

use crate::Problem;

/// Why a search gave nothing.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each message names its fields")]
pub enum TuneError {
    /// A configuration that makes no sense.
    #[error("`{}`: {}", .0.key, .0.message)]
    Config(Problem),

    /// No trial has a score.
    #[error("all {num_trials} trials failed, the first one: {first}")]
    NothingFound { num_trials: usize, first: String },

    /// A file of hyperparameters that is none.
    #[error("{}: not hyperparameters, expected an object with `values`", .path.display())]
    NotHyperparameters { path: PathBuf },

    /// A file could not be read or written.
    #[error(transparent)]
    Io(#[from] IoError),
}

impl Classify for TuneError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Config(_) => ErrorKind::Usage,
            Self::NothingFound { .. } | Self::NotHyperparameters { .. } => ErrorKind::Data,
            Self::Io(error) => error.kind(),
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Config(problem) => problem.hint.clone(),
            Self::Io(error) => error.hint(),
            Self::NothingFound { .. } | Self::NotHyperparameters { .. } => None,
        }
    }
}
