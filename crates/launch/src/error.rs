//! Why a program could not train.

use std::path::PathBuf;
use std::time::Duration;

use base::{BoxError, Classify, ErrorKind, IoError};
use program::ProgramError;

/// Why a program could not train.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each message names its fields")]
pub enum LaunchError {
    /// A file of the run could not be read or written.
    #[error(transparent)]
    Io(#[from] IoError),

    /// A worker could not be started.
    #[error(transparent)]
    Program(#[from] ProgramError),

    /// A worker ended without having done its work, and there is no restart left.
    #[error(
        "{worker} ended with {ended}{}{}",
        after(*.restarts),
        shown(.stderr, .log)
    )]
    Worker { worker: String, ended: String, restarts: u32, stderr: String, log: PathBuf },

    /// The job took too long.
    #[error("not done within {limit:?} (`timeout`){}", shown(.stderr, .log))]
    Timeout { limit: Duration, stderr: String, log: PathBuf },

    /// The caller's own work before an attempt failed.
    #[error("{0}")]
    Watch(BoxError),

    /// A pattern of files is none.
    #[error("`files`: {pattern:?} is not a pattern of files")]
    Pattern { pattern: String },

    /// A file of the user's code is not there.
    #[error("`{key}`: there is no file {}", .path.display())]
    NoCode { key: &'static str, path: PathBuf },

    /// No free port could be had.
    #[error("no port of this machine is free for the workers to meet at")]
    NoPort(#[source] std::io::Error),

    /// The user stopped the run.
    #[error("cancelled")]
    Cancelled,
}

fn after(restarts: u32) -> String {
    match restarts {
        0 => String::new(),
        1 => " after 1 restart".to_owned(),
        n => format!(" after {n} restarts"),
    }
}

/// The end of a worker's standard error, and where the rest is.
fn shown(stderr: &str, log: &std::path::Path) -> String {
    if stderr.is_empty() {
        return "; it wrote nothing to standard error".to_owned();
    }
    let lines: Vec<String> = stderr.lines().map(|line| format!("\n  | {line}")).collect();
    format!("; the end of {}:{}", log.display(), lines.concat())
}

impl Classify for LaunchError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Io(error) => error.kind(),
            Self::Program(error) => error.kind(),
            Self::Watch(error) => error.kind(),
            Self::Worker { .. } | Self::Timeout { .. } | Self::NoPort(_) | Self::Cancelled => {
                ErrorKind::Unavailable
            }
            Self::Pattern { .. } => ErrorKind::Usage,
            Self::NoCode { .. } => ErrorKind::NotFound,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Io(error) => error.hint(),
            Self::Program(error) => error.hint(),
            Self::Watch(error) => error.hint(),
            _ => None,
        }
    }
}
