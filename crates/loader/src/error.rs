//! Why batches could not be loaded.

use std::path::PathBuf;

use arrow::error::ArrowError;
use base::{Classify, ErrorKind, IoError};

/// Why batches could not be loaded.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each message names its fields")]
pub enum LoaderError {
    /// A file could not be read or written.
    #[error(transparent)]
    Io(#[from] IoError),

    /// A setting that makes no sense.
    #[error("`{setting}` is {found}, expected {expected}")]
    Setting { setting: &'static str, found: String, expected: String },

    /// A token that the vocabulary does not have.
    #[error("{}: token {token} at {place}, expected one below the vocabulary's size, {vocabulary_size}", .path.display())]
    Token { path: PathBuf, token: u32, place: u64, vocabulary_size: u32 },

    /// A header that is not one.
    #[error("{}: not the header of a token shard", .path.display())]
    Header { path: PathBuf, source: serde_json::Error },

    /// A header of a newer version.
    #[error("{}: format version {found}, expected at most {newest}", .path.display())]
    Version { path: PathBuf, found: u64, newest: u64 },

    /// A header that says other things than the file beside it or the other shards.
    #[error("{}: {what} is {found}, expected {expected}", .path.display())]
    Mismatch { path: PathBuf, what: &'static str, found: u64, expected: u64 },

    /// A folder without what was looked for.
    #[error("{}: {reason}", .path.display())]
    Nothing { path: PathBuf, reason: &'static str },

    /// Batches of one source whose columns do not fit each other.
    #[error("the batches of the source do not have the same columns")]
    Columns { source: ArrowError },

    /// A position that is none, or one of another loader.
    #[error("not a position of this loader: {reason}")]
    Position { reason: &'static str },
}

impl Classify for LoaderError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Io(error) => error.kind(),
            Self::Setting { .. } | Self::Position { .. } => ErrorKind::Usage,
            Self::Nothing { .. } => ErrorKind::NotFound,
            Self::Token { .. }
            | Self::Columns { .. }
            | Self::Header { .. }
            | Self::Version { .. }
            | Self::Mismatch { .. } => ErrorKind::Data,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Io(error) => error.hint(),
            Self::Version { .. } => {
                Some("read it with the version of cupola that wrote it".to_owned())
            }
            _ => None,
        }
    }
}
