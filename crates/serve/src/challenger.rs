//! Another version beside the one that answers: it gets a share of the traffic, and both answers are compared.
//!
//! The comparison is made by a thread of its own, from a bounded queue: no request waits for it, and what there is no
//! time for is counted as skipped.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use arrow::array::RecordBatch;
use model::PREDICTION;
use serde_json::json;

use crate::config::{ChallengerConfig, VersionChoice};
use crate::entry::Versions;
use crate::failure::Failure;
use crate::log::{Level, Log};
use crate::metrics::ModelMetrics;
use crate::outputs::outputs;
use crate::sample::Sampler;
use crate::version::Version;

/// How many answers may wait to be compared.
const WAITING: usize = 256;

/// How often a difference is a line of the log at the most.
const BETWEEN_LINES: Duration = Duration::from_millis(200);

/// A version that takes part in the traffic.
pub(crate) struct Challenger {
    choice: VersionChoice,
    is_shadow: bool,
    sampler: Sampler,
    sender: SyncSender<Comparison>,
    metrics: Arc<ModelMetrics>,
}

/// An answer, and who else is to be asked.
pub(crate) struct Comparison {
    pub(crate) answered: Arc<Version>,
    pub(crate) answer: RecordBatch,
    pub(crate) beside: Arc<Version>,
    /// The request as the other version reads it.
    pub(crate) request: Result<RecordBatch, Failure>,
}

impl Challenger {
    pub(crate) fn new(
        model: &str,
        config: &ChallengerConfig,
        metrics: Arc<ModelMetrics>,
        log: Arc<Log>,
    ) -> std::io::Result<Self> {
        let (sender, receiver) = sync_channel(WAITING);
        let comparer = Comparer {
            model: model.to_owned(),
            tolerance: config.tolerance,
            metrics: Arc::clone(&metrics),
            log,
            last_line: None,
        };
        thread::Builder::new()
            .name("compare".to_owned())
            .spawn(move || comparer.work(&receiver))?;
        Ok(Self {
            choice: config.version.clone(),
            is_shadow: config.is_shadow,
            sampler: Sampler::new(config.share),
            sender,
            metrics,
        })
    }

    /// Returns the challenger, if it is there.
    pub(crate) fn find<'v>(&self, versions: &'v Versions) -> Option<&'v Arc<Version>> {
        match &self.choice {
            VersionChoice::Newest => versions.serving.last(),
            VersionChoice::Number(number) => versions.number(*number),
            VersionChoice::Label(label) => versions.number(*versions.labels.get(label)?),
        }
    }

    /// Returns whether the challenger takes part in the next request, and then, whether it answers it.
    pub(crate) fn takes_part(&self) -> Option<bool> {
        let takes_part = self.sampler.take();
        if takes_part && !self.is_shadow {
            self.metrics.compared.answered.fetch_add(1, Ordering::Relaxed);
        }
        takes_part.then_some(!self.is_shadow)
    }

    /// Has an answer compared, if there is time.
    pub(crate) fn compare(&self, comparison: Comparison) {
        if self.sender.try_send(comparison).is_err() {
            self.metrics.compared.skipped.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// Asks the other version.
struct Comparer {
    model: String,
    tolerance: f32,
    metrics: Arc<ModelMetrics>,
    log: Arc<Log>,
    last_line: Option<Instant>,
}

impl Comparer {
    fn work(mut self, comparisons: &Receiver<Comparison>) {
        while let Ok(Comparison { answered, answer, beside, request }) = comparisons.recv() {
            let other = request.and_then(|request| beside.predict_now(&request));
            let compared = &self.metrics.compared;
            match other.and_then(|other| distances(&answer, &other)) {
                Ok(distances) => {
                    let different = distances.iter().filter(|d| **d > self.tolerance).count();
                    let sum: f64 =
                        distances.iter().copied().filter(|d| d.is_finite()).map(f64::from).sum();
                    let largest = distances.iter().copied().fold(0.0, f32::max);
                    compared.rows.fetch_add(distances.len() as u64, Ordering::Relaxed);
                    compared.different.fetch_add(different as u64, Ordering::Relaxed);
                    #[expect(
                        clippy::cast_possible_truncation,
                        clippy::cast_sign_loss,
                        reason = "a sum of distances, which are not negative"
                    )]
                    compared.distance_millionths.fetch_add((sum * 1e6) as u64, Ordering::Relaxed);
                    if different > 0 {
                        self.say(json!({
                            "model": self.model,
                            "answered": answered.number,
                            "beside": beside.number,
                            "rows": distances.len(),
                            "different_rows": different,
                            "largest_distance": largest,
                        }));
                    }
                }
                Err(failure) => {
                    compared.failed.fetch_add(1, Ordering::Relaxed);
                    self.say(json!({
                        "model": self.model,
                        "answered": answered.number,
                        "beside": beside.number,
                        "error": failure.message,
                    }));
                }
            }
        }
    }

    fn say(&mut self, about: serde_json::Value) {
        if self.last_line.is_none_or(|last| last.elapsed() >= BETWEEN_LINES) {
            self.last_line = Some(Instant::now());
            self.log.say(Level::Warning, "versions_differ", about);
        }
    }
}

/// Returns the largest distance of each row's predictions; NaN is as far as can be from all but itself.
fn distances(a: &RecordBatch, b: &RecordBatch) -> Result<Vec<f32>, Failure> {
    let find = |batch| -> Result<_, Failure> {
        let mut outputs = outputs(batch)?;
        let place = outputs.iter().position(|output| output.name == PREDICTION).unwrap_or(0);
        if outputs.is_empty() {
            return Err(Failure::invalid("a version answers nothing"));
        }
        Ok(outputs.swap_remove(place))
    };
    let (a_output, b_output) = (find(a)?, find(b)?);
    if a_output.width != b_output.width || a.num_rows() != b.num_rows() {
        return Err(Failure::invalid("the versions' answers have other shapes"));
    }
    let distance = |(a, b): (&f32, &f32)| match (a.is_nan(), b.is_nan()) {
        (true, true) => 0.0,
        (false, false) if a.to_bits() == b.to_bits() => 0.0,
        (false, false) => (a - b).abs(),
        _ => f32::INFINITY,
    };
    let row =
        |row| a_output.row(row).iter().zip(b_output.row(row)).map(distance).fold(0.0, f32::max);
    Ok((0..a.num_rows()).map(row).collect())
}
