//! What follows texts, as a user says it.

use language::Sampling;
use schemars::JsonSchema;
use serde::Deserialize;
use text_model::CompletionOptions;

/// How new text is made.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct CompletionConfig {
    /// At most so many new tokens.
    #[schemars(range(min = 1))]
    max_tokens: usize,
    /// What logits are divided by: below 1 likelier, above 1 more surprising; 0 takes the likeliest.
    #[schemars(range(min = 0, max = 100))]
    temperature: f32,
    /// Only so many of the likeliest tokens may be chosen. Without it: all.
    #[schemars(range(min = 1))]
    top_k: Option<usize>,
    /// Only the likeliest tokens that together have this probability may be chosen.
    #[schemars(range(max = 1), extend("exclusiveMinimum" = 0))]
    top_p: f32,
    /// Texts that end the new text; they are not part of it.
    stop: Vec<String>,
    /// The same seed gives the same texts.
    seed: u64,
}

impl Default for CompletionConfig {
    fn default() -> Self {
        Self {
            max_tokens: 64,
            temperature: 0.0,
            top_k: None,
            top_p: 1.0,
            stop: Vec::new(),
            seed: 0,
        }
    }
}

impl CompletionConfig {
    pub(crate) fn options(&self) -> CompletionOptions {
        CompletionOptions {
            sampling: Sampling {
                temperature: self.temperature,
                top_k: self.top_k,
                top_p: self.top_p,
                seed: self.seed,
                ..Sampling::default()
            },
            max_tokens: Some(self.max_tokens),
            stop: self.stop.clone(),
            num_top: None,
        }
    }
}
