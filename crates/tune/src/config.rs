//! What a user can say about a search.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Searches for the hyperparameters of a trainer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// How to search: `{ random = { trials = 20 } }`, `{ grid = {} }`, `{ tpe = { trials = 30 } }`,
    /// `{ successive_halving = { trials = 27, min_steps = 100, max_steps = 900 } }` or
    /// `{ hyperband = { min_steps = 100, max_steps = 900 } }`.
    pub search: SearchConfig,
    /// The hyperparameters and the values to try. Of a built-in model each is a key of the `trainer`, with dots between
    /// the levels, such as `learning_rate` or `"optimizer.adam_w.weight_decay"`; of a program it is what the program finds
    /// in `hyperparameters`.
    pub space: BTreeMap<String, DomainConfig>,
    /// How many trials run beside each other. It is part of the search: a trial is chosen by what those have given that
    /// were finished before.
    #[serde(default = "default_parallel_trials")]
    #[schemars(range(min = 1, max = 256))]
    pub parallel_trials: usize,
    /// Seeds the search. The same seed, data and configuration give the same trials.
    #[serde(default)]
    pub seed: u64,
}

/// How to search.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SearchConfig {
    /// Values drawn at random.
    Random(RandomConfig),
    /// All combinations.
    Grid(GridConfig),
    /// Values that are like those of the best trials so far: tree-structured Parzen estimators.
    Tpe(TpeConfig),
    /// Many trials of few steps, of which the best go on with more.
    SuccessiveHalving(HalvingConfig),
    /// Successive halving with few steps for many trials, with more for fewer, and so on.
    Hyperband(HyperbandConfig),
}

/// Values drawn at random.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RandomConfig {
    /// How many trials; fewer if there are not so many different ones.
    #[schemars(range(min = 1, max = 100_000))]
    pub trials: u64,
}

/// All combinations.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GridConfig {}

/// Tree-structured Parzen estimators.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TpeConfig {
    /// How many trials; fewer if there are not so many different ones.
    #[schemars(range(min = 1, max = 100_000))]
    pub trials: u64,
    /// How many of them are drawn at random, to begin with.
    #[serde(default = "default_random_trials")]
    #[schemars(range(min = 1))]
    pub random_trials: u64,
    /// Of how many candidates the most promising is tried.
    #[serde(default = "default_candidates")]
    #[schemars(range(min = 1, max = 10_000))]
    pub candidates: usize,
}

/// Successive halving.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HalvingConfig {
    /// How many trials begin.
    #[schemars(range(min = 1, max = 100_000))]
    pub trials: u64,
    /// With how many steps.
    #[schemars(range(min = 1))]
    pub min_steps: u64,
    /// How many steps the last ones have.
    #[schemars(range(min = 1))]
    pub max_steps: u64,
    /// One of so many goes on, with as many times the steps.
    #[serde(default = "default_reduction")]
    #[schemars(range(min = 2, max = 100))]
    pub reduction: u64,
}

/// Hyperband.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HyperbandConfig {
    /// How many steps trials have at least.
    #[schemars(range(min = 1))]
    pub min_steps: u64,
    /// How many steps the last ones have.
    #[schemars(range(min = 1))]
    pub max_steps: u64,
    /// One of so many goes on, with as many times the steps.
    #[serde(default = "default_reduction")]
    #[schemars(range(min = 2, max = 100))]
    pub reduction: u64,
}

/// The values of a hyperparameter: a list, or a range of numbers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct DomainConfig {
    /// All values there are, of any type, instead of a range.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub values: Option<Vec<Value>>,
    /// The lowest value. Whole numbers are tried where both ends are whole numbers (`1`, and not `1.0`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min: Option<Number>,
    /// The highest value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max: Option<Number>,
    /// How far apart values are; with `scale = "log"`, how many times as large the next one is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub step: Option<Number>,
    /// Whether numbers are as likely as their neighbours, or as those of half the size.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scale: Option<Scale>,
}

/// A number, whole or not.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Number {
    /// A whole number.
    Int(i64),
    /// Any other.
    Float(f64),
}

/// How numbers are spread.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Scale {
    /// Evenly.
    #[default]
    Linear,
    /// Evenly by their logarithm.
    Log,
}

/// Which scores are better.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// Lower ones.
    Min,
    /// Higher ones.
    Max,
}

impl Direction {
    /// Returns a score as one of which lower is better.
    pub(crate) fn cost(self, score: f64) -> f64 {
        match self {
            Self::Min => score,
            Self::Max => -score,
        }
    }
}

impl Number {
    /// Returns the number as a float.
    #[expect(clippy::cast_precision_loss, reason = "the check refuses what is not exact")]
    pub(crate) fn as_f64(self) -> f64 {
        match self {
            Self::Int(value) => value as f64,
            Self::Float(value) => value,
        }
    }
}

fn default_parallel_trials() -> usize {
    1
}

fn default_random_trials() -> u64 {
    10
}

fn default_candidates() -> usize {
    24
}

fn default_reduction() -> u64 {
    3
}
