//! Why statistics could not be computed.

use arrow::datatypes::DataType;
use base::{Classify, ErrorKind};
use dataflow::EngineError;
use query::QueryError;
use sketch::StateError;

/// Why statistics could not be computed.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each message names its fields")]
pub enum StatisticsError {
    /// A column holds values of a type that features do not have, or not yet.
    #[error(
        "feature `{feature}`: statistics of type {data_type} are not supported: expected numbers, booleans, \
         strings, bytes, or lists and structs of them"
    )]
    UnsupportedType { feature: String, data_type: DataType },

    /// An option asks for more than is sensible.
    #[error("option `{option}`: found {found}, expected at most {limit}")]
    TooMany { option: String, found: u32, limit: u32 },

    /// A number is out of its range.
    #[error("option `{option}`: found {found}, expected {expected}")]
    OutOfRange { option: String, found: f64, expected: &'static str },

    /// An option names a feature that is not there.
    #[error("option `{option}`: there is no feature `{feature}`")]
    UnknownFeature { option: String, feature: String, nearest: Option<String> },

    /// An option names a feature that `features` leaves out.
    #[error("option `{option}`: feature `{feature}` is not among `features`")]
    LeftOut { option: String, feature: String },

    /// An option names a feature that it has named before.
    #[error("option `{option}`: feature `{feature}` appears twice")]
    Twice { option: String, feature: String },

    /// An option names a feature of another type.
    #[error("option `{option}`: feature `{feature}` is {found}, expected {expected}")]
    WrongKind { option: String, feature: String, found: String, expected: &'static str },

    /// Slices by a query and by features are two things.
    #[error("option `{option}`: found `features` or `values` beside it, expected either")]
    SqlBesideFeatures { option: String },

    /// A query for slices is wrong, or stopped.
    #[error("option `{option}`: {error}")]
    SliceKeys { option: String, error: Box<QueryError> },

    /// There are more pairs of number features than can be compared.
    #[error("option `cross_features`: found {found} pairs of features, expected at most {limit}")]
    TooManyPairs { found: usize, limit: usize },

    /// The values to slice by make more slices than may be.
    #[error("option `slices`: found more than {limit} slices, expected at most `max_slices`")]
    TooManySlices { limit: u32 },

    /// An example has no weight, or one that is none.
    #[error(
        "feature `{feature}`: found {found} as the weight of an example, expected one number from 0 to 2^32"
    )]
    BadWeight { feature: String, found: String },

    /// A weighted feature of the schema takes its values from one struct, and the weights from another.
    #[error(
        "weighted feature `{feature}`: found `{value}` and `{weight}`, expected values and weights in one struct"
    )]
    DifferentStructs { feature: String, value: String, weight: String },

    /// The schema names a vocabulary that is not there.
    #[error("feature `{feature}`: there is no vocabulary `{vocabulary}`")]
    MissingVocabulary { feature: String, vocabulary: String, nearest: Option<String> },

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

impl StatisticsError {
    /// Returns the option that is wrong, as a dotted path such as `slices.0.features.1`; nothing if the data is.
    pub fn option(&self) -> Option<&str> {
        match self {
            Self::TooMany { option, .. }
            | Self::OutOfRange { option, .. }
            | Self::UnknownFeature { option, .. }
            | Self::LeftOut { option, .. }
            | Self::Twice { option, .. }
            | Self::WrongKind { option, .. }
            | Self::SqlBesideFeatures { option }
            | Self::SliceKeys { option, .. } => Some(option),
            Self::TooManyPairs { .. } => Some("cross_features"),
            _ => None,
        }
    }
}

impl Classify for StatisticsError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::TooMany { .. }
            | Self::OutOfRange { .. }
            | Self::UnknownFeature { .. }
            | Self::LeftOut { .. }
            | Self::Twice { .. }
            | Self::WrongKind { .. }
            | Self::SqlBesideFeatures { .. }
            | Self::TooManyPairs { .. }
            | Self::DifferentStructs { .. }
            | Self::MissingVocabulary { .. }
            | Self::TooManySlices { .. } => ErrorKind::Usage,
            Self::BadWeight { .. }
            | Self::UnsupportedType { .. }
            | Self::DuplicateFeature { .. }
            | Self::MissingFeature { .. }
            | Self::ChangedType { .. }
            | Self::BadState(_) => ErrorKind::Data,
            Self::DifferentPass => ErrorKind::Bug,
            Self::SliceKeys { error, .. } => error.kind(),
            Self::Engine(error) => error.kind(),
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::SliceKeys { error, .. } => error.hint(),
            Self::Engine(error) => error.hint(),
            Self::UnknownFeature { nearest: Some(nearest), .. } => {
                Some(format!("did you mean `{nearest}`?"))
            }
            Self::MissingVocabulary { nearest, .. } => Some(match nearest {
                Some(nearest) => format!("did you mean `{nearest}`?"),
                None => "name its file in `vocab_paths`".to_owned(),
            }),
            Self::TooManySlices { .. } => {
                Some("name the `values` to slice by, or raise `max_slices`".to_owned())
            }
            Self::TooManyPairs { .. } => Some("list the pairs instead of \"all\"".to_owned()),
            _ => None,
        }
    }
}
