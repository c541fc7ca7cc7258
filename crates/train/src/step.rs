//! One training step: forward, loss, gradients, update.
//!
//! A batch is cut into chunks of a fixed number of examples. Each has its gradient computed on its own, by as many
//! threads as there are chunks, and these are added up in order: so the number of threads never shows.

use std::ops::Range;

use model::network::{
    Activations, Categorical, Inputs, Layer, Matrix, Network, Weights, forward, multiply, scale,
};

use crate::OptimizerConfig;
use crate::examples::Table;
use crate::loss::{Loss, LossSum};
use crate::optimizer::{Optimizer, Slice};

/// Examples per chunk. Below it a thread would cost more than it saves.
const CHUNK_ROWS: usize = 512;

/// The work space of some examples of a batch, kept from step to step.
#[derive(Default)]
struct Chunk {
    rows: Range<usize>,
    inputs: Inputs,
    activations: Activations,
    slopes: Vec<f32>,
    gradient: Gradient,
    flow: [Vec<f32>; 2],
}

/// The gradient of a sum of losses, by what a chunk's examples share and by what each reads.
#[derive(Default)]
struct Gradient {
    /// One per dense layer.
    layers: Vec<Layer>,
    /// By the embeddings in each tower's input, shape `[rows, embedding columns]`.
    embeddings: Vec<Vec<f32>>,
}

impl Chunk {
    fn look_up_and_forward(&mut self, network: &Network, weights: &Weights, table: &Table) {
        table.rows.look_up(network, weights, self.rows.clone(), &mut self.inputs);
        forward(network, weights, &self.inputs, self.rows.len(), &mut self.activations);
    }

    fn backward(&mut self, network: &Network, weights: &Weights) {
        let gradient = &mut self.gradient;
        gradient.layers.resize_with(weights.layers.len(), Layer::default);
        gradient.embeddings.resize_with(network.towers().len(), Vec::new);
        for (place, tower) in network.towers().iter().enumerate() {
            let [flow, next] = &mut self.flow;
            flow.clear();
            match network.towers() {
                [_] => flow.extend_from_slice(&self.slopes),
                towers => {
                    // By one factor of a product it is the other.
                    let other = &self.activations.layers[towers[1 - place].layers().end - 1];
                    let rows = other.chunks_exact(tower.output_width()).zip(&self.slopes);
                    for (other, slope) in rows {
                        flow.extend(other.iter().map(|value| value * slope));
                    }
                }
            }
            for layer in tower.layers().rev() {
                let is_first = layer == tower.layers().start;
                let input = match is_first {
                    true => &self.inputs.towers[place],
                    false => &self.activations.layers[layer - 1],
                };
                let of = &weights.layers[layer];
                let num_outputs = of.bias.len();
                let num_inputs = of.weight.len() / num_outputs.max(1);
                let slopes = Matrix::new(flow, self.rows.len(), num_outputs);
                let to = &mut gradient.layers[layer];
                to.weight.resize(of.weight.len(), 0.0);
                let input_columns = Matrix::new(input, self.rows.len(), num_inputs).transposed();
                multiply(&mut to.weight, input_columns, slopes, false);
                to.bias.clear();
                to.bias.resize(num_outputs, 0.0);
                for row in flow.chunks_exact(num_outputs.max(1)) {
                    to.bias.iter_mut().zip(row).for_each(|(sum, value)| *sum += value);
                }
                if is_first {
                    // Of the input only the embeddings are anything that can move.
                    let skipped = tower.numeric().len();
                    let columns = num_inputs - skipped;
                    let to = &mut gradient.embeddings[place];
                    to.resize(self.rows.len() * columns, 0.0);
                    let weight =
                        Matrix::new(&of.weight[skipped * num_outputs..], columns, num_outputs);
                    multiply(to, slopes, weight.transposed(), false);
                    continue;
                }
                next.resize(self.rows.len() * num_inputs, 0.0);
                let weight = Matrix::new(&of.weight, num_inputs, num_outputs).transposed();
                multiply(next, slopes, weight, false);
                for (value, activation) in next.iter_mut().zip(input) {
                    // The activation is that of a rectified linear unit; NaN stays.
                    if *activation == 0.0 {
                        *value = 0.0;
                    }
                }
                std::mem::swap(flow, next);
            }
        }
    }
}

/// Weights in training: with the optimizer's memory of each, and the gradient of the step that is being made.
pub(crate) struct Trainable<'a> {
    network: &'a Network,
    pub(crate) weights: Weights,
    pub(crate) optimizer: Optimizer,
    pub(crate) first: Weights,
    pub(crate) second: Weights,
    gradient: Weights,
    /// What the gradient is a sum of.
    sum: LossSum,
    clip_norm: Option<f64>,
    /// The categories of the current step: which feature, which id.
    touched: Vec<(usize, usize)>,
    is_touched: Vec<bool>,
    /// Where each feature begins in `is_touched`.
    starts: Vec<usize>,
    chunks: Vec<Chunk>,
    num_threads: usize,
}

impl<'a> Trainable<'a> {
    pub(crate) fn new(
        network: &'a Network,
        weights: Weights,
        optimizer: &OptimizerConfig,
        clip_norm: Option<f64>,
        num_threads: usize,
    ) -> Self {
        let mut starts = Vec::new();
        let mut num_categories = 0;
        for feature in network.categorical() {
            starts.push(num_categories);
            num_categories += feature.num_buckets;
        }
        let zeros = Weights::zeros(network);
        Self {
            network,
            weights,
            optimizer: Optimizer::new(optimizer),
            first: zeros.clone(),
            second: zeros.clone(),
            gradient: zeros,
            sum: LossSum::default(),
            clip_norm,
            touched: Vec::new(),
            is_touched: vec![false; num_categories],
            starts,
            chunks: Vec::new(),
            num_threads: num_threads.max(1),
        }
    }

    /// Adds the gradient of a batch to that of the step, and returns the sum of its losses.
    pub(crate) fn accumulate(&mut self, loss: &Loss, table: &Table) -> LossSum {
        let num_chunks = table.len().div_ceil(CHUNK_ROWS);
        self.chunks.resize_with(num_chunks.max(self.chunks.len()), Chunk::default);
        for (place, chunk) in self.chunks[..num_chunks].iter_mut().enumerate() {
            chunk.rows = place * CHUNK_ROWS..table.len().min((place + 1) * CHUNK_ROWS);
        }
        let (network, weights) = (self.network, &self.weights);
        let chunks = &mut self.chunks[..num_chunks];
        on_threads(self.num_threads, chunks, &|chunk| {
            chunk.look_up_and_forward(network, weights, table);
        });
        let outputs = network.num_outputs();
        let sum = match &mut chunks[..] {
            [chunk] => {
                chunk.slopes.clear();
                chunk.slopes.resize(table.len() * outputs, 0.0);
                loss.sum_and_slopes(&chunk.activations.logits, table, Some(&mut chunk.slopes))
            }
            chunks => {
                let logits = chunks.iter().map(|chunk| &chunk.activations.logits[..]);
                let logits = logits.collect::<Vec<_>>().concat();
                let mut slopes = vec![0.0; logits.len()];
                let sum = loss.sum_and_slopes(&logits, table, Some(&mut slopes));
                for chunk in chunks {
                    chunk.slopes.clear();
                    let places = chunk.rows.start * outputs..chunk.rows.end * outputs;
                    chunk.slopes.extend_from_slice(&slopes[places]);
                }
                sum
            }
        };
        on_threads(self.num_threads, chunks, &|chunk| chunk.backward(network, weights));
        self.sum.add(sum);
        self.gather(table, num_chunks);
        sum
    }

    /// Adds up the gradients of the chunks, in order.
    fn gather(&mut self, table: &Table, num_chunks: usize) {
        let outputs = self.network.num_outputs();
        for chunk in &self.chunks[..num_chunks] {
            for (to, from) in self.gradient.layers.iter_mut().zip(&chunk.gradient.layers) {
                add(&mut to.weight, &from.weight, 1.0);
                add(&mut to.bias, &from.bias, 1.0);
            }
            for (place, feature) in self.network.categorical().iter().enumerate() {
                let tower = &self.network.towers()[feature.tower];
                let width = tower.input_width() - tower.numeric().len();
                let start = feature.input_start - tower.numeric().len();
                for (at, row) in chunk.rows.clone().enumerate() {
                    let ids = table.rows.categories(self.network, feature, row);
                    let scale = scale(feature.combiner, ids.len());
                    for &id in ids {
                        let id = id as usize;
                        if !std::mem::replace(&mut self.is_touched[self.starts[place] + id], true) {
                            self.touched.push((place, id));
                        }
                        if self.network.has_wide() {
                            let slopes = &chunk.slopes[at * outputs..(at + 1) * outputs];
                            add(&mut self.gradient.wide[wide(feature, id, outputs)], slopes, scale);
                        }
                        if feature.dimension > 0 {
                            let from = &chunk.gradient.embeddings[feature.tower];
                            let from = &from[at * width + start..][..feature.dimension];
                            add(&mut self.gradient.embeddings[embedding(feature, id)], from, scale);
                        }
                    }
                }
            }
        }
    }

    /// Takes one step down the gradient of the mean loss, and begins the next with none.
    pub(crate) fn step(&mut self, learning_rate: f64) {
        let mut by = if self.sum.weight > 0.0 { 1.0 / self.sum.weight } else { 0.0 };
        if let Some(clip_norm) = self.clip_norm {
            let norm = self.norm() * by;
            if norm > clip_norm {
                by *= clip_norm / norm;
            }
        }
        #[expect(clippy::cast_possible_truncation, reason = "gradients are single precision")]
        let by = by as f32;
        self.sum = LossSum::default();
        self.optimizer.next_step(learning_rate);
        let moments = self.first.layers.iter_mut().zip(&mut self.second.layers);
        let layers = self.weights.layers.iter_mut().zip(&mut self.gradient.layers).zip(moments);
        for ((weights, gradient), (first, second)) in layers {
            let slice = Slice {
                weights: &mut weights.weight,
                first: &mut first.weight,
                second: &mut second.weight,
                decays: true,
            };
            self.optimizer.update(slice, &gradient.weight, by);
            gradient.weight.fill(0.0);
            let slice = Slice {
                weights: &mut weights.bias,
                first: &mut first.bias,
                second: &mut second.bias,
                decays: false,
            };
            self.optimizer.update(slice, &gradient.bias, by);
            gradient.bias.fill(0.0);
        }
        self.update_tables(by);
    }

    /// Updates the touched rows of the tables only; the others keep their weights and moments.
    fn update_tables(&mut self, by: f32) {
        let outputs = self.network.num_outputs();
        for (place, id) in self.touched.drain(..) {
            let feature = &self.network.categorical()[place];
            self.is_touched[self.starts[place] + id] = false;
            let update = |weights: &mut [f32],
                          first: &mut [f32],
                          second: &mut [f32],
                          gradient: &mut [f32],
                          range: Range<usize>| {
                let slice = Slice {
                    weights: &mut weights[range.clone()],
                    first: &mut first[range.clone()],
                    second: &mut second[range.clone()],
                    decays: true,
                };
                self.optimizer.update(slice, &gradient[range.clone()], by);
                gradient[range].fill(0.0);
            };
            if self.network.has_wide() {
                update(
                    &mut self.weights.wide,
                    &mut self.first.wide,
                    &mut self.second.wide,
                    &mut self.gradient.wide,
                    wide(feature, id, outputs),
                );
            }
            if feature.dimension > 0 {
                update(
                    &mut self.weights.embeddings,
                    &mut self.first.embeddings,
                    &mut self.second.embeddings,
                    &mut self.gradient.embeddings,
                    embedding(feature, id),
                );
            }
        }
    }

    /// Returns the length of the gradient, of the sum of losses.
    fn norm(&self) -> f64 {
        let square = |values: &[f32]| values.iter().map(|&v| f64::from(v).powi(2)).sum::<f64>();
        let layers = self.gradient.layers.iter();
        let mut sum: f64 = layers.map(|layer| square(&layer.weight) + square(&layer.bias)).sum();
        let outputs = self.network.num_outputs();
        for &(place, id) in &self.touched {
            let feature = &self.network.categorical()[place];
            if self.network.has_wide() {
                sum += square(&self.gradient.wide[wide(feature, id, outputs)]);
            }
            sum += square(&self.gradient.embeddings[embedding(feature, id)]);
        }
        sum.sqrt()
    }

    /// Returns whether all weights are finite and can still move: no gradient was so large that its square overflowed.
    pub(crate) fn is_finite(&self) -> bool {
        self.weights.is_finite() && self.first.is_finite() && self.second.is_finite()
    }

    /// Returns the gradient so far, for tests of it.
    #[cfg(test)]
    pub(crate) fn gradient(&self) -> &Weights {
        &self.gradient
    }
}

/// Runs `work` on all items, by so many threads at most; what it does must not depend on which.
fn on_threads<T: Send>(num_threads: usize, items: &mut [T], work: &(dyn Fn(&mut T) + Sync)) {
    let num_threads = num_threads.min(items.len());
    if num_threads < 2 {
        items.iter_mut().for_each(work);
        return;
    }
    let share = items.len().div_ceil(num_threads);
    std::thread::scope(|scope| {
        let (own, others) = items.split_at_mut(share);
        for part in others.chunks_mut(share) {
            scope.spawn(move || part.iter_mut().for_each(work));
        }
        own.iter_mut().for_each(work);
    });
}

fn add(sums: &mut [f32], values: &[f32], scale: f32) {
    for (sum, value) in sums.iter_mut().zip(values) {
        *sum += value * scale;
    }
}

fn wide(feature: &Categorical, id: usize, outputs: usize) -> Range<usize> {
    let start = feature.wide_start + id * outputs;
    start..start + outputs
}

fn embedding(feature: &Categorical, id: usize) -> Range<usize> {
    let start = feature.embedding_start + id * feature.dimension;
    start..start + feature.dimension
}

#[cfg(test)]
#[expect(clippy::cast_precision_loss, reason = "tests")]
mod tests;
