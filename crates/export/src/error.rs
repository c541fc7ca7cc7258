//! Why something cannot be exported.

use std::fmt;

use base::{Classify, ErrorKind, IoError};
use graph::ValueType;

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

    /// The model reads a feature that the graph does not make.
    #[error("the model reads feature `{feature}`, which the graph does not make")]
    MissingFeature { feature: String },

    /// The model reads a feature of another type.
    #[error("feature `{feature}` is {found}, the model expects {expected}")]
    FeatureType { feature: String, found: ValueType, expected: &'static str },

    /// Two things in the exported file would have one name, or one would have none.
    #[error("{target} would have two tensors named `{name}`")]
    Name { name: String, target: Target },

    /// The exported file would be larger than its format allows.
    #[error("{target} file of {num_bytes} bytes, expected less than 2 GiB")]
    TooLarge { target: Target, num_bytes: usize },

    /// Writing failed.
    #[error(transparent)]
    Io(#[from] IoError),
}

impl Classify for ExportError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Unsupported { .. } | Self::Name { .. } | Self::TooLarge { .. } => {
                ErrorKind::Usage
            }
            Self::MissingFeature { .. } | Self::FeatureType { .. } => ErrorKind::Data,
            Self::Io(error) => error.kind(),
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Unsupported { .. } => Some(
                "docs/expressions.md says of each function where it can be exported".to_owned(),
            ),
            Self::Name { .. } => Some("rename one of the features".to_owned()),
            Self::Io(error) => error.hint(),
            _ => None,
        }
    }
}
