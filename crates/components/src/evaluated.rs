//! The models that an evaluation is of: servables over raw features, or language models over raw texts.

use std::path::Path;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use base::BoxError;
use dataflow::Source;
use dataset::Dataset;
use evaluate::{Columns, Config, Task};
use model::Predictor;
use servable::Servable;
use text_model::TextModel;

use crate::scored_texts::{self, ScoredTexts};
use crate::scoring::{Scored, added_columns};

/// What is measured of language models where the configuration does not say: everything, as the columns are there.
const OF_TEXTS: [&str; 7] = [
    "example_count",
    "weighted_example_count",
    "cross_entropy",
    "perplexity",
    "bits_per_byte",
    "next_token_accuracy",
    "token_count",
];

/// A model to evaluate.
pub(crate) enum Evaluated {
    Servable(Box<Servable>),
    Text(Box<TextModel>),
}

impl Evaluated {
    pub(crate) fn load(dir: &Path) -> Result<Self, BoxError> {
        Ok(match TextModel::is_in(dir) {
            true => Self::Text(Box::new(TextModel::load(dir)?)),
            false => Self::Servable(Box::new(Servable::load(dir)?)),
        })
    }

    pub(crate) fn task(&self) -> Task {
        match self {
            Self::Servable(servable) => servable.signature().task.into(),
            Self::Text(_) => Task::LanguageModel,
        }
    }

    /// Returns a configuration with the metrics that are measured of such a model.
    pub(crate) fn config(&self, config: &Config) -> Config {
        let mut config = config.clone();
        if matches!(self, Self::Text(_)) && config.metrics.is_none() {
            config.metrics = Some(OF_TEXTS.map(str::to_owned).into());
        }
        config
    }

    /// Returns why this candidate cannot be compared with a baseline on some examples, if so.
    pub(crate) fn why_not_with(
        &self,
        baseline: &Self,
        dataset: &Dataset,
    ) -> Result<Option<String>, BoxError> {
        match (self, baseline) {
            (Self::Servable(ours), Self::Servable(theirs)) => {
                let (ours, theirs) = (ours.signature(), theirs.signature());
                if (ours.task, &ours.label) != (theirs.task, &theirs.label) {
                    return Ok(Some(format!(
                        "it predicts `{}` ({}), not `{}` ({})",
                        theirs.label, theirs.task, ours.label, ours.task
                    )));
                }
            }
            (Self::Text(ours), Self::Text(theirs)) => {
                // The metrics are those of tokens, which have to be the same.
                if (ours.tokenizer(), ours.boundary()) != (theirs.tokenizer(), theirs.boundary()) {
                    return Ok(Some("it has another tokenizer".to_owned()));
                }
            }
            (Self::Servable(_), Self::Text(_)) => {
                return Ok(Some("it is a language model".to_owned()));
            }
            (Self::Text(_), Self::Servable(_)) => {
                return Ok(Some("it is no language model".to_owned()));
            }
        }
        for split in dataset.splits() {
            let none = RecordBatch::new_empty(split.source()?.schema());
            let found = match baseline {
                Self::Servable(servable) => servable.predict(&none).map(drop),
                Self::Text(model) => model.documents(&none).map(drop).map_err(BoxError::from),
            };
            if let Err(error) = found {
                return Ok(Some(format!("it cannot read these examples: {error}")));
            }
        }
        Ok(None)
    }

    /// Returns names for the columns that scoring adds to examples of some schemas.
    pub(crate) fn columns(&self, schemas: &[SchemaRef], has_baseline: bool) -> Columns {
        let columns = added_columns(schemas, has_baseline);
        match self {
            Self::Servable(_) => columns,
            Self::Text(_) => scored_texts::with_texts(columns, schemas),
        }
    }

    /// Returns the examples of a split with what this candidate and a baseline, with which it was compared, say of them.
    pub(crate) fn scored<'a>(
        &'a self,
        raw: &'a dyn Source,
        baseline: Option<&'a Self>,
        columns: &'a Columns,
    ) -> Box<dyn Source + 'a> {
        match self {
            Self::Servable(candidate) => {
                let baseline = baseline.and_then(|baseline| match baseline {
                    Self::Servable(servable) => Some(servable.as_ref()),
                    Self::Text(_) => None,
                });
                Box::new(Scored::new(raw, candidate, baseline, columns))
            }
            Self::Text(candidate) => {
                let baseline = baseline.and_then(|baseline| match baseline {
                    Self::Text(model) => Some(model.as_ref()),
                    Self::Servable(_) => None,
                });
                Box::new(ScoredTexts::new(raw, candidate, baseline, columns))
            }
        }
    }
}
