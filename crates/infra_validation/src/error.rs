//! Why a candidate could not be tried at all.

use base::{Classify, ErrorKind, IoError};
use client::ClientError;
use dataset::TfExampleError;
use program::ProgramError;

/// Why a candidate could not be tried at all. What a server does wrong is a [`Flaw`](crate::Flaw) instead.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each message names its fields")]
pub enum InfraError {
    /// The examples cannot be sent.
    #[error("the examples cannot be sent as JSON")]
    Json(#[source] ProgramError),

    /// The examples cannot be sent.
    #[error("the examples cannot be sent as `tf.Example`s")]
    Example(#[source] TfExampleError),

    /// The predictions are not those of the examples.
    #[error(
        "the offline predictions have {predictions} rows, expected {examples} as the examples have"
    )]
    Rows { examples: usize, predictions: usize },

    /// The model's outputs are not what servers answer with.
    #[error("output `{output}` is a column of {found}, expected floats of 32 bits")]
    Output { output: String, found: String },

    /// The server's program does not start.
    #[error(transparent)]
    Program(ProgramError),

    /// Nobody can be asked from here.
    #[error(transparent)]
    Client(#[from] ClientError),

    /// A file could not be used.
    #[error(transparent)]
    Io(#[from] IoError),

    /// The run was cancelled.
    #[error("cancelled")]
    Cancelled,
}

impl Classify for InfraError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Json(_) | Self::Example(_) | Self::Output { .. } => ErrorKind::Data,
            Self::Rows { .. } => ErrorKind::Bug,
            Self::Program(error) => error.kind(),
            Self::Client(error) => error.kind(),
            Self::Io(error) => error.kind(),
            Self::Cancelled => ErrorKind::Unavailable,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Io(error) => error.hint(),
            Self::Program(error) => error.hint(),
            _ => None,
        }
    }
}
