//! Traces: what a sampled request did and how long each part took, for a collector that speaks OpenTelemetry's protocol.
//!
//! A request is a span of the server's, with spans for the wait in the queue, the graph and the model below it. Who sent
//! it decides by `traceparent` whether it is traced; of requests without that, a share is. Nothing waits for the
//! collector: traces that it does not take in time are dropped and counted. Where there is no collector, a request pays
//! one branch.
//!
//! # Source
//!
//! W3C Trace Context; OpenTelemetry's samplers `ParentBased` and `TraceIdRatioBased`, and its conventions for HTTP and
//! gRPC servers.

mod export;

use std::hash::{BuildHasher as _, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::config::TracingConfig;
use crate::failure::Code;
use crate::log::Log;

use export::Exporter;

/// Chooses requests to trace, and passes on what came of them.
pub(crate) struct Tracing {
    /// Traces whose number is below are taken.
    below: u64,
    takes_all: bool,
    random: Random,
    log: Arc<Log>,
    exporter: Exporter,
    dropped: Arc<AtomicU64>,
}

/// A request that is traced.
pub(crate) struct Trace {
    id: [u8; 16],
    span: [u8; 8],
    parent: Option<[u8; 8]>,
    started: Instant,
    /// Nanoseconds since 1970.
    start: u64,
    known: Mutex<Known>,
}

/// What is known of a request so far.
#[derive(Default)]
struct Known {
    model: Option<(String, u64)>,
    num_rows: usize,
    parts: Vec<Part>,
}

/// A part of a request, in nanoseconds since 1970.
struct Part {
    name: &'static str,
    start: u64,
    end: u64,
}

/// What came of a request, as its protocol says.
pub(crate) struct Ended<'a> {
    /// `POST /v1/models/taxi:predict`, or `tensorflow.serving.PredictionService/Predict`.
    pub(crate) name: String,
    pub(crate) method: &'a str,
    pub(crate) path: &'a str,
    pub(crate) is_grpc: bool,
    /// The status of HTTP, or gRPC's code.
    pub(crate) status: u16,
    pub(crate) is_failure: bool,
}

impl<'a> Ended<'a> {
    /// Returns the end of a request of HTTP; failures are the server's own, not the client's.
    pub(crate) fn http(method: &'a str, path: &'a str, status: u16) -> Self {
        // Names are few; whatever is no path of ours is none of them.
        let name = match status == 404 || path.len() > 256 {
            true => method.to_owned(),
            false => format!("{method} {path}"),
        };
        Self { name, method, path, is_grpc: false, status, is_failure: status >= 500 }
    }

    /// Returns the end of a call of gRPC.
    pub(crate) fn grpc(path: &'a str, code: Code) -> Self {
        let is_failure = matches!(
            code,
            Code::DeadlineExceeded | Code::Unimplemented | Code::Internal | Code::Unavailable
        );
        let name = path.trim_start_matches('/').to_owned();
        Self { name, method: "POST", path, is_grpc: true, status: code as u16, is_failure }
    }
}

/// A trace with its end, as it waits for the collector.
struct Finished {
    trace: Trace,
    end: u64,
    name: String,
    method: String,
    path: String,
    is_grpc: bool,
    status: u16,
    is_failure: bool,
    ids: Vec<[u8; 8]>,
}

/// Where a request comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Parent {
    trace: [u8; 16],
    span: [u8; 8],
    is_sampled: bool,
}

impl Tracing {
    /// Begins to send traces; the number of those that were dropped is counted in `dropped`.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a share of 63-bit numbers, which ends at both ends"
    )]
    pub(crate) fn new(
        config: &TracingConfig,
        log: Arc<Log>,
        dropped: Arc<AtomicU64>,
    ) -> std::io::Result<Self> {
        let exporter = Exporter::start(config, Arc::clone(&log), Arc::clone(&dropped))?;
        Ok(Self {
            below: (config.share * (1u64 << 63) as f64) as u64,
            takes_all: config.share >= 1.0,
            random: Random::new(),
            log,
            exporter,
            dropped,
        })
    }

    /// Begins to trace a request, if it is one of those.
    pub(crate) fn begin(&self, traceparent: Option<&[u8]>, arrived: Instant) -> Option<Arc<Trace>> {
        let parent = traceparent.and_then(parent);
        let id = match parent {
            Some(parent) if !parent.is_sampled => return None,
            Some(parent) => parent.trace,
            None => {
                let id = self.random.trace();
                let mut last = [0; 8];
                last.copy_from_slice(&id[8..]);
                if !self.takes_all && u64::from_be_bytes(last) >> 1 >= self.below {
                    return None;
                }
                id
            }
        };
        // The clock is asked once; what follows is counted from there, whatever happens to the clock.
        let now = u64::try_from(self.log.now_ms()).unwrap_or_default().saturating_mul(1_000_000);
        Some(Arc::new(Trace {
            id,
            span: self.random.span(),
            parent: parent.map(|parent| parent.span),
            started: arrived,
            start: now.saturating_sub(nanos(arrived.elapsed())),
            known: Mutex::default(),
        }))
    }

    /// Passes a trace on, if there is room.
    pub(crate) fn end(&self, trace: Arc<Trace>, ended: Ended<'_>) {
        let end = trace.at(Instant::now());
        // A comparison or a prediction that goes on after its client has gone may still hold it; then it is of no use.
        let Some(trace) = Arc::into_inner(trace) else {
            self.dropped.fetch_add(1, Ordering::Relaxed);
            return;
        };
        let num_parts = trace.known.lock().unwrap_or_else(PoisonError::into_inner).parts.len();
        let Ended { name, method, path, is_grpc, status, is_failure } = ended;
        let finished = Finished {
            ids: (0..num_parts).map(|_| self.random.span()).collect(),
            trace,
            end,
            name,
            method: method.to_owned(),
            path: path.to_owned(),
            is_grpc,
            status,
            is_failure,
        };
        if !self.exporter.offer(finished) {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Sends what there is, and ends; waits a few seconds at the most.
    pub(crate) fn finish(&self) {
        self.exporter.finish();
    }
}

impl Trace {
    /// Returns the number of the trace, as the log has it.
    pub(crate) fn id(&self) -> String {
        self.id.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// Notes a part of the request.
    pub(crate) fn part(&self, name: &'static str, from: Instant, to: Instant) {
        let part = Part { name, start: self.at(from), end: self.at(to) };
        self.known.lock().unwrap_or_else(PoisonError::into_inner).parts.push(part);
    }

    /// Notes who is asked, and for how many rows.
    pub(crate) fn asked(&self, model: &str, version: u64, num_rows: usize) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.model = Some((model.to_owned(), version));
        known.num_rows = num_rows;
    }

    /// Returns a time in nanoseconds since 1970.
    fn at(&self, time: Instant) -> u64 {
        self.start.saturating_add(nanos(time.saturating_duration_since(self.started)))
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// Reads the header `traceparent`; nothing where it is none.
fn parent(value: &[u8]) -> Option<Parent> {
    let is_end = |rest: &[u8]| rest.is_empty();
    let ([a, b], rest) = value.split_first_chunk()?;
    let version = hex([*a, *b])?;
    let (trace, rest) = field::<16>(rest)?;
    let (span, rest) = field::<8>(rest)?;
    let ([flags], rest) = field::<1>(rest)?;
    let is_whole = match version {
        0xff => false,
        0 => is_end(rest),
        // Later versions may say more.
        _ => is_end(rest) || rest.starts_with(b"-"),
    };
    let is_some = trace != [0; 16] && span != [0; 8];
    (is_whole && is_some).then_some(Parent { trace, span, is_sampled: flags & 1 == 1 })
}

/// Reads a dash, and bytes in hexadecimal.
fn field<const N: usize>(value: &[u8]) -> Option<([u8; N], &[u8])> {
    let (digits, rest) = value.strip_prefix(b"-")?.split_at_checked(2 * N)?;
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = hex([pair[0], pair[1]])?;
    }
    Some((bytes, rest))
}

/// Reads two digits; large letters are none here.
fn hex(digits: [u8; 2]) -> Option<u8> {
    let digit = |digit: u8| match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    };
    Some(digit(digits[0])? << 4 | digit(digits[1])?)
}

/// Numbers that no other process has: of keys that the system gave, and a count.
struct Random {
    keys: [RandomState; 2],
    count: AtomicU64,
}

impl Random {
    fn new() -> Self {
        Self { keys: [RandomState::new(), RandomState::new()], count: AtomicU64::new(0) }
    }

    fn span(&self) -> [u8; 8] {
        loop {
            let count = self.count.fetch_add(1, Ordering::Relaxed);
            let number = self.keys[0].hash_one(count);
            if number != 0 {
                return number.to_be_bytes();
            }
        }
    }

    fn trace(&self) -> [u8; 16] {
        let count = self.count.fetch_add(1, Ordering::Relaxed);
        let mut id = [0; 16];
        id[..8].copy_from_slice(&self.keys[1].hash_one(count).to_be_bytes());
        id[8..].copy_from_slice(&self.span());
        id
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parents_are_read_as_w3c_writes_them() {
        let (trace, span) = ("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7");
        let read = |text: String| parent(text.as_bytes());
        let whole = read(format!("00-{trace}-{span}-01")).unwrap();
        assert!(whole.is_sampled);
        assert_eq!((whole.trace[0], whole.trace[15], whole.span[7]), (0x4b, 0x36, 0xb7));
        assert!(!read(format!("00-{trace}-{span}-00")).unwrap().is_sampled);
        // Only the last bit of the flags is known.
        assert!(read(format!("00-{trace}-{span}-ff")).unwrap().is_sampled);
        assert!(read(format!("cc-{trace}-{span}-01-what")).is_some());
        let (no_trace, no_span) = ("0".repeat(32), "0".repeat(16));
        for wrong in [
            String::new(),
            "00".to_owned(),
            format!("00-{trace}-{span}-01-what"),
            format!("cc-{trace}-{span}-01what"),
            format!("ff-{trace}-{span}-01"),
            format!("00-{no_trace}-{span}-01"),
            format!("00-{trace}-{no_span}-01"),
            format!("00-{}-{span}-01", trace.to_uppercase()),
            format!("00-{trace}-{span}-0"),
            format!("00-{trace}-{span}-1"),
            format!("0-{trace}-{span}-01"),
            format!("00_{trace}_{span}_01"),
        ] {
            assert_eq!(read(wrong.clone()), None, "{wrong}");
        }
    }

    #[test]
    fn numbers_do_not_come_twice() {
        let (random, other) = (Random::new(), Random::new());
        let mut all: Vec<_> = (0..1000).flat_map(|_| [random.trace(), other.trace()]).collect();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), 2000);
    }
}
