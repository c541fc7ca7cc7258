//! Traces, as a collector gets them.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use prost::Message;
use serve::config::TracingConfig;

use crate::grpc;
use crate::scene::Scene;

/// The messages, as the server has them.
#[allow(
    clippy::allow_attributes,
    clippy::all,
    dead_code,
    missing_docs,
    unreachable_pub,
    reason = "generated"
)]
mod proto {
    include!(concat!(env!("OUT_DIR"), "/opentelemetry.rs"));
}

use proto::any_value::Value;
use proto::span::SpanKind;
use proto::{ExportTraceServiceRequest, Span};

const PREDICT: &str = "/v1/models/taxi:predict";
const BODY: &str = r#"{"instances": [{"fare": 12.0, "company": "Yellow"}]}"#;
const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const PARENT: &str = "00f067aa0ba902b7";

/// A collector that keeps what it takes.
#[derive(Clone)]
struct Collector {
    endpoint: String,
    got: Arc<Mutex<Vec<ExportTraceServiceRequest>>>,
    heads: Arc<Mutex<Vec<String>>>,
}

impl Collector {
    /// Answers with the statuses in turn, and with the last of them from then on.
    fn new(statuses: &'static [u16]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let collector = Self { endpoint, got: Arc::default(), heads: Arc::default() };
        let mine = collector.clone();
        std::thread::spawn(move || {
            let mut count = 0;
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                while let Some((head, body)) = read(&mut stream) {
                    let status = statuses[count.min(statuses.len() - 1)];
                    count += 1;
                    mine.heads.lock().unwrap().push(head);
                    if status == 200 {
                        let message = ExportTraceServiceRequest::decode(&body[..]).unwrap();
                        mine.got.lock().unwrap().push(message);
                    }
                    let answer = format!("HTTP/1.1 {status} x\r\ncontent-length: 0\r\n\r\n");
                    stream.write_all(answer.as_bytes()).unwrap();
                }
            }
        });
        collector
    }

    fn config(&self, share: f64) -> Option<TracingConfig> {
        let config = TracingConfig::new(&self.endpoint).unwrap();
        let headers = vec![("x-tenant".to_owned(), "me".to_owned())];
        Some(TracingConfig { share, headers, ..config })
    }

    /// Returns all spans; those of a request stand together, itself first.
    fn spans(&self) -> Vec<Span> {
        let got = self.got.lock().unwrap();
        let scopes = got.iter().flat_map(|request| &request.resource_spans);
        let spans = scopes.flat_map(|resource| &resource.scope_spans);
        spans.flat_map(|scope| scope.spans.iter().cloned()).collect()
    }
}

fn read(stream: &mut TcpStream) -> Option<(String, Vec<u8>)> {
    let mut all = Vec::new();
    let mut part = [0; 4096];
    loop {
        if let Some(end) = all.windows(4).position(|end| end == b"\r\n\r\n") {
            let head = String::from_utf8(all[..end].to_vec()).unwrap().to_lowercase();
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
            let length: usize = length.unwrap().parse().unwrap();
            if all.len() >= end + 4 + length {
                return Some((head, all[end + 4..end + 4 + length].to_vec()));
            }
        }
        match stream.read(&mut part) {
            Ok(read @ 1..) => all.extend_from_slice(&part[..read]),
            _ => return None,
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn attribute(span: &Span, key: &str) -> Option<String> {
    let found = span.attributes.iter().find(|attribute| attribute.key == key)?;
    Some(match found.value.as_ref()?.value.as_ref()? {
        Value::StringValue(text) => text.clone(),
        Value::IntValue(int) => int.to_string(),
        other => format!("{other:?}"),
    })
}

/// Holds the spans of one request against what they should be.
#[track_caller]
fn check(spans: &[Span], name: &str, parts: &[&str]) {
    let (request, below) = spans.split_first().unwrap();
    assert_eq!(request.name, name);
    assert_eq!(request.kind, i32::from(SpanKind::Server));
    assert_eq!((request.trace_id.len(), request.span_id.len()), (16, 8));
    assert_eq!(below.iter().map(|span| span.name.as_str()).collect::<Vec<_>>(), parts);
    // The clock of these tests stands at this second.
    assert!(request.start_time_unix_nano.abs_diff(1_700_000_000_000_000_000) < 60_000_000_000);
    let mut last = request.start_time_unix_nano;
    for span in below {
        assert_eq!(span.trace_id, request.trace_id);
        assert_eq!(span.parent_span_id, request.span_id);
        assert_eq!(span.kind, i32::from(SpanKind::Internal));
        assert!(last <= span.start_time_unix_nano, "{} begins early", span.name);
        assert!(span.start_time_unix_nano <= span.end_time_unix_nano);
        last = span.end_time_unix_nano;
    }
    assert!(last <= request.end_time_unix_nano);
}

#[test]
fn requests_of_traces_are_spans_with_their_parts() {
    let collector = Collector::new(&[200]);
    // Nobody is traced but who comes with a trace.
    let mut scene = Scene::with(|_, config| {
        config.tracing = collector.config(0.0);
        config.log_requests = true;
    });
    let mut client = scene.client();
    let mut post = |headers: &str, body: &str| {
        let answer = client.request("POST", PREDICT, headers, body.as_bytes());
        answer.status
    };
    let parent = format!("traceparent: 00-{TRACE}-{PARENT}-01\r\n");
    assert_eq!(post(&parent, BODY), 200);
    for untraced in ["", "traceparent: nonsense\r\n"] {
        assert_eq!(post(untraced, BODY), 200);
    }
    assert_eq!(post(&format!("traceparent: 00-{TRACE}-{PARENT}-00\r\n"), BODY), 200);
    assert_eq!(post(&parent, "{}"), 400);
    // So many rows are not computed by the network's own thread.
    let rows = vec![r#"{"fare": 12.0, "company": "Yellow"}"#; 50_000].join(",");
    assert_eq!(post(&parent, &format!("{{\"instances\": [{rows}]}}")), 200);

    let path = "/tensorflow.serving.PredictionService/Predict";
    let value = format!("00-{TRACE}-{PARENT}-01");
    let message = grpc::framed(&grpc::request().encode_to_vec());
    let (_, code, _) = grpc::send(scene.address(), path, &[("traceparent", &value)], message);
    assert_eq!(code, 0);
    drop(client);
    assert!(scene.server.take().unwrap().shut_down());

    let spans = collector.spans();
    let starts: Vec<usize> =
        (0..spans.len()).filter(|at| spans[*at].kind == i32::from(SpanKind::Server)).collect();
    let [first, wrong, many, call] = starts.as_slice() else { panic!("{spans:#?}") };
    let (http, parts) = (format!("POST {PREDICT}"), ["graph", "model"]);
    check(&spans[*first..*wrong], &http, &parts);
    check(&spans[*wrong..*many], &http, &[]);
    check(&spans[*many..*call], &http, &["queue", "graph", "model"]);
    check(&spans[*call..], &path[1..], &parts);
    for start in &starts {
        assert_eq!(hex(&spans[*start].trace_id), TRACE);
        assert_eq!(hex(&spans[*start].parent_span_id), PARENT);
        assert_eq!(spans[*start].flags & 1, 1);
    }
    for (key, expected) in [
        ("http.request.method", "POST"),
        ("url.path", PREDICT),
        ("http.response.status_code", "200"),
        ("cupola.model", "taxi"),
        ("cupola.version", "1"),
        ("cupola.rows", "1"),
    ] {
        assert_eq!(attribute(&spans[*first], key).as_deref(), Some(expected), "{key}");
    }
    let status = |at: usize| attribute(&spans[at], "http.response.status_code");
    assert_eq!(status(*wrong).as_deref(), Some("400"));
    // What the client did wrong is no failure of the server.
    assert!(spans[*wrong].status.is_none());
    assert_eq!(attribute(&spans[*call], "rpc.method").as_deref(), Some("Predict"));
    assert_eq!(attribute(&spans[*call], "rpc.grpc.status_code").as_deref(), Some("0"));

    let heads = collector.heads.lock().unwrap();
    let head = &heads[0];
    assert!(head.starts_with("post /v1/traces http/1.1"), "{head}");
    assert!(head.contains("content-type: application/x-protobuf") && head.contains("x-tenant: me"));
    let log = scene.lines.text();
    assert_eq!(log.matches(&format!("\"trace_id\":\"{TRACE}\"")).count(), 4, "{log}");
}

#[test]
fn of_those_without_a_trace_a_share_gets_one() {
    let collector = Collector::new(&[200]);
    let mut scene = Scene::with(|_, config| config.tracing = collector.config(0.25));
    let mut client = scene.client();
    for _ in 0..400 {
        assert_eq!(client.post(PREDICT, BODY).status, 200);
        assert_eq!(client.get("/health/live").0, 200);
    }
    drop(client);
    assert!(scene.server.take().unwrap().shut_down());
    let mut traces: Vec<_> = collector.spans().iter().map(|span| span.trace_id.clone()).collect();
    traces.sort_unstable();
    traces.dedup();
    // Ten standard deviations to both sides.
    assert!((14..=186).contains(&traces.len()), "{}", traces.len());
    let roots = collector.spans();
    assert!(roots.iter().all(|span| span.kind != 2 || span.parent_span_id.is_empty()));
}

#[test]
fn a_collector_that_is_away_or_slow_keeps_nobody_waiting() {
    // One that nobody listens at, and one that takes connections and says nothing.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let away = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    for address in [away, silent.local_addr().unwrap()] {
        let mut scene = Scene::with(|_, config| {
            config.tracing = TracingConfig::new(&format!("http://{address}"));
        });
        let mut client = scene.client();
        let start = Instant::now();
        // More than may wait for the collector.
        for _ in 0..3000 {
            assert_eq!(client.post(PREDICT, BODY).status, 200);
        }
        assert!(start.elapsed() < Duration::from_secs(60));
        assert!(scene.metric("cupola_dropped_traces_total") < 3000);
        drop(client);
        let start = Instant::now();
        assert!(scene.server.take().unwrap().shut_down());
        assert!(start.elapsed() < Duration::from_secs(15), "{:?}", start.elapsed());
    }
}

#[test]
fn a_collector_that_is_busy_is_asked_again() {
    let collector = Collector::new(&[503, 200]);
    let mut scene = Scene::with(|_, config| config.tracing = collector.config(1.0));
    let mut client = scene.client();
    // As many as are sent together, so that it is done before the end.
    for _ in 0..512 {
        assert_eq!(client.post(PREDICT, BODY).status, 200);
    }
    let until = Instant::now() + crate::scene::PATIENCE;
    while collector.got.lock().unwrap().is_empty() {
        assert!(Instant::now() < until, "{}", scene.lines.text());
        std::thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(collector.heads.lock().unwrap().len(), 2);
    assert_eq!(scene.metric("cupola_dropped_traces_total"), 0);
    drop(client);
    assert!(scene.server.take().unwrap().shut_down());
    let requests = collector.spans().iter().filter(|span| span.kind == 2).count();
    assert_eq!(requests, 512);
}
