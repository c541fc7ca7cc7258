//! A graph with a model behind it.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch};
use base::{BoxError, IoError};
use graph::{Graph, ValueType};
use model::foreign::Description;
use model::{ForeignModel, Model, Predictor, Signature};

use crate::serialize::{SIGNATURE, V2};
use crate::{ServableError, Served};

const GRAPH: &str = "graph";
const MODEL: &str = "model";

/// A graph with a model behind it: raw features in, predictions out.
#[derive(Debug)]
pub struct Servable {
    graph: Graph,
    /// The part of the graph that makes what the model reads.
    features: Graph,
    /// The part of the graph that makes the label.
    label: Graph,
    model: Served,
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
    pub fn new(graph: Graph, model: impl Into<Served>) -> Result<Self, ServableError> {
        let model = model.into();
        let (features, label) = split(&graph, model.signature())?;
        let raw_inputs = raw_inputs(&features);
        Ok(Self { graph, features, label, model, raw_inputs })
    }

    /// Writes a graph and a model as a servable, the signature last. The folder is made if need be.
    ///
    /// # Errors
    ///
    /// As [`Servable::new`], and when the disk refuses.
    pub fn save(dir: &Path, graph: &Graph, model: &Model) -> Result<(), ServableError> {
        Self::save_with(dir, graph, model.signature(), &|dir| Ok(model.save(dir)?))
    }

    /// Writes a graph and a foreign model as a servable: its description, and a copy of what its training wrote. The
    /// folder is made if need be. The model is loaded once, so that one that does not load is found here.
    ///
    /// # Errors
    ///
    /// As [`Servable::new`], when the model does not load, and when the disk refuses.
    pub fn save_foreign(
        dir: &Path,
        graph: &Graph,
        description: &Description,
        written: &Path,
    ) -> Result<(), ServableError> {
        Self::save_with(dir, graph, &description.signature, &|dir| {
            ForeignModel::save(dir, description, written)?;
            ForeignModel::load(dir)?;
            Ok(())
        })
    }

    fn save_with(
        dir: &Path,
        graph: &Graph,
        signature: &Signature,
        save_model: &dyn Fn(&Path) -> Result<(), ServableError>,
    ) -> Result<(), ServableError> {
        let (features, _) = split(graph, signature)?;
        fs::create_dir_all(dir).map_err(IoError::at("create", dir))?;
        graph.save(&dir.join(GRAPH)).map_err(|error| ServableError::Graph(error.into()))?;
        save_model(&dir.join(MODEL))?;
        V2::new(signature, &raw_inputs(&features)).save(dir)
    }

    /// Reads a servable that [`Servable::save`] or [`Servable::save_foreign`] wrote.
    ///
    /// # Errors
    ///
    /// [`ServableError`], naming the file and what is wrong with it.
    pub fn load(dir: &Path) -> Result<Self, ServableError> {
        let stored = V2::load(dir)?;
        let graph =
            Graph::load(&dir.join(GRAPH)).map_err(|error| ServableError::Graph(error.into()))?;
        let servable = Self::new(graph, Served::load(&dir.join(MODEL))?)?;
        if stored != V2::new(servable.model.signature(), &servable.raw_inputs) {
            return Err(ServableError::OtherSignature { path: dir.join(SIGNATURE) });
        }
        Ok(servable)
    }

    /// Returns the raw features that a prediction needs; the label's own are among them only if the model's
    /// features are computed from them too.
    pub fn raw_inputs(&self) -> &[RawInput] {
        &self.raw_inputs
    }

    /// Returns the raw features that the label is computed from.
    pub fn label_inputs(&self) -> Vec<RawInput> {
        raw_inputs(&self.label)
    }

    /// Returns the graph.
    pub fn graph(&self) -> &Graph {
        &self.graph
    }

    /// Returns the model.
    pub fn model(&self) -> &Served {
        &self.model
    }

    /// Returns the part of the graph that makes what the model reads, and the model: together they are what
    /// [`predict`](Predictor::predict) does.
    pub fn into_parts(self) -> (Graph, Served) {
        (self.features, self.model)
    }

    /// Returns the label of raw examples, as the graph computes it.
    ///
    /// # Errors
    ///
    /// The graph's own error when a raw feature that the label needs is not there.
    pub fn label(&self, raw: &RecordBatch) -> Result<ArrayRef, BoxError> {
        let batch = self.label.apply(raw)?;
        Ok(Arc::clone(batch.column(0)))
    }
}

impl Predictor for Servable {
    fn signature(&self) -> &Signature {
        self.model.signature()
    }

    fn predict(&self, examples: &RecordBatch) -> Result<RecordBatch, BoxError> {
        self.model.predict(&self.features.apply(examples)?)
    }
}

/// Returns the parts of a graph that make what a model reads, and its label.
fn split(graph: &Graph, signature: &Signature) -> Result<(Graph, Graph), ServableError> {
    let features: Vec<_> = signature.inputs.iter().map(|input| input.name.as_str()).collect();
    let label = signature.label.as_str();
    for feature in features.iter().chain([&label]) {
        if !graph.outputs().iter().any(|output| output.name == *feature) {
            return Err(ServableError::MissingFeature { feature: (*feature).to_owned() });
        }
    }
    let project = |outputs: &[&str]| {
        graph.project(outputs).map_err(|error| ServableError::Graph(error.into()))
    };
    Ok((project(&features)?, project(&[label])?))
}

/// Returns the raw features that a graph reads.
fn raw_inputs(graph: &Graph) -> Vec<RawInput> {
    let inputs = graph.inputs().iter();
    inputs
        .map(|input| RawInput { name: input.name.clone(), value_type: input.value_type })
        .collect()
}
