//! Why a servable could not be loaded, saved or asked.

use std::path::PathBuf;

use base::{BoxError, Classify, ErrorKind, IoError};
use model::{ForeignError, ModelError};

/// Why a servable could not be loaded, saved or asked.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each message names its fields")]
pub enum ServableError {
    /// A file of the servable could not be read or written.
    #[error(transparent)]
    Io(#[from] IoError),

    /// The signature is there but is not what it should be.
    #[error("{}: not a signature of a servable", .path.display())]
    Signature { path: PathBuf, source: serde_json::Error },

    /// The signature was written by a newer version.
    #[error("{}: format version {found}, expected at most {newest}", .path.display())]
    Version { path: PathBuf, found: u64, newest: u64 },

    /// The signature tells other things than the graph and the model beside it.
    #[error("{}: does not fit the graph and the model beside it", .path.display())]
    OtherSignature { path: PathBuf },

    /// The graph could not be loaded, saved or applied; its own error tells why.
    #[error("{0}")]
    Graph(BoxError),

    /// The model could not be loaded, saved or asked.
    #[error(transparent)]
    Model(#[from] ModelError),

    /// The foreign model could not be loaded, saved or asked.
    #[error(transparent)]
    Foreign(#[from] ForeignError),

    /// The model reads a feature that the graph does not make.
    #[error("the model reads feature `{feature}`, which the graph does not make")]
    MissingFeature { feature: String },
}

impl Classify for ServableError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Io(error) => error.kind(),
            Self::Graph(error) => error.kind(),
            Self::Model(error) => error.kind(),
            Self::Foreign(error) => error.kind(),
            Self::Signature { .. }
            | Self::Version { .. }
            | Self::OtherSignature { .. }
            | Self::MissingFeature { .. } => ErrorKind::Data,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Io(error) => error.hint(),
            Self::Graph(error) => error.hint(),
            Self::Model(error) => error.hint(),
            Self::Foreign(error) => error.hint(),
            Self::Version { .. } => {
                Some("load it with the version of cupola that wrote it".to_owned())
            }
            _ => None,
        }
    }
}
