//! The crate from outside: trainings that are interrupted, led astray, and done by PyTorch.

#![expect(clippy::unwrap_used, reason = "tests")]

mod adapters;
mod gradients;
mod recipe;
mod training;

use std::path::Path;

use train_language::Config;

/// A tiny model, trained for a few steps on tokens with a pattern.
pub(crate) fn config() -> Config {
    let json = serde_json::json!({
        "model": { "transformer": {
            "tokens": "tokens", "sequence_length": 32, "layers": 2, "width": 32, "heads": 4, "kv_heads": 2,
        } },
        "num_steps": 60,
        "batch_size": 8,
        "micro_batch_size": 4,
        "learning_rate": 0.01,
        "warmup_steps": 5,
        "checkpoint_every_steps": 10,
        "eval_every_steps": 20,
    });
    serde_json::from_value(json).unwrap()
}

/// Writes tokens below 50 half of which follow from the one before.
pub(crate) fn write_tokens(dir: &Path, seed: u64, count: usize) {
    let mut state = seed;
    let mut last = 0;
    let mut tokens = (0..count).map(|n| {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        last = if n % 2 == 0 {
            u32::try_from((state >> 33) % 50).unwrap()
        } else {
            (last * 7 + 3) % 50
        };
        last
    });
    loader::write_token_shard(dir, "a", 50, 32, &mut tokens).unwrap();
}
