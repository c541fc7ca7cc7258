//! Why a model could not be explained.

use base::{BoxError, Classify, ErrorKind};

/// Why a model could not be explained.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each message names its fields")]
pub enum ExplainError {
    /// A feature that is to be explained is not among the examples.
    #[error("feature `{feature}` is missing from the examples")]
    MissingFeature { feature: String },

    /// The examples do not have the background's columns.
    #[error("the examples and the background do not have the same columns")]
    OtherColumns { source: arrow::error::ArrowError },

    /// There is nothing to compare with.
    #[error("the background has no examples, expected at least one")]
    NoBackground,

    /// The model does not have the output.
    #[error("the model has no output `{output}` of numbers")]
    NoOutput { output: String },

    /// A prediction that is no number.
    #[error("the model predicts no number for an example, and so there is nothing to explain")]
    NotANumber,

    /// The model said no.
    #[error("{0}")]
    Model(BoxError),
}

impl Classify for ExplainError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::MissingFeature { .. } => ErrorKind::NotFound,
            Self::NoOutput { .. } | Self::NoBackground => ErrorKind::Usage,
            Self::OtherColumns { .. } | Self::NotANumber => ErrorKind::Data,
            Self::Model(error) => error.kind(),
        }
    }
}
