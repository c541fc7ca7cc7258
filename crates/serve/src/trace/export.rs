//! Finished traces on their way to the collector: a bounded queue, and a thread that sends what has come together.
//!
//! # Source
//!
//! OTLP/HTTP with binary protobuf, OpenTelemetry's protocol specification 1.9: what may be sent again, and when.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, SyncSender, channel, sync_channel};
use std::sync::{Arc, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use base::render_chain;
use bytes::Bytes;
use prost::Message as _;
use serde_json::json;

use super::{Finished, Known, Part};
use crate::config::TracingConfig;
use crate::log::{Level, Log};
use crate::proto::opentelemetry::any_value::Value;
use crate::proto::opentelemetry::span::SpanKind;
use crate::proto::opentelemetry::status::StatusCode;
use crate::proto::opentelemetry::{
    AnyValue, ExportTraceServiceRequest, InstrumentationScope, KeyValue, Resource, ResourceSpans,
    ScopeSpans, Span, Status,
};

/// How many traces may wait, how many are sent at once, and how long the first of them waits for others; as
/// OpenTelemetry's own batches do.
const WAITING: usize = 2048;
const AT_ONCE: usize = 512;
const TOGETHER: Duration = Duration::from_secs(5);

/// How long the collector may take, and how often and after which pauses it is tried.
const PATIENCE: Duration = Duration::from_secs(10);
const PAUSES: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(2)];

/// How long the end of the server waits for the last traces.
const AT_THE_END: Duration = Duration::from_secs(3);

/// The way to the collector.
pub(super) struct Exporter {
    sender: SyncSender<Order>,
    is_ending: Arc<AtomicBool>,
}

enum Order {
    Send(Box<Finished>),
    End(Sender<()>),
}

impl Exporter {
    pub(super) fn start(
        config: &TracingConfig,
        log: Arc<Log>,
        dropped: Arc<AtomicU64>,
    ) -> std::io::Result<Self> {
        let (sender, receiver) = sync_channel(WAITING);
        let is_ending = Arc::new(AtomicBool::new(false));
        let worker = Worker {
            config: config.clone(),
            log,
            dropped,
            is_ending: Arc::clone(&is_ending),
            client: None,
            was_taken: true,
        };
        thread::Builder::new().name("traces".to_owned()).spawn(move || worker.work(&receiver))?;
        Ok(Self { sender, is_ending })
    }

    /// Returns whether there was room for a trace.
    pub(super) fn offer(&self, finished: Finished) -> bool {
        self.sender.try_send(Order::Send(Box::new(finished))).is_ok()
    }

    pub(super) fn finish(&self) {
        self.is_ending.store(true, Ordering::Release);
        let until = Instant::now() + AT_THE_END;
        let (done, is_done) = channel();
        while self.sender.try_send(Order::End(done.clone())).is_err() {
            if Instant::now() >= until {
                return;
            }
            thread::sleep(Duration::from_millis(10));
        }
        let _ = is_done.recv_timeout(until.saturating_duration_since(Instant::now()));
    }
}

struct Worker {
    config: TracingConfig,
    log: Arc<Log>,
    dropped: Arc<AtomicU64>,
    is_ending: Arc<AtomicBool>,
    client: Option<(tokio::runtime::Runtime, reqwest::Client)>,
    /// Whether the last ones arrived; a collector that is away is a line of the log once.
    was_taken: bool,
}

impl Worker {
    fn work(mut self, orders: &Receiver<Order>) {
        let mut together: Vec<Finished> = Vec::new();
        let mut until: Option<Instant> = None;
        loop {
            let order = match until {
                None => orders.recv().map_err(|_| RecvTimeoutError::Disconnected),
                Some(until) => orders.recv_timeout(until.saturating_duration_since(Instant::now())),
            };
            let ended = match order {
                Ok(Order::Send(finished)) => {
                    until.get_or_insert_with(|| Instant::now() + TOGETHER);
                    together.push(*finished);
                    if together.len() < AT_ONCE {
                        continue;
                    }
                    None
                }
                Ok(Order::End(done)) => Some(Some(done)),
                Err(RecvTimeoutError::Disconnected) => Some(None),
                Err(RecvTimeoutError::Timeout) => None,
            };
            until = None;
            self.send(std::mem::take(&mut together));
            if let Some(done) = ended {
                // Who no longer waits need not know.
                let _ = done.map(|done| done.send(()));
                return;
            }
        }
    }

    fn send(&mut self, traces: Vec<Finished>) {
        if traces.is_empty() {
            return;
        }
        let num_traces = traces.len() as u64;
        let body = Bytes::from(self.message(traces).encode_to_vec());
        let mut sent = self.try_send(&body);
        for pause in PAUSES {
            let is_worth_it = matches!(sent, Err((_, true)));
            if !is_worth_it || self.is_ending.load(Ordering::Acquire) {
                break;
            }
            thread::sleep(pause);
            sent = self.try_send(&body);
        }
        match sent {
            Ok(()) => self.was_taken = true,
            Err((error, _)) => {
                self.dropped.fetch_add(num_traces, Ordering::Relaxed);
                if std::mem::take(&mut self.was_taken) {
                    let about = json!({ "endpoint": self.config.endpoint, "error": error });
                    self.log.say(Level::Warning, "traces_not_taken", about);
                }
            }
        }
    }

    /// Sends a message; of one that was not taken, returns why and whether it may be sent again.
    fn try_send(&mut self, body: &Bytes) -> Result<(), (String, bool)> {
        if self.client.is_none() {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            let runtime = runtime.map_err(|error| (error.to_string(), true))?;
            let client = reqwest::Client::builder().timeout(PATIENCE).build();
            self.client = Some((runtime, client.map_err(|error| (render_chain(&error), false))?));
        }
        let Some((runtime, client)) = &self.client else { return Ok(()) };
        let mut request = client.post(&self.config.endpoint);
        for (name, value) in &self.config.headers {
            request = request.header(name, value);
        }
        let request = request.header("content-type", "application/x-protobuf").body(body.clone());
        // Answers are not read: what a collector takes in part it does not want again.
        match runtime.block_on(async { request.send().await }) {
            Err(error) => {
                let may_help = !error.is_builder();
                Err((render_chain(&error), may_help))
            }
            Ok(answer) if answer.status().is_success() => Ok(()),
            Ok(answer) => {
                let status = answer.status().as_u16();
                Err((format!("answered {status}"), matches!(status, 429 | 502 | 503 | 504)))
            }
        }
    }

    fn message(&self, traces: Vec<Finished>) -> ExportTraceServiceRequest {
        let mut spans = Vec::new();
        traces.into_iter().for_each(|finished| add(finished, &mut spans));
        let resource = vec![
            text("service.name", &self.config.service),
            text("service.version", env!("CARGO_PKG_VERSION")),
            text("telemetry.sdk.language", "rust"),
        ];
        let scope = InstrumentationScope {
            name: "cupola.serve".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
        };
        ExportTraceServiceRequest {
            resource_spans: vec![ResourceSpans {
                resource: Some(Resource { attributes: resource }),
                scope_spans: vec![ScopeSpans { scope: Some(scope), spans }],
            }],
        }
    }
}

/// Appends the spans of a request: itself, and its parts.
fn add(finished: Finished, spans: &mut Vec<Span>) {
    let Finished { trace, end, name, method, path, is_grpc, status, is_failure, ids } = finished;
    let Known { model, num_rows, parts } =
        trace.known.into_inner().unwrap_or_else(PoisonError::into_inner);
    let trace_id = Bytes::copy_from_slice(&trace.id);
    let span_id = Bytes::copy_from_slice(&trace.span);
    // The trace is sampled.
    let flags = 1;
    let mut attributes = if is_grpc {
        let (service, method) = path.trim_start_matches('/').split_once('/').unwrap_or_default();
        vec![
            text("rpc.system", "grpc"),
            text("rpc.service", service),
            text("rpc.method", method),
            int("rpc.grpc.status_code", status.into()),
        ]
    } else {
        vec![
            text("http.request.method", &method),
            text("url.path", &path),
            int("http.response.status_code", status.into()),
        ]
    };
    if let Some((model, version)) = model {
        attributes.push(text("cupola.model", &model));
        attributes.push(int("cupola.version", i64::try_from(version).unwrap_or(i64::MAX)));
        attributes.push(int("cupola.rows", i64::try_from(num_rows).unwrap_or(i64::MAX)));
    }
    let status =
        is_failure.then(|| Status { message: String::new(), code: StatusCode::Error.into() });
    spans.push(Span {
        trace_id: trace_id.clone(),
        span_id: span_id.clone(),
        parent_span_id: trace.parent.map(|id| Bytes::copy_from_slice(&id)).unwrap_or_default(),
        name,
        kind: SpanKind::Server.into(),
        start_time_unix_nano: trace.start,
        end_time_unix_nano: end,
        attributes,
        status,
        flags,
    });
    for (Part { name, start, end }, id) in parts.into_iter().zip(ids) {
        spans.push(Span {
            trace_id: trace_id.clone(),
            span_id: Bytes::copy_from_slice(&id),
            parent_span_id: span_id.clone(),
            name: name.to_owned(),
            kind: SpanKind::Internal.into(),
            start_time_unix_nano: start,
            end_time_unix_nano: end,
            attributes: Vec::new(),
            status: None,
            flags,
        });
    }
}

fn text(key: &str, value: &str) -> KeyValue {
    let value = Some(Value::StringValue(value.to_owned()));
    KeyValue { key: key.to_owned(), value: Some(AnyValue { value }) }
}

fn int(key: &str, value: i64) -> KeyValue {
    let value = Some(Value::IntValue(value));
    KeyValue { key: key.to_owned(), value: Some(AnyValue { value }) }
}
