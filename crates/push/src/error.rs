//! Why a model could not be pushed, or a version is not whole.

use std::path::PathBuf;

use base::{Classify, ErrorKind, IoError};
use client::ClientError;
use kubernetes::KubernetesError;
use remote::RemoteError;

/// Why a model could not be pushed, or a version is not whole.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each message names its fields")]
pub enum PushError {
    /// A file or folder could not be read or written.
    #[error(transparent)]
    Io(#[from] IoError),

    /// There is nothing in the model's folder.
    #[error("{}: no files to push", .model_dir.display())]
    Empty { model_dir: PathBuf },

    /// Something in the model's folder cannot be copied.
    #[error("{}: neither a file nor a folder, cannot be pushed", .path.display())]
    NotAFile { path: PathBuf },

    /// A name that the record of files cannot hold.
    #[error("{}: the name is not Unicode, cannot be pushed", .path.display())]
    NameNotText { path: PathBuf },

    /// The model has a file of the name of the ready marker.
    #[error("{}: this name is kept for the marker of pushed versions", .path.display())]
    Reserved { path: PathBuf },

    /// A file was not the same when it was copied.
    #[error("{}: changed while it was copied", .path.display())]
    Changing { path: PathBuf },

    /// There is no number left.
    #[error("{}: no version number above {highest}", .destination.display())]
    NoNumber { destination: PathBuf, highest: u64 },

    /// A folder that a model would take the place of holds something else.
    #[error("{}: there is something that was not pushed, expected no folder, an empty one or a pushed model", .path.display())]
    NotOurs { path: PathBuf },

    /// A version is not there.
    #[error("{}: the pushed version is not there any more", .dir.display())]
    Gone { dir: PathBuf },

    /// A version without its ready marker.
    #[error("{}: no file `READY`, expected one in a pushed version", .dir.display())]
    NotReady { dir: PathBuf },

    /// The ready marker is not what was written.
    #[error("{}: not a record of files", .path.display())]
    Manifest { path: PathBuf, source: serde_json::Error },

    /// The ready marker names a file outside the version.
    #[error("{}: names {name:?}, which is not a path within the version", .path.display())]
    ManifestPath { path: PathBuf, name: String },

    /// The ready marker was written by a newer version.
    #[error("{}: format version {found}, expected at most {newest}", .path.display())]
    ManifestVersion { path: PathBuf, found: u64, newest: u64 },

    /// A file of a version is missing.
    #[error("{}: missing from the pushed version", .path.display())]
    MissingFile { path: PathBuf },

    /// A file of a version is not what was pushed.
    #[error("{}: not what was pushed, expected {expected}, found {found}", .path.display())]
    Damaged { path: PathBuf, expected: String, found: String },

    /// The names of versions cannot be read.
    #[error("{}: {reason}", .path.display())]
    Aliases { path: PathBuf, reason: String },

    /// A text that cannot be the name of a version.
    #[error(
        "{name:?}: expected a name of letters, digits and `-`, `_`, `.`, a letter first, at most 64"
    )]
    AliasName { name: String },

    /// An object store refuses.
    #[error(transparent)]
    Remote(#[from] RemoteError),

    /// A server did not take a version.
    #[error(
        "{url} did not take version {version}: {reason}{}{}",
        if *.is_withdrawn { "; it was taken away again" } else { "" },
        .goes_on.map(|version| format!(", version {version} goes on")).unwrap_or_default()
    )]
    NotTaken {
        url: String,
        version: u64,
        reason: String,
        /// The version that answers instead.
        goes_on: Option<u64>,
        /// Whether the version was taken away again.
        is_withdrawn: bool,
    },

    /// Nobody said where a service takes the model from.
    #[error(
        "service `{name}`: no `storage_uri`, and no object store that the model was pushed to before"
    )]
    NoStorage { name: String },

    /// A cluster refuses.
    #[error(transparent)]
    Kubernetes(#[from] KubernetesError),

    /// Nobody can be asked from here.
    #[error(transparent)]
    Client(#[from] ClientError),

    /// A web hook does not take what it is told.
    #[error("not taken after {tries} tries: {reason}")]
    Webhook { tries: u32, reason: String },

    /// The run was cancelled.
    #[error("cancelled")]
    Cancelled,
}

impl PushError {
    /// Returns whether nothing is wrong but that somebody said to stop.
    pub(crate) fn is_cancelled(&self) -> bool {
        matches!(
            self,
            Self::Cancelled
                | Self::Remote(RemoteError::Cancelled)
                | Self::Kubernetes(KubernetesError::Cancelled)
        )
    }
}

impl Classify for PushError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Io(error) => error.kind(),
            Self::Gone { .. } => ErrorKind::NotFound,
            Self::Changing { .. } | Self::NotOurs { .. } => ErrorKind::Conflict,
            Self::Empty { .. }
            | Self::NotAFile { .. }
            | Self::NameNotText { .. }
            | Self::Reserved { .. }
            | Self::NoNumber { .. }
            | Self::NotReady { .. }
            | Self::Manifest { .. }
            | Self::ManifestPath { .. }
            | Self::ManifestVersion { .. }
            | Self::MissingFile { .. }
            | Self::Damaged { .. }
            | Self::Aliases { .. } => ErrorKind::Data,
            Self::AliasName { .. } | Self::NoStorage { .. } => ErrorKind::Usage,
            Self::Remote(error) => error.kind(),
            Self::Kubernetes(error) => error.kind(),
            Self::Client(error) => error.kind(),
            Self::NotTaken { .. } | Self::Webhook { .. } | Self::Cancelled => {
                ErrorKind::Unavailable
            }
        }
    }

    fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Io(error) => return error.hint(),
            Self::Remote(error) => return error.hint(),
            Self::Kubernetes(error) => return error.hint(),
            Self::Client(error) => return error.hint(),
            Self::Changing { .. } => {
                "nothing was pushed; push again when nobody writes to the model"
            }
            Self::NotOurs { .. } => "move it away, or push to another folder",
            Self::NoNumber { .. } => "move the folder with that number away",
            Self::NotReady { .. } | Self::MissingFile { .. } | Self::Damaged { .. } => {
                "pushing the model again makes a new version; then this one can be removed"
            }
            Self::ManifestVersion { .. } => "a newer version pushed it; use that one",
            _ => return None,
        };
        Some(hint.to_owned())
    }
}
