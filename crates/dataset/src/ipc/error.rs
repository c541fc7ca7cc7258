//! Why Arrow IPC files could not be read.

use std::io;
use std::path::PathBuf;

use arrow::datatypes::DataType;
use arrow::error::ArrowError;
use base::{Classify, ErrorKind, IoError};

/// Why Arrow IPC files could not be read. Bytes count from 0.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each message names its fields")]
pub enum ArrowFileError {
    /// The file could not be opened or read.
    #[error(transparent)]
    Io(#[from] IoError),

    /// The file is something else.
    #[error("{}: found {found}, expected an Arrow IPC file or stream", .path.display())]
    NotArrow { path: PathBuf, found: &'static str },

    /// What says where the batches are cannot be read.
    #[error("{}: the footer: {problem}", .path.display())]
    Footer { path: PathBuf, problem: ArrowFileProblem },

    /// The schema is not one of features.
    #[error("{}: the schema: {}{problem}", .path.display(), place(.column))]
    Schema { path: PathBuf, column: String, problem: ArrowSchemaProblem },

    /// A message cannot be read: a batch of rows or a dictionary.
    #[error("{}: the message at byte {offset}: {}{problem}", .path.display(), place(.column))]
    Message { path: PathBuf, offset: u64, column: String, problem: ArrowFileProblem },

    /// The file grew or shrank since it was opened.
    #[error("{}: has {found} bytes now, expected {expected} as when it was opened: it changed while it was read", .path.display())]
    Changed { path: PathBuf, found: u64, expected: u64 },
}

fn place(column: &str) -> String {
    if column.is_empty() { String::new() } else { format!("column `{column}`: ") }
}

/// What is wrong with a schema, or not supported.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "each message names its fields")]
pub enum ArrowSchemaProblem {
    #[error("not there")]
    Missing,
    #[error("numbers are stored highest byte first, expected lowest first")]
    BigEndian,
    #[error("type {name} is not supported")]
    Unsupported { name: &'static str },
    #[error("type {name} has impossible parameters")]
    Parameters { name: &'static str },
    #[error("type {name} has {found} children, expected {expected}")]
    Children { name: &'static str, found: usize, expected: usize },
    #[error("dictionary {id} is of {found} here and of {expected} elsewhere")]
    DictionaryType { id: i64, found: DataType, expected: DataType },
    #[error("more than {limit} columns, nested ones included")]
    TooManyColumns { limit: usize },
    #[error("the columns hold nothing but nulls, expected at least one value")]
    NoValues,
}

/// What is wrong with a footer or a message.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each message names its fields")]
pub enum ArrowFileProblem {
    #[error("the file ends before it does")]
    FileEnds,
    #[error("says that it is {found} bytes long, but {left} are left")]
    Length { found: i64, left: u64 },
    #[error("says that it is {found} bytes long, expected at most {limit}")]
    TooLarge { found: u64, limit: u64 },
    #[error("says that a message is at byte {found}, which is not in the file")]
    Place { found: i64 },
    #[error("its description is damaged")]
    Flatbuffer,
    #[error("its description has no {what}")]
    Missing { what: &'static str },
    #[error("written for version {found} of the format, expected 4 or 5")]
    Version { found: i16 },
    #[error("found {found}, expected {expected}")]
    Kind { found: &'static str, expected: &'static str },
    #[error("found a number of {what} of {found}")]
    Count { what: &'static str, found: i64 },
    #[error("a buffer of {length} bytes at {offset} is not within the {body} bytes of the message")]
    Buffer { offset: i64, length: i64, body: usize },
    #[error("a buffer has {found} bytes, expected at least {expected}")]
    Short { found: usize, expected: usize },
    #[error("packed with an unknown codec")]
    Codec,
    #[error("unpacks to more than {limit} bytes")]
    ExpandsTooMuch { limit: u64 },
    #[error("cannot be unpacked: {0}")]
    Unpack(io::Error),
    #[error("unpacks to {found} bytes, expected {expected}")]
    Unpacked { found: u64, expected: u64 },
    #[error("found {found} missing values, expected {expected}")]
    Nulls { found: usize, expected: i64 },
    #[error("no column has a dictionary {id}")]
    UnknownDictionary { id: i64 },
    #[error("adds to dictionary {id}, which is not there yet")]
    NoDictionary { id: i64 },
    #[error("{0}")]
    Values(ArrowError),
}

impl Classify for ArrowFileError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Io(error) => error.kind(),
            Self::Changed { .. } => ErrorKind::Conflict,
            _ => ErrorKind::Data,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Io(error) => error.hint(),
            Self::Changed { .. } => {
                Some("wait until whatever writes the file is done, and run again".to_owned())
            }
            Self::Footer { problem: ArrowFileProblem::FileEnds, .. }
            | Self::Message { problem: ArrowFileProblem::FileEnds, .. } => {
                Some("perhaps it was copied in part: compare its size with the original".to_owned())
            }
            Self::Message { problem: ArrowFileProblem::TooLarge { .. }, .. }
            | Self::Message { problem: ArrowFileProblem::ExpandsTooMuch { .. }, .. } => {
                Some("write the file again in smaller record batches".to_owned())
            }
            _ => None,
        }
    }
}
