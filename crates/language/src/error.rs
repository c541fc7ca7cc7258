//! Why a language model could not be read or run.

use std::path::PathBuf;

use base::{Classify, ErrorKind, IoError};

/// Why a language model could not be read or run.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each message names its fields")]
pub enum LanguageError {
    /// A file could not be read or written.
    #[error(transparent)]
    Io(#[from] IoError),

    /// A description is not JSON of its form.
    #[error("{}", .path.display())] // the cause follows through `source()`
    Json { path: PathBuf, source: serde_json::Error },

    /// A configuration describes a network that is not known here, or that cannot be.
    #[error("{}: {what}, expected {expected}", .path.display())]
    Config { path: PathBuf, what: String, expected: String },

    /// Sizes that do not make a network.
    #[error("{what}, expected {expected}")]
    Shape { what: String, expected: String },

    /// A file of weights is not one.
    #[error("{}", .path.display())]
    Weights { path: PathBuf, source: safetensors::SafeTensorError },

    /// A tensor is not there.
    #[error("{}: no tensor `{tensor}`, expected one of shape {expected:?}", .path.display())]
    MissingTensor { path: PathBuf, tensor: String, expected: Vec<usize> },

    /// A tensor is of another type or shape.
    #[error("{}: tensor `{tensor}` is {found}, expected {expected}", .path.display())]
    TensorMismatch { path: PathBuf, tensor: String, found: String, expected: String },

    /// A token that the model does not know.
    #[error("token {token}, the model knows those below {vocab_size}")]
    UnknownToken { token: u32, vocab_size: usize },

    /// There is nothing to go on from.
    #[error("the prompt is empty, expected at least one token")]
    EmptyPrompt,

    /// More tokens than the model has positions for.
    #[error("{found} tokens, the model has positions for {limit}")]
    TooLong { found: usize, limit: usize },

    /// An option of sampling that makes no sense.
    #[error("`{key}` is {value}, expected {expected}")]
    Sampling { key: &'static str, value: f64, expected: &'static str },

    /// The model computes something that is no number.
    #[error(
        "the model's output is not a finite number; its weights are damaged or it diverged in training"
    )]
    NotFinite,
}

impl Classify for LanguageError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Io(error) => error.kind(),
            Self::Shape { .. }
            | Self::UnknownToken { .. }
            | Self::EmptyPrompt
            | Self::TooLong { .. }
            | Self::Sampling { .. } => ErrorKind::Usage,
            Self::Json { .. }
            | Self::Config { .. }
            | Self::Weights { .. }
            | Self::MissingTensor { .. }
            | Self::TensorMismatch { .. }
            | Self::NotFinite => ErrorKind::Data,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Io(error) => error.hint(),
            _ => None,
        }
    }
}
