//! The crate from outside: models on disk, generation, and what `transformers` computes from the same folder.

#![expect(clippy::unwrap_used, reason = "tests")]

mod generation;
mod golden;
mod model_files;

use language::{LanguageModel, Layout, Shape};

/// A small network with grouped heads.
pub(crate) fn shape() -> Shape {
    Shape {
        vocab_size: 61,
        hidden_size: 32,
        intermediate_size: 48,
        num_layers: 2,
        num_heads: 4,
        num_kv_heads: 2,
        head_dim: 8,
        rms_norm_eps: 1e-5,
        rope_theta: 10_000.0,
        tie_embeddings: true,
        max_positions: 160,
        bos_token: None,
        eos_tokens: vec![0],
    }
}

/// Weights that look random, the same everywhere.
pub(crate) fn model(shape: Shape) -> LanguageModel {
    let len = Layout::new(&shape).unwrap().len();
    let mut state = 12345_u64;
    let weights = (0..len).map(|_| {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        #[expect(clippy::cast_precision_loss, reason = "24 bits fit")]
        let unit = (state >> 40) as f32 / 16_777_216.0;
        (unit - 0.5) * 0.6
    });
    LanguageModel::new(shape, weights.collect()).unwrap()
}

/// Tokens that look random.
pub(crate) fn tokens(len: usize) -> Vec<u32> {
    (0..len).map(|n| u32::try_from((n * n * 7 + n * 13 + 5) % 61).unwrap()).collect()
}
