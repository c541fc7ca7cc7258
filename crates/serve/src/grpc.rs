//! gRPC over HTTP/2: one message in, one message out.
//!
//! # Source
//!
//! gRPC over HTTP2, `doc/PROTOCOL-HTTP2.md` of the project: a byte that tells whether the message is compressed, four for
//! its length, and the message; the code and what is to be said in the trailers.

mod health;
mod open_inference;
mod recorded;
mod reload;
mod serving;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use bytes::{BufMut, Bytes, BytesMut};
use prost::Message;

use crate::app::App;
use crate::failure::{Code, Failure};
use crate::gzip;
use crate::http::Headers;
use crate::trace::Trace;

pub(crate) use health::{WATCH, Watch};
pub(crate) use recorded::Recorded;

/// Answers a call with a framed message.
pub(crate) async fn answer(
    app: &Arc<App>,
    path: &str,
    headers: &Headers,
    body: Bytes,
    arrived: Instant,
    trace: Option<&Trace>,
) -> Result<Bytes, Failure> {
    let Some((service, method)) = path.strip_prefix('/').and_then(|path| path.split_once('/'))
    else {
        return Err(unknown(path));
    };
    if service != health::SERVICE && !app.is_authorized(headers.authorization.as_deref()) {
        app.metrics.unauthenticated.fetch_add(1, Ordering::Relaxed);
        let message = "expected `authorization: Bearer TOKEN` in the metadata, with a valid token";
        return Err(Failure::new(Code::Unauthenticated, message));
    }
    let message = message(app, headers, body)?;
    let deadline = app.deadline(arrived, headers.grpc_timeout);
    let call = Call { app, message, arrived, deadline, trace };
    let answer = match service {
        "tensorflow.serving.PredictionService" => serving::prediction(&call, method).await,
        "tensorflow.serving.ModelService" if method == "HandleReloadConfigRequest" => {
            Some(reload::reload(&call, headers.grpc_timeout).await)
        }
        "tensorflow.serving.ModelService" => serving::model(&call, method),
        "inference.GRPCInferenceService" => open_inference::answer(&call, method).await,
        health::SERVICE => health::answer(&call, method),
        _ => None,
    };
    answer.unwrap_or_else(|| Err(unknown(path)))
}

/// A call with its message.
struct Call<'a> {
    app: &'a Arc<App>,
    message: Bytes,
    arrived: Instant,
    deadline: Instant,
    trace: Option<&'a Trace>,
}

impl Call<'_> {
    /// Reads the message.
    fn read<M: Message + Default>(&self) -> Result<M, Failure> {
        read(self.message.clone())
    }
}

fn read<M: Message + Default>(message: Bytes) -> Result<M, Failure> {
    M::decode(message)
        .map_err(|error| Failure::invalid(format!("the message is malformed: {error}")))
}

fn unknown(path: &str) -> Failure {
    Failure::new(Code::Unimplemented, format!("there is no method {path}"))
}

/// Returns the message of a request's body, decompressed.
fn message(app: &App, headers: &Headers, mut body: Bytes) -> Result<Bytes, Failure> {
    let malformed = |what: &'static str| {
        app.metrics.malformed.fetch_add(1, Ordering::Relaxed);
        Failure::new(Code::Internal, what)
    };
    let Some((&[flag, a, b, c, d], _)) = body.split_first_chunk() else {
        return Err(malformed("the request has no message"));
    };
    let length = u32::from_be_bytes([a, b, c, d]);
    let message = body.split_off(5);
    if u32::try_from(message.len()) != Ok(length) {
        return Err(malformed("the request is not one message of the length that it says"));
    }
    match (flag, headers.grpc_encoding.as_deref()) {
        (0, _) => Ok(message),
        (1, Some(b"gzip")) => {
            let limit = app.limits.max_request_bytes;
            tokio::task::block_in_place(|| gzip::decompress(&message, limit))
        }
        (1, _) => {
            let message = "the message is compressed otherwise than with gzip";
            Err(Failure::new(Code::Unimplemented, message))
        }
        _ => Err(malformed("the message's first byte is neither 0 nor 1")),
    }
}

/// Frames a message.
fn frame(message: &impl Message) -> Result<Bytes, Failure> {
    let length = message.encoded_len();
    let mut out = BytesMut::with_capacity(5 + length);
    out.put_u8(0);
    let length = u32::try_from(length);
    out.put_u32(length.map_err(|_| Failure::new(Code::Internal, "the answer is too large"))?);
    message.encode_raw(&mut out);
    Ok(out.freeze())
}

/// Returns a message as a header's value: what is not plain text is written as `%20`.
pub(crate) fn percent_encoded(message: &str) -> String {
    let mut out = String::with_capacity(message.len());
    for byte in message.bytes() {
        match byte {
            b'%' | 0..=0x1f | 0x7f.. => out.push_str(&format!("%{byte:02X}")),
            _ => out.push(char::from(byte)),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_plain_in_headers() {
        assert_eq!(percent_encoded("a b: 100% \"é\"\n"), "a b: 100%25 \"%C3%A9\"%0A");
    }
}
