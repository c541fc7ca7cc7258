//! Why a server could not be asked.

use std::time::Duration;

use base::{Classify, ErrorKind, IoError};

/// Why a server could not be asked.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each message names its fields")]
pub enum ClientError {
    /// What asks could not be made ready.
    #[error("cannot make an HTTP client: {reason}")]
    Setup { reason: String },

    /// A text that is no URL of a web server.
    #[error("{url:?}: expected a URL such as `https://host/path`")]
    Url { url: String },

    /// Nobody answers there, or the connection broke.
    #[error("{url}: {reason}")]
    Unreachable { url: String, reason: String },

    /// No answer in time.
    #[error("{url}: no answer within {} ms", .limit.as_millis())]
    Slow { url: String, limit: Duration },

    /// An answer that is too large.
    #[error("{url}: the answer is larger than {limit} bytes")]
    Large { url: String, limit: usize },

    /// An answer that is none of gRPC's.
    #[error("{url}: {reason}, expected a gRPC answer")]
    NotGrpc { url: String, reason: String },

    /// The server says no, over gRPC.
    #[error("{url}: gRPC status {code}: {message}")]
    Grpc { url: String, code: u32, message: String },

    /// The system refuses.
    #[error(transparent)]
    Io(#[from] IoError),
}

impl Classify for ClientError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Url { .. } => ErrorKind::Usage,
            Self::Large { .. } | Self::NotGrpc { .. } | Self::Grpc { .. } => ErrorKind::Data,
            Self::Setup { .. } | Self::Unreachable { .. } | Self::Slow { .. } => {
                ErrorKind::Unavailable
            }
            Self::Io(error) => error.kind(),
        }
    }
}
