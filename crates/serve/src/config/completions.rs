//! How much is generated at a time.

use serde::Deserialize;

/// How much is generated at a time, of one language model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CompletionLimits {
    /// The most requests that are generated for at a time. One for each two cores where it is not said: the cores work
    /// together on each.
    pub max_concurrency: usize,
    /// The most requests that wait; others are turned away with the status 429.
    pub max_queued: usize,
    /// The most new tokens of a text; without it, as many as the model has positions for.
    pub max_tokens: Option<usize>,
}

impl Default for CompletionLimits {
    fn default() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        Self { max_concurrency: cores.div_ceil(2), max_queued: 64, max_tokens: None }
    }
}

/// The table `completions` of a model.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CompletionsTable {
    max_concurrency: Option<usize>,
    max_queued: Option<usize>,
    max_tokens: Option<usize>,
}

impl CompletionsTable {
    /// Returns the limits; nothing where there would be no place to generate.
    pub(super) fn limits(&self) -> Option<CompletionLimits> {
        let default = CompletionLimits::default();
        let limits = CompletionLimits {
            max_concurrency: self.max_concurrency.unwrap_or(default.max_concurrency),
            max_queued: self.max_queued.unwrap_or(default.max_queued),
            max_tokens: self.max_tokens,
        };
        // More than a semaphore can count is no limit.
        (1..=1 << 20).contains(&limits.max_concurrency).then_some(limits)
    }
}
