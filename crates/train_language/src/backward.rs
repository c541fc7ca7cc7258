//! What each part of a block passes back.

use language::matrix::{View, linear_input_grad, linear_weight_grad, product};
use language::vector::{add, dot, exp, sigmoid, vectorized};
use language::{Activations, BlockWeights, Heads, Network};
use rayon::iter::{IndexedParallelIterator, ParallelIterator};
use rayon::slice::{ParallelSlice, ParallelSliceMut};

/// Rows that one thread takes at a time.
const ROWS: usize = 64;

/// Where the gradients of a block's weights go, added to what is there.
pub(crate) struct BlockGrads<'a> {
    pub(crate) input_norm: &'a mut [f32],
    pub(crate) qkv: &'a mut [f32],
    pub(crate) output: &'a mut [f32],
    pub(crate) post_norm: &'a mut [f32],
    pub(crate) gate_up: &'a mut [f32],
    pub(crate) down: &'a mut [f32],
}

/// Space for what is passed back within a block, reused from block to block.
#[derive(Default)]
pub(crate) struct Scratch {
    gated: Vec<f32>,
    gate_up: Vec<f32>,
    attended: Vec<f32>,
    qkv: Vec<f32>,
    normed: Vec<f32>,
}

/// Turns the gradient of a block's output into that of its input, in place.
///
/// `x` is the block's input and `kept` what it computed from it; both are `length` rows for each sequence.
#[expect(clippy::too_many_arguments, reason = "what a backward pass reads and writes")]
pub(crate) fn block(
    network: &Network,
    weights: &BlockWeights<'_>,
    x: &[f32],
    kept: &Activations,
    grads: &mut BlockGrads<'_>,
    grad: &mut [f32],
    length: usize,
    scratch: &mut Scratch,
) {
    let shape = &network.shape;
    let (d, q, f) = (shape.hidden_size, shape.query_width(), shape.intermediate_size);
    let (qkv, rows) = (shape.qkv_width(), x.len() / shape.hidden_size);

    scratch.gated.resize(rows * f, 0.0);
    linear_weight_grad(grad, &kept.gated, f, d, grads.down);
    linear_input_grad(grad, weights.down, f, d, &mut scratch.gated);
    scratch.gate_up.resize(rows * 2 * f, 0.0);
    gate(&kept.gate_up, &scratch.gated, &mut scratch.gate_up, f);
    scratch.normed.resize(rows * d, 0.0);
    linear_weight_grad(&scratch.gate_up, &kept.post_normed, d, 2 * f, grads.gate_up);
    linear_input_grad(&scratch.gate_up, weights.gate_up, d, 2 * f, &mut scratch.normed);
    let inverse = &kept.post_inverse;
    rms_norm(&kept.middle, weights.post_norm, inverse, &scratch.normed, grads.post_norm, grad);

    scratch.attended.resize(rows * q, 0.0);
    linear_weight_grad(grad, &kept.attended, q, d, grads.output);
    linear_input_grad(grad, weights.output, q, d, &mut scratch.attended);
    scratch.qkv.resize(rows * qkv, 0.0);
    attention(network, kept, &scratch.attended, &mut scratch.qkv, length);
    linear_weight_grad(&scratch.qkv, &kept.normed, d, qkv, grads.qkv);
    linear_input_grad(&scratch.qkv, weights.qkv, d, qkv, &mut scratch.normed);
    rms_norm(x, weights.input_norm, &kept.inverse, &scratch.normed, grads.input_norm, grad);
}

/// SwiGLU: gradients of the gate and of what it gates, from that of what came through.
fn gate(gate_up: &[f32], grad: &[f32], out: &mut [f32], width: usize) {
    let pieces = out.par_chunks_mut(ROWS * 2 * width).zip(gate_up.par_chunks(ROWS * 2 * width));
    pieces.zip(grad.par_chunks(ROWS * width)).for_each(|((out, gate_up), grad)| {
        vectorized(|| {
            let rows = out.chunks_exact_mut(2 * width).zip(gate_up.chunks_exact(2 * width));
            for ((out, gate_up), grad) in rows.zip(grad.chunks_exact(width)) {
                let (gate, up) = gate_up.split_at(width);
                let (gate_grad, up_grad) = out.split_at_mut(width);
                let grads = gate_grad.iter_mut().zip(up_grad).zip(grad);
                for (((gate_grad, up_grad), grad), (gate, up)) in grads.zip(gate.iter().zip(up)) {
                    let open = sigmoid(*gate);
                    let silu = gate * open;
                    *up_grad = grad * silu;
                    *gate_grad = grad * up * (open + silu * (1.0 - open));
                }
            }
        });
    });
}

/// Adds what a norm passes back to `out`, and the gradient of its weights to `weight_grad`.
#[expect(clippy::cast_precision_loss, reason = "widths are small")]
pub(crate) fn rms_norm(
    x: &[f32],
    weight: &[f32],
    inverse: &[f32],
    grad: &[f32],
    weight_grad: &mut [f32],
    out: &mut [f32],
) {
    let width = weight.len();
    let pieces = out.par_chunks_mut(ROWS * width).zip(inverse.par_chunks(ROWS));
    let pieces = pieces.zip(x.par_chunks(ROWS * width)).zip(grad.par_chunks(ROWS * width));
    let sums: Vec<Vec<f32>> = pieces
        .map(|(((out, inverse), x), grad)| {
            let mut sums = vec![0.0; width];
            vectorized(|| {
                let rows = out.chunks_exact_mut(width).zip(x.chunks_exact(width));
                for (((out, x), grad), root) in rows.zip(grad.chunks_exact(width)).zip(inverse) {
                    let root = *root;
                    let along = language::vector::sum_of(width, |n| grad[n] * weight[n] * x[n]);
                    let along = along * root * root * root / width as f32;
                    let values = sums.iter_mut().zip(out).zip(grad).zip(x).zip(weight);
                    for ((((sum, out), grad), x), weight) in values {
                        *sum += grad * x * root;
                        *out += grad * weight * root - x * along;
                    }
                }
            });
            sums
        })
        .collect();
    for sums in sums {
        add(weight_grad, &sums);
    }
}

/// Attention: gradients of queries, keys and values, turned back by their positions. Scores are computed again.
fn attention(network: &Network, kept: &Activations, grad: &[f32], out: &mut [f32], length: usize) {
    let shape = &network.shape;
    let (stride, q) = (shape.qkv_width(), shape.query_width());
    let sequences = out.par_chunks_mut(length * stride).zip(kept.qkv.par_chunks(length * stride));
    let sequences = sequences
        .zip(kept.attended.par_chunks(length * q).zip(grad.par_chunks(length * q)))
        .zip(kept.log_sums.par_chunks(length * shape.num_heads));
    sequences.for_each(|(((out, qkv), (attended, grad)), log_sums)| {
        out.fill(0.0);
        let mut scratch = (Vec::new(), Vec::new());
        for head in 0..shape.num_heads {
            let kv_head = head * shape.num_kv_heads / shape.num_heads;
            let at = head * shape.head_dim;
            let key_at = q + kv_head * shape.head_dim;
            let value_at = key_at + shape.kv_width();
            let heads = Heads {
                queries: &qkv[at..],
                query_stride: stride,
                num_queries: length,
                keys: &qkv[key_at..],
                values: &qkv[value_at..],
                key_stride: stride,
                num_keys: length,
                width: shape.head_dim,
            };
            let log_sums = &log_sums[head * length..(head + 1) * length];
            let places = [at, key_at, value_at];
            one_head(&heads, &attended[at..], &grad[at..], q, log_sums, out, places, &mut scratch);
        }
        let turned = shape.num_heads + shape.num_kv_heads;
        network.rotation.undo(out, stride, turned, 0);
    });
}

/// Adds one head's gradients; `places` are where its queries, keys and values start in a row of `out`.
#[expect(clippy::too_many_arguments, reason = "what a backward pass reads and writes")]
fn one_head(
    heads: &Heads<'_>,
    attended: &[f32],
    grad: &[f32],
    grad_stride: usize,
    log_sums: &[f32],
    out: &mut [f32],
    [query_at, key_at, value_at]: [usize; 3],
    (scores, score_grads): &mut (Vec<f32>, Vec<f32>),
) {
    let (width, stride) = (heads.width, heads.key_stride);
    for (first, count, seen) in heads.pieces() {
        scores.resize(count * seen, 0.0);
        score_grads.resize(count * seen, 0.0);
        let keys = heads.keys(seen);
        let queries = heads.queries(first, count);
        product(queries, keys.transposed(), heads.factor(), scores, seen, false);
        let grads = View::new(&grad[first * grad_stride..], count, width, grad_stride);
        product(grads, heads.values(seen).transposed(), 1.0, score_grads, seen, false);
        vectorized(|| {
            let rows = scores.chunks_exact_mut(seen).zip(score_grads.chunks_exact_mut(seen));
            for (n, (scores, score_grads)) in rows.enumerate() {
                let row = (first + n) * grad_stride;
                let inner = dot(&attended[row..row + width], &grad[row..row + width]);
                let shift = log_sums[first + n];
                let visible = seen - (count - 1 - n);
                let seen = scores[..visible].iter_mut().zip(&mut score_grads[..visible]);
                for (score, score_grad) in seen {
                    let probability = exp(*score - shift);
                    *score = probability;
                    *score_grad = probability * (*score_grad - inner);
                }
                scores[visible..].fill(0.0);
                score_grads[visible..].fill(0.0);
            }
        });
        let probabilities = View::new(scores, count, seen, seen).transposed();
        product(probabilities, grads, 1.0, &mut out[value_at..], stride, true);
        let score_grads = View::new(score_grads, count, seen, seen);
        let place = first * stride + query_at;
        product(score_grads, keys, heads.factor(), &mut out[place..], stride, true);
        let out = &mut out[key_at..];
        product(score_grads.transposed(), queries, heads.factor(), out, stride, true);
    }
}
