//! Why Avro files could not be read.

use std::io;
use std::path::PathBuf;

use arrow::error::ArrowError;
use base::{Classify, ErrorKind, IoError};

/// Why Avro files could not be read. Blocks and rows count from 1, bytes from 0.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each message names its fields")]
pub enum AvroError {
    /// The file could not be opened or read.
    #[error(transparent)]
    Io(#[from] IoError),

    /// The file is something else.
    #[error("{}: not an Avro file, expected one that begins with `Obj` and the byte 1", .path.display())]
    NotAvro { path: PathBuf },

    /// What comes before the blocks cannot be read.
    #[error("{}: the header, byte {offset}: {problem}", .path.display())]
    Header { path: PathBuf, offset: u64, problem: AvroProblem },

    /// The blocks are packed in a way that is not read here.
    #[error("{}: codec `{codec}` is not supported, expected null, deflate, snappy, zstandard or bzip2", .path.display())]
    Codec { path: PathBuf, codec: String },

    /// The schema is not JSON.
    #[error("{}: the schema in the header is not JSON", .path.display())]
    SchemaJson { path: PathBuf, source: serde_json::Error },

    /// The schema is not one of rows.
    #[error("{}: the schema in the header: {}{problem}", .path.display(), place(.column))]
    Schema { path: PathBuf, column: String, problem: AvroSchemaProblem },

    /// A block cannot be read.
    #[error("{}: block {number} at byte {offset}: {problem}", .path.display())]
    Block { path: PathBuf, number: u64, offset: u64, problem: AvroProblem },

    /// A value cannot be read; the row is that of its block.
    #[error("{}: block {number} at byte {offset}, row {row} of it: column `{column}`: {problem}", .path.display())]
    Value {
        path: PathBuf,
        number: u64,
        offset: u64,
        row: u64,
        column: String,
        problem: AvroProblem,
    },

    /// The values do not make a batch.
    #[error("{}: the values do not go together", .path.display())]
    Batch { path: PathBuf, source: ArrowError },

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
pub enum AvroSchemaProblem {
    #[error("not there")]
    Missing,
    #[error("found {found}, expected a record")]
    NotARecord { found: String },
    #[error("found {found}, expected a type")]
    NotAType { found: String },
    #[error("`{key}` is missing or of the wrong kind")]
    Key { key: &'static str },
    #[error("no type is named `{name}`")]
    UnknownName { name: String },
    #[error("two types are named `{name}`")]
    NameTwice { name: String },
    #[error("stands twice in its record")]
    FieldTwice,
    #[error("a union of {found} is not supported, expected one type, or one and null")]
    Union { found: String },
    #[error("type `{name}` contains itself, which is not supported")]
    Recursive { name: String },
    #[error("`fixed` of {found} bytes, expected 1 to {limit}")]
    FixedSize { found: u64, limit: u64 },
    #[error("types are nested more than {limit} deep")]
    TooDeep { limit: usize },
    #[error("more than {limit} columns, nested ones included")]
    TooManyColumns { limit: usize },
    #[error("the records hold nothing but nulls, expected at least one value")]
    NoValues,
}

/// What is wrong with some bytes.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each message names its fields")]
pub enum AvroProblem {
    #[error("the file ends here, expected more")]
    FileEnds,
    #[error("the block ends here, expected more of the value")]
    BlockEnds,
    #[error("found a number of more than {bits} bits")]
    NumberTooLong { bits: u32 },
    #[error("found a length or count of {found}, expected none below zero")]
    Negative { found: i64 },
    #[error("found a length of {found}, but {left} bytes are left")]
    Length { found: u64, left: u64 },
    #[error("found {found} items, but {left} bytes are left")]
    Items { found: u64, left: u64 },
    #[error("a list of more than {limit} items")]
    TooManyItems { limit: u64 },
    #[error("found {found}, expected the boolean 0 or 1")]
    Boolean { found: u8 },
    #[error("found branch {found} of a union of {branches}")]
    Branch { found: i64, branches: u8 },
    #[error("found symbol {found} of an enum of {symbols}")]
    Symbol { found: i64, symbols: usize },
    #[error("not UTF-8")]
    NotUtf8,
    #[error("a decimal of more than 128 bits")]
    DecimalTooLong,
    #[error("the row takes more than {} MiB of memory", .limit >> 20)]
    RowTooLarge { limit: usize },
    #[error("found {found} bytes, expected at most {limit}")]
    BlockTooLarge { found: u64, limit: u64 },
    #[error("unpacks to more than {limit} bytes")]
    ExpandsTooMuch { limit: u64 },
    #[error("cannot be unpacked: {0}")]
    Unpack(io::Error),
    #[error("the checksum is wrong")]
    Checksum,
    #[error("{left} bytes are left after {rows} rows")]
    LeftOver { left: usize, rows: u64 },
    #[error("does not end with the file's sync marker")]
    Marker,
}

impl Classify for AvroError {
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
            Self::Header { problem: AvroProblem::FileEnds, .. }
            | Self::Block { problem: AvroProblem::FileEnds, .. } => {
                Some("perhaps it was copied in part: compare its size with the original".to_owned())
            }
            Self::Block { problem: AvroProblem::BlockTooLarge { .. }, .. } => {
                Some("write the file again with a smaller sync interval".to_owned())
            }
            _ => None,
        }
    }
}
