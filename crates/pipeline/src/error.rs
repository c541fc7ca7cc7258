//! Why a pipeline could not be loaded or run, and why a node failed.

use std::path::PathBuf;

use artifact::LedgerError;
use base::{BoxError, Classify, ErrorKind, IoError};

use crate::mistake::Mistakes;

/// Why a pipeline could not be loaded.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each message names its fields")]
pub enum LoadError {
    /// There is no such file.
    #[error("no pipeline file {}", .path.display())]
    NotFound { path: PathBuf, nearest: Option<String> },

    /// The file could not be read.
    #[error(transparent)]
    Io(#[from] IoError),

    /// The file does not hold text.
    #[error("{}: not UTF-8 text, found the byte {byte:#04x} in line {line}", .path.display())]
    NotText { path: PathBuf, line: usize, byte: u8 },

    /// The file or an override has mistakes.
    #[error("{}", .0.render().trim_end())]
    Mistakes(Mistakes),
}

impl Classify for LoadError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Io(error) => error.kind(),
            Self::NotFound { .. } | Self::NotText { .. } | Self::Mistakes(_) => ErrorKind::Usage,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::NotFound { nearest: Some(nearest), .. } => {
                Some(format!("did you mean `{nearest}`?"))
            }
            Self::NotFound { .. } => Some("`cupola init` makes a new pipeline".to_owned()),
            Self::Io(error) => error.hint(),
            Self::NotText { .. } | Self::Mistakes(_) => None,
        }
    }
}

/// Why a run could not begin, or its end could not be written down. What nodes do wrong is in the report.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each message names its fields")]
pub enum RunError {
    /// The pipeline is being run already.
    #[error("pipeline `{pipeline}` is running already{}", holder(.run.as_deref(), .pid))]
    AlreadyRunning { pipeline: String, run: Option<String>, pid: Option<u32> },

    /// The file system does not lock files.
    #[error("cannot lock {}", .path.display())]
    Lock { path: PathBuf, source: std::io::Error },

    /// The root could not be used.
    #[error(transparent)]
    Io(#[from] IoError),

    /// The ledger could not be read or written.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
}

fn holder(run: Option<&str>, pid: &Option<u32>) -> String {
    match (run, pid) {
        (Some(run), Some(pid)) => format!(": run {run}, process {pid}"),
        _ => String::new(),
    }
}

impl Classify for RunError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::AlreadyRunning { .. } => ErrorKind::Conflict,
            Self::Lock { .. } => ErrorKind::Unavailable,
            Self::Io(error) => error.kind(),
            Self::Ledger(error) => error.kind(),
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::AlreadyRunning { .. } => {
                Some("wait for it to end, or run with another `--root DIR`".to_owned())
            }
            Self::Lock { .. } => {
                Some("choose a root on a disk of this machine with `--root DIR`".to_owned())
            }
            Self::Io(error) => error.hint(),
            Self::Ledger(error) => error.hint(),
        }
    }
}

/// Why a node failed.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each message names its fields")]
pub enum NodeError {
    /// The component said no; its own error tells why.
    #[error("{0}")]
    Component(BoxError),

    /// The ledger could not be read or written.
    #[error(transparent)]
    Ledger(#[from] LedgerError),

    /// The node's folders could not be made or published.
    #[error(transparent)]
    Io(#[from] IoError),

    /// A file changed while the node read it.
    #[error("{} changed while it was read", .path.display())]
    FileChanged { path: PathBuf },

    /// The component panicked.
    #[error("{component} panicked: {message}")]
    Panicked { component: &'static str, message: String },

    /// The component named an output that it does not have.
    #[error("{component} described an output `{output}` that it does not have")]
    UnknownOutput { component: &'static str, output: String },

    /// The user stopped the run.
    #[error("stopped by the user")]
    Cancelled,
}

impl Classify for NodeError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Component(error) => error.kind(),
            Self::Ledger(error) => error.kind(),
            Self::Io(error) => error.kind(),
            Self::FileChanged { .. } => ErrorKind::Data,
            Self::Panicked { .. } | Self::UnknownOutput { .. } => ErrorKind::Bug,
            Self::Cancelled => ErrorKind::Unavailable,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Component(error) => error.hint(),
            Self::Ledger(error) => error.hint(),
            Self::Io(error) => error.hint(),
            Self::FileChanged { .. } => {
                Some("run again when nobody writes to it any more".to_owned())
            }
            _ => None,
        }
    }
}
