//! What a user can say about training.

mod models;
mod optimizer;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use models::{
    BoostedTreesConfig, DeepConfig, LinearConfig, ModelConfig, TaskConfig, TwoTowerConfig,
    WideAndDeepConfig,
};
pub use optimizer::{
    AdamConfig, AdamWConfig, Decay, LearningRateSchedule, OptimizerConfig, SgdConfig,
};

/// Trains a built-in model on the transformed examples.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Which model, and what it predicts.
    pub model: ModelConfig,
    /// The transformed features that the model reads. Without it: all but the label and those that say something
    /// about the example, as its weight and its query.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub features: Option<Vec<String>>,
    /// How many classes a label can be, for `task = "multi_class_classification"`. Without it: as many as the label's
    /// expression says, as `vocabulary` and `bucketize` do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 2, max = 65536))]
    pub num_classes: Option<usize>,
    /// What is ranked, for `task = "ranking"`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ranking: Option<RankingConfig>,
    /// The transformed feature that says how much each example counts, in training and in evaluation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub example_weight: Option<String>,
    /// How much the examples of each class count in training: one number per class, or `"balanced"`, by which all
    /// classes count alike.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class_weights: Option<ClassWeights>,
    /// What to do with an example that has no label.
    #[serde(default)]
    pub missing_labels: MissingLabels,
    /// What is made of the weights and embeddings when an example has several categories of one feature.
    #[serde(default)]
    pub combiner: CombinerConfig,
    /// How many steps to train. With `epochs` too, whichever is reached first ends the training;
    /// without either it is 3000.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub num_steps: Option<u64>,
    /// How many times to go through the training examples.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub epochs: Option<u64>,
    /// How many examples are taken at a time. (Of ranked examples, those of whole queries, at least as many.)
    #[serde(default = "default_batch_size")]
    #[schemars(range(min = 1, max = 1048576))]
    pub batch_size: usize,
    /// How many batches each step learns from.
    #[serde(default = "default_accumulate_batches")]
    #[schemars(range(min = 1))]
    pub accumulate_batches: u64,
    /// How a step moves the weights.
    #[serde(default)]
    pub optimizer: OptimizerConfig,
    /// How far each step moves the weights, at most.
    #[serde(default = "default_learning_rate")]
    #[schemars(extend("exclusiveMinimum" = 0))]
    pub learning_rate: f64,
    /// How the learning rate rises and falls over the steps.
    #[serde(default)]
    pub learning_rate_schedule: LearningRateSchedule,
    /// The length that a step's gradient is cut to when it is longer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("exclusiveMinimum" = 0))]
    pub gradient_clip_norm: Option<f64>,
    /// After how many steps the evaluation examples are measured, again and again; they are always measured after the
    /// last step.
    #[serde(default = "default_eval_every_steps")]
    #[schemars(range(min = 1))]
    pub eval_every_steps: u64,
    /// Ends the training when the evaluation no longer gets better, and keeps the weights of its best point.
    /// Without it all steps are made and the last weights kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub early_stopping: Option<EarlyStopping>,
    /// After how many steps all that the training knows is saved, again and again, so that one that was interrupted
    /// goes on from there. Without it an interrupted training begins anew.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub checkpoint_every_steps: Option<u64>,
    /// Seeds the first weights and the order of the examples. The same seed and data give the same model.
    #[serde(default)]
    pub seed: u64,
}

/// What is ranked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RankingConfig {
    /// The transformed feature, an integer or a text, that examples of one query have in common. In a split that does
    /// not fit memory the examples of a query have to follow each other.
    pub query: String,
    /// What is made small.
    #[serde(default)]
    pub loss: RankingLoss,
}

/// What ranking makes small.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RankingLoss {
    /// Two examples of a query in the wrong order: the logistic loss of the difference of their scores.
    #[default]
    Pairwise,
    /// The scores of all examples of a query as probabilities, against their labels as probabilities.
    Listwise,
}

/// How much the examples of each class count.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum ClassWeights {
    /// A rule.
    Rule(ClassWeightRule),
    /// One number per class, from class 0.
    Numbers(Vec<f64>),
}

/// A rule for class weights.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ClassWeightRule {
    /// All classes count alike: the number of examples, by the number of classes times the examples of the class.
    Balanced,
}

/// What to do with an example that has no label.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum MissingLabels {
    /// It is left out and counted.
    #[default]
    Skip,
    /// The training fails and says where it is.
    Error,
}

/// What is made of several categories.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CombinerConfig {
    /// Their mean.
    #[default]
    Mean,
    /// Their sum.
    Sum,
}

/// When to stop early.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct EarlyStopping {
    /// What has to get better.
    pub metric: Metric,
    /// How many evaluations in a row may bring no improvement.
    #[schemars(range(min = 1))]
    pub patience: u64,
    /// By how much the metric has to get better to count as an improvement.
    #[schemars(range(min = 0))]
    pub min_delta: f64,
}

impl Default for EarlyStopping {
    fn default() -> Self {
        Self { metric: Metric::Loss, patience: 3, min_delta: 0.0 }
    }
}

/// What is measured on the evaluation examples.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Metric {
    /// What training makes small.
    #[default]
    Loss,
    /// The share of examples (of several labels: of labels) whose class is the most probable one.
    Accuracy,
    /// The share of pairs of a positive and a negative example that are in the right order.
    Auc,
    /// The root of the mean squared error.
    RootMeanSquaredError,
    /// The mean absolute error.
    MeanAbsoluteError,
    /// The normalized discounted cumulative gain of each query's ranking.
    Ndcg,
}

impl Metric {
    /// Returns whether more is better.
    pub fn is_gain(self) -> bool {
        matches!(self, Self::Accuracy | Self::Auc | Self::Ndcg)
    }

    /// Returns the metric's name, as in the configuration.
    pub fn name(self) -> &'static str {
        match self {
            Self::Loss => "loss",
            Self::Accuracy => "accuracy",
            Self::Auc => "auc",
            Self::RootMeanSquaredError => "root_mean_squared_error",
            Self::MeanAbsoluteError => "mean_absolute_error",
            Self::Ndcg => "ndcg",
        }
    }

    /// Returns whether the metric is one of a task.
    pub fn is_of(self, task: TaskConfig) -> bool {
        match self {
            Self::Loss => true,
            Self::Accuracy => matches!(
                task,
                TaskConfig::BinaryClassification
                    | TaskConfig::MultiClassClassification
                    | TaskConfig::MultiLabelClassification
            ),
            Self::Auc => task == TaskConfig::BinaryClassification,
            Self::RootMeanSquaredError | Self::MeanAbsoluteError => task == TaskConfig::Regression,
            Self::Ndcg => task == TaskConfig::Ranking,
        }
    }
}

impl Config {
    /// Returns the default configuration of a model.
    pub fn new(model: ModelConfig) -> Self {
        Self {
            model,
            features: None,
            num_classes: None,
            ranking: None,
            example_weight: None,
            class_weights: None,
            missing_labels: MissingLabels::default(),
            combiner: CombinerConfig::default(),
            num_steps: None,
            epochs: None,
            batch_size: default_batch_size(),
            accumulate_batches: default_accumulate_batches(),
            optimizer: OptimizerConfig::default(),
            learning_rate: default_learning_rate(),
            learning_rate_schedule: LearningRateSchedule::default(),
            gradient_clip_norm: None,
            eval_every_steps: default_eval_every_steps(),
            early_stopping: None,
            checkpoint_every_steps: None,
            seed: 0,
        }
    }

    /// Returns what decides about stopping early, or what is shown without it.
    pub(crate) fn metric(&self) -> Metric {
        self.early_stopping.as_ref().map_or(Metric::Loss, |stopping| stopping.metric)
    }
}

pub(crate) const DEFAULT_NUM_STEPS: u64 = 3000;

fn default_batch_size() -> usize {
    64
}

fn default_accumulate_batches() -> u64 {
    1
}

fn default_learning_rate() -> f64 {
    0.001
}

fn default_eval_every_steps() -> u64 {
    500
}
