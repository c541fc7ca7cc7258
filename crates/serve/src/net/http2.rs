//! HTTP/2 on one connection: many requests at a time, gRPC and REST.

use std::future::{Future, poll_fn};
use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::Poll;
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use futures::task::AtomicWaker;
use h2::server::SendResponse;
use h2::{Ping, Reason, RecvStream, SendStream};
use http::{HeaderMap, HeaderValue, Response, header};
use serde_json::json;
use tokio::io::{AsyncRead, AsyncWrite};

use crate::app::{App, LARGE_BODY};
use crate::events::Events;
use crate::failure::{Code, Failure};
use crate::http::{Headers, Reply, Request};
use crate::log::Level;
use crate::trace::Ended;
use crate::{grpc, gzip, rest};

/// How much of a request may come before it is read on; requests are small, and all of one is read anyway.
const STREAM_WINDOW: u32 = 1 << 20;
const CONNECTION_WINDOW: u32 = 4 << 20;

/// How often a client is asked whether it is still there, and how long it may take to say so.
const PING: Duration = Duration::from_secs(20);

/// Answers up to this size are given to the connection at once.
const AT_ONCE: usize = 16 << 10;

/// How many requests that came together are taken together, and for how long they are answered by the connection's own
/// task. What is cheap is so neither handed to another thread nor back, and all answers are one write.
const TOGETHER: usize = 64;
const HERE: Duration = Duration::from_micros(300);

/// A request that is being answered.
type Answering = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Serves a connection to its end.
pub(super) async fn serve<S>(stream: S, app: &Arc<App>, waker: &AtomicWaker) -> io::Result<()>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let head = u32::try_from(app.limits.max_head_bytes).unwrap_or(u32::MAX);
    let handshake = h2::server::Builder::new()
        .initial_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_concurrent_streams(app.limits.max_streams)
        .max_header_list_size(head)
        .handshake::<S, Bytes>(stream);
    let handshake = tokio::time::timeout(super::GREETING, handshake).await?;
    let mut connection = handshake.map_err(io::Error::other)?;
    let mut pings = connection.ping_pong();
    let mut timer = pin!(tokio::time::sleep(PING));
    let (mut is_asked, mut is_ending) = (false, false);
    let mut last_request = Instant::now();
    let mut arrived: Vec<Answering> = Vec::new();
    loop {
        let next = poll_fn(|cx| {
            waker.register(cx.waker());
            if app.is_draining() && !is_ending {
                is_ending = true;
                connection.graceful_shutdown();
            }
            if let Some(pings) = &mut pings {
                while is_asked && pings.poll_pong(cx).is_ready() {
                    is_asked = false;
                }
            }
            while timer.as_mut().poll(cx).is_ready() {
                timer.as_mut().reset((Instant::now() + PING).into());
                if is_asked {
                    return Poll::Ready(None);
                }
                if !connection.has_streams() && last_request.elapsed() >= app.limits.idle_timeout {
                    connection.graceful_shutdown();
                }
                let sent = pings.as_mut().map(|pings| pings.send_ping(Ping::opaque()));
                is_asked = matches!(sent, Some(Ok(())));
            }
            while arrived.len() < TOGETHER {
                match connection.poll_accept(cx) {
                    Poll::Ready(Some(Ok((request, respond)))) => {
                        let app = Arc::clone(app);
                        let answering = async move { answer(&app, request, respond).await };
                        arrived.push(Box::pin(answering));
                    }
                    Poll::Ready(Some(Err(error))) => return Poll::Ready(Some(Err(error))),
                    Poll::Ready(None) => return Poll::Ready(None),
                    Poll::Pending if arrived.is_empty() => return Poll::Pending,
                    Poll::Pending => break,
                }
            }
            Poll::Ready(Some(Ok(())))
        });
        match next.await {
            Some(Ok(())) => {
                last_request = Instant::now();
                answer_all(&mut arrived).await;
            }
            Some(Err(error)) => {
                if error.is_go_away() || error.is_reset() || error.is_library() {
                    app.metrics.malformed.fetch_add(1, Ordering::Relaxed);
                }
                return Err(io::Error::other(error));
            }
            None => return Ok(()),
        }
    }
}

/// Answers requests that came together: here as long as the time for that lasts, as far as they need not wait; the others
/// in tasks of their own.
async fn answer_all(arrived: &mut Vec<Answering>) {
    let start = Instant::now();
    for mut answering in arrived.drain(..) {
        let is_answered = start.elapsed() < HERE
            && poll_fn(|cx| Poll::Ready(answering.as_mut().poll(cx).is_ready())).await;
        if !is_answered {
            tokio::spawn(answering);
        }
    }
}

/// Answers one request. Whoever went away is not answered, and not waited for.
async fn answer(
    app: &Arc<App>,
    request: ::http::Request<RecvStream>,
    mut respond: SendResponse<Bytes>,
) {
    let (parts, body) = request.into_parts();
    let mut headers = Headers::default();
    for (name, value) in &parts.headers {
        let name = name.as_str().as_bytes();
        if Headers::may_keep(name) {
            headers.keep(name, &Bytes::copy_from_slice(value.as_bytes()));
        }
    }
    let is_grpc = headers.is_grpc();
    let until = Instant::now() + app.limits.read_timeout;
    let body = match read(body, app.limits.max_request_bytes, until).await {
        Ok(body) => body,
        Err(Unread::Gone) => return,
        Err(unread) => {
            app.metrics.malformed.fetch_add(1, Ordering::Relaxed);
            let _ = match (is_grpc, unread) {
                (true, Unread::TooLarge) => {
                    send_failure(&mut respond, &gzip::too_large(app.limits.max_request_bytes))
                }
                (true, _) => send_failure(&mut respond, &late()),
                (false, Unread::TooLarge) => {
                    let reply = Reply::error(413, "the request is larger than allowed");
                    send_reply(app, &mut respond, reply, None, false).await
                }
                (false, _) => {
                    let reply = Reply::error(408, "the request took too long to arrive");
                    send_reply(app, &mut respond, reply, None, false).await
                }
            };
            return;
        }
    };
    let arrived = Instant::now();
    if body.len() >= LARGE_BODY || headers.is_compressed() {
        // What takes its time to read must not keep the connection's other requests waiting.
        tokio::task::yield_now().await;
    }
    let path = parts.uri.path();
    if !is_grpc {
        let id = headers.request_id.clone();
        let id = id.unwrap_or_else(|| app.next_request_id());
        let is_head = parts.method == ::http::Method::HEAD;
        let (path, method) = (path.to_owned(), parts.method.clone());
        let is_asking = method == ::http::Method::POST;
        let trace = is_asking.then(|| app.trace(&headers, arrived)).flatten();
        let request =
            Request { method: parts.method, path, headers, body, arrived, trace: trace.clone() };
        let reply = rest::answer(app, request);
        let Some(reply) = unless_reset(&mut respond, reply).await else { return };
        let path = parts.uri.path();
        let trace_id = trace.as_ref().map(|trace| trace.id());
        app.end_trace(trace, || Ended::http(method.as_str(), path, reply.status));
        let code = crate::http::code_of(reply.status);
        let (status, error) = (reply.status, reply.body.as_slice());
        Line { id: Some(&id), path, arrived, code, status, error, trace_id }.say(app);
        let _ = send_reply(app, &mut respond, reply, Some(&id), is_head).await;
        return;
    }
    if path == grpc::WATCH {
        // What it ends with has nobody who wants it.
        let _ = watch(app, &mut respond, &headers, body).await;
        return;
    }
    let is_asking = !path.starts_with("/grpc.health.");
    let trace = is_asking.then(|| app.trace(&headers, arrived)).flatten();
    let answer = grpc::answer(app, path, &headers, body, arrived, trace.as_deref());
    let Some(answer) = unless_reset(&mut respond, answer).await else { return };
    let (code, message) = match &answer {
        Ok(_) => (Code::Ok, ""),
        Err(failure) => (failure.code, failure.message.as_ref()),
    };
    let trace_id = trace.as_ref().map(|trace| trace.id());
    app.end_trace(trace, || Ended::grpc(path, code));
    let (id, error) = (headers.request_id.as_deref(), message.as_bytes());
    Line { id, path, arrived, code, status: 200, error, trace_id }.say(app);
    // What cannot be sent has nobody who wants it.
    let _ = match answer {
        Ok(message) => send_message(app, &mut respond, message).await,
        Err(failure) => send_failure(&mut respond, &failure),
    };
}

/// What a line of the log says of a request.
struct Line<'a> {
    id: Option<&'a str>,
    path: &'a str,
    arrived: Instant,
    code: Code,
    status: u16,
    error: &'a [u8],
    trace_id: Option<String>,
}

impl Line<'_> {
    /// Writes the line, if it is one that is wanted.
    fn say(self, app: &App) {
        let Self { id, path, arrived, code, status, error, trace_id } = self;
        if !app.log_requests && code != Code::Internal {
            return;
        }
        let id = id.map_or_else(|| app.next_request_id(), str::to_owned);
        let mut about = json!({ "request_id": id, "path": path, "code": code.name() });
        if let Some(trace_id) = trace_id {
            about["trace_id"] = trace_id.into();
        }
        if app.log_requests {
            about["status"] = status.into();
            let took = arrived.elapsed().as_micros();
            about["microseconds"] = u64::try_from(took).unwrap_or(u64::MAX).into();
            app.log.say(Level::Info, "request", about);
        } else {
            about["error"] = String::from_utf8_lossy(error).into();
            app.log.say(Level::Error, "request_failed", about);
        }
    }
}

/// Waits for an answer, unless the client gives up the request. Most are there at once.
async fn unless_reset<T>(
    respond: &mut SendResponse<Bytes>,
    answer: impl Future<Output = T>,
) -> Option<T> {
    let mut answer = pin!(answer);
    poll_fn(|cx| {
        if let Poll::Ready(answer) = answer.as_mut().poll(cx) {
            return Poll::Ready(Some(answer));
        }
        respond.poll_reset(cx).map(|_| None)
    })
    .await
}

/// Why a body is not there.
enum Unread {
    Gone,
    TooLarge,
    Late,
}

/// Reads a body. Most are one frame, which is not copied.
async fn read(mut body: RecvStream, limit: usize, until: Instant) -> Result<Bytes, Unread> {
    let mut first = Bytes::new();
    let mut all = BytesMut::new();
    loop {
        let data = poll_fn(|cx| body.poll_data(cx));
        let data = match tokio::time::timeout_at(until.into(), data).await {
            Err(_) => return Err(Unread::Late),
            Ok(None) => break,
            Ok(Some(Err(_))) => return Err(Unread::Gone),
            Ok(Some(Ok(data))) => data,
        };
        if first.len() + all.len() + data.len() > limit {
            return Err(Unread::TooLarge);
        }
        let _ = body.flow_control().release_capacity(data.len());
        if first.is_empty() && all.is_empty() {
            first = data;
        } else {
            all.extend_from_slice(&std::mem::take(&mut first));
            all.extend_from_slice(&data);
        }
        if body.is_end_stream() {
            break;
        }
    }
    Ok(if all.is_empty() { first } else { all.freeze() })
}

fn late() -> Failure {
    Failure::new(Code::DeadlineExceeded, "the request took too long to arrive")
}

/// Tells how a service is until the client has enough of it, or the server ends.
async fn watch(
    app: &App,
    respond: &mut SendResponse<Bytes>,
    headers: &Headers,
    body: Bytes,
) -> Result<(), h2::Error> {
    let mut watch = match grpc::Watch::begin(app, headers, body) {
        Ok(watch) => watch,
        Err(failure) => return send_failure(respond, &failure),
    };
    let mut response = Response::new(());
    response.headers_mut().insert(header::CONTENT_TYPE, GRPC);
    let mut stream = respond.send_response(response, false)?;
    loop {
        let next = {
            let mut next = pin!(watch.next(app));
            poll_fn(|cx| match next.as_mut().poll(cx) {
                Poll::Ready(next) => Poll::Ready(Ok(next)),
                Poll::Pending => stream.poll_reset(cx).map(|_| Err(Reason::CANCEL)),
            })
            .await?
        };
        match next {
            Some(message) => send(app, &mut stream, message, false).await?,
            None => break,
        }
    }
    let mut trailers = HeaderMap::with_capacity(2);
    trailers.insert("grpc-status", HeaderValue::from(Code::Unavailable as u16));
    trailers.insert("grpc-message", HeaderValue::from_static("the server ends"));
    stream.send_trailers(trailers)
}

const GRPC: HeaderValue = HeaderValue::from_static("application/grpc");

async fn send_message(
    app: &App,
    respond: &mut SendResponse<Bytes>,
    message: Bytes,
) -> Result<(), h2::Error> {
    let mut response = Response::new(());
    response.headers_mut().insert(header::CONTENT_TYPE, GRPC);
    let mut stream = respond.send_response(response, false)?;
    send(app, &mut stream, message, false).await?;
    let mut trailers = HeaderMap::with_capacity(1);
    trailers.insert("grpc-status", HeaderValue::from_static("0"));
    stream.send_trailers(trailers)
}

fn send_failure(respond: &mut SendResponse<Bytes>, failure: &Failure) -> Result<(), h2::Error> {
    let mut response = Response::new(());
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, GRPC);
    headers.insert("grpc-status", HeaderValue::from(failure.code as u16));
    // Headers have their limits at the other end, too.
    let message: String = failure.message.chars().take(2048).collect();
    if let Ok(message) = HeaderValue::from_str(&grpc::percent_encoded(&message)) {
        headers.insert("grpc-message", message);
    }
    respond.send_response(response, true).map(drop)
}

async fn send_reply(
    app: &App,
    respond: &mut SendResponse<Bytes>,
    mut reply: Reply,
    id: Option<&str>,
    is_head: bool,
) -> Result<(), h2::Error> {
    let mut response = Response::new(());
    *response.status_mut() = ::http::StatusCode::from_u16(reply.status)
        .unwrap_or(::http::StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(reply.content_type));
    let events = reply.events.take();
    match &events {
        None => headers.insert(header::CONTENT_LENGTH, HeaderValue::from(reply.body.len())),
        Some(_) => headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache")),
    };
    if let Ok(date) = HeaderValue::from_str(&app.date.load()) {
        headers.insert(header::DATE, date);
    }
    if let Some(id) = id.and_then(|id| HeaderValue::from_str(id).ok()) {
        headers.insert("x-request-id", id);
    }
    if let Some(length) = reply.json_length {
        headers.insert("inference-header-content-length", HeaderValue::from(length));
    }
    if reply.is_gzip {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    }
    if reply.status == 401 {
        headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    if let Some(events) = events {
        let mut stream = respond.send_response(response, false)?;
        return send_events(app, &mut stream, events).await;
    }
    let is_end = is_head || reply.body.is_empty();
    let mut stream = respond.send_response(response, is_end)?;
    if is_end {
        return Ok(());
    }
    send(app, &mut stream, reply.body.into(), true).await
}

/// Sends an answer piece by piece, until its end or until the client gives it up.
async fn send_events(
    app: &App,
    stream: &mut SendStream<Bytes>,
    mut events: Events,
) -> Result<(), h2::Error> {
    loop {
        let next = {
            let mut next = pin!(events.next());
            poll_fn(|cx| match next.as_mut().poll(cx) {
                Poll::Ready(piece) => Poll::Ready(Ok(piece)),
                Poll::Pending => stream.poll_reset(cx).map(Err),
            })
            .await
        };
        match next {
            Ok(Some(piece)) => send(app, stream, piece, false).await?,
            Ok(None) => return stream.send_data(Bytes::new(), true),
            Err(reset) => return reset.and_then(|reason| Err(reason.into())),
        }
    }
}

/// Sends a body as the client takes it; one that does not is given up.
async fn send(
    app: &App,
    stream: &mut SendStream<Bytes>,
    mut body: Bytes,
    is_end: bool,
) -> Result<(), h2::Error> {
    let until = Instant::now() + app.limits.write_timeout;
    while body.len() > AT_ONCE {
        stream.reserve_capacity(body.len());
        let capacity = poll_fn(|cx| stream.poll_capacity(cx));
        match tokio::time::timeout_at(until.into(), capacity).await {
            Ok(Some(Ok(0))) => {}
            Ok(Some(Ok(capacity))) => {
                let part = body.split_to(capacity.min(body.len()));
                stream.send_data(part, is_end && body.is_empty())?;
            }
            Ok(Some(Err(error))) => return Err(error),
            Ok(None) | Err(_) => {
                stream.send_reset(Reason::CANCEL);
                return Err(Reason::CANCEL.into());
            }
        }
    }
    if body.is_empty() {
        return Ok(());
    }
    stream.send_data(body, is_end)
}
