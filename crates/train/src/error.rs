//! Why a model could not be trained.

use std::fmt;

use base::{BoxError, Classify, ErrorKind};
use loader::LoaderError;
use model::ModelError;

use crate::{Metric, Problem};

/// Why a model could not be trained.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each message names its fields")]
pub enum TrainError {
    /// An option does not make sense.
    #[error("`{}`: {}", .0.key, .0.message)]
    Config(Problem),

    /// The examples could not be read; the reader's own error tells why.
    #[error("split `{split}`: {error}")]
    Read { split: &'static str, error: BoxError },

    /// The examples do not have the columns that the model reads.
    #[error("split `{split}`")] // the cause follows through `source()`
    Examples { split: &'static str, source: ModelError },

    /// The examples could not be put in order.
    #[error(transparent)]
    Loader(#[from] LoaderError),

    /// The features and the options do not make a model.
    #[error(transparent)]
    Model(#[from] ModelError),

    /// There is nothing to learn from.
    #[error("split `train` has no examples with a label ({num_missing_labels} without)")]
    NoExamples { num_missing_labels: u64 },

    /// Early stopping was asked for and there is nothing to measure.
    #[error("split `eval` has no examples with a label, and early stopping needs its {}", .0.name())]
    NothingToEvaluate(Metric),

    /// A label that the task does not have.
    #[error("split `{split}`: label `{label}` is {value}, expected {expected}")]
    Label { split: &'static str, label: String, value: f32, expected: String },

    /// An example has no label, and it was asked for that this is an error.
    #[error("split `{split}`: example {row} has no label `{label}` (counted from 1)")]
    MissingLabel { split: &'static str, label: String, row: u64 },

    /// All labels are the same, so that there is nothing to tell apart.
    #[error(
        "split `train`: label `{label}` is {value} for all {num_examples} examples, expected several classes"
    )]
    OneClass { label: String, value: f32, num_examples: u64 },

    /// No query has two examples of which one is more relevant.
    #[error(
        "split `train`: no query has examples with different labels `{label}`, expected some to put in order"
    )]
    NothingToRank { label: String },

    /// A weight that is none.
    #[error(
        "split `{split}`: example weight `{feature}` is {value}, expected a finite number of at least 0"
    )]
    Weight { split: &'static str, feature: String, value: f32 },

    /// An example of no query.
    #[error(
        "split `{split}`: query `{feature}` is missing from an example, expected an integer or a text"
    )]
    MissingQuery { split: &'static str, feature: String },

    /// A model to begin with that has other features or layers.
    #[error("the base model does not fit: {reason}")]
    BaseModel { reason: String },

    /// A numeric feature is infinite.
    #[error("split `{split}`: feature `{feature}` has an infinite value")]
    Infinite { split: &'static str, feature: String },

    /// The training went astray.
    #[error("the loss or its gradient is not a finite number by step {step}; {suspect}")]
    Diverged { step: u64, suspect: Suspect },

    /// The observer ended the training.
    #[error("cancelled")]
    Cancelled,
}

/// What probably made a training go astray.
#[derive(Clone, Debug, PartialEq)]
pub enum Suspect {
    /// A feature far out of scale.
    Feature {
        /// Its name.
        name: String,
        /// Its largest magnitude in the last batch.
        magnitude: f32,
    },
    /// The step size.
    LearningRate(f64),
}

impl fmt::Display for Suspect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Feature { name, magnitude } => {
                write!(f, "feature `{name}` has values as large as {magnitude:e}")
            }
            Self::LearningRate(rate) => write!(f, "the learning rate is {rate}"),
        }
    }
}

impl Classify for TrainError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Config(_) => ErrorKind::Usage,
            Self::Read { error, .. } => error.kind(),
            Self::Loader(error) => error.kind(),
            Self::Examples { source, .. } | Self::Model(source) => source.kind(),
            Self::NoExamples { .. }
            | Self::NothingToEvaluate(_)
            | Self::Label { .. }
            | Self::MissingLabel { .. }
            | Self::OneClass { .. }
            | Self::NothingToRank { .. }
            | Self::Weight { .. }
            | Self::MissingQuery { .. }
            | Self::BaseModel { .. }
            | Self::Infinite { .. }
            | Self::Diverged { .. } => ErrorKind::Data,
            Self::Cancelled => ErrorKind::Unavailable,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Config(problem) => problem.hint.clone(),
            Self::Read { error, .. } => error.hint(),
            Self::Loader(error) => error.hint(),
            Self::Examples { source, .. } | Self::Model(source) => source.hint(),
            Self::Infinite { feature, .. } => Some(format!(
                "logarithms of 0 and divisions by 0 are infinite: let the expression of `{feature}` avoid them, such as ln(x + 1)"
            )),
            Self::Diverged { suspect: Suspect::Feature { name, .. }, .. } => {
                Some(format!("scale it: {name} = \"scale_to_z_score(…)\""))
            }
            Self::Diverged { suspect: Suspect::LearningRate(rate), .. } => {
                Some(format!("try `learning_rate = {}`", rate / 10.0))
            }
            Self::MissingLabel { .. } => {
                Some("`missing_labels = \"skip\"` leaves such examples out".to_owned())
            }
            Self::NoExamples { .. }
            | Self::NothingToEvaluate(_)
            | Self::Label { .. }
            | Self::OneClass { .. }
            | Self::NothingToRank { .. }
            | Self::Weight { .. }
            | Self::MissingQuery { .. }
            | Self::BaseModel { .. }
            | Self::Cancelled => None,
        }
    }
}
