//! One training step: forward, backward, clip, move.

use language::{Activations, Heads, Network, attend, rms_norm};
use rayon::iter::{IndexedParallelIterator, ParallelIterator};
use rayon::slice::ParallelSliceMut;

use crate::Config;
use crate::adam::{Adam, norm};
use crate::backward::{self, BlockGrads, Scratch};
use crate::cross_entropy::{Grads, cross_entropy};

/// Weights in training: their gradients, the optimizer's means, and space for the activations of a part of a batch.
pub struct Trainable {
    network: Network,
    pub(crate) weights: Vec<f32>,
    pub(crate) grads: Vec<f32>,
    pub(crate) adam: Adam,
    /// The input of each block, and the last one's output.
    streams: Vec<Vec<f32>>,
    kept: Vec<Activations>,
    normed: Vec<f32>,
    inverse: Vec<f32>,
    hidden_grad: Vec<f32>,
    stream_grad: Vec<f32>,
    logits: Vec<f32>,
    scratch: Scratch,
}

impl Trainable {
    /// Returns weights at the beginning of a training.
    ///
    /// # Panics
    ///
    /// If the weights are not as many as the network has.
    pub fn new(network: Network, weights: Vec<f32>) -> Self {
        assert_eq!(weights.len(), network.layout.len(), "the number of weights");
        let len = weights.len();
        Self {
            weights,
            grads: vec![0.0; len],
            adam: Adam::new(len),
            streams: Vec::new(),
            kept: vec![Activations::default(); network.shape.num_layers],
            normed: Vec::new(),
            inverse: Vec::new(),
            hidden_grad: Vec::new(),
            stream_grad: Vec::new(),
            logits: Vec::new(),
            scratch: Scratch::default(),
            network,
        }
    }

    /// Returns the weights, in the order of the layout.
    pub fn weights(&self) -> &[f32] {
        &self.weights
    }

    /// Returns the gradients that were added up since the last step.
    pub fn grads(&self) -> &[f32] {
        &self.grads
    }

    /// Computes the sum of the losses of sequences, each `length + 1` tokens, without gradients.
    pub fn loss(&mut self, tokens: &[u32], length: usize) -> f64 {
        let (_, targets) = self.forward(tokens, length);
        let head = &self.weights[self.network.layout.head()];
        let width = self.network.shape.hidden_size;
        cross_entropy(&self.normed, head, width, &targets, &mut self.logits, None)
    }

    /// Adds the gradients of `factor` times the sum of the losses of sequences, and returns that sum.
    pub fn accumulate(&mut self, tokens: &[u32], length: usize, factor: f32) -> f64 {
        let (inputs, targets) = self.forward(tokens, length);
        let Self { network, weights, grads, .. } = self;
        let (shape, layout) = (&network.shape, &network.layout);
        let d = shape.hidden_size;
        self.hidden_grad.resize(inputs.len() * d, 0.0);
        let given =
            Grads { factor, hidden: &mut self.hidden_grad, head: &mut grads[layout.head()] };
        let head = &weights[layout.head()];
        let loss = cross_entropy(&self.normed, head, d, &targets, &mut self.logits, Some(given));

        self.stream_grad.clear();
        self.stream_grad.resize(inputs.len() * d, 0.0);
        let last = &self.streams[shape.num_layers];
        let (norm, out) = (layout.norm(), &mut self.stream_grad);
        let norm_grad = &mut grads[norm.clone()];
        backward::rms_norm(last, &weights[norm], &self.inverse, &self.hidden_grad, norm_grad, out);
        for n in (0..shape.num_layers).rev() {
            let ranges = layout.block(n);
            let start = ranges[0].start;
            let mut rest = &mut grads[start..ranges[5].end];
            let [input_norm, qkv, output, post_norm, gate_up, down] = ranges.map(|range| {
                let (one, more) = std::mem::take(&mut rest).split_at_mut(range.len());
                rest = more;
                one
            });
            let mut grads = BlockGrads { input_norm, qkv, output, post_norm, gate_up, down };
            let weights = network.block_weights(weights, n);
            let (x, kept) = (&self.streams[n], &self.kept[n]);
            let (grad, scratch) = (&mut self.stream_grad, &mut self.scratch);
            backward::block(network, &weights, x, kept, &mut grads, grad, length, scratch);
        }
        let table = &mut grads[layout.embedding()];
        for (token, grad) in inputs.iter().zip(self.stream_grad.chunks_exact(d)) {
            let row = *token as usize;
            language::vector::add(&mut table[row * d..(row + 1) * d], grad);
        }
        loss
    }

    /// Moves the weights along the gradients, clipped to `clip_norm`, and forgets these; returns their norm before.
    /// Steps count from 1. Without a finite norm nothing moves.
    #[expect(clippy::cast_possible_truncation, reason = "single precision is meant")]
    pub fn step(&mut self, config: &Config, step: u64, rate: f64) -> f64 {
        let norm = norm(&self.grads);
        if norm.is_finite() {
            let clip = config.clip_norm;
            let scale = if clip > 0.0 && norm > clip { clip / (norm + 1e-6) } else { 1.0 };
            let layout = &self.network.layout;
            let (weights, grads) = (&mut self.weights, &self.grads);
            self.adam.step(config, layout, weights, grads, scale as f32, (step, rate));
        }
        self.grads.fill(0.0);
        norm
    }

    /// Runs the network, and returns inputs and targets.
    fn forward(&mut self, tokens: &[u32], length: usize) -> (Vec<u32>, Vec<u32>) {
        let sequences = tokens.chunks_exact(length + 1);
        let inputs: Vec<u32> = sequences.clone().flat_map(|s| &s[..length]).copied().collect();
        let targets: Vec<u32> = sequences.flat_map(|s| &s[1..]).copied().collect();
        let Self { network, weights, .. } = self;
        let shape = &network.shape;
        let (d, rows) = (shape.hidden_size, inputs.len());
        self.streams.resize(shape.num_layers + 1, Vec::new());
        for stream in &mut self.streams {
            stream.resize(rows * d, 0.0);
        }
        network.embed(weights, &inputs, &mut self.streams[0]);
        for n in 0..shape.num_layers {
            let (before, after) = self.streams.split_at_mut(n + 1);
            let weights = network.block_weights(weights, n);
            let (x, out) = (&before[n], &mut after[0]);
            network.block(&weights, x, &mut self.kept[n], out, &mut |qkv, attended, log_sums| {
                attention(network, qkv, attended, log_sums, length);
            });
        }
        self.normed.resize(rows * d, 0.0);
        self.inverse.resize(rows, 0.0);
        let (last, norm) = (&self.streams[shape.num_layers], &weights[network.layout.norm()]);
        rms_norm(last, norm, network.eps(), &mut self.normed, &mut self.inverse);
        (inputs, targets)
    }
}

/// Causal attention within each sequence.
fn attention(
    network: &Network,
    qkv: &mut [f32],
    attended: &mut [f32],
    log_sums: &mut [f32],
    length: usize,
) {
    let shape = &network.shape;
    let (stride, q) = (shape.qkv_width(), shape.query_width());
    let sequences = qkv.par_chunks_mut(length * stride).zip(attended.par_chunks_mut(length * q));
    let sequences = sequences.zip(log_sums.par_chunks_mut(length * shape.num_heads));
    sequences.for_each_init(Vec::new, |scratch, ((qkv, attended), log_sums)| {
        network.rotation.apply(qkv, stride, shape.num_heads + shape.num_kv_heads, 0);
        for head in 0..shape.num_heads {
            let kv_head = head * shape.num_kv_heads / shape.num_heads;
            let key_at = q + kv_head * shape.head_dim;
            let at = head * shape.head_dim;
            let heads = Heads {
                queries: &qkv[at..],
                query_stride: stride,
                num_queries: length,
                keys: &qkv[key_at..],
                values: &qkv[key_at + shape.kv_width()..],
                key_stride: stride,
                num_keys: length,
                width: shape.head_dim,
            };
            let log_sums = &mut log_sums[head * length..(head + 1) * length];
            attend(&heads, &mut attended[at..], q, log_sums, scratch);
        }
    });
}
