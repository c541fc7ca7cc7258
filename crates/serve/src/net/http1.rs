//! HTTP/1.1 on one connection: one request after the other, pipelined or not.
//!
//! What was read stays where it is: a request's head and body are slices of the connection's buffer. An answer is one
//! write, its body copied behind its head when it is small. There is one timer, moved only when it would ring too late.

use std::future::{Future, poll_fn};
use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::Poll;
use std::time::{Duration, Instant};

use bytes::{Buf, Bytes, BytesMut};
use futures::task::AtomicWaker;
use serde_json::json;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::time::Sleep;

use super::head::{self, Framing, Head, Refusal};
use crate::app::App;
use crate::events::Events;
use crate::http::{self, Reply, Request};
use crate::log::Level;
use crate::rest;
use crate::trace;

/// Up to this size, an answer's body is copied behind its head.
const COPIED: usize = 8 << 10;

/// The longest line before a chunk, and the longest trailers.
const MAX_CHUNK_LINE: usize = 256;
const MAX_TRAILERS: usize = 8 << 10;

/// How much is read ahead while an answer is made.
const MAX_AHEAD: usize = 64 << 10;

/// How long a connection is read further after it was refused, so that the client gets to read why.
const LINGER: Duration = Duration::from_millis(500);

struct Connection<'a, S> {
    stream: S,
    app: &'a Arc<App>,
    waker: &'a AtomicWaker,
    buf: BytesMut,
    out: Vec<u8>,
    timer: Pin<Box<Sleep>>,
    /// Whether the request that is answered is of HTTP/1.0, which knows no chunks.
    is_http_10: bool,
}

/// How a wait for bytes ended otherwise.
enum Ended {
    /// The client has gone, or the server ends: there is nobody to answer.
    Quietly,
    /// What was sent is refused.
    Refused(Refusal),
}

impl From<io::Error> for Ended {
    fn from(_: io::Error) -> Self {
        Self::Quietly
    }
}

impl From<Refusal> for Ended {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

const TIMEOUT: Refusal = Refusal { status: 408, reason: "the request took too long to arrive" };
const TOO_LARGE: Refusal = Refusal { status: 413, reason: "the request is larger than allowed" };
const HEAD_TOO_LARGE: Refusal =
    Refusal { status: 431, reason: "the request's head is larger than allowed" };

/// Serves a connection to its end. `buf` is what was read already.
pub(super) async fn serve<S: AsyncRead + AsyncWrite + Unpin>(
    stream: S,
    app: &Arc<App>,
    waker: &AtomicWaker,
    buf: BytesMut,
) -> io::Result<()> {
    let timer = Box::pin(tokio::time::sleep(app.limits.idle_timeout));
    let mut connection =
        Connection { stream, app, waker, buf, out: Vec::new(), timer, is_http_10: false };
    loop {
        match connection.next_request().await {
            Ok((request, is_head, keeps_alive)) => {
                let goes_on = connection.answer(request, is_head, keeps_alive).await?;
                if !goes_on || app.is_draining() {
                    return connection.stream.shutdown().await;
                }
            }
            Err(Ended::Quietly) => return Ok(()),
            Err(Ended::Refused(refusal)) => {
                app.metrics.malformed.fetch_add(1, Ordering::Relaxed);
                let reply = Reply::error(refusal.status, refusal.reason);
                connection.write(&reply, false, false, "").await?;
                return connection.linger().await;
            }
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Connection<'_, S> {
    /// Reads the next request.
    async fn next_request(&mut self) -> Result<(Request, bool, bool), Ended> {
        let limits = &self.app.limits;
        let idle_until = Instant::now() + limits.idle_timeout;
        // Empty lines before a request are stepped over.
        while let Some(b'\r' | b'\n') = self.buf.first() {
            self.buf.advance(1);
        }
        let mut until = None;
        let length = loop {
            if let Some(length) = head::length(&self.buf) {
                break length;
            }
            if self.buf.len() > limits.max_head_bytes {
                return Err(HEAD_TOO_LARGE.into());
            }
            match (self.buf.is_empty(), until) {
                (true, _) => self.read(idle_until, true).await?,
                (false, None) => {
                    let read_until = Instant::now() + limits.read_timeout;
                    until = Some(read_until);
                    self.read(read_until, false).await?;
                }
                (false, Some(until)) => self.read(until, false).await?,
            };
            while let Some(b'\r' | b'\n') = self.buf.first() {
                self.buf.advance(1);
            }
        };
        if length > limits.max_head_bytes {
            return Err(HEAD_TOO_LARGE.into());
        }
        let head = head::parse(&self.buf.split_to(length).freeze())?;
        let until = until.unwrap_or_else(|| Instant::now() + limits.read_timeout);
        let body = self.body(&head, until).await?;
        let is_head = head.method == ::http::Method::HEAD;
        let Head { method, path, headers, keeps_alive, is_http_10, .. } = head;
        self.is_http_10 = is_http_10;
        let arrived = Instant::now();
        let is_asking = method == ::http::Method::POST;
        let trace = is_asking.then(|| self.app.trace(&headers, arrived)).flatten();
        let request = Request { method, path, headers, body, arrived, trace };
        Ok((request, is_head, keeps_alive))
    }

    async fn body(&mut self, head: &Head, until: Instant) -> Result<Bytes, Ended> {
        let limit = self.app.limits.max_request_bytes;
        let length = match head.body {
            Framing::Length(0) => return Ok(Bytes::new()),
            Framing::Length(length) => match usize::try_from(length) {
                Ok(length) if length <= limit => Some(length),
                _ => return Err(TOO_LARGE.into()),
            },
            Framing::Chunked => None,
        };
        let is_waiting = length.is_none_or(|length| self.buf.len() < length);
        if head.expects_continue && is_waiting {
            self.out.clear();
            self.out.extend_from_slice(b"HTTP/1.1 100 Continue\r\n\r\n");
            self.flush(&[]).await?;
        }
        let Some(length) = length else { return self.chunks(limit, until).await };
        while self.buf.len() < length {
            // Room is made as bytes come, not as the length says.
            self.read(until, false).await?;
        }
        Ok(self.buf.split_to(length).freeze())
    }

    async fn chunks(&mut self, limit: usize, until: Instant) -> Result<Bytes, Ended> {
        let mut body = BytesMut::new();
        loop {
            let line = self.line(MAX_CHUNK_LINE, until).await?;
            let size = head::chunk_size(&line)?;
            let size = usize::try_from(size).ok().filter(|size| *size <= limit - body.len());
            let size = size.ok_or(TOO_LARGE)?;
            if size == 0 {
                let mut num_bytes = 0;
                loop {
                    let trailer = self.line(MAX_TRAILERS, until).await?;
                    num_bytes += trailer.len();
                    if trailer.is_empty() {
                        return Ok(body.freeze());
                    }
                    if num_bytes > MAX_TRAILERS {
                        return Err(HEAD_TOO_LARGE.into());
                    }
                }
            }
            while self.buf.len() < size + 2 {
                self.read(until, false).await?;
            }
            body.extend_from_slice(&self.buf[..size]);
            if self.buf[size..size + 2] != *b"\r\n" {
                return Err(
                    Refusal { status: 400, reason: "a chunk is longer than its size" }.into()
                );
            }
            self.buf.advance(size + 2);
        }
    }

    /// Reads a line, and returns it without its end.
    async fn line(&mut self, max: usize, until: Instant) -> Result<BytesMut, Ended> {
        let mut seen = 0;
        loop {
            if let Some(place) = self.buf[seen..].iter().position(|byte| *byte == b'\n') {
                let mut line = self.buf.split_to(seen + place + 1);
                if !line.ends_with(b"\r\n") {
                    return Err(Refusal { status: 400, reason: "a chunk's line ends early" }.into());
                }
                line.truncate(line.len() - 2);
                return Ok(line);
            }
            seen = self.buf.len();
            if seen > max {
                return Err(HEAD_TOO_LARGE.into());
            }
            self.read(until, false).await?;
        }
    }

    /// Reads some bytes, until a time. An idle connection ends quietly, then and when the server does.
    async fn read(&mut self, until: Instant, is_idle: bool) -> Result<(), Ended> {
        let Self { stream, buf, timer, app, waker, .. } = self;
        if buf.capacity() - buf.len() < 1 << 10 {
            buf.reserve(8 << 10);
        }
        let mut read = pin!(stream.read_buf(buf));
        poll_fn(|cx| {
            match read.as_mut().poll(cx) {
                Poll::Ready(Ok(0)) | Poll::Ready(Err(_)) => {
                    return Poll::Ready(Err(Ended::Quietly));
                }
                Poll::Ready(Ok(_)) => return Poll::Ready(Ok(())),
                Poll::Pending => {}
            }
            if is_idle {
                waker.register(cx.waker());
                if app.is_draining() {
                    return Poll::Ready(Err(Ended::Quietly));
                }
            }
            if timer.deadline() > until.into() {
                timer.as_mut().reset(until.into());
            }
            while timer.as_mut().poll(cx).is_ready() {
                if Instant::now() >= until {
                    let ended = if is_idle { Ended::Quietly } else { TIMEOUT.into() };
                    return Poll::Ready(Err(ended));
                }
                timer.as_mut().reset(until.into());
            }
            Poll::Pending
        })
        .await
    }

    /// Answers a request; returns whether the connection goes on.
    async fn answer(
        &mut self,
        request: Request,
        is_head: bool,
        keeps_alive: bool,
    ) -> io::Result<bool> {
        let app = self.app;
        let id = request.headers.request_id.clone();
        let id = id.unwrap_or_else(|| app.next_request_id());
        let arrived = request.arrived;
        let (method, path) = (request.method.clone(), request.path.clone());
        let trace = request.trace.clone();
        let trace_id = trace.as_ref().map(|trace| trace.id());
        let reply = match path == crate::completions::PATH {
            // What takes long is not done for somebody who has gone.
            true => self.unless_gone(rest::answer(app, request)).await?,
            false => rest::answer(app, request).await,
        };
        app.end_trace(trace, || trace::Ended::http(method.as_str(), &path, reply.status));
        let is_failure = reply.status >= 500 && reply.status != 503 && reply.status != 504;
        if app.log_requests {
            let mut about = json!({
                "request_id": id,
                "method": method.as_str(),
                "path": path,
                "status": reply.status,
                "microseconds": u64::try_from(arrived.elapsed().as_micros()).unwrap_or(u64::MAX),
                "bytes": reply.body.len(),
            });
            if let Some(trace_id) = trace_id {
                about["trace_id"] = trace_id.into();
            }
            app.log.say(Level::Info, "request", about);
        } else if is_failure {
            let error = String::from_utf8_lossy(&reply.body);
            let about =
                json!({ "request_id": id, "path": path, "status": reply.status, "error": error });
            app.log.say(Level::Error, "request_failed", about);
        }
        let keeps_alive = keeps_alive && !app.is_draining();
        let mut reply = reply;
        if let Some(events) = reply.events.take() {
            return self.write_events(&reply, events, keeps_alive, &id).await;
        }
        self.write(&reply, is_head, keeps_alive, &id).await?;
        Ok(keeps_alive)
    }

    /// Waits for something, unless the client goes away. What it sends meanwhile is kept for later.
    async fn unless_gone<T>(&mut self, wait: impl Future<Output = T>) -> io::Result<T> {
        let Self { stream, buf, .. } = self;
        let mut wait = pin!(wait);
        poll_fn(|cx| {
            if let Poll::Ready(value) = wait.as_mut().poll(cx) {
                return Poll::Ready(Ok(value));
            }
            while buf.len() < MAX_AHEAD {
                let mut bytes = [0; 1 << 10];
                let mut read = ReadBuf::new(&mut bytes);
                match Pin::new(&mut *stream).poll_read(cx, &mut read) {
                    Poll::Pending => return Poll::Pending,
                    Poll::Ready(Ok(())) if !read.filled().is_empty() => {
                        buf.extend_from_slice(read.filled());
                    }
                    Poll::Ready(ended) => {
                        let gone = io::Error::from(io::ErrorKind::ConnectionAborted);
                        return Poll::Ready(Err(ended.err().unwrap_or(gone)));
                    }
                }
            }
            Poll::Pending
        })
        .await
    }

    /// Writes an answer that comes piece by piece: in chunks, or to the end of the connection where there are none.
    async fn write_events(
        &mut self,
        reply: &Reply,
        mut events: Events,
        keeps_alive: bool,
        id: &str,
    ) -> io::Result<bool> {
        let is_chunked = !self.is_http_10;
        let goes_on = keeps_alive && is_chunked;
        self.out.clear();
        let date = self.app.date.load();
        let (digits, reason) = (itoa(reply.status.into()), http::reason(reply.status));
        let (status, kind) = (digits.text(), reply.content_type);
        let coding = if is_chunked { "transfer-encoding: chunked\r\n" } else { "" };
        let end = if goes_on { "" } else { "connection: close\r\n" };
        let head = format!(
            "HTTP/1.1 {status} {reason}\r\ncontent-type: {kind}\r\ncache-control: no-cache\r\n{coding}date: \
             {date}\r\nx-request-id: {id}\r\n{end}\r\n"
        );
        self.out.extend_from_slice(head.as_bytes());
        self.flush(&[]).await?;
        while let Some(piece) = self.unless_gone(events.next()).await? {
            self.out.clear();
            if is_chunked {
                self.out.extend_from_slice(format!("{:x}\r\n", piece.len()).as_bytes());
            }
            self.out.extend_from_slice(&piece);
            if is_chunked {
                self.out.extend_from_slice(b"\r\n");
            }
            self.flush(&[]).await?;
        }
        if is_chunked {
            self.out.clear();
            self.flush(b"0\r\n\r\n").await?;
        }
        Ok(goes_on)
    }

    /// Writes an answer.
    async fn write(
        &mut self,
        reply: &Reply,
        is_head: bool,
        keeps_alive: bool,
        id: &str,
    ) -> io::Result<()> {
        let out = &mut self.out;
        out.clear();
        let mut put =
            |parts: &[&str]| parts.iter().for_each(|p| out.extend_from_slice(p.as_bytes()));
        let mut digits = itoa(reply.status.into());
        put(&["HTTP/1.1 ", digits.text(), " ", http::reason(reply.status), "\r\ncontent-type: "]);
        digits = itoa(reply.body.len());
        put(&[reply.content_type, "\r\ncontent-length: ", digits.text(), "\r\ndate: "]);
        put(&[&self.app.date.load(), "\r\n"]);
        if !id.is_empty() {
            put(&["x-request-id: ", id, "\r\n"]);
        }
        if let Some(length) = reply.json_length {
            put(&["inference-header-content-length: ", itoa(length).text(), "\r\n"]);
        }
        if reply.is_gzip {
            put(&["content-encoding: gzip\r\nvary: accept-encoding\r\n"]);
        }
        if reply.status == 401 {
            put(&["www-authenticate: Bearer\r\n"]);
        }
        if matches!(reply.status, 429 | 503) {
            put(&["retry-after: 1\r\n"]);
        }
        put(&[if keeps_alive { "\r\n" } else { "connection: close\r\n\r\n" }]);
        if is_head {
            return self.flush(&[]).await;
        }
        if reply.body.len() <= COPIED {
            self.out.extend_from_slice(&reply.body);
            return self.flush(&[]).await;
        }
        self.flush(&reply.body).await
    }

    /// Writes what is in `out`, and a body behind it; a client that does not read is not waited for.
    async fn flush(&mut self, body: &[u8]) -> io::Result<()> {
        let Self { stream, out, .. } = self;
        let write = async {
            stream.write_all(out).await?;
            if !body.is_empty() {
                stream.write_all(body).await?;
            }
            stream.flush().await
        };
        tokio::time::timeout(self.app.limits.write_timeout, write).await?
    }

    /// Reads on for a moment and forgets it: a connection that is closed with bytes unread is reset, and the client does
    /// not get to see why it was refused.
    async fn linger(&mut self) -> io::Result<()> {
        self.stream.shutdown().await?;
        let Self { stream, .. } = self;
        let read = async {
            let mut forgotten = [0; 4 << 10];
            while let Ok(1..) = stream.read(&mut forgotten).await {}
        };
        let _ = tokio::time::timeout(LINGER, read).await;
        Ok(())
    }
}

/// A number as text, without memory of its own.
struct Digits {
    bytes: [u8; 20],
    start: usize,
}

impl Digits {
    fn text(&self) -> &str {
        std::str::from_utf8(&self.bytes[self.start..]).unwrap_or_default()
    }
}

fn itoa(mut number: usize) -> Digits {
    let mut digits = Digits { bytes: [b'0'; 20], start: 20 };
    loop {
        digits.start -= 1;
        digits.bytes[digits.start] = b'0' + u8::try_from(number % 10).unwrap_or_default();
        number /= 10;
        if number == 0 {
            return digits;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::itoa;

    #[test]
    fn numbers_are_digits() {
        for number in [0, 7, 10, 200, 1234, usize::MAX] {
            assert_eq!(itoa(number).text(), number.to_string());
        }
    }
}
