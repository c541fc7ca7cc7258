//! The built-in models.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A built-in model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ModelConfig {
    /// Logistic regression, or linear regression for `task = "regression"`.
    Linear(LinearConfig),
    /// Hidden layers over numbers and embeddings.
    Deep(DeepConfig),
    /// A linear model over the categories (wide) and hidden layers over numbers and embeddings (deep), added up.
    WideAndDeep(WideAndDeepConfig),
    /// Hidden layers over the features of a query, and others over those of an item, multiplied.
    TwoTower(TwoTowerConfig),
    /// Trees of decisions, each one correcting the sum of those before.
    BoostedTrees(BoostedTreesConfig),
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

/// A deep model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DeepConfig {
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

/// A model of two towers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TwoTowerConfig {
    /// The transformed feature to predict; for ranking, how relevant an item is, from 0.
    pub label: String,
    /// What to predict about the label: one number, so not classes or several labels.
    #[serde(default = "default_two_tower_task")]
    pub task: TaskConfig,
    /// The features of the query; all others are the item's.
    pub query_features: Vec<String>,
    /// The width of each tower's hidden layers, first to last.
    #[serde(default = "default_tower_hidden")]
    #[schemars(inner(range(min = 1, max = 8192)))]
    pub hidden: Vec<usize>,
    /// How many numbers each tower gives.
    #[serde(default = "default_dimension")]
    #[schemars(range(min = 1, max = 8192))]
    pub dimension: usize,
    /// The width of the embedding of each categorical feature. Without it: twice the fourth root of the number
    /// of categories, rounded up, at most 16 and at most that number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 4096))]
    pub embedding_dimension: Option<usize>,
}

/// Boosted trees. They read all examples at once, so that options of steps and batches say nothing to them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BoostedTreesConfig {
    /// The transformed feature to predict; for binary classification its values are 0 and 1.
    pub label: String,
    /// What to predict about the label.
    #[serde(default)]
    pub task: TaskConfig,
    /// How many trees to grow (for each class or label), at most.
    #[serde(default = "default_num_trees")]
    #[schemars(range(min = 1, max = 100000))]
    pub num_trees: usize,
    /// How many leaves a tree has, at most.
    #[serde(default = "default_max_leaves")]
    #[schemars(range(min = 2, max = 65536))]
    pub max_leaves: usize,
    /// How many decisions a path has, at most.
    #[serde(default = "default_max_depth")]
    #[schemars(range(min = 1, max = 1000))]
    pub max_depth: usize,
    /// The share of what a tree found that is added.
    #[serde(default = "default_shrinkage")]
    #[schemars(extend("exclusiveMinimum" = 0), range(max = 1))]
    pub shrinkage: f64,
    /// How many examples a leaf has, at least.
    #[serde(default = "default_min_examples")]
    #[schemars(range(min = 1))]
    pub min_examples_per_leaf: usize,
    /// How much leaves are drawn to nothing: what is added to the second derivatives of a leaf.
    #[serde(default = "default_l2")]
    #[schemars(range(min = 0))]
    pub l2: f64,
    /// By how much a decision has to lower the loss, at least.
    #[serde(default)]
    #[schemars(range(min = 0))]
    pub min_gain: f64,
    /// The share of the examples, drawn anew, that each tree is grown on.
    #[serde(default = "default_one")]
    #[schemars(extend("exclusiveMinimum" = 0), range(max = 1))]
    pub example_ratio: f64,
    /// The share of the features, drawn anew, that each tree asks for.
    #[serde(default = "default_one")]
    #[schemars(extend("exclusiveMinimum" = 0), range(max = 1))]
    pub feature_ratio: f64,
}

/// What to predict about the label.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TaskConfig {
    /// The probability that a label of 0 or 1 is 1.
    #[default]
    BinaryClassification,
    /// The probability of each class, of which the label is one, an id from 0.
    MultiClassClassification,
    /// The probability that each of the labels, a vector of 0 and 1, is 1.
    MultiLabelClassification,
    /// The expected value of the label.
    Regression,
    /// A score by which the examples of one query are put in order; the label is how relevant each is.
    Ranking,
}

impl ModelConfig {
    /// Returns the feature to predict.
    pub fn label(&self) -> &str {
        match self {
            Self::Linear(model) => &model.label,
            Self::Deep(model) => &model.label,
            Self::WideAndDeep(model) => &model.label,
            Self::TwoTower(model) => &model.label,
            Self::BoostedTrees(model) => &model.label,
        }
    }

    /// Returns what to predict about the label.
    pub fn task(&self) -> TaskConfig {
        match self {
            Self::Linear(model) => model.task,
            Self::Deep(model) => model.task,
            Self::WideAndDeep(model) => model.task,
            Self::TwoTower(model) => model.task,
            Self::BoostedTrees(model) => model.task,
        }
    }

    /// Returns the name of the option that holds this model's settings.
    pub(crate) fn key(&self) -> &'static str {
        match self {
            Self::Linear(_) => "model.linear",
            Self::Deep(_) => "model.deep",
            Self::WideAndDeep(_) => "model.wide_and_deep",
            Self::TwoTower(_) => "model.two_tower",
            Self::BoostedTrees(_) => "model.boosted_trees",
        }
    }

    /// Returns the widths of the hidden layers and of the embeddings.
    pub(crate) fn layers(&self) -> (&[usize], Option<usize>) {
        match self {
            Self::Linear(_) | Self::BoostedTrees(_) => (&[], None),
            Self::Deep(model) => (&model.hidden, model.embedding_dimension),
            Self::WideAndDeep(model) => (&model.hidden, model.embedding_dimension),
            Self::TwoTower(model) => (&model.hidden, model.embedding_dimension),
        }
    }
}

fn default_hidden() -> Vec<usize> {
    vec![100, 70, 50, 25]
}

fn default_tower_hidden() -> Vec<usize> {
    vec![64]
}

fn default_two_tower_task() -> TaskConfig {
    TaskConfig::Ranking
}

fn default_dimension() -> usize {
    32
}

fn default_num_trees() -> usize {
    100
}

fn default_max_leaves() -> usize {
    31
}

fn default_max_depth() -> usize {
    12
}

fn default_shrinkage() -> f64 {
    0.1
}

fn default_min_examples() -> usize {
    20
}

fn default_l2() -> f64 {
    1.0
}

fn default_one() -> f64 {
    1.0
}
