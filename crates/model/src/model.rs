//! A trained model in memory.

use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, Float32Array, RecordBatch, RecordBatchOptions};
use arrow::datatypes::{DataType, Field, Schema};
use base::BoxError;
use burn::tensor::Device;

use crate::network::{DenseLayer, Encoder, Network, Rows, Weights, logits};
use crate::{Architecture, LOGIT, ModelError, Predictor, Signature, Task, serialize};

/// A trained model: signature, architecture and weights.
///
/// It reads transformed features: numbers and ids as [`crate::network::Encoder`] takes them.
#[derive(Clone, Debug)]
pub struct Model {
    signature: Signature,
    architecture: Architecture,
    network: Network,
    weights: Weights,
    encoder: Encoder,
    layers: Vec<DenseLayer>,
}

impl Model {
    /// Returns a model of some weights.
    ///
    /// # Errors
    ///
    /// [`ModelError::Inconsistent`] when the signature and the architecture do not make a network, or the
    /// weights are not of its sizes.
    pub fn new(
        signature: Signature,
        architecture: Architecture,
        weights: Weights,
    ) -> Result<Self, ModelError> {
        let network = Network::new(&signature.inputs, &architecture)?;
        if !weights.fits(&network) {
            return Err(ModelError::Inconsistent { reason: "the weights are not of its sizes" });
        }
        let device = Device::flex();
        let layers = weights.layers.iter().map(|layer| DenseLayer::new(layer, &device)).collect();
        let encoder = Encoder::new(&network);
        Ok(Self { signature, architecture, network, weights, encoder, layers })
    }

    /// Reads a model that [`Model::save`] wrote.
    ///
    /// # Errors
    ///
    /// [`ModelError`], naming the file and what is wrong with it.
    pub fn load(dir: &Path) -> Result<Self, ModelError> {
        serialize::load(dir)
    }

    /// Writes `model.json` and `weights.safetensors` below a folder, which is made if need be.
    ///
    /// # Errors
    ///
    /// [`ModelError::Io`] when the disk refuses.
    pub fn save(&self, dir: &Path) -> Result<(), ModelError> {
        serialize::save(self, dir)
    }

    /// Returns what the model takes in and gives out.
    pub fn signature(&self) -> &Signature {
        &self.signature
    }

    /// Returns how the model computes its prediction.
    pub fn architecture(&self) -> &Architecture {
        &self.architecture
    }

    /// Returns the shape of the model's network.
    pub fn network(&self) -> &Network {
        &self.network
    }

    /// Returns the model's weights.
    pub fn weights(&self) -> &Weights {
        &self.weights
    }

    /// Returns one logit (for regression: one prediction) per example.
    pub fn logits(&self, rows: &Rows) -> Vec<f32> {
        logits(&self.network, &self.weights, &self.layers, rows)
    }
}

impl Predictor for Model {
    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn predict(&self, examples: &RecordBatch) -> Result<RecordBatch, BoxError> {
        let logits = self.logits(&self.encoder.encode(examples)?);
        let columns: Vec<(&str, Vec<f32>)> = match self.signature.task {
            Task::Regression => vec![(crate::PREDICTION, logits)],
            Task::BinaryClassification => {
                let probabilities = logits.iter().map(|&logit| sigmoid(logit)).collect();
                vec![(crate::PREDICTION, probabilities), (LOGIT, logits)]
            }
        };
        let fields: Vec<_> =
            columns.iter().map(|(name, _)| Field::new(*name, DataType::Float32, false)).collect();
        let arrays = columns
            .into_iter()
            .map(|(_, values)| Arc::new(Float32Array::from(values)) as ArrayRef)
            .collect();
        let options = RecordBatchOptions::new().with_row_count(Some(examples.num_rows()));
        let batch =
            RecordBatch::try_new_with_options(Arc::new(Schema::new(fields)), arrays, &options);
        Ok(batch.expect("the columns are of the schema just made from them"))
    }
}

/// Returns the logistic function, without overflow at either end.
fn sigmoid(logit: f32) -> f32 {
    1.0 / (1.0 + (-logit).exp())
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "exact sums of small numbers, and bit-for-bit equality")]
mod tests;
