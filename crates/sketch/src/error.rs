//! Why bytes are not a state.

use base::{Classify, ErrorKind};

/// Bytes are not a state, or of a version that this one does not know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a state that this version can continue: {reason}")]
pub struct StateError {
    /// What is wrong with them.
    pub reason: &'static str,
}

impl Classify for StateError {
    fn kind(&self) -> ErrorKind {
        ErrorKind::Data
    }
}
