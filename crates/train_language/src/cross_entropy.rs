//! The output layer and the loss, forward and backward in one go, a few rows of logits at a time.

use language::matrix::{linear, linear_input_grad, linear_weight_grad};
use language::vector::{exp_shifted, max, scale, vectorized};
use rayon::iter::{IndexedParallelIterator, ParallelIterator};
use rayon::slice::ParallelSliceMut;

/// Rows of logits that are there at a time.
const ROWS: usize = 256;

/// Computes the sum of the losses of next tokens, and with `grads` what it passes back.
///
/// `hidden` is `[rows, width]`, `head` `[vocab_size, width]`. The gradient of `factor` times the sum goes to
/// `hidden_grad` (written) and `head_grad` (added to).
pub(crate) fn cross_entropy(
    hidden: &[f32],
    head: &[f32],
    width: usize,
    targets: &[u32],
    scratch: &mut Vec<f32>,
    mut grads: Option<Grads<'_>>,
) -> f64 {
    let vocab = head.len() / width;
    let mut total = 0.0;
    let mut losses = [0.0_f32; ROWS];
    for (n, targets) in targets.chunks(ROWS).enumerate() {
        let (start, rows) = (n * ROWS * width, targets.len());
        let hidden = &hidden[start..start + rows * width];
        scratch.resize(rows * vocab, 0.0);
        linear(hidden, head, width, vocab, scratch);
        let factor = grads.as_ref().map_or(0.0, |grads| grads.factor);
        let each = scratch.par_chunks_mut(vocab).zip(losses.par_chunks_mut(1));
        each.zip(rayon::slice::ParallelSlice::par_chunks(targets, 1)).for_each(
            |((row, loss), target)| {
                let target = target[0] as usize;
                vectorized(|| {
                    let (largest, chosen) = (max(row), row[target]);
                    let sum = exp_shifted(row, largest);
                    loss[0] = largest + sum.ln() - chosen;
                    scale(row, factor / sum);
                    row[target] -= factor;
                });
            },
        );
        total += losses[..rows].iter().map(|loss| f64::from(*loss)).sum::<f64>();
        if let Some(grads) = &mut grads {
            let out = &mut grads.hidden[start..start + rows * width];
            linear_input_grad(scratch, head, width, vocab, out);
            linear_weight_grad(scratch, hidden, width, vocab, grads.head);
        }
    }
    total
}

/// Where the gradients go.
pub(crate) struct Grads<'a> {
    pub(crate) factor: f32,
    pub(crate) hidden: &'a mut [f32],
    pub(crate) head: &'a mut [f32],
}
