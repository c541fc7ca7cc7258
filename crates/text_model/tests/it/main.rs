//! Texts through small models on disk, and the tokenizer files that go with them.

#![expect(clippy::unwrap_used, reason = "tests")]
#![expect(clippy::float_cmp, reason = "sums that are made the same way are the same")]
#![expect(clippy::cast_possible_truncation, reason = "the numbers are small")]

mod completions;
mod scores;
mod tokenizers;

use std::path::Path;
use std::sync::Arc;

use graph::{Graph, GraphBuilder, ListOp, Op, ValueType, Vocabulary, byte_tokens};
use language::{LanguageModel, Layout, Shape, WeightType};
use tempfile::TempDir;
use text_model::{TextModel, TokenizerFiles};

/// The token between documents: one behind the vocabulary, and four that nobody uses.
pub(crate) const BOUNDARY: u32 = 270;

/// Byte pairs of a few English words, lowercase.
pub(crate) fn graph() -> Graph {
    let mut tokens = byte_tokens();
    tokens.extend(
        ["he", "th", "the", "Ġt", "Ġthe", "in", "ing", "aa", "aaa", "Ġa"].map(str::to_owned),
    );
    let mut builder = GraphBuilder::new();
    let text = builder.input("text", ValueType::String).unwrap();
    let lower = builder.node(Op::Lower, &[text]).unwrap();
    let words = builder.node(Op::OfList(ListOp::ByteWords), &[lower]).unwrap();
    let vocabulary = builder.vocabulary("bpe", Vocabulary::new(tokens).unwrap()).unwrap();
    let ids = builder.node(Op::OfList(ListOp::BytePairs { vocabulary }), &[words]).unwrap();
    builder.output("tokens", ids).unwrap();
    builder.output("lower", lower).unwrap();
    builder.build()
}

/// Weights that look random, the same everywhere.
pub(crate) fn weights(shape: Shape) -> LanguageModel {
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

pub(crate) fn shape(max_positions: usize) -> Shape {
    Shape {
        vocab_size: BOUNDARY as usize + 1,
        hidden_size: 32,
        intermediate_size: 48,
        num_layers: 2,
        num_heads: 4,
        num_kv_heads: 2,
        head_dim: 8,
        rms_norm_eps: 1e-5,
        rope_theta: 10_000.0,
        tie_embeddings: true,
        max_positions,
        bos_token: Some(BOUNDARY),
        eos_tokens: vec![BOUNDARY],
    }
}

pub(crate) fn write(dir: &Path, max_positions: usize) {
    weights(shape(max_positions)).save(dir, WeightType::F32).unwrap();
    let files = TokenizerFiles::of_graph(&graph(), "tokens", Some(BOUNDARY)).unwrap().unwrap();
    files.write(dir, max_positions).unwrap();
}

/// A model of so many positions.
pub(crate) fn model(max_positions: usize) -> (TempDir, Arc<TextModel>) {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), max_positions);
    let model = Arc::new(TextModel::load(dir.path()).unwrap());
    (dir, model)
}
