//! Why delimited text could not be read as examples.

use std::fmt;
use std::path::PathBuf;

use base::{Classify, ErrorKind, nearest};
use serde::{Deserialize, Serialize};

use crate::difference::ColumnDifference;
use crate::{FeatureType, TextError};

/// Why delimited text could not be read as examples. Lines count from 1, header included.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each message names its fields")]
pub enum CsvError {
    /// The file could not be opened, read or decompressed, or became shorter after it was looked at.
    #[error(transparent)]
    Text(#[from] TextError),

    /// A file without a single byte or with nothing but blank lines.
    #[error("{}: the file is empty, expected a header with column names", .path.display())]
    Empty { path: PathBuf },

    /// A file that is plainly something else.
    #[error("{}: found {found}, expected comma-separated text", .path.display())]
    NotText { path: PathBuf, found: &'static str },

    /// The header is not UTF-8.
    #[error("{}:{line}: column {position} of the header: not UTF-8", .path.display())]
    HeaderNotUtf8 { path: PathBuf, line: u64, position: usize },

    /// A column without a name.
    #[error("{}:{line}: column {position} of the header has no name", .path.display())]
    UnnamedColumn { path: PathBuf, line: u64, position: usize },

    /// A name that stands twice in the header.
    #[error("{}:{line}: column `{column}`: stands twice in the header, as columns {first} and {second}", .path.display())]
    DuplicateColumn { path: PathBuf, line: u64, column: String, first: usize, second: usize },

    /// More columns than anybody means.
    #[error("{}:{line}: the header has {found} columns, expected at most {limit}", .path.display())]
    TooManyColumns { path: PathBuf, line: u64, found: usize, limit: usize },

    /// Two files of one source do not have the same columns.
    #[error("{}:{line}: the columns are not those of {}: {difference}", .path.display(), .first.display())]
    HeaderMismatch { path: PathBuf, line: u64, first: PathBuf, difference: ColumnDifference },

    /// A quoted cell goes on to the end of the file.
    #[error("{}:{line}: a quote is opened here and never closed", .path.display())]
    UnclosedQuote { path: PathBuf, line: u64 },

    /// A row that never seems to end.
    #[error("{}:{line}: a row is longer than {} MiB", .path.display(), .limit_bytes >> 20)]
    RowTooLong { path: PathBuf, line: u64, limit_bytes: u64, is_quoted: bool },

    /// A column that was asked for is not there.
    #[error("{}: column `{column}` is missing, found {}", .path.display(), listed(.found))]
    MissingColumn { path: PathBuf, column: String, found: Vec<String> },

    /// A feature that delimited text cannot hold.
    #[error("feature `{feature}` is of type STRUCT, which comma-separated text cannot hold")]
    NestedFeature { feature: String },

    /// A row that could not be read, where no row may be set aside.
    #[error("{0}")]
    Row(Box<RowError>),
}

impl Classify for CsvError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Text(error) => error.kind(),
            Self::NestedFeature { .. } => ErrorKind::Usage,
            _ => ErrorKind::Data,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Text(error) => error.hint(),
            Self::NotText { .. } => {
                Some("unpack or convert the file to comma-separated UTF-8 text first".to_owned())
            }
            Self::HeaderNotUtf8 { .. } => Some(CONVERT.to_owned()),
            Self::UnnamedColumn { position: 1, .. } => Some(
                "a first column without a name is often an index; pandas leaves it out with \
                      `to_csv(index=False)`"
                    .to_owned(),
            ),
            Self::RowTooLong { is_quoted: true, .. } => {
                Some("perhaps a quote is opened there and never closed".to_owned())
            }
            Self::MissingColumn { column, found, .. } => {
                let near = nearest(column, found.iter().map(String::as_str))?;
                Some(format!("did you mean `{near}`?"))
            }
            Self::Row(row) => row.hint(),
            _ => None,
        }
    }
}

const CONVERT: &str = "convert the file to UTF-8, for example with `iconv -t UTF-8`";

/// How many names a message lists.
const LISTED: usize = 20;

fn listed(names: &[String]) -> String {
    let mut text: Vec<String> = names.iter().take(LISTED).map(|name| format!("`{name}`")).collect();
    if names.len() > LISTED {
        text.push(format!("{} more", names.len() - LISTED));
    }
    text.join(", ")
}

/// One row that could not be read: a value, for the caller's budget to decide on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowError {
    /// The file, as it was given.
    pub path: PathBuf,
    /// The physical line where the row starts, from 1, header included.
    pub line: u64,
    /// Where the row's bytes are in the text, after decompression, end of line excluded.
    pub offset: u64,
    /// How many bytes it has.
    pub length: u64,
    /// What is wrong with it.
    pub reason: RowReason,
}

/// What is wrong with a row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "each message names its fields")]
pub enum RowReason {
    /// More or fewer cells than the header has.
    Ragged { found: usize, expected: usize },
    /// A cell holds bytes that are not UTF-8.
    NotUtf8 { column: String },
    /// A cell does not hold a value of its feature's type; `None` for a feature without values. The value is
    /// cut short.
    BadCell { column: String, value: String, expected: Option<FeatureType> },
    /// The last cell's quote is not closed.
    UnclosedQuote,
    /// A line that is not JSON; bytes count from 1.
    NotJson { byte: usize, reason: String },
    /// A line of JSON that is no object.
    NotObject { found: String },
    /// A value of JSON that is not of its feature's type.
    BadValue { column: String, found: String, expected: String },
}

impl RowReason {
    /// Returns the column that is to blame, where it is one.
    pub fn column(&self) -> Option<&str> {
        match self {
            Self::Ragged { .. }
            | Self::UnclosedQuote
            | Self::NotJson { .. }
            | Self::NotObject { .. } => None,
            Self::NotUtf8 { column }
            | Self::BadCell { column, .. }
            | Self::BadValue { column, .. } => Some(column),
        }
    }
}

impl fmt::Display for RowReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(column) = self.column() {
            write!(f, "column `{column}`: ")?;
        }
        match self {
            Self::Ragged { found: 1, expected } => write!(f, "found 1 cell, expected {expected}"),
            Self::Ragged { found, expected } => {
                write!(f, "found {found} cells, expected {expected}")
            }
            Self::NotUtf8 { .. } => f.write_str("not UTF-8"),
            Self::BadCell { value, expected: Some(expected), .. } => {
                write!(f, "cannot read {value:?} as {expected}")
            }
            Self::BadCell { value, expected: None, .. } => {
                write!(f, "found {value:?}, expected no value")
            }
            Self::UnclosedQuote => f.write_str("a quote is opened here and never closed"),
            Self::NotJson { byte, reason } => write!(f, "not JSON at byte {byte}: {reason}"),
            Self::NotObject { found } => write!(f, "found {found}, expected an object"),
            Self::BadValue { found, expected, .. } => {
                write!(f, "found {found}, expected {expected}")
            }
        }
    }
}

impl fmt::Display for RowError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.path.display(), self.line, self.reason)
    }
}

impl RowError {
    /// Returns what the user can do about it.
    pub fn hint(&self) -> Option<String> {
        match self.reason {
            RowReason::NotUtf8 { .. } => Some(CONVERT.to_owned()),
            RowReason::NotObject { ref found } if found == "a list" => Some(
                "expected one object in each line: `jq -c '.[]'` makes them of a list".to_owned(),
            ),
            _ => None,
        }
    }
}
