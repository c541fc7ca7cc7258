//! Why a request is not answered with what was asked for, in gRPC's codes; HTTP's statuses follow from them.

use std::borrow::Cow;
use std::fmt;

use base::{BoxError, ErrorKind};

/// gRPC's codes, by number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Code {
    Ok = 0,
    Cancelled = 1,
    InvalidArgument = 3,
    DeadlineExceeded = 4,
    NotFound = 5,
    PermissionDenied = 7,
    ResourceExhausted = 8,
    FailedPrecondition = 9,
    Unimplemented = 12,
    Internal = 13,
    Unavailable = 14,
    Unauthenticated = 16,
}

impl Code {
    /// All of them, in the order of [`Code::place`].
    pub(crate) const ALL: [Self; 12] = [
        Self::Ok,
        Self::Cancelled,
        Self::InvalidArgument,
        Self::DeadlineExceeded,
        Self::NotFound,
        Self::PermissionDenied,
        Self::ResourceExhausted,
        Self::FailedPrecondition,
        Self::Unimplemented,
        Self::Internal,
        Self::Unavailable,
        Self::Unauthenticated,
    ];

    /// Returns the code's place in [`Code::ALL`].
    pub(crate) fn place(self) -> usize {
        Self::ALL.iter().position(|code| *code == self).unwrap_or_default()
    }

    /// Returns the name that the field writes.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Ok => "OK",
            Self::Cancelled => "CANCELLED",
            Self::InvalidArgument => "INVALID_ARGUMENT",
            Self::DeadlineExceeded => "DEADLINE_EXCEEDED",
            Self::NotFound => "NOT_FOUND",
            Self::PermissionDenied => "PERMISSION_DENIED",
            Self::ResourceExhausted => "RESOURCE_EXHAUSTED",
            Self::FailedPrecondition => "FAILED_PRECONDITION",
            Self::Unimplemented => "UNIMPLEMENTED",
            Self::Internal => "INTERNAL",
            Self::Unavailable => "UNAVAILABLE",
            Self::Unauthenticated => "UNAUTHENTICATED",
        }
    }

    /// Returns the HTTP status that TensorFlow Serving answers with.
    pub(crate) fn status(self) -> u16 {
        match self {
            Self::Ok => 200,
            Self::InvalidArgument | Self::FailedPrecondition => 400,
            Self::Unauthenticated => 401,
            Self::PermissionDenied => 403,
            Self::NotFound => 404,
            Self::ResourceExhausted => 429,
            Self::Cancelled => 499,
            Self::Internal => 500,
            Self::Unimplemented => 501,
            Self::Unavailable => 503,
            Self::DeadlineExceeded => 504,
        }
    }
}

/// Why a request failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) code: Code,
    pub(crate) message: Cow<'static, str>,
}

impl Failure {
    pub(crate) fn new(code: Code, message: impl Into<Cow<'static, str>>) -> Self {
        Self { code, message: message.into() }
    }

    pub(crate) fn invalid(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Code::InvalidArgument, message)
    }

    pub(crate) fn not_found(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Code::NotFound, message)
    }
}

impl From<BoxError> for Failure {
    /// A model's own error: bad data is the client's, all else is ours.
    fn from(error: BoxError) -> Self {
        let code = match error.kind() {
            ErrorKind::Usage | ErrorKind::Data => Code::InvalidArgument,
            ErrorKind::NotFound => Code::NotFound,
            ErrorKind::Conflict | ErrorKind::Unavailable => Code::Unavailable,
            ErrorKind::Bug => Code::Internal,
        };
        Self::new(code, error.to_string())
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code.name(), self.message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_numbered_and_placed_as_they_are_listed() {
        for (place, code) in Code::ALL.into_iter().enumerate() {
            assert_eq!(code.place(), place);
        }
        assert!(Code::ALL.windows(2).all(|pair| (pair[0] as u32) < pair[1] as u32));
    }

    #[test]
    fn statuses_are_tensorflow_servings() {
        let statuses = Code::ALL.map(|code| format!("{} {}", code.name(), code.status()));
        let expected = "OK 200, CANCELLED 499, INVALID_ARGUMENT 400, DEADLINE_EXCEEDED 504, \
            NOT_FOUND 404, PERMISSION_DENIED 403, RESOURCE_EXHAUSTED 429, FAILED_PRECONDITION 400, UNIMPLEMENTED 501, \
            INTERNAL 500, UNAVAILABLE 503, UNAUTHENTICATED 401";
        assert_eq!(statuses.join(", "), expected);
    }
}
