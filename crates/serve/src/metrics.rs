//! Counters and histograms, as Prometheus reads them.
//!
//! Every value is an atomic number of its own; nothing on the way of a request takes a lock.

use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::failure::Code;

/// Upper ends of latencies, in microseconds.
const LATENCIES: [u64; 18] = [
    50, 100, 200, 300, 500, 750, 1_000, 2_000, 3_000, 5_000, 10_000, 20_000, 50_000, 100_000,
    200_000, 500_000, 1_000_000, 10_000_000,
];

/// Upper ends of numbers of rows.
const COUNTS: [u64; 11] = [1, 2, 4, 8, 16, 32, 64, 128, 256, 1024, 8192];

/// How often values were at most some ends.
#[derive(Debug)]
pub(crate) struct Histogram {
    ends: &'static [u64],
    counts: Vec<AtomicU64>,
    sum: AtomicU64,
}

impl Histogram {
    fn latencies() -> Self {
        Self::new(&LATENCIES)
    }

    fn new(ends: &'static [u64]) -> Self {
        let counts = (0..=ends.len()).map(|_| AtomicU64::new(0)).collect();
        Self { ends, counts, sum: AtomicU64::new(0) }
    }

    pub(crate) fn observe(&self, took: Duration) {
        self.add(u64::try_from(took.as_micros()).unwrap_or(u64::MAX));
    }

    pub(crate) fn observe_count(&self, count: usize) {
        self.add(count as u64);
    }

    fn add(&self, value: u64) {
        let place = self.ends.iter().position(|end| value <= *end).unwrap_or(self.ends.len());
        self.counts[place].fetch_add(1, Ordering::Relaxed);
        self.sum.fetch_add(value, Ordering::Relaxed);
    }

    fn write(&self, out: &mut String, name: &str, labels: &str) {
        let mut total = 0;
        for (place, count) in self.counts.iter().enumerate() {
            total += count.load(Ordering::Relaxed);
            let end = self.ends.get(place).map_or("+Inf".to_owned(), u64::to_string);
            let _ = writeln!(out, "{name}_bucket{{{labels},le=\"{end}\"}} {total}");
        }
        let sum = self.sum.load(Ordering::Relaxed);
        let _ = writeln!(out, "{name}_sum{{{labels}}} {sum}\n{name}_count{{{labels}}} {total}");
    }
}

/// How a request came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Entry {
    Rest,
    Grpc,
}

/// What was asked of a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Api {
    Predict,
    Classify,
    Regress,
    Infer,
    MultiInference,
    Completions,
}

impl Api {
    const ALL: [Self; 6] = [
        Self::Predict,
        Self::Classify,
        Self::Regress,
        Self::Infer,
        Self::MultiInference,
        Self::Completions,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Predict => "Predict",
            Self::Classify => "Classify",
            Self::Regress => "Regress",
            Self::Infer => "ModelInfer",
            Self::MultiInference => "MultiInference",
            Self::Completions => "Completions",
        }
    }
}

impl Entry {
    const ALL: [Self; 2] = [Self::Rest, Self::Grpc];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Rest => "REST",
            Self::Grpc => "GRPC",
        }
    }
}

#[derive(Debug)]
struct Requests {
    by_code: [AtomicU64; Code::ALL.len()],
    latency: Histogram,
}

/// What happened to one model, whatever its version.
#[derive(Debug)]
pub(crate) struct ModelMetrics {
    name: String,
    requests: Vec<Requests>,
    /// Rows that were asked for.
    pub(crate) rows: AtomicU64,
    /// What predictions took.
    pub(crate) runtime: Histogram,
    /// How many rows they had.
    pub(crate) batch_rows: Histogram,
    /// How long requests waited for their turn.
    pub(crate) queuing: Histogram,
    /// Requests that found the queue full.
    pub(crate) refused: AtomicU64,
    /// Versions that were loaded and warm, and how long that took.
    pub(crate) loading: Histogram,
    /// Versions that could not be loaded.
    pub(crate) load_failures: AtomicU64,
    /// What became of the challenger's answers.
    pub(crate) compared: Compared,
    /// Rows that were logged, and rows that should have been.
    pub(crate) logged_rows: AtomicU64,
    pub(crate) unlogged_rows: AtomicU64,
}

/// The challenger's answers beside the champion's.
#[derive(Debug, Default)]
pub(crate) struct Compared {
    /// Rows that both answered.
    pub(crate) rows: AtomicU64,
    /// Rows with predictions further apart than the tolerance.
    pub(crate) different: AtomicU64,
    /// Requests that only one of them could answer.
    pub(crate) failed: AtomicU64,
    /// Requests that were not compared because the challenger was too slow for that.
    pub(crate) skipped: AtomicU64,
    /// Requests that the challenger answered.
    pub(crate) answered: AtomicU64,
    /// The sum of all distances, in millionths.
    pub(crate) distance_millionths: AtomicU64,
}

impl ModelMetrics {
    pub(crate) fn new(name: &str) -> Arc<Self> {
        let requests = || Requests {
            by_code: std::array::from_fn(|_| AtomicU64::new(0)),
            latency: Histogram::latencies(),
        };
        let kinds = Api::ALL.len() * Entry::ALL.len();
        Arc::new(Self {
            name: name.to_owned(),
            requests: (0..kinds).map(|_| requests()).collect(),
            rows: AtomicU64::new(0),
            runtime: Histogram::latencies(),
            batch_rows: Histogram::new(&COUNTS),
            queuing: Histogram::latencies(),
            refused: AtomicU64::new(0),
            loading: Histogram::latencies(),
            load_failures: AtomicU64::new(0),
            compared: Compared::default(),
            logged_rows: AtomicU64::new(0),
            unlogged_rows: AtomicU64::new(0),
        })
    }

    /// Counts a request that was answered.
    pub(crate) fn request(&self, api: Api, entry: Entry, code: Code, took: Duration) {
        let requests = &self.requests[api as usize * Entry::ALL.len() + entry as usize];
        requests.by_code[code.place()].fetch_add(1, Ordering::Relaxed);
        requests.latency.observe(took);
    }
}

/// What happened to the server as a whole.
#[derive(Debug, Default)]
pub(crate) struct ServerMetrics {
    pub(crate) connections: AtomicU64,
    pub(crate) open_connections: AtomicU64,
    /// Requests that were no requests, or larger than allowed.
    pub(crate) malformed: AtomicU64,
    pub(crate) unauthenticated: AtomicU64,
    /// Traces that the collector did not take in time, or not at all.
    pub(crate) dropped_traces: Arc<AtomicU64>,
    /// Log lines that nobody could take in time.
    pub(crate) dropped_log_lines: Arc<AtomicU64>,
}

/// One model as it stands.
pub(crate) struct ModelView<'a> {
    pub(crate) metrics: &'a ModelMetrics,
    pub(crate) available: Vec<u64>,
}

/// Returns all metrics in Prometheus's text format. Names begin with `cupola_`; those that TensorFlow Serving's dashboards
/// use are there under its names, too.
pub(crate) fn write(server: &ServerMetrics, models: &[ModelView<'_>], is_ready: bool) -> String {
    let mut out = String::with_capacity(16 << 10);
    let get = |value: &AtomicU64| value.load(Ordering::Relaxed);
    let head = |out: &mut String, name: &str, kind: &str, help: &str| {
        let _ = writeln!(out, "# HELP {name} {help}\n# TYPE {name} {kind}");
    };
    let single = [
        ("cupola_ready", "gauge", "Whether all models answer.", u64::from(is_ready)),
        ("cupola_connections_total", "counter", "Accepted connections.", get(&server.connections)),
        ("cupola_open_connections", "gauge", "Open connections.", get(&server.open_connections)),
        (
            "cupola_malformed_requests_total",
            "counter",
            "Requests that broke the protocol or a limit.",
            get(&server.malformed),
        ),
        (
            "cupola_unauthenticated_requests_total",
            "counter",
            "Requests without a valid token.",
            get(&server.unauthenticated),
        ),
        (
            "cupola_dropped_traces_total",
            "counter",
            "Traces that the collector did not take.",
            get(&server.dropped_traces),
        ),
        (
            "cupola_dropped_log_lines_total",
            "counter",
            "Log lines that could not be written in time.",
            get(&server.dropped_log_lines),
        ),
    ];
    for (name, kind, help, value) in single {
        head(&mut out, name, kind, help);
        let _ = writeln!(out, "{name} {value}");
    }

    head(&mut out, "cupola_model_version_available", "gauge", "Versions that answer.");
    for ModelView { metrics, available } in models {
        for version in available {
            let name = label(&metrics.name);
            let _ = writeln!(
                out,
                "cupola_model_version_available{{model=\"{name}\",version=\"{version}\"}} 1"
            );
        }
    }

    let requests = |metrics: &ModelMetrics, take: &mut dyn FnMut(&str, &Requests)| {
        for (place, requests) in metrics.requests.iter().enumerate() {
            let api = Api::ALL[place / Entry::ALL.len()].name();
            let entry = Entry::ALL[place % Entry::ALL.len()].name();
            let name = label(&metrics.name);
            if requests.by_code.iter().any(|count| get(count) > 0) {
                let labels = format!("model_name=\"{name}\",API=\"{api}\",entrypoint=\"{entry}\"");
                take(&labels, requests);
            }
        }
    };
    let tensorflow = ":tensorflow:serving:";
    head(&mut out, &format!("{tensorflow}request_count"), "counter", "Answered requests.");
    for model in models {
        requests(model.metrics, &mut |labels, requests| {
            for (code, count) in Code::ALL.iter().zip(&requests.by_code) {
                if get(count) > 0 {
                    let (code, count) = (code.name(), get(count));
                    let _ = writeln!(
                        out,
                        "{tensorflow}request_count{{{labels},status=\"{code}\"}} {count}"
                    );
                }
            }
        });
    }
    head(
        &mut out,
        &format!("{tensorflow}request_latency"),
        "histogram",
        "From the request's last byte to the answer, in microseconds.",
    );
    for model in models {
        requests(model.metrics, &mut |labels, requests| {
            requests.latency.write(&mut out, &format!("{tensorflow}request_latency"), labels);
        });
    }

    type Read = fn(&ModelMetrics) -> &Histogram;
    let histograms: [(&str, &str, Read); 4] = [
        (":tensorflow:serving:runtime_latency", "What predictions took, in microseconds.", |m| {
            &m.runtime
        }),
        ("cupola_batch_rows", "Rows computed at once.", |m| &m.batch_rows),
        ("cupola_queuing_latency", "How long requests waited, in microseconds.", |m| &m.queuing),
        (
            ":tensorflow:serving:model_warmup_latency",
            "What loading and warming a version took, in microseconds.",
            |m| &m.loading,
        ),
    ];
    for (name, help, read) in histograms {
        head(&mut out, name, "histogram", help);
        for model in models {
            let labels = format!("model_name=\"{}\"", label(&model.metrics.name));
            read(model.metrics).write(&mut out, name, &labels);
        }
    }

    type ReadCount = fn(&ModelMetrics) -> &AtomicU64;
    let counters: [(&str, &str, ReadCount); 11] = [
        (":tensorflow:serving:request_example_count_total", "Rows asked for.", |m| &m.rows),
        ("cupola_refused_requests_total", "Requests that found the queue full.", |m| &m.refused),
        ("cupola_load_failures_total", "Versions that could not be loaded.", |m| &m.load_failures),
        ("cupola_compared_rows_total", "Rows that champion and challenger answered.", |m| {
            &m.compared.rows
        }),
        ("cupola_different_rows_total", "Of these, further apart than the tolerance.", |m| {
            &m.compared.different
        }),
        ("cupola_compared_distance_millionths_total", "The sum of their distances.", |m| {
            &m.compared.distance_millionths
        }),
        ("cupola_compare_failures_total", "Requests that one of both could not answer.", |m| {
            &m.compared.failed
        }),
        ("cupola_compare_skipped_total", "Requests that there was no time to compare.", |m| {
            &m.compared.skipped
        }),
        ("cupola_challenger_answers_total", "Requests that the challenger answered.", |m| {
            &m.compared.answered
        }),
        ("cupola_logged_rows_total", "Rows in the request log.", |m| &m.logged_rows),
        ("cupola_unlogged_rows_total", "Sampled rows that could not be logged.", |m| {
            &m.unlogged_rows
        }),
    ];
    for (name, help, read) in counters {
        head(&mut out, name, "counter", help);
        for model in models {
            let model_name = label(&model.metrics.name);
            let _ =
                writeln!(out, "{name}{{model_name=\"{model_name}\"}} {}", get(read(model.metrics)));
        }
    }
    out
}

pub(crate) fn label(name: &str) -> String {
    name.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_counted_at_the_first_end_that_it_does_not_pass() {
        let histogram = Histogram::new(&COUNTS);
        [1, 2, 3, 9000].into_iter().for_each(|count| histogram.observe_count(count));
        let mut out = String::new();
        histogram.write(&mut out, "rows", "model=\"a\"");
        assert!(out.starts_with(
            "rows_bucket{model=\"a\",le=\"1\"} 1\nrows_bucket{model=\"a\",le=\"2\"} 2\n"
        ));
        assert!(out.contains("le=\"4\"} 3\n"));
        assert!(out.contains("le=\"8192\"} 3\nrows_bucket{model=\"a\",le=\"+Inf\"} 4\n"));
        assert!(out.ends_with("rows_sum{model=\"a\"} 9006\nrows_count{model=\"a\"} 4\n"));
    }

    #[test]
    fn names_do_not_break_out_of_labels() {
        let metrics = ModelMetrics::new("a\"b\\c\nd");
        metrics.request(Api::Predict, Entry::Rest, Code::Ok, Duration::ZERO);
        let view = ModelView { metrics: &metrics, available: vec![3] };
        let text = write(&ServerMetrics::default(), &[view], true);
        assert!(text.contains("{model=\"a\\\"b\\\\c\\nd\",version=\"3\"} 1\n"));
        assert!(text.contains("API=\"Predict\",entrypoint=\"REST\",status=\"OK\"} 1\n"));
    }
}
