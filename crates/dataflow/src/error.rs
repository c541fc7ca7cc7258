//! Why a fold or a map stopped.

use base::{BoxError, Classify, ErrorKind};

/// Why a fold or a map stopped.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// A source, a pass, a stage or a sink said no; its own error tells why.
    #[error("{0}")]
    Work(BoxError),

    /// A state or a pass came back as another type than it went out.
    #[error("engine state has an unexpected type: expected {expected}")]
    StateType {
        /// The Rust type that was expected.
        expected: &'static str,
    },

    /// The run was cancelled.
    #[error("cancelled")]
    Cancelled,
}

impl Classify for EngineError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Work(error) => error.kind(),
            Self::StateType { .. } => ErrorKind::Bug,
            Self::Cancelled => ErrorKind::Unavailable,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Work(error) => error.hint(),
            Self::StateType { .. } | Self::Cancelled => None,
        }
    }
}
