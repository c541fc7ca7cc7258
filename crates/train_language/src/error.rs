//! Why a language model could not be trained.

use std::path::PathBuf;

use base::{Classify, ErrorKind, IoError};
use language::LanguageError;
use loader::LoaderError;

use crate::Problem;

/// Why a language model could not be trained.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each message names its fields")]
pub enum TrainError {
    /// An option does not make sense.
    #[error("`{}`: {}", .0.key, .0.message)]
    Config(Problem),

    /// A file could not be read or written.
    #[error(transparent)]
    Io(#[from] IoError),

    /// The model or its tokens.
    #[error(transparent)]
    Language(#[from] LanguageError),

    /// The tokens could not be read.
    #[error(transparent)]
    Loader(#[from] LoaderError),

    /// Tokens that the embedding has no row for.
    #[error(
        "split `{split}` has tokens below {found}, the embedding of the model has {vocab_size} rows"
    )]
    Vocabulary { split: &'static str, found: usize, vocab_size: usize },

    /// The model to start from is of other sizes.
    #[error("{}: the base model has {what}, the configuration {expected}", .path.display())]
    BaseModel { path: PathBuf, what: String, expected: String },

    /// A checkpoint is of another training.
    #[error("{}: this checkpoint is of another configuration or of other tokens", .path.display())]
    OtherTraining { path: PathBuf },

    /// The training went astray and could not be led back.
    #[error(
        "{what} by step {step}, after {rollbacks} rollbacks; the learning rate is {learning_rate}"
    )]
    Diverged { step: u64, what: String, rollbacks: u32, learning_rate: f64 },

    /// The observer ended the training; what was done is in a checkpoint.
    #[error("cancelled")]
    Cancelled,
}

impl Classify for TrainError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Config(_) => ErrorKind::Usage,
            Self::Io(error) => error.kind(),
            Self::Language(error) => error.kind(),
            Self::Loader(error) => error.kind(),
            Self::Vocabulary { .. } | Self::BaseModel { .. } | Self::Diverged { .. } => {
                ErrorKind::Data
            }
            Self::OtherTraining { .. } => ErrorKind::Conflict,
            Self::Cancelled => ErrorKind::Unavailable,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Config(problem) => problem.hint.clone(),
            Self::Io(error) => error.hint(),
            Self::Language(error) => error.hint(),
            Self::Loader(error) => error.hint(),
            Self::OtherTraining { path } => {
                let dir = path.parent().unwrap_or(path);
                Some(format!("remove {} to start anew", dir.display()))
            }
            Self::Diverged { learning_rate, .. } => {
                Some(format!("try `learning_rate = {}`", learning_rate / 3.0))
            }
            _ => None,
        }
    }
}
