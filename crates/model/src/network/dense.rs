//! The dense layers: the one forward pass of training and prediction.

use burn::tensor::activation::relu;
use burn::tensor::{Device, Tensor, TensorData};

use crate::network::{Layer, Network, Rows, Weights};

/// Examples per pass through the dense layers; it bounds the memory of a prediction.
const CHUNK_ROWS: usize = 1024;

/// One dense layer as tensors.
///
/// On a plain device it predicts; on one with autodiff the same pass is recorded and can be differentiated.
#[derive(Clone, Debug)]
pub struct DenseLayer {
    /// Shape `[inputs, outputs]`.
    pub weight: Tensor<2>,
    /// Shape `[1, outputs]`.
    pub bias: Tensor<2>,
}

impl DenseLayer {
    /// Returns a layer's weights as tensors on a device.
    pub fn new(layer: &Layer, device: &Device) -> Self {
        let outputs = layer.bias.len();
        let inputs = layer.weight.len() / outputs.max(1);
        let tensor = |values: &[f32], shape: [usize; 2]| {
            Tensor::from_data(TensorData::new(values.to_vec(), shape), device)
        };
        Self {
            weight: tensor(&layer.weight, [inputs, outputs]),
            bias: tensor(&layer.bias, [1, outputs]),
        }
    }

    /// Returns the layer on a device with autodiff, keeping the gradients of its weights.
    #[must_use]
    pub fn require_grad(self) -> Self {
        Self { weight: self.weight.require_grad(), bias: self.bias.require_grad() }
    }
}

/// Returns the deep part's share of the logits, shape `[rows, num_outputs]`, for an input of shape `[rows, input_width]`.
///
/// Rectified linear units follow every layer but the last.
pub fn dense(layers: &[DenseLayer], input: Tensor<2>) -> Tensor<2> {
    let num_rows = input.dims()[0];
    let mut output = input;
    for (index, layer) in layers.iter().enumerate() {
        if index > 0 {
            output = relu(output);
        }
        output = if layer.weight.dims()[0] == 0 {
            // Nothing to multiply with: a linear model over categories alone has just the bias here.
            layer.bias.clone().repeat_dim(0, num_rows)
        } else {
            output.matmul(layer.weight.clone()) + layer.bias.clone()
        };
    }
    output
}

/// Returns the logits, shape `[rows, num_outputs]`: the deep part's share plus the wide part's.
///
/// `layers` are the dense layers of `weights` on a plain device.
pub fn logits(
    network: &Network,
    weights: &Weights,
    layers: &[DenseLayer],
    rows: &Rows,
) -> Vec<f32> {
    let device = Device::flex();
    let mut logits = Vec::with_capacity(rows.num_rows() * network.num_outputs());
    for start in (0..rows.num_rows()).step_by(CHUNK_ROWS) {
        let end = rows.num_rows().min(start + CHUNK_ROWS);
        let (input, wide) = rows.look_up(network, weights, start..end);
        let input = TensorData::new(input, [end - start, network.input_width()]);
        let deep = dense(layers, Tensor::from_data(input, &device));
        let deep = deep.into_data().try_into_vec::<f32>().expect("the layers hold 32-bit floats");
        logits.extend(deep.iter().zip(wide).map(|(deep, wide)| deep + wide));
    }
    logits
}
