//! The dense layers: the one forward pass of training and prediction.

use burn::tensor::activation::relu;
use burn::tensor::{Device, Tensor, TensorData};

use crate::network::Layer;

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
}

/// Returns the deep part's share of the logits, shape `[rows, 1]`, for an input of shape `[rows, input_width]`.
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
