//! The dense layers: the one forward pass of training and prediction.

use crate::network::{Inputs, Layer, Matrix, Network, Rows, Weights, multiply};

/// Examples per pass through the dense layers; it bounds the memory of a prediction.
const CHUNK_ROWS: usize = 1024;

/// What the layers of a network gave for some examples.
#[derive(Clone, Debug, Default)]
pub struct Activations {
    /// The output of each layer, shape `[rows, outputs]`, after its rectified linear units; first to last.
    pub layers: Vec<Vec<f32>>,
    /// Shape `[rows, num_outputs]`.
    pub logits: Vec<f32>,
}

/// Computes what a network gives for some examples, keeping what each layer gave.
///
/// A tower is dense layers with rectified linear units after every layer but its last. The logits are the outputs of
/// the one tower and the sums of the wide part, or the product of the outputs of the two towers.
pub fn forward(
    network: &Network,
    weights: &Weights,
    inputs: &Inputs,
    num_rows: usize,
    activations: &mut Activations,
) {
    activations.layers.resize_with(weights.layers.len(), Vec::new);
    for (tower, input) in network.towers().iter().zip(&inputs.towers) {
        let last = tower.layers().end - 1;
        for place in tower.layers() {
            let (before, rest) = activations.layers.split_at_mut(place);
            let input = if place == tower.layers().start { input } else { &before[place - 1] };
            dense(&weights.layers[place], input, num_rows, &mut rest[0]);
            if place < last {
                rest[0].iter_mut().for_each(|value| *value = rectified(*value));
            }
        }
    }
    let output = |tower: usize| &activations.layers[network.towers()[tower].layers().end - 1];
    activations.logits.clear();
    match network.towers() {
        [_] if inputs.wide.is_empty() => activations.logits.extend_from_slice(output(0)),
        [_] => {
            let sums = output(0).iter().zip(&inputs.wide).map(|(deep, wide)| deep + wide);
            activations.logits.extend(sums);
        }
        towers => {
            let width = towers[0].output_width();
            let pairs = output(0).chunks_exact(width).zip(output(1).chunks_exact(width));
            let products = pairs.map(|(a, b)| a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>());
            activations.logits.extend(products);
        }
    }
}

/// Returns the rectified linear unit of a number; NaN stays.
fn rectified(value: f32) -> f32 {
    if value < 0.0 { 0.0 } else { value }
}

/// Sets `output` to `input * weight + bias`.
fn dense(layer: &Layer, input: &[f32], num_rows: usize, output: &mut Vec<f32>) {
    let num_outputs = layer.bias.len();
    let num_inputs = layer.weight.len() / num_outputs.max(1);
    output.clear();
    for _ in 0..num_rows {
        output.extend_from_slice(&layer.bias);
    }
    let input = Matrix::new(input, num_rows, num_inputs);
    multiply(output, input, Matrix::new(&layer.weight, num_inputs, num_outputs), true);
}

/// Returns the logits of examples, shape `[rows, num_outputs]`.
pub fn logits(network: &Network, weights: &Weights, rows: &Rows) -> Vec<f32> {
    let mut logits = Vec::with_capacity(rows.num_rows() * network.num_outputs());
    let (mut inputs, mut activations) = (Inputs::default(), Activations::default());
    for start in (0..rows.num_rows()).step_by(CHUNK_ROWS) {
        let end = rows.num_rows().min(start + CHUNK_ROWS);
        rows.look_up(network, weights, start..end, &mut inputs);
        forward(network, weights, &inputs, end - start, &mut activations);
        logits.extend_from_slice(&activations.logits);
    }
    logits
}
