//! A clock that is set back, again and again, while the server runs: what takes time is measured otherwise.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use serve::config::RequestLogConfig;
use serve::{ServableLoader, Server};

use crate::client::Client;
use crate::scene::{Lines, PATIENCE, config, push};

const PREDICT: &str = "/v1/models/taxi:predict";
const BODY: &str = r#"{"instances": [{"fare": 12.0, "company": "Yellow"}]}"#;

/// The time, in milliseconds since 1970; every look at it sets it back by an hour.
static NOW: AtomicI64 = AtomicI64::new(1_900_000_000_000);

fn clock() -> i64 {
    NOW.fetch_sub(3_600_000, Ordering::Relaxed)
}

#[test]
fn a_clock_that_is_set_back_changes_only_what_is_written_down() {
    let dir = tempfile::tempdir().unwrap();
    push(&dir.path().join("taxi"), 1, model::Task::Regression, 0.0);
    let mut config = config(&dir.path().join("taxi"));
    config.log_requests = true;
    config.limits.idle_timeout = Duration::from_millis(300);
    // A batch waits for others for a while, and a piece of the log ends after a while.
    config.models[0].batching.batch_timeout = Duration::from_millis(20);
    config.models[0].request_log = Some(RequestLogConfig {
        dir: dir.path().join("log"),
        share: 1.0,
        has_predictions: false,
        max_rows: 1_000_000,
        max_age: Duration::from_millis(200),
    });
    let lines = Lines::default();
    let server =
        Server::start(&config, Arc::new(ServableLoader), Box::new(lines.clone()), clock).unwrap();
    assert!(server.wait_ready(PATIENCE), "{}", lines.text());
    let address = server.addresses()[0];

    let start = Instant::now();
    let mut client = Client::new(address);
    for _ in 0..50 {
        assert_eq!(client.post(PREDICT, BODY).status, 200);
    }
    // So many rows are put into the queue, and wait for others.
    let rows = vec![r#"{"fare": 12.0, "company": "Yellow"}"#; 20_000].join(",");
    let many = client.post(PREDICT, &format!("{{\"instances\": [{rows}]}}"));
    assert_eq!(many.status, 200);
    assert!(start.elapsed() < PATIENCE);
    // A version that comes is found, and what is idle is closed.
    push(&dir.path().join("taxi"), 2, model::Task::Regression, 1.0);
    let until = Instant::now() + PATIENCE;
    while !Client::new(address).get("/v1/models/taxi").1.contains("\"version\": \"2\"") {
        assert!(Instant::now() < until);
        std::thread::sleep(Duration::from_millis(10));
    }
    assert!(client.is_closed());

    // The log's pieces end by their age, though the clock says that they are in the future.
    while !lines.text().contains("requests_logged") {
        assert!(Instant::now() < until, "{}", lines.text());
        std::thread::sleep(Duration::from_millis(20));
    }
    let text = lines.text();
    for line in text.lines() {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        if line["event"] == "request" {
            let took = line["microseconds"].as_u64().unwrap();
            assert!(took < 20_000_000, "{line}");
        }
    }
    let (_, metrics) = Client::new(address).get("/metrics");
    let sum = metrics.lines().find_map(|line| {
        line.strip_prefix(":tensorflow:serving:runtime_latency_sum{model_name=\"taxi\"} ")
    });
    assert!(sum.unwrap().parse::<u64>().unwrap() < 20_000_000, "{sum:?}");
    assert!(server.shut_down());
    assert!(NOW.load(Ordering::Relaxed) < 1_900_000_000_000 - 50 * 3_600_000);
}
