//! A graph with a model behind it.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch};
use base::{BoxError, IoError};
use graph::{Graph, ValueType};
use model::{Model, Predictor, Signature};

use crate::ServableError;
use crate::serialize::{SIGNATURE, V1};

const GRAPH: &str = "graph";
const MODEL: &str = "model";

/// A graph with a model behind it: raw features in, predictions out.
#[derive(Debug)]
pub struct Servable {
    graph: Graph,
    model: Model,
    raw_inputs: Vec<RawInput>,
}

/// A raw feature that a prediction needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RawInput {
    /// The feature's name.
    pub name: String,
    /// The type of its values.
    pub value_type: ValueType,
}

impl Servable {
    /// Returns the servable of a graph and a model that reads its outputs.
    ///
    /// # Errors
    ///
    /// [`ServableError::MissingFeature`] when the graph does not make something that the model reads, or its
    /// label.
    pub fn new(graph: Graph, model: Model) -> Result<Self, ServableError> {
        let raw_inputs = raw_inputs(&graph, &model)?;
        Ok(Self { graph, model, raw_inputs })
    }

    /// Writes a graph and a model as a servable, the signature last. The folder is made if need be.
    ///
    /// # Errors
    ///
    /// As [`Servable::new`], and when the disk refuses.
    pub fn save(dir: &Path, graph: &Graph, model: &Model) -> Result<(), ServableError> {
        let raw_inputs = raw_inputs(graph, model)?;
        fs::create_dir_all(dir).map_err(IoError::at("create", dir))?;
        graph.save(&dir.join(GRAPH)).map_err(|error| ServableError::Graph(error.into()))?;
        model.save(&dir.join(MODEL))?;
        V1::new(model.signature(), &raw_inputs).save(dir)
    }

    /// Reads a servable that [`Servable::save`] wrote.
    ///
    /// # Errors
    ///
    /// [`ServableError`], naming the file and what is wrong with it.
    pub fn load(dir: &Path) -> Result<Self, ServableError> {
        let stored = V1::load(dir)?;
        let graph =
            Graph::load(&dir.join(GRAPH)).map_err(|error| ServableError::Graph(error.into()))?;
        let servable = Self::new(graph, Model::load(&dir.join(MODEL))?)?;
        if stored != V1::new(servable.model.signature(), &servable.raw_inputs) {
            return Err(ServableError::OtherSignature { path: dir.join(SIGNATURE) });
        }
        Ok(servable)
    }

    /// Returns the raw features that a prediction needs; the label's own are among them only if the model's
    /// features are computed from them too.
    pub fn raw_inputs(&self) -> &[RawInput] {
        &self.raw_inputs
    }

    /// Returns the graph.
    pub fn graph(&self) -> &Graph {
        &self.graph
    }

    /// Returns the model.
    pub fn model(&self) -> &Model {
        &self.model
    }

    /// Returns the label of raw examples, as the graph computes it.
    ///
    /// # Errors
    ///
    /// The graph's own error when a raw feature that the label needs is not there.
    pub fn label(&self, raw: &RecordBatch) -> Result<ArrayRef, BoxError> {
        let label = self.model.signature().label.as_str();
        let batch = self.graph.apply_outputs(raw, &[label])?;
        let missing = || ServableError::MissingFeature { feature: label.to_owned() };
        Ok(Arc::clone(batch.column_by_name(label).ok_or_else(missing)?))
    }
}

impl Predictor for Servable {
    fn signature(&self) -> &Signature {
        self.model.signature()
    }

    fn predict(&self, examples: &RecordBatch) -> Result<RecordBatch, BoxError> {
        let features = self.graph.apply_outputs(examples, &read_by(&self.model))?;
        self.model.predict(&features)
    }
}

/// Returns the features that a model reads.
fn read_by(model: &Model) -> Vec<&str> {
    model.signature().inputs.iter().map(|input| input.name.as_str()).collect()
}

/// Returns the raw features that a model's features are computed from, in the graph's order.
fn raw_inputs(graph: &Graph, model: &Model) -> Result<Vec<RawInput>, ServableError> {
    let features = read_by(model);
    for feature in features.iter().chain([&model.signature().label.as_str()]) {
        if !graph.outputs().iter().any(|output| output.name == *feature) {
            return Err(ServableError::MissingFeature { feature: (*feature).to_owned() });
        }
    }
    let needed = graph.inputs_of(&features).map_err(|error| ServableError::Graph(error.into()))?;
    let inputs = graph.inputs().iter().filter(|input| needed.contains(&input.name));
    Ok(inputs
        .map(|input| RawInput { name: input.name.clone(), value_type: input.value_type })
        .collect())
}
