//! Why files of a store could not be had.

use base::{Classify, ErrorKind, IoError};

/// Why files of a store could not be had. No message holds more of the environment than names of variables.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each message names its fields")]
pub enum RemoteError {
    /// A URL of something else than files.
    #[error(
        "`{scheme}://` is none of the stores that files are read from, expected `s3://`, `gs://`, `az://`, `abfs://` or `https://`"
    )]
    UnknownScheme { scheme: String },

    /// A URL that lacks something.
    #[error("`{url}`: expected {expected} behind `://`")]
    BadUrl { url: String, expected: &'static str },

    /// A URL that may hold a secret, which is why it is not shown.
    #[error(
        "a URL `{scheme}://…` has {what} in it, which may be secret and would be written down with the run"
    )]
    SecretInUrl { scheme: String, what: &'static str },

    /// A pattern that is none.
    #[error("pattern `{pattern}`, character {position}: {reason}")]
    BadPattern { pattern: String, position: usize, reason: &'static str },

    /// Web servers do not say what they have.
    #[error("`{url}`: the files of a web server cannot be listed, expected the name of one")]
    CannotList { url: String },

    /// The settings do not make a store.
    #[error("`{url}`: {reason}")]
    Settings { url: String, reason: String },

    /// Nothing is there.
    #[error("no file matches `{url}`")]
    NoFiles { url: String, hint: Option<String> },

    /// The bucket is not there.
    #[error("`{url}`: there is no such bucket")]
    NoBucket { url: String },

    /// Nobody said who asks.
    #[error("`{url}`: there are no credentials for it in the environment")]
    NoCredentials { url: String, variables: &'static str },

    /// The store says no.
    #[error("`{url}`: the store refuses: {reason}")]
    Refused { url: String, reason: String },

    /// The file is not any more what it was when it was found.
    #[error("`{url}`: the file changed while it was read")]
    Changed { url: String },

    /// The store does not answer, or not as it should.
    #[error("`{url}`: cannot be read: {reason}")]
    Unavailable { url: String, reason: String },

    /// The store does not take a file.
    #[error("`{url}`: cannot be written: {reason}")]
    NotWritten { url: String, reason: String },

    /// A URL that is no folder of a store.
    #[error(
        "`{url}`: files cannot be written to {what}, expected a folder of `s3://`, `gs://`, `az://` or `abfs://`"
    )]
    CannotWrite { url: String, what: &'static str },

    /// The disk refuses.
    #[error(transparent)]
    Io(#[from] IoError),

    /// The run was cancelled.
    #[error("cancelled")]
    Cancelled,
}

impl Classify for RemoteError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::UnknownScheme { .. }
            | Self::BadUrl { .. }
            | Self::SecretInUrl { .. }
            | Self::BadPattern { .. }
            | Self::CannotList { .. }
            | Self::CannotWrite { .. }
            | Self::Settings { .. }
            | Self::NoCredentials { .. } => ErrorKind::Usage,
            Self::NoFiles { .. } | Self::NoBucket { .. } => ErrorKind::NotFound,
            Self::Changed { .. } => ErrorKind::Conflict,
            Self::Refused { .. }
            | Self::Unavailable { .. }
            | Self::NotWritten { .. }
            | Self::Cancelled => ErrorKind::Unavailable,
            Self::Io(error) => error.kind(),
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::UnknownScheme { scheme } if scheme == "file" => {
                Some("write the path, without `file://`".to_owned())
            }
            Self::SecretInUrl { scheme, .. } if scheme.starts_with("http") => Some(
                "read from the store itself, with credentials in the environment, or bring the file here first"
                    .to_owned(),
            ),
            Self::SecretInUrl { .. } => Some("credentials belong in the environment".to_owned()),
            Self::CannotList { .. } => Some("name every file, in a list".to_owned()),
            Self::NoFiles { hint, .. } => hint.clone(),
            Self::NoCredentials { variables, .. } => Some(format!("set {variables}")),
            Self::Changed { .. } => Some("run again once the files are complete".to_owned()),
            Self::Io(error) => error.hint(),
            _ => None,
        }
    }
}
