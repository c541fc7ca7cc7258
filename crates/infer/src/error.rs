//! Why predictions could not be made or written.

use std::path::PathBuf;

use arrow::error::ArrowError;
use base::{BoxError, Classify, ErrorKind, IoError};
use dataset::TfExampleError;
use parquet::errors::ParquetError;

/// Why predictions could not be made or written.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each message names its fields")]
pub enum InferError {
    /// A file or folder could not be read or written.
    #[error(transparent)]
    Io(#[from] IoError),

    /// A source, the model or the engine said no; its own error tells why.
    #[error("{0}")]
    Work(BoxError),

    /// The examples do not have a column that is needed.
    #[error("column `{column}` is missing, the model needs {}", quoted(.needed))]
    MissingColumn { column: String, needed: Vec<String> },

    /// The examples do not have a column that is to be kept.
    #[error("column `{column}` is to be kept but not there, expected one of {}", quoted(.available))]
    NothingToKeep { column: String, available: Vec<String> },

    /// The model does not have an output.
    #[error("the model has no output `{output}`, expected one of {}", quoted(.available))]
    NoOutput { output: String, available: Vec<String> },

    /// Two columns would have one name.
    #[error("two columns of the result would be called `{column}`")]
    NameTaken { column: String },

    /// The columns of a result do not make a batch.
    #[error("predictions do not make a batch")]
    Batch { source: ArrowError },

    /// A stream did not take what was written.
    #[error("cannot write predictions")]
    Stream(#[source] std::io::Error),

    /// Parquet does not take the columns.
    #[error("predictions cannot be written as Parquet")]
    Parquet(#[source] ParquetError),

    /// Records do not take the columns.
    #[error("predictions cannot be written as `tf.Example`")]
    Records(#[from] TfExampleError),

    /// The folder holds predictions of another model, other examples or in another form.
    #[error("{}: holds other predictions: {what} is {found}, this time {expected}", .dir.display())]
    OtherPredictions { dir: PathBuf, what: &'static str, found: String, expected: String },

    /// The folder holds something, but no record of what predictions these are.
    #[error("{}: not empty, and no `{manifest}` says what is in it", .dir.display())]
    Occupied { dir: PathBuf, manifest: &'static str },

    /// The record of what a folder holds is not one.
    #[error("{}: not a record of predictions", .path.display())]
    Manifest { path: PathBuf, source: serde_json::Error },

    /// The record was written by a newer version.
    #[error("{}: format version {found}, expected at most {newest}", .path.display())]
    Version { path: PathBuf, found: u64, newest: u64 },

    /// Another process fills the folder.
    #[error("{}: another process writes predictions here", .dir.display())]
    Busy { dir: PathBuf },
}

impl Classify for InferError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Io(error) => error.kind(),
            Self::Work(error) => error.kind(),
            Self::Records(error) => error.kind(),
            Self::MissingColumn { .. } | Self::Manifest { .. } | Self::Version { .. } => {
                ErrorKind::Data
            }
            Self::NothingToKeep { .. } | Self::NoOutput { .. } | Self::NameTaken { .. } => {
                ErrorKind::Usage
            }
            Self::OtherPredictions { .. } | Self::Occupied { .. } | Self::Busy { .. } => {
                ErrorKind::Conflict
            }
            Self::Stream(_) => ErrorKind::Unavailable,
            Self::Batch { .. } | Self::Parquet(_) => ErrorKind::Data,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Io(error) => error.hint(),
            Self::Work(error) => error.hint(),
            Self::Records(error) => error.hint(),
            Self::OtherPredictions { .. } => {
                Some("choose another folder; `--overwrite` removes what is there".to_owned())
            }
            Self::Version { .. } => Some("use the version of cupola that wrote it".to_owned()),
            Self::NameTaken { .. } => Some("keep fewer columns, or rename one".to_owned()),
            _ => None,
        }
    }
}

fn quoted(names: &[String]) -> String {
    let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}
