//! Why examples could not be compared.

use arrow::datatypes::DataType;
use base::{Classify, ErrorKind};
use dataflow::EngineError;
use dataset::FeatureType;
use sketch::StateError;

/// Why examples could not be compared.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each message names its fields")]
pub enum ExampleDiffError {
    /// Nothing tells which examples make a pair.
    #[error("`identifier_features`: found [], expected at least one feature")]
    NoIdentifier,

    /// A side does not have an identifier feature.
    #[error("identifier feature `{feature}` is not among the features of the {side}")]
    MissingIdentifier { feature: String, side: &'static str, nearest: Option<String> },

    /// An identifier feature is of another type on either side, so that no two values are equal.
    #[error(
        "identifier feature `{feature}` is {found} in the examples and {baseline} in the baseline examples, \
         expected one type"
    )]
    IdentifierType { feature: String, found: FeatureType, baseline: FeatureType },

    /// A column holds values of a type that features do not have.
    #[error(
        "feature `{feature}`: values of type {data_type} cannot be compared, expected numbers, booleans, strings, \
         bytes, lists or structs of them; `ignore_features` leaves it out"
    )]
    UnsupportedType { feature: String, data_type: DataType },

    /// The pairs of values of a feature are too many to be counted one by one.
    #[error(
        "`confusion_features`: feature `{feature}` has more than {limit} distinct values, expected a feature of \
         few values"
    )]
    ConfusionValues { feature: String, limit: usize },

    /// Two states are not of one pass.
    #[error("cannot merge fingerprints of different features, ranges or options")]
    DifferentPass,

    /// Bytes are not a state, or of a version that this one does not know.
    #[error("fingerprints: {0}")]
    BadState(#[from] StateError),

    /// Text is not a stored result, or of a version that this one does not know.
    #[error("not the result of comparing examples")]
    BadResult(#[source] serde_json::Error),

    /// A stored result is of a version that this one does not know.
    #[error(
        "a result of version {version}, expected at most {newest}: it was written by a newer program"
    )]
    NewerResult { version: u64, newest: u64 },

    /// Reading the examples failed.
    #[error("{0}")]
    Engine(EngineError),
}

impl Classify for ExampleDiffError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::NoIdentifier | Self::MissingIdentifier { .. } | Self::ConfusionValues { .. } => {
                ErrorKind::Usage
            }
            Self::IdentifierType { .. }
            | Self::UnsupportedType { .. }
            | Self::BadState(_)
            | Self::BadResult(_)
            | Self::NewerResult { .. } => ErrorKind::Data,
            Self::DifferentPass => ErrorKind::Bug,
            Self::Engine(error) => error.kind(),
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::MissingIdentifier { nearest: Some(nearest), .. } => {
                Some(format!("did you mean `{nearest}`?"))
            }
            Self::Engine(error) => error.hint(),
            _ => None,
        }
    }
}
