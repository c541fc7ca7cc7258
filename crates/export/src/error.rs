//! Why something cannot be exported.

use std::fmt;

use base::{Classify, ErrorKind, IoError};

/// What runs an exported graph.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Target {
    /// ONNX, as ONNX Runtime runs it.
    Onnx,
    /// A TensorFlow SavedModel, as TensorFlow and TensorFlow Serving run it.
    SavedModel,
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Onnx => "ONNX",
            Self::SavedModel => "SavedModel",
        })
    }
}

/// Why something cannot be exported.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "fields are what their messages say")]
pub enum ExportError {
    /// A feature needs an operation that the target cannot express.
    #[error("feature `{feature}`: {target} cannot express `{op}`: {reason}")]
    Unsupported { feature: String, op: String, target: Target, reason: String },

    /// Writing failed.
    #[error(transparent)]
    Io(#[from] IoError),
}

impl Classify for ExportError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Unsupported { .. } => ErrorKind::Usage,
            Self::Io(error) => error.kind(),
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Unsupported { .. } => Some(
                "docs/expressions.md says of each function where it can be exported".to_owned(),
            ),
            Self::Io(error) => error.hint(),
        }
    }
}
