//! What a user can say about training.

use model::Task;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Trains a built-in model on the transformed examples.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Which model, and what it predicts.
    pub model: ModelConfig,
    /// The transformed features that the model reads. Without it: all but the label.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub features: Option<Vec<String>>,
    /// How many batches to train on. With `epochs` too, whichever is reached first ends the training;
    /// without either it is 3000.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub num_steps: Option<u64>,
    /// How many times to go through the training examples.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub epochs: Option<u64>,
    /// How many examples each step learns from.
    #[serde(default = "default_batch_size")]
    #[schemars(range(min = 1, max = 1048576))]
    pub batch_size: usize,
    /// How far each step moves the weights (Adam's step size).
    #[serde(default = "default_learning_rate")]
    #[schemars(extend("exclusiveMinimum" = 0))]
    pub learning_rate: f64,
    /// After how many steps the loss on the evaluation examples is measured, again and again; it is always
    /// measured after the last step.
    #[serde(default = "default_eval_every_steps")]
    #[schemars(range(min = 1))]
    pub eval_every_steps: u64,
    /// Ends the training when the evaluation loss no longer falls, and keeps the weights of its lowest point.
    /// Without it all steps are made and the last weights kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub early_stopping: Option<EarlyStopping>,
    /// Seeds the first weights and the order of the examples. The same seed and data give the same model.
    #[serde(default)]
    pub seed: u64,
}

/// When to stop early.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct EarlyStopping {
    /// How many evaluations in a row may bring no improvement.
    #[schemars(range(min = 1))]
    pub patience: u64,
    /// By how much the evaluation loss has to fall to count as an improvement.
    #[schemars(range(min = 0))]
    pub min_delta: f64,
}

impl Default for EarlyStopping {
    fn default() -> Self {
        Self { patience: 3, min_delta: 0.0 }
    }
}

/// A built-in model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ModelConfig {
    /// Logistic regression, or linear regression for `task = "regression"`.
    Linear(LinearConfig),
    /// A linear model over the categories (wide) and hidden layers over numbers and embeddings (deep), added up.
    WideAndDeep(WideAndDeepConfig),
}

/// A linear model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LinearConfig {
    /// The transformed feature to predict; for binary classification its values are 0 and 1.
    pub label: String,
    /// What to predict about the label.
    #[serde(default)]
    pub task: TaskConfig,
}

/// A wide-and-deep model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WideAndDeepConfig {
    /// The transformed feature to predict; for binary classification its values are 0 and 1.
    pub label: String,
    /// What to predict about the label.
    #[serde(default)]
    pub task: TaskConfig,
    /// The width of each hidden layer, first to last.
    #[serde(default = "default_hidden")]
    #[schemars(inner(range(min = 1, max = 8192)))]
    pub hidden: Vec<usize>,
    /// The width of the embedding of each categorical feature. Without it: twice the fourth root of the number
    /// of categories, rounded up, at most 16 and at most that number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 4096))]
    pub embedding_dimension: Option<usize>,
}

/// What to predict about the label.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TaskConfig {
    /// The probability that a label of 0 or 1 is 1.
    #[default]
    BinaryClassification,
    /// The expected value of the label.
    Regression,
}

impl From<TaskConfig> for Task {
    fn from(task: TaskConfig) -> Self {
        match task {
            TaskConfig::BinaryClassification => Self::BinaryClassification,
            TaskConfig::Regression => Self::Regression,
        }
    }
}

impl ModelConfig {
    /// Returns the feature to predict.
    pub fn label(&self) -> &str {
        match self {
            Self::Linear(linear) => &linear.label,
            Self::WideAndDeep(wide_and_deep) => &wide_and_deep.label,
        }
    }

    /// Returns what to predict about the label.
    pub fn task(&self) -> TaskConfig {
        match self {
            Self::Linear(linear) => linear.task,
            Self::WideAndDeep(wide_and_deep) => wide_and_deep.task,
        }
    }

    /// Returns the name of the option that holds this model's settings.
    pub(crate) fn key(&self) -> &'static str {
        match self {
            Self::Linear(_) => "model.linear",
            Self::WideAndDeep(_) => "model.wide_and_deep",
        }
    }
}

impl Config {
    /// Returns the default configuration of a model.
    pub fn new(model: ModelConfig) -> Self {
        Self {
            model,
            features: None,
            num_steps: None,
            epochs: None,
            batch_size: default_batch_size(),
            learning_rate: default_learning_rate(),
            eval_every_steps: default_eval_every_steps(),
            early_stopping: None,
            seed: 0,
        }
    }
}

pub(crate) const DEFAULT_NUM_STEPS: u64 = 3000;

fn default_batch_size() -> usize {
    64
}

fn default_learning_rate() -> f64 {
    0.001
}

fn default_eval_every_steps() -> u64 {
    500
}

fn default_hidden() -> Vec<usize> {
    vec![100, 70, 50, 25]
}
