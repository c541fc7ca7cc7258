//! Why a query gave no rows.

use std::fmt;

use arrow::datatypes::DataType;
use base::{BoxError, Classify, ErrorKind};

use crate::Place;
use crate::place::point;

/// Why a query gave no rows.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each message names its fields")]
pub enum QueryError {
    /// The query is wrong.
    #[error(transparent)]
    Mistake(#[from] Mistake),

    /// Reading a table stopped.
    #[error("table `{table}`: {error}")]
    Table { table: String, error: BoxError },

    /// Evaluating the query stopped: a value cannot be cast, a sum is too large.
    #[error("the query stopped: {message}")]
    Stopped { message: String },

    /// The query needs more memory than it may have, and does not know how to do with less.
    #[error("the query needs more than {} MiB of memory: {message}", .limit_bytes >> 20)]
    Memory { limit_bytes: usize, message: String },

    /// A column of the result holds what features do not.
    #[error("column `{column}` of the result: values of type {data_type} are not supported")]
    UnsupportedType { column: String, data_type: DataType },

    /// A column of the result has a type of the server that features have nothing for.
    #[error("column `{column}` of the result: values of type `{type_name}` are not supported")]
    UnsupportedServerType { column: String, type_name: String },

    /// A value of the result is none that features have.
    #[error("column `{column}` of the result: {message}")]
    Value { column: String, message: String },

    /// Two columns of the result have one name.
    #[error("column `{column}` stands twice in the result")]
    ColumnTwice { column: String },

    /// There is no column at all.
    #[error("the query gives no columns, expected a SELECT")]
    NoColumns,

    /// The machine does not give what a query needs besides memory.
    #[error("cannot {action}: {message}")]
    Unavailable { action: &'static str, message: String },

    /// What says how to connect makes no sense.
    #[error("the connection: {reason}")]
    Connection { reason: String },

    /// A password where everybody reads it.
    #[error("the connection has a password in it, which would be written down with the run")]
    PasswordInUrl,

    /// The server cannot be talked to.
    #[error("cannot talk to {server}: {reason}")]
    NoServer { server: String, reason: String, hint: Option<String> },

    /// The server refuses, or stops the query.
    #[error("{server} says: {message}")]
    Server { server: String, code: String, message: String, hint: Option<String> },

    /// A service answers what it should not.
    #[error("BigQuery's answer makes no sense: {reason}")]
    BadAnswer { reason: String },

    /// Who takes the rows said no.
    #[error("{0}")]
    Sink(BoxError),
}

/// A mistake in the text of a query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// Where, if that is known.
    pub place: Option<Place>,
    /// What was found, and what was expected.
    pub message: String,
    /// What to do.
    pub hint: Option<String>,
    /// Whether the query might be right if columns had other types.
    pub may_be_of_types: bool,
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        point(self.place.as_ref(), &self.message, f)
    }
}

impl std::error::Error for Mistake {}

impl QueryError {
    /// Returns whether the query might be right if columns had other types.
    pub fn may_be_of_types(&self) -> bool {
        match self {
            Self::Mistake(mistake) => mistake.may_be_of_types,
            Self::UnsupportedType { .. } | Self::Stopped { .. } => true,
            _ => false,
        }
    }

    /// Returns the mistake in the query's text, if the error is one.
    pub fn mistake(&self) -> Option<&Mistake> {
        match self {
            Self::Mistake(mistake) => Some(mistake),
            _ => None,
        }
    }
}

impl Classify for QueryError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Mistake(_)
            | Self::UnsupportedType { .. }
            | Self::UnsupportedServerType { .. }
            | Self::ColumnTwice { .. }
            | Self::NoColumns
            | Self::Connection { .. }
            | Self::PasswordInUrl => ErrorKind::Usage,
            // SQLSTATE: 22 is about data, 28 about who asks, 3D about the database, 25 about writing.
            Self::Server { code, .. } => match code.get(..2) {
                Some("22") => ErrorKind::Data,
                Some("25" | "28" | "3D") => ErrorKind::Usage,
                _ => ErrorKind::Unavailable,
            },
            Self::Table { error, .. } | Self::Sink(error) => error.kind(),
            Self::Stopped { .. } | Self::Value { .. } => ErrorKind::Data,
            Self::Memory { .. }
            | Self::Unavailable { .. }
            | Self::NoServer { .. }
            | Self::BadAnswer { .. } => ErrorKind::Unavailable,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Mistake(mistake) => mistake.hint.clone(),
            Self::Table { error, .. } | Self::Sink(error) => error.hint(),
            Self::UnsupportedType { column, .. } => Some(format!(
                "cast it in the query to a number or to text, such as `CAST(\"{column}\" AS VARCHAR)`"
            )),
            Self::UnsupportedServerType { column, .. } => Some(format!(
                "cast it in the query to a number or to text, such as `\"{column}\"::text`"
            )),
            Self::PasswordInUrl => Some("set `PGPASSWORD` in the environment".to_owned()),
            Self::NoServer { hint, .. } | Self::Server { hint, .. } => hint.clone(),
            Self::ColumnTwice { .. } => {
                Some("give one of them another name with `AS`, or leave it out".to_owned())
            }
            Self::Memory { .. } => Some(
                "join the larger table to the smaller one, or read fewer rows or columns"
                    .to_owned(),
            ),
            Self::Stopped { .. }
            | Self::Value { .. }
            | Self::NoColumns
            | Self::Connection { .. }
            | Self::BadAnswer { .. }
            | Self::Unavailable { .. } => None,
        }
    }
}
