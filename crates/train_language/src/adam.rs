//! AdamW over a flat list of weights.

use language::Layout;
use language::vector::{sum_of, vectorized};
use rayon::iter::{IndexedParallelIterator, ParallelIterator};
use rayon::slice::{ParallelSlice, ParallelSliceMut};

use crate::Config;

/// Weights that one thread takes at a time.
const PIECE: usize = 1 << 16;

/// The running means of the gradients and of their squares.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Adam {
    pub(crate) mean: Vec<f32>,
    pub(crate) square: Vec<f32>,
}

impl Adam {
    pub(crate) fn new(len: usize) -> Self {
        Self { mean: vec![0.0; len], square: vec![0.0; len] }
    }

    /// Moves the weights along gradients that are multiplied by `scale` first. Steps count from 1; the weights of
    /// norms do not decay.
    ///
    /// # Source
    ///
    /// Loshchilov and Hutter, "Decoupled Weight Decay Regularization" (2019), as PyTorch's `AdamW` computes it.
    #[expect(clippy::cast_possible_truncation, reason = "single precision is meant")]
    pub(crate) fn step(
        &mut self,
        config: &Config,
        layout: &Layout,
        weights: &mut [f32],
        grads: &[f32],
        scale: f32,
        (step, rate): (u64, f64),
    ) {
        let power = i32::try_from(step).unwrap_or(i32::MAX);
        let first = 1.0 - config.beta1.powi(power);
        let second = (1.0 - config.beta2.powi(power)).sqrt();
        let (beta1, beta2) = (config.beta1 as f32, config.beta2 as f32);
        let (rate_first, second, eps) =
            ((rate / first) as f32, second as f32, config.epsilon as f32);
        for tensor in layout.tensors() {
            let decay = if tensor.is_matrix() { config.weight_decay } else { 0.0 };
            let keep = (1.0 - rate * decay) as f32;
            let range = tensor.range.clone();
            let means = self.mean[range.clone()].par_chunks_mut(PIECE);
            let squares = self.square[range.clone()].par_chunks_mut(PIECE);
            let pieces = weights[range.clone()].par_chunks_mut(PIECE).zip(means).zip(squares);
            let pieces = pieces.zip(grads[range].par_chunks(PIECE));
            pieces.for_each(|(((weights, means), squares), grads)| {
                vectorized(|| {
                    let values = weights.iter_mut().zip(means).zip(squares).zip(grads);
                    for (((weight, mean), square), grad) in values {
                        let grad = grad * scale;
                        *mean = beta1 * *mean + (1.0 - beta1) * grad;
                        *square = beta2 * *square + (1.0 - beta2) * grad * grad;
                        let root = square.sqrt() / second + eps;
                        *weight = *weight * keep - rate_first * *mean / root;
                    }
                });
            });
        }
    }
}

/// Returns the root of the sum of the squares, the same for any number of threads.
pub(crate) fn norm(grads: &[f32]) -> f64 {
    let sums: Vec<f64> = grads
        .par_chunks(PIECE)
        .map(|grads| f64::from(vectorized(|| sum_of(grads.len(), |n| grads[n] * grads[n]))))
        .collect();
    sums.iter().sum::<f64>().sqrt()
}
