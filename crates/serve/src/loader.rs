//! How a version's folder becomes a model that answers.

use std::path::Path;

use base::BoxError;
use graph::{GraphInput, Shape};
use model::Predictor;
use servable::Servable;

/// A model in memory.
pub struct Loaded {
    /// What predicts.
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
        Ok(Loaded { predictor: Box::new(servable), inputs })
    }
}
