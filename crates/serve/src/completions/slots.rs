//! Who may generate now, who waits, and who is turned away.

use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Instant;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::completions::Problem;
use crate::config::CompletionLimits;
use crate::failure::{Code, Failure};

/// What happened to the completions of a model.
#[derive(Debug, Default)]
pub(crate) struct CompletionMetrics {
    pub(crate) prompt_tokens: AtomicU64,
    pub(crate) new_tokens: AtomicU64,
    pub(crate) running: AtomicU64,
    pub(crate) cancelled: AtomicU64,
    pub(crate) refused: AtomicU64,
    /// From a request's arrival to its first token, in microseconds, and of how many.
    pub(crate) first_token_micros: AtomicU64,
    pub(crate) first_tokens: AtomicU64,
    /// What generating took, without waiting, in microseconds.
    pub(crate) generation_micros: AtomicU64,
}

/// The places of a model's generations.
#[derive(Debug)]
pub(crate) struct Slots {
    places: Arc<Semaphore>,
    waiting: Arc<AtomicUsize>,
    limits: CompletionLimits,
    pub(crate) metrics: Arc<CompletionMetrics>,
}

/// The right to generate; given back when dropped.
#[derive(Debug)]
pub(crate) struct Slot {
    _place: OwnedSemaphorePermit,
    metrics: Arc<CompletionMetrics>,
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.metrics.running.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Counts as waiting until dropped, also where the client goes away meanwhile.
struct Waiting(Arc<AtomicUsize>);

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

impl Slots {
    pub(crate) fn new(limits: &CompletionLimits) -> Self {
        Self {
            places: Arc::new(Semaphore::new(limits.max_concurrency)),
            waiting: Arc::new(AtomicUsize::new(0)),
            limits: limits.clone(),
            metrics: Arc::default(),
        }
    }

    /// Returns the most tokens of one text.
    pub(crate) fn max_tokens(&self) -> Option<usize> {
        self.limits.max_tokens
    }

    /// Waits for a place, behind those who came before; whoever finds too many waiting is turned away at once.
    pub(crate) async fn take(&self, deadline: Instant) -> Result<Slot, Problem> {
        let place = match Arc::clone(&self.places).try_acquire_owned() {
            Ok(place) => place,
            Err(_) => {
                let num_waiting = self.waiting.fetch_add(1, Ordering::AcqRel);
                let _waiting = Waiting(Arc::clone(&self.waiting));
                if num_waiting >= self.limits.max_queued {
                    self.metrics.refused.fetch_add(1, Ordering::Relaxed);
                    let message = format!("{num_waiting} requests are waiting already");
                    return Err(Failure::new(Code::ResourceExhausted, message).into());
                }
                let place = Arc::clone(&self.places).acquire_owned();
                match tokio::time::timeout_at(deadline.into(), place).await {
                    Ok(Ok(place)) => place,
                    Ok(Err(_)) => return Err(Problem::bug("there are no places any more")),
                    Err(_) => return Err(Problem::late()),
                }
            }
        };
        self.metrics.running.fetch_add(1, Ordering::Relaxed);
        Ok(Slot { _place: place, metrics: Arc::clone(&self.metrics) })
    }

    fn num_waiting(&self) -> u64 {
        self.waiting.load(Ordering::Acquire) as u64
    }
}

/// Writes the metrics of models that were asked for completions, by their names, in Prometheus's text format.
pub(crate) fn write_metrics(out: &mut String, models: &[(&str, &Slots)]) {
    let get = |value: &AtomicU64| value.load(Ordering::Relaxed);
    let was_asked = |slots: &Slots| {
        let metrics = &slots.metrics;
        get(&metrics.prompt_tokens) + get(&metrics.running) + get(&metrics.refused) > 0
            || slots.num_waiting() > 0
    };
    type Read = fn(&Slots, &dyn Fn(&AtomicU64) -> u64) -> u64;
    let values: [(&str, &str, &str, Read); 9] = [
        ("cupola_prompt_tokens_total", "counter", "Tokens of prompts.", |slots, get| {
            get(&slots.metrics.prompt_tokens)
        }),
        ("cupola_generated_tokens_total", "counter", "New tokens.", |slots, get| {
            get(&slots.metrics.new_tokens)
        }),
        (
            "cupola_running_completions",
            "gauge",
            "Requests that are generated for.",
            |slots, get| get(&slots.metrics.running),
        ),
        ("cupola_waiting_completions", "gauge", "Requests that wait for a place.", |slots, _| {
            slots.num_waiting()
        }),
        ("cupola_cancelled_completions_total", "counter", "Clients gone.", |slots, get| {
            get(&slots.metrics.cancelled)
        }),
        ("cupola_refused_completions_total", "counter", "Turned away.", |slots, get| {
            get(&slots.metrics.refused)
        }),
        (
            "cupola_first_token_microseconds_total",
            "counter",
            "From arrival to the first token, all together.",
            |slots, get| get(&slots.metrics.first_token_micros),
        ),
        ("cupola_first_tokens_total", "counter", "First tokens.", |slots, get| {
            get(&slots.metrics.first_tokens)
        }),
        (
            "cupola_generation_microseconds_total",
            "counter",
            "What generating took, all together.",
            |slots, get| get(&slots.metrics.generation_micros),
        ),
    ];
    let models: Vec<_> = models.iter().filter(|(_, slots)| was_asked(slots)).collect();
    if models.is_empty() {
        return;
    }
    for (name, kind, help, read) in values {
        let _ = writeln!(out, "# HELP {name} {help}\n# TYPE {name} {kind}");
        for (model, slots) in &models {
            let model = crate::metrics::label(model);
            let _ = writeln!(out, "{name}{{model_name=\"{model}\"}} {}", read(slots, &get));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn some_run_some_wait_and_others_are_turned_away() {
        let limits = CompletionLimits { max_concurrency: 1, max_queued: 1, max_tokens: None };
        let slots = Arc::new(Slots::new(&limits));
        let soon = || Instant::now() + Duration::from_secs(20);
        let first = slots.take(soon()).await.unwrap();
        let waiting = tokio::spawn({
            let slots = Arc::clone(&slots);
            async move { slots.take(soon()).await.map(drop) }
        });
        while slots.num_waiting() == 0 {
            tokio::task::yield_now().await;
        }
        let third = slots.take(soon()).await.unwrap_err();
        assert_eq!(third.code(), Code::ResourceExhausted);
        assert_eq!(slots.num_waiting(), 1);
        drop(first);
        waiting.await.unwrap().unwrap();
        assert_eq!(slots.num_waiting(), 0);

        let held = slots.take(soon()).await.unwrap();
        let late = slots.take(Instant::now()).await.unwrap_err();
        assert_eq!(late.code(), Code::DeadlineExceeded);
        drop(held);
        assert_eq!(slots.metrics.running.load(Ordering::Relaxed), 0);
    }
}
