//! Why a cluster did not take a manifest.

use std::path::PathBuf;
use std::time::Duration;

use base::{Classify, ErrorKind, IoError};
use program::ProgramError;

/// Why a cluster did not take a manifest.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each message names its fields")]
pub enum KubernetesError {
    /// A name that no object of a cluster can have.
    #[error(
        "{name:?}: expected lower case letters, digits and `-`, a letter or digit at both ends, at most 63 characters"
    )]
    Name { name: String },

    /// `kubectl` does not run.
    #[error(transparent)]
    Program(#[from] ProgramError),

    /// `kubectl` says no.
    #[error("`kubectl {verb}` ended with {ended}: {said}")]
    Refused { verb: String, ended: String, said: String },

    /// `kubectl` takes too long.
    #[error("`kubectl {verb}` did not end within {} s: {said}", .limit.as_secs())]
    Slow { verb: String, limit: Duration, said: String },

    /// `kubectl` says something that is no object.
    #[error("`kubectl get {object}` said no JSON")]
    NotJson { object: String, source: serde_json::Error },

    /// A file could not be used.
    #[error(transparent)]
    Io(#[from] IoError),

    /// There is no such file.
    #[error("{}: no such manifest", .path.display())]
    NoManifest { path: PathBuf },

    /// The run was cancelled.
    #[error("cancelled")]
    Cancelled,
}

impl Classify for KubernetesError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Name { .. } => ErrorKind::Usage,
            Self::Program(error) => error.kind(),
            Self::Refused { .. } | Self::Slow { .. } | Self::NotJson { .. } | Self::Cancelled => {
                ErrorKind::Unavailable
            }
            Self::Io(error) => error.kind(),
            Self::NoManifest { .. } => ErrorKind::NotFound,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Program(ProgramError::Start { .. }) => Some(
                "`kubectl` is needed to apply manifests; without a `context` they are written only"
                    .to_owned(),
            ),
            Self::Program(error) => error.hint(),
            Self::Io(error) => error.hint(),
            _ => None,
        }
    }
}
