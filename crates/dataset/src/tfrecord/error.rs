//! Why TFRecord files could not be read or written.

use std::path::PathBuf;

use base::{Classify, ErrorKind, IoError};
use formats::tfrecord::RecordError;

/// Why TFRecord files could not be read or written.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each message names its fields")]
pub enum TfRecordError {
    /// The file could not be opened, read or written.
    #[error(transparent)]
    Io(#[from] IoError),

    /// The file is there but its records cannot be read.
    #[error("{}", .path.display())]
    // the record and what is wrong with it follow through `source()`
    Record { path: PathBuf, source: RecordError },

    /// The same of a compressed file, where bytes count after decompression.
    #[error("{}, decompressed", .path.display())]
    DecompressedRecord { path: PathBuf, source: RecordError },

    /// The file grew or shrank since it was opened.
    #[error("{}: has {found} bytes now, expected {expected} as when it was opened: it changed while it was read", .path.display())]
    Changed { path: PathBuf, found: u64, expected: u64 },
}

impl Classify for TfRecordError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Io(error) => error.kind(),
            Self::Record { source, .. } | Self::DecompressedRecord { source, .. } => source.kind(),
            Self::Changed { .. } => ErrorKind::Conflict,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Io(error) => error.hint(),
            Self::Record { source, .. } | Self::DecompressedRecord { source, .. } => source.hint(),
            Self::Changed { .. } => {
                Some("wait until whatever writes the file is done, and run again".to_owned())
            }
        }
    }
}
