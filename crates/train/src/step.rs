//! One training step: forward, loss, gradients, update.

use burn::tensor::{Device, Tensor, TensorData};
use model::network::{Categorical, DenseLayer, Layer, NO_CATEGORY, Network, Rows, Weights, dense};

use crate::adam::{Adam, Moments};
use crate::loss::Loss;

/// The gradient of the mean loss of a batch, by all weights that the batch touches.
pub(crate) struct Gradients {
    /// One gradient per dense layer.
    pub(crate) layers: Vec<Layer>,
    /// By the deep part's input, shape `[rows, input_width]`; empty without embeddings.
    pub(crate) input: Vec<f32>,
    /// By the logits; so also by every wide weight that an example uses.
    pub(crate) logits: Vec<f32>,
}

/// Returns the mean loss of a batch and its gradient.
pub(crate) fn gradients(
    network: &Network,
    weights: &Weights,
    loss: Loss,
    rows: &Rows,
    labels: &[f32],
) -> (f64, Gradients) {
    let device = Device::flex().autodiff();
    let num_rows = rows.num_rows();
    let layers: Vec<DenseLayer> =
        weights.layers.iter().map(|layer| DenseLayer::new(layer, &device).require_grad()).collect();
    let (input, wide) = rows.look_up(network, weights, 0..num_rows);
    let input = TensorData::new(input, [num_rows, network.input_width()]);
    let mut input = Tensor::<2>::from_data(input, &device);
    if network.num_embedding() > 0 {
        input = input.require_grad();
    }
    let deep = dense(&layers, input.clone());

    let logits: Vec<f32> =
        values(deep.clone().inner()).iter().zip(wide).map(|(deep, wide)| deep + wide).collect();
    let (mean, slopes) = loss.mean_and_slopes(&logits, labels);

    // The sum of logits, each times its own slope as a constant, has the gradient of the mean loss.
    let constants = TensorData::new(slopes.clone(), [num_rows, 1]);
    let mut tape = (deep * Tensor::from_data(constants, &device)).sum().backward();
    let mut take =
        |tensor: &Tensor<2>| tensor.grad_remove(&mut tape).map(values).unwrap_or_default();
    let layers = layers
        .iter()
        .map(|layer| Layer { weight: take(&layer.weight), bias: take(&layer.bias) })
        .collect();
    let input = if network.num_embedding() > 0 { take(&input) } else { Vec::new() };
    (mean, Gradients { layers, input, logits: slopes })
}

fn values(tensor: Tensor<2>) -> Vec<f32> {
    tensor.into_data().try_into_vec::<f32>().expect("the layers hold 32-bit floats")
}

/// Weights in training: with the optimizer's memory of each.
pub(crate) struct Trainable<'a> {
    network: &'a Network,
    pub(crate) weights: Weights,
    adam: Adam,
    layers: Vec<(Moments, Moments)>,
    wide: Moments,
    embeddings: Moments,
    /// The gradient of the tables, zero between the steps.
    wide_gradient: Vec<f32>,
    embedding_gradient: Vec<f32>,
    /// The categories of the current batch: which feature, which id.
    touched: Vec<(usize, usize)>,
    is_touched: Vec<bool>,
}

impl<'a> Trainable<'a> {
    pub(crate) fn new(network: &'a Network, weights: Weights, learning_rate: f32) -> Self {
        let layers = weights.layers.iter();
        Self {
            network,
            adam: Adam::new(learning_rate),
            layers: layers
                .map(|layer| (Moments::new(layer.weight.len()), Moments::new(layer.bias.len())))
                .collect(),
            wide: Moments::new(weights.wide.len()),
            embeddings: Moments::new(weights.embeddings.len()),
            wide_gradient: vec![0.0; weights.wide.len()],
            embedding_gradient: vec![0.0; weights.embeddings.len()],
            touched: Vec::new(),
            is_touched: vec![false; weights.wide.len()],
            weights,
        }
    }

    /// Takes one step down the gradient of a batch and returns the batch's mean loss before it.
    pub(crate) fn step(&mut self, loss: Loss, rows: &Rows, labels: &[f32]) -> f64 {
        let (mean, gradients) = gradients(self.network, &self.weights, loss, rows, labels);
        self.adam.next_step();
        let layers = self.weights.layers.iter_mut().zip(&mut self.layers).zip(&gradients.layers);
        for ((layer, (weight, bias)), gradient) in layers {
            self.adam.update(&mut layer.weight, &gradient.weight, weight, 0);
            self.adam.update(&mut layer.bias, &gradient.bias, bias, 0);
        }
        self.scatter(rows, &gradients);
        self.update_tables();
        mean
    }

    /// Returns whether all weights are finite and can still move.
    pub(crate) fn is_finite(&self) -> bool {
        let layers = self.layers.iter().flat_map(|(weight, bias)| [weight, bias]);
        self.weights.is_finite()
            && layers.chain([&self.wide, &self.embeddings]).all(Moments::is_finite)
    }

    /// Adds up the gradients of the categories that the batch uses, in the order of its rows.
    fn scatter(&mut self, rows: &Rows, gradients: &Gradients) {
        let categorical = self.network.categorical();
        let width = self.network.input_width();
        for row in 0..rows.num_rows() {
            let ids = &rows.ids()[row * categorical.len()..][..categorical.len()];
            for (place, (feature, &id)) in categorical.iter().zip(ids).enumerate() {
                if id == NO_CATEGORY {
                    continue;
                }
                let id = id as usize;
                let wide = feature.wide_start + id;
                if !std::mem::replace(&mut self.is_touched[wide], true) {
                    self.touched.push((place, id));
                }
                self.wide_gradient[wide] += gradients.logits[row];
                if feature.dimension > 0 {
                    let from = &gradients.input[row * width + feature.input_start..];
                    let to = &mut self.embedding_gradient[embedding(feature, id)];
                    for (to, from) in to.iter_mut().zip(from) {
                        *to += from;
                    }
                }
            }
        }
    }

    /// Updates the touched rows of the tables only; the others keep their weights and moments.
    fn update_tables(&mut self) {
        for (place, id) in self.touched.drain(..) {
            let feature = &self.network.categorical()[place];
            let wide = feature.wide_start + id;
            self.is_touched[wide] = false;
            self.adam.update(
                &mut self.weights.wide[wide..=wide],
                &self.wide_gradient[wide..=wide],
                &mut self.wide,
                wide,
            );
            self.wide_gradient[wide] = 0.0;
            let range = embedding(feature, id);
            self.adam.update(
                &mut self.weights.embeddings[range.clone()],
                &self.embedding_gradient[range.clone()],
                &mut self.embeddings,
                range.start,
            );
            self.embedding_gradient[range].fill(0.0);
        }
    }
}

fn embedding(feature: &Categorical, id: usize) -> std::ops::Range<usize> {
    let start = feature.embedding_start + id * feature.dimension;
    start..start + feature.dimension
}
