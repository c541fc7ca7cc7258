//! Why a model could not be loaded, saved or asked.

use std::path::PathBuf;

use base::{Classify, ErrorKind, IoError};
use safetensors::SafeTensorError;

/// Why a model could not be loaded, saved or asked.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each message names its fields")]
pub enum ModelError {
    /// A file of the model could not be read or written.
    #[error(transparent)]
    Io(#[from] IoError),

    /// The description is there but is not what it should be.
    #[error("{}: not a model description", .path.display())]
    Description { path: PathBuf, source: serde_json::Error },

    /// The description was written by a newer version.
    #[error("{}: format version {found}, expected at most {newest}", .path.display())]
    Version { path: PathBuf, found: u64, newest: u64 },

    /// The weights are there but are not what they should be.
    #[error("{}: not readable weights", .path.display())]
    Weights { path: PathBuf, source: SafeTensorError },

    /// The weights do not have a tensor that the description asks for.
    #[error("{}: no tensor `{tensor}`, expected one of shape {expected:?}", .path.display())]
    MissingTensor { path: PathBuf, tensor: String, expected: Vec<usize> },

    /// A tensor does not fit the description.
    #[error("{}: tensor `{tensor}` is {found}, expected {expected}", .path.display())]
    TensorMismatch { path: PathBuf, tensor: String, found: String, expected: String },

    /// The weights have a tensor that the description does not ask for.
    #[error("{}: unknown tensor `{tensor}`", .path.display())]
    UnknownTensor { path: PathBuf, tensor: String },

    /// The description contradicts itself or asks for more than any model has.
    #[error("model description: {reason}")]
    Inconsistent { reason: &'static str },

    /// A column that the model reads is not there.
    #[error("no column `{column}` among the transformed features")]
    MissingColumn { column: String },

    /// A vector does not have as many items as the model reads.
    #[error("column `{column}` has a vector of {found}, expected {expected} numbers")]
    VectorLength { column: String, found: usize, expected: usize },

    /// A column does not have a type that the model reads.
    #[error("column `{column}` is {found}, expected {expected}")]
    ColumnType { column: String, found: String, expected: &'static str },
}

impl Classify for ModelError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Io(error) => error.kind(),
            Self::Description { .. }
            | Self::Version { .. }
            | Self::Weights { .. }
            | Self::MissingTensor { .. }
            | Self::TensorMismatch { .. }
            | Self::UnknownTensor { .. }
            | Self::Inconsistent { .. }
            | Self::ColumnType { .. }
            | Self::VectorLength { .. } => ErrorKind::Data,
            Self::MissingColumn { .. } => ErrorKind::NotFound,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Io(error) => error.hint(),
            Self::Version { .. } => {
                Some("load it with the version of cupola that wrote it".to_owned())
            }
            _ => None,
        }
    }
}
