//! Who computes predictions, and when: at once where that is cheap, otherwise together with others, in turn.
//!
//! A request that is estimated to take less than [`INLINE_BUDGET`] is computed where it was read, while fewer than
//! `max_concurrency` are being computed and nobody waits: no lock, no other thread. Others go into a bounded queue, from
//! which the model's own threads take as many as fit a batch, waiting for more up to `batch_timeout`. A request whose
//! deadline has passed, or whose client has gone, is not computed.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use arrow::array::RecordBatch;
use arrow::compute::concat_batches;
use base::BoxError;
use graph::Graph;
use model::Predictor;
use tokio::sync::oneshot;

use crate::failure::{Code, Failure};
use crate::metrics::ModelMetrics;

/// What may be computed between two reads of a network thread: about what a few system calls take.
const INLINE_BUDGET: Duration = Duration::from_micros(200);

/// How requests are put together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BatchConfig {
    /// How many rows are computed at once at the most, unless one request has more.
    pub max_batch_rows: usize,
    /// How long the first of a batch waits for others.
    pub batch_timeout: Duration,
    /// How many requests may wait; more are refused as unavailable.
    pub max_queued_requests: usize,
    /// How many predictions of one version are computed at a time.
    pub max_concurrency: usize,
}

impl Default for BatchConfig {
    /// Returns 1,000 rows, no waiting for others, 1,000 waiting requests, and one computation for each core.
    fn default() -> Self {
        Self {
            max_batch_rows: 1000,
            batch_timeout: Duration::ZERO,
            max_queued_requests: 1000,
            max_concurrency: thread::available_parallelism().map_or(1, Into::into),
        }
    }
}

/// A model with its queue. Its threads end when it is dropped.
pub(crate) struct Batcher {
    shared: Arc<Shared>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

struct Shared {
    graph: Option<Graph>,
    predictor: Box<dyn Predictor>,
    config: BatchConfig,
    metrics: Arc<ModelMetrics>,
    /// How many predictions are being computed.
    running: AtomicUsize,
    /// How many requests wait, which is the length of the queue.
    waiting: AtomicUsize,
    queue: Mutex<VecDeque<Job>>,
    wake: Condvar,
    is_ending: AtomicBool,
    cost: Cost,
}

struct Job {
    batch: RecordBatch,
    arrived: Instant,
    deadline: Instant,
    reply: oneshot::Sender<Result<Predicted, Failure>>,
}

/// Predictions, and when each step towards them was done.
#[derive(Debug)]
pub(crate) struct Predicted {
    pub(crate) batch: RecordBatch,
    pub(crate) steps: Steps,
}

/// When the steps of a prediction were done.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Steps {
    /// Since when it waited for its turn, if it had to.
    pub(crate) queued: Option<Instant>,
    pub(crate) begun: Instant,
    /// When the graph was done, if there is one before the model.
    pub(crate) transformed: Option<Instant>,
    pub(crate) done: Instant,
}

/// What predictions took lately, in nanoseconds: of one row, and of each of many.
#[derive(Default)]
struct Cost {
    single: AtomicU64,
    per_row: AtomicU64,
}

impl Cost {
    fn add(&self, num_rows: usize, took: Duration) {
        let nanos = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        let (average, nanos) = match num_rows {
            0 => return,
            1 => (&self.single, nanos),
            rows => (&self.per_row, nanos / rows as u64),
        };
        let before = average.load(Ordering::Relaxed);
        // An outlier, such as a thread that was put aside by the system, moves it by a sixteenth.
        let after = if before == 0 { nanos } else { before - before / 16 + nanos / 16 };
        average.store(after.max(1), Ordering::Relaxed);
    }

    fn estimate(&self, num_rows: usize) -> Duration {
        let single = self.single.load(Ordering::Relaxed);
        let per_row = match self.per_row.load(Ordering::Relaxed) {
            0 => single,
            per_row => per_row.min(single),
        };
        Duration::from_nanos(single.saturating_add(per_row.saturating_mul(num_rows as u64 - 1)))
    }
}

/// The right to compute; given back when dropped.
struct Running<'a>(&'a AtomicUsize);

impl<'a> Running<'a> {
    fn acquire(running: &'a AtomicUsize, limit: usize) -> Option<Self> {
        if running.fetch_add(1, Ordering::AcqRel) < limit {
            return Some(Self(running));
        }
        running.fetch_sub(1, Ordering::AcqRel);
        None
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

impl Batcher {
    /// Returns the queue of a model; what it reads is made by the graph, if there is one.
    pub(crate) fn new(
        graph: Option<Graph>,
        predictor: Box<dyn Predictor>,
        config: BatchConfig,
        metrics: Arc<ModelMetrics>,
    ) -> Self {
        let shared = Arc::new(Shared {
            graph,
            predictor,
            config,
            metrics,
            running: AtomicUsize::new(0),
            waiting: AtomicUsize::new(0),
            queue: Mutex::default(),
            wake: Condvar::new(),
            is_ending: AtomicBool::new(false),
            cost: Cost::default(),
        });
        Self { shared, threads: Mutex::default() }
    }

    /// Returns how long some rows are expected to take.
    pub(crate) fn estimate(&self, num_rows: usize) -> Duration {
        self.shared.cost.estimate(num_rows.max(1))
    }

    /// Computes in this thread, whoever else does.
    pub(crate) fn run(&self, batch: &RecordBatch) -> Result<RecordBatch, Failure> {
        self.shared.run(batch).map(|predicted| predicted.batch)
    }

    /// Predicts some rows.
    pub(crate) async fn predict(
        &self,
        batch: RecordBatch,
        deadline: Instant,
    ) -> Result<Predicted, Failure> {
        let shared = &*self.shared;
        if shared.waiting.load(Ordering::Acquire) == 0
            && self.estimate(batch.num_rows()) <= INLINE_BUDGET
            && let Some(_running) = Running::acquire(&shared.running, shared.config.max_concurrency)
        {
            return shared.run(&batch);
        }
        let (reply, answer) = oneshot::channel();
        let arrived = Instant::now();
        self.enqueue(Job { batch, arrived, deadline, reply })?;
        match tokio::time::timeout_at(deadline.into(), answer).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) => Err(Failure::new(Code::Unavailable, "the version is being unloaded")),
            Err(_) => Err(late()),
        }
    }

    fn enqueue(&self, job: Job) -> Result<(), Failure> {
        let shared = &self.shared;
        let mut queue = shared.lock();
        if queue.len() >= shared.config.max_queued_requests {
            shared.metrics.refused.fetch_add(1, Ordering::Relaxed);
            let message = format!("{} requests wait for this model already", queue.len());
            return Err(Failure::new(Code::Unavailable, message));
        }
        queue.push_back(job);
        shared.waiting.store(queue.len(), Ordering::Release);
        drop(queue);
        shared.wake.notify_one();

        // Models that are always cheap need no threads.
        let mut threads = self.threads.lock().unwrap_or_else(PoisonError::into_inner);
        if threads.len() < shared.config.max_concurrency {
            let shared = Arc::clone(shared);
            let thread = thread::Builder::new().name("predict".to_owned());
            match thread.spawn(move || shared.work()) {
                Ok(thread) => threads.push(thread),
                Err(_) if !threads.is_empty() => {}
                Err(error) => {
                    let message = format!("cannot start a thread: {error}");
                    return Err(Failure::new(Code::Unavailable, message));
                }
            }
        }
        Ok(())
    }
}

impl Drop for Batcher {
    fn drop(&mut self) {
        {
            let _queue = self.shared.lock();
            self.shared.is_ending.store(true, Ordering::Release);
        }
        self.shared.wake.notify_all();
        let threads = self.threads.get_mut().unwrap_or_else(PoisonError::into_inner);
        for thread in threads.drain(..) {
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, VecDeque<Job>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Computes; a panic of the model is its failure, not the server's.
    fn run(&self, batch: &RecordBatch) -> Result<Predicted, Failure> {
        let begun = Instant::now();
        let answer = catch_unwind(AssertUnwindSafe(|| self.compute(batch)));
        let done = Instant::now();
        let took = done - begun;
        self.cost.add(batch.num_rows(), took);
        self.metrics.runtime.observe(took);
        self.metrics.batch_rows.observe_count(batch.num_rows());
        match answer {
            Ok(Ok((batch, transformed))) => {
                Ok(Predicted { batch, steps: Steps { queued: None, begun, transformed, done } })
            }
            Ok(Err(error)) => Err(error.into()),
            Err(_) => Err(Failure::new(Code::Internal, "the model panicked; please report it")),
        }
    }

    /// Returns predictions, and when the graph was done.
    fn compute(&self, batch: &RecordBatch) -> Result<(RecordBatch, Option<Instant>), BoxError> {
        let Some(graph) = &self.graph else { return Ok((self.predictor.predict(batch)?, None)) };
        let features = graph.apply(batch)?;
        let transformed = Instant::now();
        Ok((self.predictor.predict(&features)?, Some(transformed)))
    }

    /// Takes batches from the queue until the model goes.
    fn work(&self) {
        loop {
            let jobs = {
                let mut queue = self.lock();
                loop {
                    if self.is_ending.load(Ordering::Acquire) {
                        return;
                    }
                    if !queue.is_empty() {
                        break;
                    }
                    queue = self.wake.wait(queue).unwrap_or_else(PoisonError::into_inner);
                }
                self.take_batch(queue)
            };
            if jobs.is_empty() {
                continue;
            }
            // Those who compute on the network's threads count, too; these few threads wait for them.
            let running = loop {
                match Running::acquire(&self.running, self.config.max_concurrency) {
                    Some(running) => break running,
                    None => thread::yield_now(),
                }
            };
            self.answer(jobs);
            drop(running);
        }
    }

    /// Takes jobs until a batch is full, no more are there, and the first has waited long enough.
    fn take_batch(&self, mut queue: MutexGuard<'_, VecDeque<Job>>) -> Vec<Job> {
        let mut jobs: Vec<Job> = Vec::new();
        let mut num_rows = 0;
        loop {
            let now = Instant::now();
            while let Some(next) = queue.front() {
                let next_rows = next.batch.num_rows();
                if !jobs.is_empty() && num_rows + next_rows > self.config.max_batch_rows {
                    break;
                }
                let Some(job) = queue.pop_front() else { break };
                if job.deadline <= now {
                    let _ = job.reply.send(Err(late()));
                } else if !job.reply.is_closed() {
                    num_rows += next_rows;
                    jobs.push(job);
                }
            }
            self.waiting.store(queue.len(), Ordering::Release);
            let Some(first) = jobs.first() else { return jobs };
            let waits_until = first.arrived + self.config.batch_timeout;
            let is_full = !queue.is_empty() || num_rows >= self.config.max_batch_rows;
            if is_full || waits_until <= now || self.is_ending.load(Ordering::Acquire) {
                return jobs;
            }
            let waited = self.wake.wait_timeout(queue, waits_until - now);
            queue = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn answer(&self, mut jobs: Vec<Job>) {
        for job in &jobs {
            self.metrics.queuing.observe(job.arrived.elapsed());
        }
        if jobs.len() == 1 {
            if let Some(job) = jobs.pop() {
                self.answer_alone(job);
            }
            return;
        }
        let together =
            concat_batches(jobs[0].batch.schema_ref(), jobs.iter().map(|job| &job.batch));
        let answer = together.ok().map(|batch| self.run(&batch));
        match answer {
            Some(Ok(Predicted { batch, steps })) => {
                let mut start = 0;
                for job in jobs {
                    let num_rows = job.batch.num_rows();
                    let steps = Steps { queued: Some(job.arrived), ..steps };
                    let batch = batch.slice(start, num_rows);
                    let _ = job.reply.send(Ok(Predicted { batch, steps }));
                    start += num_rows;
                }
            }
            // One of them is wrong; the others must not suffer for it.
            Some(Err(_)) | None => jobs.into_iter().for_each(|job| self.answer_alone(job)),
        }
    }

    fn answer_alone(&self, job: Job) {
        let mut answer = self.run(&job.batch);
        if let Ok(Predicted { steps, .. }) = &mut answer {
            steps.queued = Some(job.arrived);
        }
        // Whoever has gone is not answered.
        let _ = job.reply.send(answer);
    }
}

fn late() -> Failure {
    Failure::new(Code::DeadlineExceeded, "the request waited longer than it may take")
}

#[cfg(test)]
mod tests;
