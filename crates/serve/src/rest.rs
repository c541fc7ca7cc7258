//! REST: which question a path asks.

mod open_inference;
mod serving;

use std::borrow::Cow;
use std::sync::atomic::Ordering;

use serde_json::json;

use crate::app::App;
use crate::completions;
use crate::entry::Wanted;
use crate::failure::Failure;
use crate::gzip;
use crate::http::{Reply, Request};

/// Answers a request.
pub(crate) async fn answer(app: &App, request: Request) -> Reply {
    let is_read = matches!(request.method, http::Method::GET | http::Method::HEAD);
    let path = request.path.as_str();
    // Whether all is well, and what KServe's protocol calls that.
    let health = match path {
        "/health/live" | "/healthz" | "/livez" => Some((true, None)),
        "/v2/health/live" => Some((true, Some("live"))),
        "/health/ready" | "/readyz" => Some((app.is_ready(), None)),
        "/v2/health/ready" => Some((app.is_ready(), Some("ready"))),
        _ => None,
    };
    // Whoever asks how the server is has no token.
    if let Some((is_well, name)) = health {
        if !is_read {
            return Reply::error(405, "expected GET");
        }
        let status = if is_well { 200 } else { 503 };
        let Some(name) = name else {
            return Reply::text(status, if is_well { "ok\n" } else { "not ready\n" });
        };
        let body = json!({ name: is_well }).to_string().into_bytes();
        return Reply { status, ..Reply::json(body) };
    }
    if !app.is_authorized(request.headers.authorization.as_deref()) {
        app.metrics.unauthenticated.fetch_add(1, Ordering::Relaxed);
        if path == completions::PATH {
            return completions::unauthorized();
        }
        return Reply::error(
            401,
            "expected the header `authorization: Bearer TOKEN` with a valid token",
        );
    }
    let request = match decompressed(app, request) {
        Ok(request) => request,
        Err(reply) => return reply,
    };
    let accepts_gzip = request.headers.accepts_gzip;
    let mut reply = dispatch(app, &request, is_read).await;
    if accepts_gzip && let Some(compressed) = gzip::compress(&reply.body) {
        reply.body = compressed;
        reply.is_gzip = true;
    }
    reply
}

async fn dispatch(app: &App, request: &Request, is_read: bool) -> Reply {
    let path = request.path.as_str();
    match path {
        "/metrics" | "/monitoring/prometheus/metrics" if is_read => {
            return Reply {
                content_type: "text/plain; version=0.0.4; charset=utf-8",
                ..Reply::text(200, &app.metrics())
            };
        }
        _ => {}
    }
    if let Some(reply) = completions::answer(app, request, is_read).await {
        return reply;
    }
    let mut segments = Segments { rest: path };
    let version = segments.next();
    if version.as_deref().is_some_and(|version| version.eq_ignore_ascii_case("v1")) {
        return match serving::answer(app, request, is_read, segments).await {
            Some(reply) => reply,
            None => {
                let (method, path) = (&request.method, &request.path);
                Reply::failure(&Failure::invalid(format!("Malformed request: {method} {path}")))
            }
        };
    }
    if version.as_deref() == Some("v2")
        && let Some(reply) = open_inference::answer(app, request, is_read, segments).await
    {
        return reply;
    }
    Reply::error(404, &format!("there is nothing at {path}"))
}

/// Returns the request with its body as it was before it was compressed.
fn decompressed(app: &App, mut request: Request) -> Result<Request, Reply> {
    let Some(coding) = request.headers.content_encoding.take() else { return Ok(request) };
    let name = coding.trim_ascii();
    if name.is_empty() || name.eq_ignore_ascii_case(b"identity") {
        return Ok(request);
    }
    if !name.eq_ignore_ascii_case(b"gzip") && !name.eq_ignore_ascii_case(b"x-gzip") {
        return Err(Reply::error(415, "the body is compressed otherwise than with gzip"));
    }
    let limit = app.limits.max_request_bytes;
    let body = tokio::task::block_in_place(|| gzip::decompress(&request.body, limit));
    match body {
        Ok(body) => {
            request.body = body;
            Ok(request)
        }
        Err(failure) => {
            app.metrics.malformed.fetch_add(1, Ordering::Relaxed);
            let is_large = failure == gzip::too_large(limit);
            let status = if is_large { 413 } else { failure.code.status() };
            Err(Reply::error(status, &failure.message))
        }
    }
}

/// The parts of a path, each decoded.
#[derive(Clone)]
struct Segments<'a> {
    rest: &'a str,
}

impl<'a> Segments<'a> {
    fn next(&mut self) -> Option<Cow<'a, str>> {
        let rest = self.rest.strip_prefix('/')?;
        let end = rest.find('/').unwrap_or(rest.len());
        self.rest = &rest[end..];
        decode(&rest[..end])
    }

    /// Returns the next part as it was sent.
    fn next_raw(&mut self) -> Option<&'a str> {
        let rest = self.rest.strip_prefix('/')?;
        let end = rest.find('/').unwrap_or(rest.len());
        self.rest = &rest[end..];
        Some(&rest[..end])
    }

    fn is_end(&self) -> bool {
        self.rest.is_empty()
    }
}

/// Decodes `%20` and the like; nothing where that is malformed or not UTF-8.
pub(crate) fn decode(text: &str) -> Option<Cow<'_, str>> {
    if !text.contains('%') {
        return Some(Cow::Borrowed(text));
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let digit = |place: usize| char::from(*after.get(place)?).to_digit(16);
        let code = digit(0)? * 16 + digit(1)?;
        bytes.push(u8::try_from(code).ok()?);
        rest = &after[2..];
    }
    String::from_utf8(bytes).ok().map(Cow::Owned)
}

/// A version or label of a path.
enum PathVersion<'a> {
    Any,
    Number(u64),
    Label(Cow<'a, str>),
}

impl PathVersion<'_> {
    fn wanted(&self) -> Wanted<'_> {
        match self {
            Self::Any => Wanted::Any,
            Self::Number(number) => Wanted::Number(*number),
            Self::Label(label) => Wanted::Label(label),
        }
    }
}

/// Returns the number that a part of a path is; leading zeros are allowed, signs are not.
fn number(text: &str) -> Option<u64> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| text.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_taken_apart_and_decoded() {
        let mut segments = Segments { rest: "/v1/a%2Fb/%e2%82%ac//x" };
        let mut all = Vec::new();
        while let Some(segment) = segments.next() {
            all.push(segment.into_owned());
        }
        assert_eq!(all, ["v1", "a/b", "€", "", "x"]);
        assert!(segments.is_end());
        for wrong in ["%", "%2", "%zz", "%ff", "%+1"] {
            assert_eq!(decode(wrong), None, "{wrong}");
        }
        assert_eq!(number("007"), Some(7));
        for wrong in ["", "-1", "+1", "1.0", "99999999999999999999"] {
            assert_eq!(number(wrong), None, "{wrong}");
        }
    }
}
