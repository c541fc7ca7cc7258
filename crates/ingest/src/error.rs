//! Why raw data did not become examples.

use std::path::PathBuf;

use arrow::datatypes::DataType;
use base::{Classify, ErrorKind, IoError};
use dataflow::EngineError;
use dataset::{CsvError, DatasetError, RowError};

/// Why raw data did not become examples.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each message names its fields")]
pub enum IngestError {
    /// No pattern was given.
    #[error("no files are named, expected at least one pattern such as `data/*.csv`")]
    NoPatterns,

    /// Nothing is there.
    #[error("no file matches `{pattern}` in {}", .dir.display())]
    NoFiles { pattern: String, dir: PathBuf, hint: Option<String> },

    /// A pattern that is none.
    #[error("pattern `{pattern}`, character {position}: {reason}")]
    BadPattern { pattern: String, position: usize, reason: &'static str },

    /// Patterns are text, so the folder that they start from has to be.
    #[error("{}: the folder's name is not UTF-8, expected a name that patterns can be put behind", .dir.display())]
    FolderNotUtf8 { dir: PathBuf },

    /// A file or folder cannot be used.
    #[error(transparent)]
    Io(#[from] IoError),

    /// Comma-separated text cannot be read.
    #[error(transparent)]
    Csv(#[from] CsvError),

    /// Parquet cannot be read or written.
    #[error(transparent)]
    Dataset(#[from] DatasetError),

    /// All files together have no row.
    #[error("{}: no rows found, expected at least one", .path.display())]
    NoRows { path: PathBuf },

    /// More rows cannot be read than may be set aside.
    #[error("{first} ({num_rejected} of {}{num_rows} rows rejected, the limit is {limit})", if *.is_complete { "" } else { "the first " })]
    TooManyRejected {
        first: Box<RowError>,
        num_rejected: u64,
        num_rows: u64,
        limit: u64,
        is_complete: bool,
    },

    /// A column holds what features do not.
    #[error("{}: column `{column}`: values of type {data_type} are not supported, expected numbers, booleans, strings, bytes, or lists or structs of them", .path.display())]
    UnsupportedType { path: PathBuf, column: String, data_type: DataType },

    /// Two columns of a Parquet file have one name.
    #[error("{}: column `{column}`: stands twice in the schema", .path.display())]
    DuplicateColumn { path: PathBuf, column: String },

    /// The splits are an empty table.
    #[error("no splits are named, expected shares such as {{ train = 2, eval = 1 }}")]
    NoSplits,

    /// A split's name cannot be a folder's.
    #[error("split `{split}`: expected a name of letters, digits, `_` and `-`")]
    SplitName { split: String },

    /// The budget for rejected rows is too large.
    #[error("`max_rejected_rows`: found {found}, expected at most {limit}")]
    BudgetTooLarge { found: u64, limit: u64 },

    /// There were other rows when the data was read again.
    #[error("{}: the data changed while it was read: found {found} rows, expected {expected}", .path.display())]
    Changed { path: PathBuf, found: u64, expected: u64 },

    /// Two states are not of one pass, or bytes are no state.
    #[error("not inferred types that this version can continue: {reason}")]
    BadState { reason: &'static str },

    /// A pass over the data stopped.
    #[error("{0}")]
    Engine(EngineError),
}

impl IngestError {
    /// Returns the key of the configuration that the error is about.
    pub fn key(&self) -> &'static str {
        match self {
            Self::NoSplits | Self::SplitName { .. } => "splits",
            Self::BudgetTooLarge { .. } => "max_rejected_rows",
            _ => "source",
        }
    }
}

impl From<EngineError> for IngestError {
    fn from(error: EngineError) -> Self {
        Self::Engine(error)
    }
}

impl Classify for IngestError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::NoPatterns
            | Self::BadPattern { .. }
            | Self::FolderNotUtf8 { .. }
            | Self::NoSplits
            | Self::SplitName { .. }
            | Self::BudgetTooLarge { .. } => ErrorKind::Usage,
            Self::NoFiles { .. } => ErrorKind::NotFound,
            Self::Io(error) => error.kind(),
            Self::Csv(error) => error.kind(),
            Self::Dataset(error) => error.kind(),
            Self::NoRows { .. }
            | Self::TooManyRejected { .. }
            | Self::UnsupportedType { .. }
            | Self::DuplicateColumn { .. } => ErrorKind::Data,
            Self::Changed { .. } => ErrorKind::Conflict,
            Self::BadState { .. } => ErrorKind::Bug,
            Self::Engine(error) => error.kind(),
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::NoFiles { hint, .. } => hint.clone(),
            Self::Io(error) => error.hint(),
            Self::Csv(error) => error.hint(),
            Self::Dataset(error) => error.hint(),
            Self::TooManyRejected { first, num_rejected, num_rows, .. } => {
                // Where no row fits, setting all of them aside does not help.
                let helps =
                    num_rejected < num_rows && *num_rejected <= crate::config::MAX_REJECTED_ROWS;
                let budget = helps.then(|| {
                    format!(
                        "`max_rejected_rows = {num_rejected}` sets such rows aside in `{}`",
                        crate::REJECTED_FILE
                    )
                });
                first.hint().or(budget)
            }
            Self::UnsupportedType { .. } => {
                Some("write the column as a number or as text, or leave it out".to_owned())
            }
            Self::Changed { .. } => Some("run again once the files are complete".to_owned()),
            Self::Engine(error) => error.hint(),
            _ => None,
        }
    }
}
