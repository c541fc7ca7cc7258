//! Requests and answers, whichever version of HTTP they came by.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;

use crate::events::Events;
use crate::failure::{Code, Failure};
use crate::trace::Trace;

/// A request with all of its body.
pub(crate) struct Request {
    pub(crate) method: http::Method,
    /// The path as it was sent, without what follows a `?`.
    pub(crate) path: String,
    pub(crate) headers: Headers,
    pub(crate) body: Bytes,
    /// When its last byte was there.
    pub(crate) arrived: Instant,
    /// Where it is noted what is done for it, if it is traced.
    pub(crate) trace: Option<Arc<Trace>>,
}

/// The headers that mean something here; others are not kept.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Headers {
    pub(crate) authorization: Option<Bytes>,
    pub(crate) content_type: Option<Bytes>,
    pub(crate) content_encoding: Option<Bytes>,
    pub(crate) accepts_gzip: bool,
    pub(crate) request_id: Option<String>,
    /// How long the part in JSON is, before tensors as bytes.
    pub(crate) json_length: Option<Bytes>,
    pub(crate) grpc_encoding: Option<Bytes>,
    pub(crate) grpc_timeout: Option<Duration>,
    pub(crate) traceparent: Option<Bytes>,
}

impl Headers {
    /// Returns whether a name may mean something, by its length alone.
    pub(crate) fn may_keep(name: &[u8]) -> bool {
        matches!(name.len(), 11 | 12 | 13 | 15 | 16 | 31)
    }

    /// Returns whether the body has to be decompressed.
    pub(crate) fn is_compressed(&self) -> bool {
        let is_coded = |coding: &Option<Bytes>| coding.as_deref().is_some_and(|c| c != b"identity");
        is_coded(&self.content_encoding) || is_coded(&self.grpc_encoding)
    }

    /// Keeps a header if it means something. The name is in any case, the value not yet known to be text.
    pub(crate) fn keep(&mut self, name: &[u8], value: &Bytes) {
        let is = |wanted: &str| name.eq_ignore_ascii_case(wanted.as_bytes());
        // Names differ in length mostly, so that one comparison tells.
        match name.len() {
            11 if is("traceparent") => self.traceparent = Some(value.clone()),
            12 if is("content-type") => self.content_type = Some(value.clone()),
            12 if is("x-request-id") => {
                let is_plain = value.len() <= 128 && value.iter().all(u8::is_ascii_graphic);
                let text =
                    std::str::from_utf8(value).ok().filter(|text| is_plain && !text.is_empty());
                self.request_id = text.map(str::to_owned);
            }
            12 if is("grpc-timeout") => self.grpc_timeout = timeout(value),
            13 if is("authorization") => self.authorization = Some(value.clone()),
            13 if is("grpc-encoding") => self.grpc_encoding = Some(value.clone()),
            15 if is("accept-encoding") => self.accepts_gzip = accepts_gzip(value),
            16 if is("content-encoding") => self.content_encoding = Some(value.clone()),
            31 if is("inference-header-content-length") => self.json_length = Some(value.clone()),
            _ => {}
        }
    }

    pub(crate) fn is_grpc(&self) -> bool {
        let grpc = b"application/grpc";
        self.content_type.as_deref().is_some_and(|value| {
            value.starts_with(grpc)
                && matches!(value.get(grpc.len()), None | Some(b'+' | b';' | b' '))
        })
    }
}

fn accepts_gzip(value: &[u8]) -> bool {
    value.split(|byte| *byte == b',').any(|coding| {
        let mut parts = coding.split(|byte| *byte == b';').map(<[u8]>::trim_ascii);
        let is_gzip = parts.next().is_some_and(|name| name.eq_ignore_ascii_case(b"gzip"));
        is_gzip && !parts.any(|part| matches!(part, b"q=0" | b"q=0.0" | b"q=0.00" | b"q=0.000"))
    })
}

/// Reads a timeout as gRPC writes it: up to eight digits and a unit.
fn timeout(value: &[u8]) -> Option<Duration> {
    let (unit, digits) = value.split_last()?;
    if digits.is_empty() || digits.len() > 8 || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let number: u64 = std::str::from_utf8(digits).ok()?.parse().ok()?;
    Some(match unit {
        b'H' => Duration::from_secs(number * 3600),
        b'M' => Duration::from_secs(number * 60),
        b'S' => Duration::from_secs(number),
        b'm' => Duration::from_millis(number),
        b'u' => Duration::from_micros(number),
        b'n' => Duration::from_nanos(number),
        _ => return None,
    })
}

/// An answer.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) content_type: &'static str,
    pub(crate) body: Vec<u8>,
    /// How long the part in JSON is, before tensors as bytes.
    pub(crate) json_length: Option<usize>,
    pub(crate) is_gzip: bool,
    /// What comes instead of the body, piece by piece.
    pub(crate) events: Option<Events>,
}

pub(crate) const JSON: &str = "application/json";
pub(crate) const TEXT: &str = "text/plain; charset=utf-8";

impl Reply {
    pub(crate) fn json(body: Vec<u8>) -> Self {
        Self {
            status: 200,
            content_type: JSON,
            body,
            json_length: None,
            is_gzip: false,
            events: None,
        }
    }

    pub(crate) fn text(status: u16, body: &str) -> Self {
        let body = body.as_bytes().to_vec();
        Self { status, content_type: TEXT, ..Self::json(body) }
    }

    /// Returns `{"error": "..."}` with the status of a failure.
    pub(crate) fn failure(failure: &Failure) -> Self {
        Self::error(failure.code.status(), &failure.message)
    }

    pub(crate) fn error(status: u16, message: &str) -> Self {
        let mut body = b"{\"error\": ".to_vec();
        crate::json::put_string(&mut body, message);
        body.push(b'}');
        Self { status, ..Self::json(body) }
    }
}

impl From<Result<Vec<u8>, Failure>> for Reply {
    fn from(body: Result<Vec<u8>, Failure>) -> Self {
        match body {
            Ok(body) => Self::json(body),
            Err(failure) => Self::failure(&failure),
        }
    }
}

/// Returns the words of a status.
pub(crate) fn reason(status: u16) -> &'static str {
    match status {
        // It is nobody's but nginx's, and TensorFlow Serving answers with it.
        499 => "Client Closed Request",
        status => http::StatusCode::from_u16(status)
            .ok()
            .and_then(|status| status.canonical_reason())
            .unwrap_or("Unknown"),
    }
}

/// Returns the code that counts for a status.
pub(crate) fn code_of(status: u16) -> Code {
    Code::ALL.into_iter().find(|code| code.status() == status).unwrap_or(Code::Internal)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&str, &str)]) -> Headers {
        let mut headers = Headers::default();
        for (name, value) in pairs {
            headers.keep(name.as_bytes(), &Bytes::copy_from_slice(value.as_bytes()));
        }
        headers
    }

    #[test]
    fn headers_that_mean_something_are_kept() {
        let kept =
            headers(&[("X-Request-Id", "abc-1"), ("Accept", "*/*"), ("grpc-timeout", "20m")]);
        assert_eq!(kept.request_id.as_deref(), Some("abc-1"));
        assert_eq!(kept.grpc_timeout, Some(Duration::from_millis(20)));
        assert_eq!(headers(&[("x-request-id", "a b")]).request_id, None);
        assert_eq!(headers(&[("x-request-id", &"a".repeat(129))]).request_id, None);
        for wrong in ["", "m", "123456789S", "-1S", "1s", "S1"] {
            assert_eq!(headers(&[("grpc-timeout", wrong)]).grpc_timeout, None, "{wrong}");
        }
    }

    #[test]
    fn codings_are_taken_by_name_and_weight() {
        for (value, expected) in [
            ("gzip", true),
            ("deflate, GZIP;q=0.5", true),
            ("gzip;q=0", false),
            ("gzipped", false),
            ("", false),
        ] {
            assert_eq!(headers(&[("accept-encoding", value)]).accepts_gzip, expected, "{value}");
        }
    }

    #[test]
    fn grpc_is_known_by_its_content_type() {
        for (value, expected) in [
            ("application/grpc", true),
            ("application/grpc+proto", true),
            ("application/grpc-web", false),
            ("application/json", false),
        ] {
            assert_eq!(headers(&[("content-type", value)]).is_grpc(), expected, "{value}");
        }
    }
}
