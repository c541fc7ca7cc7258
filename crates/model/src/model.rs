//! A trained model in memory.

use std::path::Path;
use std::sync::Arc;

use crate::network::{Encoder, Network, Rows, Weights, logits};
use crate::{Architecture, Forest, ModelError, OutputSpec, Predictor, Signature, Task, serialize};
use arrow::array::{ArrayRef, FixedSizeListArray, Float32Array, RecordBatch, RecordBatchOptions};
use arrow::datatypes::{DataType, Field, Schema};
use base::BoxError;

/// A trained model: signature, architecture and weights.
///
/// It reads transformed features: numbers and ids as [`crate::network::Encoder`] takes them.
#[derive(Clone, Debug)]
pub struct Model {
    signature: Signature,
    architecture: Architecture,
    network: Network,
    weights: Weights,
    forest: Option<Forest>,
    encoder: Encoder,
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
        let network = Network::new(&signature.inputs, &architecture, signature.task.width())?;
        if !weights.fits(&network) {
            return Err(ModelError::Inconsistent { reason: "the weights are not of its sizes" });
        }
        if architecture == Architecture::BoostedTrees {
            return Err(ModelError::Inconsistent { reason: "it has no trees" });
        }
        let encoder = Encoder::new(&network);
        Ok(Self { signature, architecture, network, weights, forest: None, encoder })
    }

    /// Returns a model of boosted trees.
    ///
    /// # Errors
    ///
    /// [`ModelError::Inconsistent`] when the trees ask for other things than the signature has.
    pub fn of_trees(signature: Signature, forest: Forest) -> Result<Self, ModelError> {
        let architecture = Architecture::BoostedTrees;
        let network = Network::new(&signature.inputs, &architecture, signature.task.width())?;
        forest.check(&network)?;
        let (weights, encoder) = (Weights::zeros(&network), Encoder::new(&network));
        Ok(Self { signature, architecture, network, weights, forest: Some(forest), encoder })
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

    /// Returns the model's trees, if it is made of trees.
    pub fn forest(&self) -> Option<&Forest> {
        self.forest.as_ref()
    }

    /// Returns the model's weights; trees have none.
    pub fn weights(&self) -> &Weights {
        &self.weights
    }

    /// Returns the logits (for regression and ranking: the predictions), shape `[rows, width of the task]`.
    pub fn logits(&self, rows: &Rows) -> Vec<f32> {
        match &self.forest {
            Some(forest) => forest.logits(&self.network, rows),
            None => logits(&self.network, &self.weights, rows),
        }
    }
}

impl Predictor for Model {
    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn predict(&self, examples: &RecordBatch) -> Result<RecordBatch, BoxError> {
        let logits = self.logits(&self.encoder.encode(examples)?);
        let columns = match self.signature.task {
            Task::Regression | Task::Ranking => vec![logits],
            Task::BinaryClassification | Task::MultiLabelClassification { .. } => {
                vec![logits.iter().map(|&logit| sigmoid(logit)).collect(), logits]
            }
            Task::MultiClassClassification { num_classes } => {
                vec![softmax(&logits, num_classes), logits]
            }
        };
        let outputs = &self.signature.outputs;
        let fields: Vec<_> = outputs
            .iter()
            .map(|output| Field::new(&output.name, output.data_type(), false))
            .collect();
        let arrays = outputs.iter().zip(columns).map(|(output, values)| column(output, values));
        let arrays = arrays.collect();
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

/// Returns the probabilities of the classes of each example, which sum up to 1, without overflow at either end.
fn softmax(logits: &[f32], num_classes: usize) -> Vec<f32> {
    let mut probabilities = Vec::with_capacity(logits.len());
    for logits in logits.chunks_exact(num_classes) {
        let largest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let start = probabilities.len();
        probabilities.extend(logits.iter().map(|logit| (logit - largest).exp()));
        let sum: f32 = probabilities[start..].iter().sum();
        probabilities[start..].iter_mut().for_each(|power| *power /= sum);
    }
    probabilities
}

/// Returns the column of an output.
fn column(output: &OutputSpec, values: Vec<f32>) -> ArrayRef {
    let values = Arc::new(Float32Array::from(values));
    match output.data_type() {
        DataType::FixedSizeList(item, width) => {
            Arc::new(FixedSizeListArray::new(item, width, values, None))
        }
        _ => values,
    }
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "exact sums of small numbers, and bit-for-bit equality")]
mod tests;
