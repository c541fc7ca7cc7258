//! How a version's folder becomes a model that answers.

use std::path::Path;

use base::BoxError;
use graph::{Graph, GraphInput, Shape};
use model::Predictor;
use servable::Servable;

/// A model in memory.
pub struct Loaded {
    /// What makes features of raw ones, if that is not the predictor's own business.
    pub graph: Option<Graph>,
    /// What predicts, from the graph's outputs where there is one.
    pub predictor: Box<dyn Predictor>,
    /// The raw features that it reads, in order.
    pub inputs: Vec<GraphInput>,
}

/// Makes a model of a version's folder.
pub trait Loader: Send + Sync {
    /// Loads a version. Called by a thread that serves no requests.
    ///
    /// # Errors
    ///
    /// The loader's own; the version is reported as failed then, and others go on.
    fn load(&self, dir: &Path) -> Result<Loaded, BoxError>;
}

/// Loads what [`push`] pushed: a [`Servable`].
#[derive(Clone, Copy, Debug, Default)]
pub struct ServableLoader;

impl Loader for ServableLoader {
    fn load(&self, dir: &Path) -> Result<Loaded, BoxError> {
        let servable = Servable::load(dir)?;
        let shape = |name: &str| {
            let inputs = servable.graph().inputs().iter();
            inputs.clone().find(|input| input.name == name).map_or(Shape::One, |input| input.shape)
        };
        let inputs = servable.raw_inputs().iter().map(|input| GraphInput {
            name: input.name.clone(),
            value_type: input.value_type,
            shape: shape(&input.name),
        });
        let inputs = inputs.collect();
        let (graph, model) = servable.into_parts();
        Ok(Loaded { graph: Some(graph), predictor: Box::new(model), inputs })
    }
}
