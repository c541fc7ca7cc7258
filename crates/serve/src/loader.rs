//! How a version's folder becomes a model that answers.

use std::path::Path;
use std::sync::Arc;

use base::BoxError;
use graph::{Graph, GraphInput, Shape};
use model::Predictor;
use servable::Servable;
use text_model::{Ask, TextModel, TextPredictor};

/// A model in memory.
pub struct Loaded {
    /// What makes features of raw ones, if that is not the predictor's own business.
    pub graph: Option<Graph>,
    /// What predicts, from the graph's outputs where there is one.
    pub predictor: Box<dyn Predictor>,
    /// The raw features that it reads, in order.
    pub inputs: Vec<GraphInput>,
    /// A language model, which completes texts, too.
    pub text: Option<Arc<TextModel>>,
}

/// Makes a model of a version's folder.
pub trait Loader: Send + Sync {
    /// Loads a version. Called by a thread that serves no requests.
    ///
    /// # Errors
    ///
    /// The loader's own; the version is reported as failed then, and others go on.
    fn load(&self, dir: &Path) -> Result<Loaded, BoxError>;

    /// Tells whether a folder is a model by itself: without versions, and without the marker of one that was pushed.
    fn is_bare(&self, _dir: &Path) -> bool {
        false
    }
}

/// Loads what [`push`] pushed: a [`Servable`], or a language model ([`TextModel`]), which is asked for predictions as
/// [`TextPredictor`] scores texts.
#[derive(Clone, Copy, Debug, Default)]
pub struct ServableLoader;

impl Loader for ServableLoader {
    /// As HuggingFace's tools write them.
    fn is_bare(&self, dir: &Path) -> bool {
        TextModel::is_in(dir)
    }

    fn load(&self, dir: &Path) -> Result<Loaded, BoxError> {
        if TextModel::is_in(dir) {
            let text = Arc::new(TextModel::load(dir)?);
            let predictor = TextPredictor::new(Arc::clone(&text), Ask::Score);
            let inputs = text.inputs().to_vec();
            let predictor = Box::new(predictor);
            return Ok(Loaded { graph: None, predictor, inputs, text: Some(text) });
        }
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
        Ok(Loaded { graph: Some(graph), predictor: Box::new(model), inputs, text: None })
    }
}
