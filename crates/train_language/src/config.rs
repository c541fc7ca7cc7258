//! What a user can say about a language model and its training.

use std::path::PathBuf;

use language::Shape;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Trains a language model on token ids.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Which model, and which feature holds its tokens.
    pub model: ModelConfig,
    /// How many batches to train on.
    #[schemars(range(min = 1))]
    pub num_steps: u64,
    /// How many sequences each step learns from, on all devices together.
    #[serde(default = "default_batch_size")]
    #[schemars(range(min = 1, max = 65536))]
    pub batch_size: usize,
    /// How many sequences are worked on at a time; the gradients of a batch's parts are added up. Without it: 16 on
    /// the CPU, all of a device's on GPUs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 65536))]
    pub micro_batch_size: Option<usize>,
    /// The learning rate after the warm-up.
    #[serde(default = "default_learning_rate")]
    #[schemars(extend("exclusiveMinimum" = 0))]
    pub learning_rate: f64,
    /// What the learning rate falls to, along half a cosine.
    #[serde(default)]
    #[schemars(range(min = 0))]
    pub min_learning_rate: f64,
    /// For how many steps the learning rate rises.
    #[serde(default)]
    pub warmup_steps: u64,
    /// How much of each weight of a matrix decays in a step, times the learning rate (AdamW).
    #[serde(default = "default_weight_decay")]
    #[schemars(range(min = 0))]
    pub weight_decay: f64,
    /// How much of the mean gradient is kept from step to step.
    #[serde(default = "default_beta1")]
    #[schemars(range(min = 0), extend("exclusiveMaximum" = 1))]
    pub beta1: f64,
    /// How much of the mean squared gradient is kept from step to step.
    #[serde(default = "default_beta2")]
    #[schemars(range(min = 0), extend("exclusiveMaximum" = 1))]
    pub beta2: f64,
    /// Added to the root of the mean squared gradient.
    #[serde(default = "default_epsilon")]
    #[schemars(extend("exclusiveMinimum" = 0))]
    pub epsilon: f64,
    /// Gradients of a larger norm are scaled down to it; 0 leaves them.
    #[serde(default = "default_clip_norm")]
    #[schemars(range(min = 0))]
    pub clip_norm: f64,
    /// After how many steps the loss on the evaluation tokens is measured, again and again, and after the last.
    #[serde(default = "default_eval_every_steps")]
    #[schemars(range(min = 1))]
    pub eval_every_steps: u64,
    /// On how many batches of the evaluation tokens.
    #[serde(default = "default_eval_batches")]
    #[schemars(range(min = 1))]
    pub eval_batches: u64,
    /// After how many steps a checkpoint is written, again and again, and after the last.
    #[serde(default = "default_checkpoint_every_steps")]
    #[schemars(range(min = 1))]
    pub checkpoint_every_steps: u64,
    /// How many checkpoints are kept.
    #[serde(default = "default_keep_checkpoints")]
    #[schemars(range(min = 1))]
    pub keep_checkpoints: usize,
    /// A loss so many times the median of the last ones leads back to the last checkpoint; 0 looks for none.
    #[serde(default = "default_loss_spike")]
    #[schemars(range(min = 0))]
    pub loss_spike: f64,
    /// How many times a training may go back to its last checkpoint.
    #[serde(default = "default_max_rollbacks")]
    pub max_rollbacks: u32,
    /// A folder of the HuggingFace Llama layout whose weights are started from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base_model: Option<PathBuf>,
    /// Seeds the first weights and the order of the blocks.
    #[serde(default)]
    pub seed: u64,
}

/// The model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "LanguageModelConfig")]
pub enum ModelConfig {
    /// A decoder-only transformer of the Llama architecture.
    Transformer(TransformerConfig),
}

/// A decoder-only transformer of the Llama architecture that predicts the next token.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TransformerConfig {
    /// The transformed feature that holds token ids: a list per document, or blocks of them.
    pub tokens: String,
    /// How many tokens the model knows. Without it: as many as the feature can have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 2, max = 16777216))]
    pub vocab_size: Option<usize>,
    /// The token that is put behind each document, and that ends and begins a text. It may be one that the feature does
    /// not have, such as the number of its tokens. Behind documents of packed blocks, which bring one, none is put.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub document_boundary: Option<u32>,
    /// How many tokens the model sees at a time.
    #[serde(default = "default_sequence_length")]
    #[schemars(range(min = 1, max = 1048576))]
    pub sequence_length: usize,
    /// How many blocks.
    #[serde(default = "default_layers")]
    #[schemars(range(min = 1, max = 1024))]
    pub layers: usize,
    /// The width of the residual stream.
    #[serde(default = "default_width")]
    #[schemars(range(min = 2, max = 65536))]
    pub width: usize,
    /// How many attention heads; they share the width.
    #[serde(default = "default_heads")]
    #[schemars(range(min = 1, max = 1024))]
    pub heads: usize,
    /// How many heads of keys and values. Without it: as many as `heads`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 1024))]
    pub kv_heads: Option<usize>,
    /// The width of the feed-forward parts. Without it: 8/3 of `width`, rounded up to a multiple of 64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 1048576))]
    pub intermediate: Option<usize>,
    /// Whether the output layer is the embedding.
    #[serde(default = "yes")]
    pub tied: bool,
    /// The base of the rotary position embedding.
    #[serde(default = "default_rope_theta")]
    #[schemars(extend("exclusiveMinimum" = 1))]
    pub rope_theta: f64,
    /// Who trains.
    #[serde(default)]
    pub engine: EngineConfig,
    /// How many processes of the PyTorch program, one a GPU. Only for `engine = "torch"`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 4096))]
    pub processes: Option<usize>,
    /// The Python interpreter that has PyTorch. Only for `engine = "torch"`; without it `python3`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub python: Option<PathBuf>,
    /// Computes in single precision, not in bfloat16. Only for `engine = "torch"`; the CPU always does.
    #[serde(default)]
    pub float32: bool,
    /// Compiles the network (`torch.compile`). Only for `engine = "torch"`.
    #[serde(default = "yes")]
    pub compile: bool,
    /// Computes activations again in the backward pass, so that larger models fit. Only for `engine = "torch"`.
    #[serde(default)]
    pub activation_checkpointing: bool,
    /// Shares out weights and optimizer to the processes (FSDP), or gives each all of them (`false`); without it, each has
    /// all where they take at most a quarter of a GPU's memory. Only for `engine = "torch"`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shard: Option<bool>,
    /// Trains small additions to the weights of `base_model` instead of these. Only for `engine = "torch"`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lora: Option<LoraConfig>,
}

/// Who trains.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum EngineConfig {
    /// This process, on the CPU.
    #[default]
    Cpu,
    /// A PyTorch program, run by torchrun, on GPUs (or, for trying out, on the CPU).
    Torch,
}

/// Low-rank additions to the layers of the blocks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LoraConfig {
    /// The rank of each addition.
    #[schemars(range(min = 1, max = 4096))]
    pub rank: usize,
    /// Additions are multiplied by `alpha / rank`. Without it: by 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alpha: Option<f64>,
}

/// An option that makes no sense.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Which option, from the table of the node on.
    pub key: String,
    /// What was found and expected.
    pub message: String,
    /// What to do.
    pub hint: Option<String>,
}

impl Config {
    /// Returns the default configuration for the tokens of a feature.
    pub fn new(tokens: &str, num_steps: u64) -> Self {
        let json = serde_json::json!({
            "model": { "transformer": { "tokens": tokens } },
            "num_steps": num_steps,
        });
        serde_json::from_value(json).expect("all else has a default")
    }

    /// Returns the model's settings.
    pub fn transformer(&self) -> &TransformerConfig {
        let ModelConfig::Transformer(transformer) = &self.model;
        transformer
    }

    /// Returns the model's settings, to be changed.
    pub fn transformer_mut(&mut self) -> &mut TransformerConfig {
        let ModelConfig::Transformer(transformer) = &mut self.model;
        transformer
    }
}

impl TransformerConfig {
    /// Returns the sizes of the network for a number of tokens.
    pub fn shape(&self, vocab_size: usize) -> Shape {
        Shape {
            vocab_size,
            hidden_size: self.width,
            intermediate_size: self
                .intermediate
                .unwrap_or_else(|| (self.width * 8).div_ceil(3).next_multiple_of(64)),
            num_layers: self.layers,
            num_heads: self.heads,
            num_kv_heads: self.kv_heads.unwrap_or(self.heads),
            head_dim: self.width / self.heads.max(1),
            rms_norm_eps: 1e-5,
            rope_theta: self.rope_theta,
            tie_embeddings: self.tied,
            max_positions: self.sequence_length,
            // A text begins behind the boundary, too.
            bos_token: self.document_boundary,
            eos_tokens: self.document_boundary.into_iter().collect(),
        }
    }
}

/// Checks what the schema cannot say.
pub fn check(config: &Config) -> Vec<Problem> {
    let model = config.transformer();
    let mut problems = Vec::new();
    let mut problem = |key: &str, message: String| {
        problems.push(Problem { key: key.to_owned(), message, hint: None });
    };
    if !model.width.is_multiple_of(model.heads) || !(model.width / model.heads).is_multiple_of(2) {
        let message = format!(
            "{} heads of a width of {}, expected an even width of each",
            model.heads, model.width
        );
        problem("model.transformer.heads", message);
    }
    if model.kv_heads.is_some_and(|kv| !model.heads.is_multiple_of(kv)) {
        let kv = model.kv_heads.unwrap_or_default();
        let message = format!("{kv}, expected a divisor of the {} heads", model.heads);
        problem("model.transformer.kv_heads", message);
    }
    let processes = model.processes.unwrap_or(1);
    if !config.batch_size.is_multiple_of(processes) {
        let message =
            format!("{}, expected a multiple of the {processes} processes", config.batch_size);
        problem("batch_size", message);
    }
    if let Some(part) = config.micro_batch_size
        && !(config.batch_size / processes).is_multiple_of(part)
    {
        let message = format!(
            "{part}, expected a divisor of the {} sequences of a process",
            config.batch_size / processes
        );
        problem("micro_batch_size", message);
    }
    if config.min_learning_rate > config.learning_rate {
        let message = format!(
            "{}, expected at most `learning_rate`, {}",
            config.min_learning_rate, config.learning_rate
        );
        problem("min_learning_rate", message);
    }
    if config.loss_spike > 0.0 && config.loss_spike <= 1.0 {
        problem("loss_spike", format!("{}, expected 0 or more than 1", config.loss_spike));
    }
    if model.engine == EngineConfig::Cpu {
        let torch_only = [
            ("processes", model.processes.is_some()),
            ("python", model.python.is_some()),
            ("float32", model.float32),
            ("compile", !model.compile),
            ("activation_checkpointing", model.activation_checkpointing),
            ("shard", model.shard.is_some()),
            ("lora", model.lora.is_some()),
        ];
        for (key, _) in torch_only.iter().filter(|(_, is_set)| *is_set) {
            let message = "only known where `engine = \"torch\"`".to_owned();
            problem(&format!("model.transformer.{key}"), message);
        }
    }
    if model.lora.is_some() && config.base_model.is_none() {
        problem(
            "model.transformer.lora",
            "there is no `base_model` whose weights could be adapted".to_owned(),
        );
    }
    problems
}

fn yes() -> bool {
    true
}

fn default_batch_size() -> usize {
    16
}

fn default_learning_rate() -> f64 {
    1e-3
}

fn default_weight_decay() -> f64 {
    0.1
}

fn default_beta1() -> f64 {
    0.9
}

fn default_beta2() -> f64 {
    0.95
}

fn default_epsilon() -> f64 {
    1e-8
}

fn default_clip_norm() -> f64 {
    1.0
}

fn default_eval_every_steps() -> u64 {
    500
}

fn default_eval_batches() -> u64 {
    20
}

fn default_checkpoint_every_steps() -> u64 {
    1000
}

fn default_keep_checkpoints() -> usize {
    2
}

fn default_loss_spike() -> f64 {
    3.0
}

fn default_max_rollbacks() -> u32 {
    3
}

fn default_sequence_length() -> usize {
    256
}

fn default_layers() -> usize {
    4
}

fn default_width() -> usize {
    256
}

fn default_heads() -> usize {
    4
}

fn default_rope_theta() -> f64 {
    10_000.0
}
