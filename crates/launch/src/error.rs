//! Why a program could not train.

use std::path::PathBuf;
use std::time::Duration;

use base::{BoxError, Classify, ErrorKind, IoError};
use kubernetes::KubernetesError;
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

    /// A kind of object that does not go with the strategy.
    #[error("`kubernetes.kind`: {reason}")]
    Kind { reason: &'static str },

    /// A folder that pods do not see.
    #[error("{}: not on the volume {volume} that the pods have", .path.display())]
    NotOnVolume { path: PathBuf, volume: String },

    /// The cluster does not do what it is told.
    #[error(transparent)]
    Kubernetes(#[from] KubernetesError),

    /// The job failed there.
    #[error("{object}: {reason}{}", indented(.logs))]
    OnCluster { object: String, reason: String, logs: String },

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

fn indented(logs: &str) -> String {
    logs.lines().map(|line| format!("\n  | {line}")).collect()
}

impl Classify for LaunchError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Io(error) => error.kind(),
            Self::Program(error) => error.kind(),
            Self::Watch(error) => error.kind(),
            Self::Kubernetes(error) => error.kind(),
            Self::OnCluster { .. }
            | Self::Worker { .. }
            | Self::Timeout { .. }
            | Self::NoPort(_)
            | Self::Cancelled => ErrorKind::Unavailable,
            Self::Pattern { .. } | Self::Kind { .. } | Self::NotOnVolume { .. } => ErrorKind::Usage,
            Self::NoCode { .. } => ErrorKind::NotFound,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Io(error) => error.hint(),
            Self::Program(error) => error.hint(),
            Self::Watch(error) => error.hint(),
            Self::Kubernetes(error) => error.hint(),
            Self::NotOnVolume { .. } => Some(
                "put the pipeline's folder and its root (`--root`) on the volume, at the path that it has in the pods"
                    .to_owned(),
            ),
            _ => None,
        }
    }
}
