//! What is wrong with a candidate in a server.

use std::fmt;
use std::time::Duration;

/// Over which protocol a server was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Api {
    /// TensorFlow Serving's REST.
    Rest,
    /// TensorFlow Serving's gRPC.
    Grpc,
}

impl fmt::Display for Api {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Rest => "REST",
            Self::Grpc => "gRPC",
        })
    }
}

/// What is wrong with a candidate in a server.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[expect(missing_docs, reason = "each message names its fields")]
pub enum Flaw {
    /// The server ended by itself, before or while it was asked.
    #[error("the server ended with {ended}")]
    Died { ended: String },

    /// The server said nothing of where it listens, or of the model, until there was no time left.
    #[error("the model was not available within {} s: {state}", .limit.as_secs_f64())]
    NotReady { limit: Duration, state: String },

    /// The server says that it cannot load the model.
    #[error("the server cannot load the model: {message}")]
    NotLoaded { message: String },

    /// A request was not answered with predictions.
    #[error("{api}, example {example}: {reason}")]
    Unanswered { api: Api, example: usize, reason: String },

    /// Another prediction than offline.
    #[error(
        "{api}, example {example}: `{output}` is {found}, offline it is {expected}; the tolerance is {tolerance} times the larger of 1 and that"
    )]
    Different {
        api: Api,
        example: usize,
        output: String,
        found: f32,
        expected: f32,
        tolerance: f64,
    },

    /// Answers take too long.
    #[error(
        "{api}: {percentile}% of {num_requests} requests took up to {:.1} ms, the limit is {:.1} ms",
        .found.as_secs_f64() * 1e3,
        .limit.as_secs_f64() * 1e3
    )]
    Slow { api: Api, percentile: u8, num_requests: usize, found: Duration, limit: Duration },
}

impl Flaw {
    /// Returns whether trying again cannot help: it is the model, not the machine.
    pub(crate) fn is_final(&self) -> bool {
        matches!(self, Self::NotLoaded { .. } | Self::Different { .. })
    }
}
