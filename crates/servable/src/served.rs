//! The model of a servable: built in or not.

use std::path::Path;

use arrow::array::RecordBatch;
use base::BoxError;
use model::{ForeignModel, Model, Predictor, Signature};

use crate::ServableError;

/// The model of a servable.
#[derive(Debug)]
pub enum Served {
    /// A built-in architecture with its weights.
    BuiltIn(Box<Model>),
    /// An ONNX file, or a program.
    Foreign(Box<ForeignModel>),
}

impl Served {
    /// Returns the weights and the architecture of a built-in model.
    pub fn built_in(&self) -> Option<&Model> {
        match self {
            Self::BuiltIn(model) => Some(model),
            Self::Foreign(_) => None,
        }
    }

    /// Returns what it is, in a few words for people.
    pub fn describe(&self) -> &'static str {
        match self {
            Self::BuiltIn(_) => "a built-in model",
            Self::Foreign(model) => model.describe(),
        }
    }

    /// Returns what an ONNX model is run by, such as `tract`; nothing for other models.
    pub fn runtime(&self) -> Option<String> {
        match self {
            Self::BuiltIn(_) => None,
            Self::Foreign(model) => model.runtime(),
        }
    }

    pub(crate) fn load(dir: &Path) -> Result<Self, ServableError> {
        if ForeignModel::is_at(dir) {
            Ok(ForeignModel::load(dir)?.into())
        } else {
            Ok(Model::load(dir)?.into())
        }
    }
}

impl From<Model> for Served {
    fn from(model: Model) -> Self {
        Self::BuiltIn(Box::new(model))
    }
}

impl From<ForeignModel> for Served {
    fn from(model: ForeignModel) -> Self {
        Self::Foreign(Box::new(model))
    }
}

impl Predictor for Served {
    fn signature(&self) -> &Signature {
        match self {
            Self::BuiltIn(model) => model.signature(),
            Self::Foreign(model) => model.signature(),
        }
    }

    fn predict(&self, examples: &RecordBatch) -> Result<RecordBatch, BoxError> {
        match self {
            Self::BuiltIn(model) => model.predict(examples),
            Self::Foreign(model) => model.predict(examples),
        }
    }
}
