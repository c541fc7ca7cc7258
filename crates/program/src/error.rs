//! Why a program could not be started or asked.

use std::time::Duration;

use arrow::error::ArrowError;
use base::{Classify, ErrorKind, IoError};

/// Why a program could not be started or asked.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each message names its fields")]
pub enum ProgramError {
    /// A file that the program writes to or reads from could not be opened.
    #[error(transparent)]
    Io(#[from] IoError),

    /// There is no command.
    #[error("the command is empty, expected a program and its arguments")]
    NoCommand,

    /// The operating system does not start the program.
    #[error("cannot start `{program}`")]
    Start { program: String, source: std::io::Error },

    /// The operating system does not tell how the program is.
    #[error("cannot wait for `{program}`")]
    Wait { program: String, source: std::io::Error },

    /// The program ended while it was asked.
    #[error("`{program}` ended with {ended}, expected an answer{}", said(.stderr))]
    Died { program: String, ended: String, stderr: String },

    /// The program did not answer in time.
    #[error("`{program}` gave no {what} within {limit:?}{}", said(.stderr))]
    Slow { program: String, what: &'static str, limit: Duration, stderr: String },

    /// The program said something else than an answer.
    #[error("`{program}`: {found}, expected {expected}")]
    NotAnAnswer { program: String, found: String, expected: String },

    /// The program answered that it cannot answer.
    #[error("`{program}`: {message}{}", said(.stderr))]
    Refused { program: String, message: String, stderr: String },

    /// A column cannot be sent.
    #[error("column `{column}` is {found}, which JSON lines cannot hold")]
    Column { column: String, found: String },

    /// Columns do not make a batch.
    #[error("columns do not make a batch")]
    Arrow(#[from] ArrowError),
}

/// What a program wrote to standard error, as the end of a message.
fn said(stderr: &str) -> String {
    if stderr.is_empty() {
        return String::new();
    }
    let lines: Vec<String> = stderr.lines().map(|line| format!("\n  | {line}")).collect();
    format!("; the end of its standard error:{}", lines.concat())
}

impl Classify for ProgramError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Io(error) => error.kind(),
            Self::NoCommand => ErrorKind::Usage,
            Self::Start { source, .. } if source.kind() == std::io::ErrorKind::NotFound => {
                ErrorKind::NotFound
            }
            Self::Start { .. } | Self::Wait { .. } | Self::Died { .. } | Self::Slow { .. } => {
                ErrorKind::Unavailable
            }
            Self::NotAnAnswer { .. }
            | Self::Refused { .. }
            | Self::Column { .. }
            | Self::Arrow(_) => ErrorKind::Data,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Io(error) => error.hint(),
            Self::Start { program, source } if source.kind() == std::io::ErrorKind::NotFound => {
                Some(format!("install `{program}`, or name it with its whole path"))
            }
            Self::NotAnAnswer { .. } => Some(
                "standard output is for answers alone; print everything else to standard error"
                    .to_owned(),
            ),
            _ => None,
        }
    }
}
