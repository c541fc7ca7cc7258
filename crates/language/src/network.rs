//! One block of the network, forward, and what a backward pass needs of it.

use std::ops::Range;

use rayon::iter::{IndexedParallelIterator, ParallelIterator};
use rayon::slice::{ParallelSlice, ParallelSliceMut};

use crate::layout::PER_BLOCK;
use crate::matrix::linear;
use crate::vector::{add, sigmoid, vectorized};
use crate::{LanguageError, Layout, Rotation, Shape, rms_norm};

/// Rows that one thread takes at a time where a row is worked on alone.
const ROWS: usize = 64;

/// The sizes of a network, where its tensors are, and the rotations of its positions. Holds no weights.
#[derive(Clone, Debug)]
pub struct Network {
    /// The sizes.
    pub shape: Shape,
    /// Where each tensor lies in the flat list of weights.
    pub layout: Layout,
    /// The rotations, for as many positions as were asked for.
    pub rotation: Rotation,
}

/// The weights of one block, each a matrix `[outputs, inputs]`.
#[derive(Clone, Copy, Debug)]
#[expect(missing_docs, reason = "the names say it")]
pub struct BlockWeights<'a> {
    pub input_norm: &'a [f32],
    pub qkv: &'a [f32],
    pub output: &'a [f32],
    pub post_norm: &'a [f32],
    pub gate_up: &'a [f32],
    pub down: &'a [f32],
}

impl<'a> BlockWeights<'a> {
    fn new(weights: &'a [f32], ranges: [Range<usize>; PER_BLOCK]) -> Self {
        let [input_norm, qkv, output, post_norm, gate_up, down] =
            ranges.map(|range| &weights[range]);
        Self { input_norm, qkv, output, post_norm, gate_up, down }
    }
}

/// What a block computed on its way, row by row; kept by a trainer, used again and again by everybody else.
#[derive(Clone, Debug, Default)]
pub struct Activations {
    /// The normed input, `[rows, hidden_size]`.
    pub normed: Vec<f32>,
    /// One over the root of the mean square of each input row.
    pub inverse: Vec<f32>,
    /// Queries, keys and values, turned by their positions, `[rows, qkv_width]`.
    pub qkv: Vec<f32>,
    /// What attention gave, `[rows, query_width]`.
    pub attended: Vec<f32>,
    /// The logarithms of the sums of attention's exponentials: of each sequence `[num_heads, length]`.
    pub log_sums: Vec<f32>,
    /// The residual stream after attention, `[rows, hidden_size]`.
    pub middle: Vec<f32>,
    /// The same, normed.
    pub post_normed: Vec<f32>,
    /// One over the root of the mean square of each row of `middle`.
    pub post_inverse: Vec<f32>,
    /// The gate, then what it gates, `[rows, 2 * intermediate_size]`.
    pub gate_up: Vec<f32>,
    /// What went through the gate, `[rows, intermediate_size]`.
    pub gated: Vec<f32>,
}

impl Activations {
    fn resize(&mut self, rows: usize, shape: &Shape) {
        let (d, f) = (shape.hidden_size, shape.intermediate_size);
        self.normed.resize(rows * d, 0.0);
        self.inverse.resize(rows, 0.0);
        self.qkv.resize(rows * shape.qkv_width(), 0.0);
        self.attended.resize(rows * shape.query_width(), 0.0);
        self.log_sums.resize(rows * shape.num_heads, 0.0);
        self.middle.resize(rows * d, 0.0);
        self.post_normed.resize(rows * d, 0.0);
        self.post_inverse.resize(rows, 0.0);
        self.gate_up.resize(rows * 2 * f, 0.0);
        self.gated.resize(rows * f, 0.0);
    }
}

/// What computes attention for a block: it gets queries, keys and values, and writes what each row attended to, and the
/// logarithms of its sums.
pub type Attend<'a> = dyn FnMut(&mut [f32], &mut [f32], &mut [f32]) + 'a;

impl Network {
    /// Returns the network of some sizes, with rotations for `positions`.
    ///
    /// # Errors
    ///
    /// [`LanguageError::Shape`] when the sizes do not make a network.
    pub fn new(shape: Shape, positions: usize) -> Result<Self, LanguageError> {
        let layout = Layout::new(&shape)?;
        let rotation = Rotation::new(positions, shape.head_dim, shape.rope_theta);
        Ok(Self { shape, layout, rotation })
    }

    /// Returns the weights of a block.
    pub fn block_weights<'a>(&self, weights: &'a [f32], n: usize) -> BlockWeights<'a> {
        BlockWeights::new(weights, self.layout.block(n))
    }

    /// Returns what is added to a mean square.
    #[expect(clippy::cast_possible_truncation, reason = "single precision is meant")]
    pub fn eps(&self) -> f32 {
        self.shape.rms_norm_eps as f32
    }

    /// Writes the embeddings of tokens into `out`, `[tokens, hidden_size]`.
    ///
    /// # Panics
    ///
    /// If a token is not below `vocab_size`.
    pub fn embed(&self, weights: &[f32], tokens: &[u32], out: &mut [f32]) {
        let d = self.shape.hidden_size;
        let table = &weights[self.layout.embedding()];
        for (out, token) in out.chunks_exact_mut(d).zip(tokens) {
            let row = *token as usize;
            out.copy_from_slice(&table[row * d..(row + 1) * d]);
        }
    }

    /// Computes one block: `out` from `x`, both `[rows, hidden_size]`, keeping what it computed in `kept`.
    ///
    /// `attend` gets queries, keys and values not yet turned by their positions (it turns them), and writes what
    /// each row attended to, and the logarithms of its sums.
    pub fn block(
        &self,
        weights: &BlockWeights<'_>,
        x: &[f32],
        kept: &mut Activations,
        out: &mut [f32],
        attend: &mut Attend<'_>,
    ) {
        let shape = &self.shape;
        let (d, q, f) = (shape.hidden_size, shape.query_width(), shape.intermediate_size);
        kept.resize(x.len() / d, shape);
        rms_norm(x, weights.input_norm, self.eps(), &mut kept.normed, &mut kept.inverse);
        linear(&kept.normed, weights.qkv, d, shape.qkv_width(), &mut kept.qkv);
        attend(&mut kept.qkv, &mut kept.attended, &mut kept.log_sums);
        linear(&kept.attended, weights.output, q, d, &mut kept.middle);
        add_rows(&mut kept.middle, x, d);
        let (post, inverse) = (&mut kept.post_normed, &mut kept.post_inverse);
        rms_norm(&kept.middle, weights.post_norm, self.eps(), post, inverse);
        linear(&kept.post_normed, weights.gate_up, d, 2 * f, &mut kept.gate_up);
        gate(&kept.gate_up, &mut kept.gated, f);
        linear(&kept.gated, weights.down, f, d, out);
        add_rows(out, &kept.middle, d);
    }
}

fn add_rows(to: &mut [f32], values: &[f32], width: usize) {
    to.par_chunks_mut(ROWS * width)
        .zip(values.par_chunks(ROWS * width))
        .for_each(|(to, values)| vectorized(|| add(to, values)));
}

/// SwiGLU: the gate times its logistic function, times what is gated.
fn gate(gate_up: &[f32], out: &mut [f32], width: usize) {
    let pieces = out.par_chunks_mut(ROWS * width).zip(gate_up.par_chunks(ROWS * 2 * width));
    pieces.for_each(|(out, gate_up)| {
        vectorized(|| {
            let rows = out.chunks_exact_mut(width).zip(gate_up.chunks_exact(2 * width));
            for (out, gate_up) in rows {
                let (gate, up) = gate_up.split_at(width);
                for ((out, gate), up) in out.iter_mut().zip(gate).zip(up) {
                    *out = gate * sigmoid(*gate) * up;
                }
            }
        });
    });
}
