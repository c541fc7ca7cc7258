//! Why a model could not be evaluated.

use arrow::datatypes::DataType;
use base::{Classify, ErrorKind, IoError};
use std::path::PathBuf;

use crate::Task;

/// Why a model could not be evaluated.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each message names its fields")]
pub enum EvaluateError {
    /// The configuration does not make sense; [`crate::check`] tells all that is wrong with it.
    #[error("`{key}`: {message}")]
    Config { key: String, message: String, hint: Option<String> },

    /// A metric of another task than the model's, or of a class that it does not have.
    #[error("{problem}")]
    WrongTask { problem: String, task: Task },

    /// A column that the evaluation reads is not there.
    #[error("column `{column}`, the {role}, is missing from the examples")]
    MissingColumn { column: String, role: &'static str },

    /// A column of a type that its role does not have.
    #[error("column `{column}`, the {role}, has type {found}, expected {expected}")]
    ColumnType { column: String, role: &'static str, found: DataType, expected: &'static str },

    /// A label that is not a class.
    #[error("label `{column}` is {value}, expected 0 or 1")]
    Label { column: String, value: f64 },

    /// A label that is no class.
    #[error("label `{column}` is {value}, expected the id of a class, from 0 to {}", .num_classes.saturating_sub(1))]
    Class { column: String, value: f64, num_classes: usize },

    /// A vector of another length.
    #[error("{role} `{column}` has {found} numbers in a row, expected {expected}")]
    Width { column: String, role: &'static str, found: usize, expected: usize },

    /// A number of tokens that is negative.
    #[error("label `{column}` is {value}, expected how many tokens were predicted")]
    NegativeCount { column: String, value: f64 },

    /// A document that is not of one query.
    #[error("query `{column}` has no value in an example, or several; expected one in each")]
    Query { column: String },

    /// A column that the task or the configuration needs and nobody named.
    #[error("{what} needs {column}, and no column was named for it")]
    NoColumn { what: String, column: &'static str },

    /// More documents than are kept in memory.
    #[error("there are more than {max} documents to rank, in all slices by {slices}", max = crate::state::MAX_DOCUMENTS)]
    TooManyDocuments { slices: String },

    /// A label that is infinite.
    #[error("label `{column}` is {value}, expected a finite number")]
    InfiniteLabel { column: String, value: f64 },

    /// A prediction of a classifier that is no probability.
    #[error("prediction `{column}` is {value}, expected a probability between 0 and 1")]
    Probability { column: String, value: f64 },

    /// A weight that cannot count examples.
    #[error("example weight `{column}` is {value}, expected a number from 0 to {max}", max = crate::sums::MAX_WEIGHT)]
    Weight { column: String, value: f64 },

    /// An example without a weight.
    #[error("example weight `{column}` is missing in an example, expected a number in each")]
    MissingWeight { column: String },

    /// A batch could not be numbered.
    #[error("cannot number the examples of a batch")]
    Numbered { source: arrow::error::ArrowError },

    /// Two states are not of one pass.
    #[error("cannot merge evaluations of different metrics, slices or columns")]
    DifferentPass,

    /// Bytes are not a state, or of a version that this one does not know.
    #[error("not an evaluation that this version can continue: {reason}")]
    BadState { reason: &'static str },

    /// The file could not be read or written.
    #[error(transparent)]
    Io(#[from] IoError),

    /// The file is there and is not an evaluation.
    #[error("{}: not a readable evaluation", .path.display())]
    NotAnEvaluation { path: PathBuf, source: serde_json::Error },

    /// The file is of a later version.
    #[error("{}: an evaluation of version {found}, expected at most {newest}", .path.display())]
    Version { path: PathBuf, found: u64, newest: u64 },
}

impl Classify for EvaluateError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Config { .. } | Self::WrongTask { .. } | Self::NoColumn { .. } => {
                ErrorKind::Usage
            }
            Self::MissingColumn { .. } => ErrorKind::NotFound,
            Self::ColumnType { .. }
            | Self::Label { .. }
            | Self::InfiniteLabel { .. }
            | Self::Class { .. }
            | Self::Width { .. }
            | Self::NegativeCount { .. }
            | Self::Query { .. }
            | Self::TooManyDocuments { .. }
            | Self::Probability { .. }
            | Self::Weight { .. }
            | Self::MissingWeight { .. }
            | Self::BadState { .. }
            | Self::NotAnEvaluation { .. }
            | Self::Version { .. } => ErrorKind::Data,
            Self::DifferentPass | Self::Numbered { .. } => ErrorKind::Bug,
            Self::Io(error) => error.kind(),
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Config { hint, .. } => hint.clone(),
            Self::Io(error) => error.hint(),
            Self::Version { .. } => Some("it was written by a newer Cupola".to_owned()),
            _ => None,
        }
    }
}
