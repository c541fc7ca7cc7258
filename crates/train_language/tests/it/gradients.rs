//! The backward pass against finite differences.

use language::{Network, Shape};
use train_language::Trainable;

fn shape(tie_embeddings: bool, num_kv_heads: usize) -> Shape {
    Shape {
        vocab_size: 11,
        hidden_size: 12,
        intermediate_size: 10,
        num_layers: 2,
        num_heads: 2,
        num_kv_heads,
        head_dim: 6,
        rms_norm_eps: 1e-5,
        rope_theta: 100.0,
        tie_embeddings,
        max_positions: 70,
        bos_token: None,
        eos_tokens: Vec::new(),
    }
}

/// Every tensor is checked at some of its weights; sequences are longer than the pieces that attention works on.
#[test]
fn gradients_are_those_of_finite_differences() {
    for (tied, kv_heads) in [(true, 1), (false, 2)] {
        let network = Network::new(shape(tied, kv_heads), 70).unwrap();
        let mut state = 99_u64;
        let mut unit = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            #[expect(clippy::cast_precision_loss, reason = "24 bits fit")]
            let unit = (state >> 40) as f32 / 16_777_216.0;
            unit - 0.5
        };
        let weights: Vec<f32> = network
            .layout
            .tensors()
            .iter()
            .flat_map(|tensor| {
                let base = if tensor.is_matrix() { 0.0 } else { 1.0 };
                tensor.range.clone().map(|_| base + unit()).collect::<Vec<_>>()
            })
            .collect();
        let tokens: Vec<u32> = (0..2 * 71).map(|n| (n * n + n / 3) % 11).collect();
        let mut trainable = Trainable::new(network.clone(), weights.clone());
        let whole = trainable.accumulate(&tokens, 70, 1.0);
        let grads = trainable.grads().to_vec();
        assert!((trainable.loss(&tokens, 70) - whole).abs() < 1e-9);

        let norm = (grads.iter().map(|g| f64::from(*g).powi(2)).sum::<f64>() / 1000.0).sqrt();
        for tensor in network.layout.tensors() {
            let step = (tensor.range.len() / 9).max(1);
            for place in tensor.range.clone().step_by(step) {
                let mut difference = 0.0;
                let width = 2e-3_f32;
                for (sign, end) in [(1.0, width), (-1.0, -width)] {
                    let mut moved = weights.clone();
                    moved[place] += end;
                    let mut trainable = Trainable::new(network.clone(), moved);
                    difference += sign * trainable.loss(&tokens, 70);
                }
                let expected = difference / f64::from(2.0 * width);
                let found = f64::from(grads[place]);
                assert!(
                    (found - expected).abs() < 2e-2 * (expected.abs() + norm),
                    "{:?} at {place}: {found} instead of {expected}",
                    tensor.parts[0].name
                );
            }
        }
    }
}
