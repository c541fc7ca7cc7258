//! Why statistics could not be computed.

use arrow::datatypes::DataType;
use base::{Classify, ErrorKind};
use dataflow::EngineError;
use sketch::StateError;

/// Why statistics could not be computed.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each message names its fields")]
pub enum StatisticsError {
    /// A column holds values of a type that features do not have, or not yet.
    #[error(
        "feature `{feature}`: statistics of type {data_type} are not supported: expected numbers, booleans, \
         strings, bytes, or lists of them"
    )]
    UnsupportedType { feature: String, data_type: DataType },

    /// An option asks for more than is sensible.
    #[error("option `{option}`: found {found}, expected at most {limit}")]
    TooMany { option: &'static str, found: u32, limit: u32 },

    /// Two columns have one name.
    #[error("feature `{feature}` appears twice")]
    DuplicateFeature { feature: String },

    /// A batch lacks a feature that the pass was made for.
    #[error("feature `{feature}` is missing from a batch: expected the columns of the first one")]
    MissingFeature { feature: String },

    /// A batch holds a feature as another type than the pass was made for.
    #[error("feature `{feature}`: found {found} in a batch, expected {expected}")]
    ChangedType { feature: String, found: DataType, expected: String },

    /// Two states are not of one pass.
    #[error("cannot merge statistics of different features or options")]
    DifferentPass,

    /// Bytes are not a state, or of a version that this one does not know.
    #[error("statistics: {0}")]
    BadState(#[from] StateError),

    /// Reading the examples failed.
    #[error("{0}")]
    Engine(EngineError),
}

impl Classify for StatisticsError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::TooMany { .. } => ErrorKind::Usage,
            Self::UnsupportedType { .. }
            | Self::DuplicateFeature { .. }
            | Self::MissingFeature { .. }
            | Self::ChangedType { .. }
            | Self::BadState(_) => ErrorKind::Data,
            Self::DifferentPass => ErrorKind::Bug,
            Self::Engine(error) => error.kind(),
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Engine(error) => error.hint(),
            _ => None,
        }
    }
}
