//! The PyTorch program: what it is, and what it is told.
//!
//! It is one file that is part of this crate. Whoever starts it writes it and its configuration into the run's folder
//! and runs one process a GPU with the variables that torchrun sets. It takes tokens as `loader` writes them, in
//! `loader`'s order, and writes the folder that [`language::LanguageModel::load`] reads.

use std::path::{Path, PathBuf};

use base::IoError;
use language::{Shape, WeightType};
use serde_json::{Value, json};

use crate::{Config, TrainError};

/// The program's text.
pub const PROGRAM: &str = include_str!("../torch/train.py");

/// The program's file name below the run's folder.
pub const PROGRAM_FILE: &str = "train_language.py";

/// Its configuration's.
pub const CONFIG_FILE: &str = "train_language.json";

/// What the program says of its progress: JSON lines with `step`, `loss`, `tokens_per_second`, `mfu` and others.
pub const METRICS_FILE: &str = "metrics.jsonl";

/// The folders that the program reads and writes.
#[derive(Clone, Copy, Debug)]
pub struct Folders<'a> {
    /// Token shards to train on.
    pub train_tokens: &'a Path,
    /// Token shards to measure the loss on.
    pub eval_tokens: Option<&'a Path>,
    /// Checkpoints, the program and its configuration.
    pub run_dir: &'a Path,
    /// The finished model.
    pub model_dir: &'a Path,
    /// A tokenizer to put beside it.
    pub tokenizer: Option<&'a Path>,
}

/// Returns the program's configuration.
pub fn config_json(config: &Config, shape: &Shape, folders: &Folders<'_>) -> Value {
    let model = config.transformer();
    let weights = if model.float32 { WeightType::F32 } else { WeightType::Bf16 };
    let lora = model.lora.as_ref().map(|lora| {
        #[expect(clippy::cast_precision_loss, reason = "ranks are small")]
        let alpha = lora.alpha.unwrap_or(lora.rank as f64);
        json!({ "rank": lora.rank, "alpha": alpha })
    });
    json!({
        "model": shape.to_json(weights),
        "train_tokens": folders.train_tokens,
        "eval_tokens": folders.eval_tokens,
        "run_dir": folders.run_dir.join("checkpoints"),
        "model_dir": folders.model_dir,
        "tokenizer": folders.tokenizer,
        "metrics_file": folders.run_dir.join(METRICS_FILE),
        "base_model": config.base_model,
        "sequence_length": model.sequence_length,
        "batch_size": config.batch_size,
        "micro_batch_size": config.micro_batch_size,
        "num_steps": config.num_steps,
        "learning_rate": config.learning_rate,
        "min_learning_rate": config.min_learning_rate,
        "warmup_steps": config.warmup_steps,
        "weight_decay": config.weight_decay,
        "beta1": config.beta1,
        "beta2": config.beta2,
        "epsilon": config.epsilon,
        "clip_norm": config.clip_norm,
        "seed": config.seed,
        "dtype": if model.float32 { "float32" } else { "bfloat16" },
        "compile": model.compile,
        "activation_checkpointing": model.activation_checkpointing,
        "shard": model.shard,
        "eval_every_steps": config.eval_every_steps,
        "eval_batches": config.eval_batches,
        "checkpoint_every_steps": config.checkpoint_every_steps,
        "keep_checkpoints": config.keep_checkpoints,
        "loss_spike": config.loss_spike,
        "max_rollbacks": config.max_rollbacks,
        "lora": lora,
    })
}

/// Writes the program and its configuration into the run's folder; returns the program's arguments.
///
/// # Errors
///
/// [`TrainError::Io`] when the disk refuses.
pub fn prepare(
    config: &Config,
    shape: &Shape,
    folders: &Folders<'_>,
) -> Result<[PathBuf; 2], TrainError> {
    let dir = folders.run_dir;
    std::fs::create_dir_all(dir).map_err(IoError::at("create", dir))?;
    let (program, file) = (dir.join(PROGRAM_FILE), dir.join(CONFIG_FILE));
    base::publish::write_file(&program, PROGRAM.as_bytes())?;
    let text = format!("{:#}\n", config_json(config, shape, folders));
    base::publish::write_file(&file, text.as_bytes())?;
    Ok([program, file])
}
