//! `cupola generate`, and how new text is made.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::Args;
use language::Sampling;
use text_model::CompletionOptions;

/// How many new tokens there are where it is not said.
const DEFAULT_MAX_TOKENS: usize = 128;

/// `cupola generate`.
#[derive(Debug, Args)]
pub(crate) struct GenerateArgs {
    /// A language model: the folder of one in the HuggingFace layout with its `tokenizer.json`, or a serving directory, of
    /// which the newest version is taken.
    #[arg(value_name = "MODEL_DIR")]
    pub(crate) model: PathBuf,

    /// What the text goes on from [default: standard input, or the beginning of a text]
    #[arg(value_name = "PROMPT")]
    pub(crate) prompt: Option<String>,

    #[command(flatten)]
    pub(crate) sampling: SamplingArgs,
}

/// How new text is made.
#[derive(Debug, Args)]
pub(crate) struct SamplingArgs {
    /// At most so many new tokens [default: 128]
    #[arg(long, value_name = "N")]
    pub(crate) max_tokens: Option<NonZeroUsize>,

    /// Below 1 the text is likelier, above 1 more surprising; 0 takes the likeliest token always [default: 1]
    #[arg(long, value_name = "NUMBER")]
    pub(crate) temperature: Option<f32>,

    /// Choose among the likeliest tokens that together have this probability [default: 1]
    #[arg(long, value_name = "SHARE")]
    pub(crate) top_p: Option<f32>,

    /// Choose among so many of the likeliest tokens [default: all]
    #[arg(long, value_name = "N")]
    pub(crate) top_k: Option<NonZeroUsize>,

    /// The same seed gives the same text [default: another one each time]
    #[arg(long, value_name = "N")]
    pub(crate) seed: Option<u64>,

    /// A text that ends the new one and is not part of it; may be repeated.
    #[arg(long, value_name = "TEXT")]
    pub(crate) stop: Vec<String>,
}

impl SamplingArgs {
    /// Returns the first flag that was given, if any.
    pub(crate) fn given(&self) -> Option<&'static str> {
        let flags = [
            ("--max-tokens", self.max_tokens.is_some()),
            ("--temperature", self.temperature.is_some()),
            ("--top-p", self.top_p.is_some()),
            ("--top-k", self.top_k.is_some()),
            ("--seed", self.seed.is_some()),
            ("--stop", !self.stop.is_empty()),
        ];
        flags.into_iter().find_map(|(flag, is_given)| is_given.then_some(flag))
    }

    /// Returns the options, with a seed for where none is given.
    pub(crate) fn options(&self, other_seed: u64) -> CompletionOptions {
        let default = Sampling::default();
        CompletionOptions {
            sampling: Sampling {
                temperature: self.temperature.unwrap_or(default.temperature),
                top_p: self.top_p.unwrap_or(default.top_p),
                top_k: self.top_k.map(NonZeroUsize::get),
                seed: self.seed.unwrap_or(other_seed),
                ..default
            },
            max_tokens: Some(self.max_tokens.map_or(DEFAULT_MAX_TOKENS, NonZeroUsize::get)),
            stop: self.stop.clone(),
            num_top: None,
        }
    }
}
