//! Why a model could not be evaluated.

use arrow::datatypes::DataType;
use base::{Classify, ErrorKind, IoError};
use std::path::PathBuf;

use model::Task;

/// Why a model could not be evaluated.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each message names its fields")]
pub enum EvaluateError {
    /// The configuration does not make sense; [`crate::check`] tells all that is wrong with it.
    #[error("`{key}`: {message}")]
    Config { key: String, message: String, hint: Option<String> },

    /// A metric of another task than the model's.
    #[error("metric `{metric}` is not defined for {task}")]
    WrongTask { metric: String, task: Task },

    /// A model of a task that has no metrics.
    #[error("there are no metrics for {task}")]
    NoMetrics { task: Task },

    /// A column that the evaluation reads is not there.
    #[error("column `{column}`, the {role}, is missing from the examples")]
    MissingColumn { column: String, role: &'static str },

    /// A column of a type that its role does not have.
    #[error("column `{column}`, the {role}, has type {found}, expected {expected}")]
    ColumnType { column: String, role: &'static str, found: DataType, expected: &'static str },

    /// A label that is not a class.
    #[error("label `{column}` is {value}, expected 0 or 1")]
    Label { column: String, value: f64 },

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
            Self::Config { .. } | Self::WrongTask { .. } | Self::NoMetrics { .. } => {
                ErrorKind::Usage
            }
            Self::MissingColumn { .. } => ErrorKind::NotFound,
            Self::ColumnType { .. }
            | Self::Label { .. }
            | Self::InfiniteLabel { .. }
            | Self::Probability { .. }
            | Self::Weight { .. }
            | Self::MissingWeight { .. }
            | Self::BadState { .. }
            | Self::NotAnEvaluation { .. }
            | Self::Version { .. } => ErrorKind::Data,
            Self::DifferentPass => ErrorKind::Bug,
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
