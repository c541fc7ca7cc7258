//! How a step moves the weights.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How a step moves the weights.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OptimizerConfig {
    /// Each weight by the mean of its gradients over the root of the mean of their squares.
    Adam(AdamConfig),
    /// Adam, with weights that shrink by themselves.
    AdamW(AdamWConfig),
    /// Down the gradient, with momentum if it is asked for.
    Sgd(SgdConfig),
}

impl Default for OptimizerConfig {
    fn default() -> Self {
        Self::Adam(AdamConfig::default())
    }
}

/// Adam's constants.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct AdamConfig {
    /// How much of the mean of the gradients stays from step to step.
    #[schemars(range(min = 0), extend("exclusiveMaximum" = 1))]
    pub beta_1: f64,
    /// How much of the mean of their squares stays.
    #[schemars(range(min = 0), extend("exclusiveMaximum" = 1))]
    pub beta_2: f64,
    /// What keeps the division from one by zero.
    #[schemars(extend("exclusiveMinimum" = 0))]
    pub epsilon: f64,
}

impl Default for AdamConfig {
    fn default() -> Self {
        Self { beta_1: 0.9, beta_2: 0.999, epsilon: 1e-8 }
    }
}

/// AdamW's constants.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct AdamWConfig {
    /// The share of itself, times the learning rate, that a step takes from each weight (not from biases; of
    /// embeddings, from those that the batch uses).
    #[schemars(range(min = 0))]
    pub weight_decay: f64,
    /// How much of the mean of the gradients stays from step to step.
    #[schemars(range(min = 0), extend("exclusiveMaximum" = 1))]
    pub beta_1: f64,
    /// How much of the mean of their squares stays.
    #[schemars(range(min = 0), extend("exclusiveMaximum" = 1))]
    pub beta_2: f64,
    /// What keeps the division from one by zero.
    #[schemars(extend("exclusiveMinimum" = 0))]
    pub epsilon: f64,
}

impl Default for AdamWConfig {
    fn default() -> Self {
        let AdamConfig { beta_1, beta_2, epsilon } = AdamConfig::default();
        Self { weight_decay: 0.01, beta_1, beta_2, epsilon }
    }
}

/// Stochastic gradient descent.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SgdConfig {
    /// How much of the last steps goes on.
    #[schemars(range(min = 0), extend("exclusiveMaximum" = 1))]
    pub momentum: f64,
}

/// How the learning rate rises and falls over the steps.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct LearningRateSchedule {
    /// Over how many steps it rises from nothing.
    pub warm_up_steps: u64,
    /// How it falls from then to the last step.
    pub decay: Decay,
    /// The share of it that is left at the last step.
    #[schemars(range(min = 0, max = 1))]
    pub final_ratio: f64,
}

/// How the learning rate falls.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Decay {
    /// It does not.
    #[default]
    Constant,
    /// In a straight line.
    Linear,
    /// As half a period of the cosine.
    Cosine,
}

impl LearningRateSchedule {
    /// Returns the share of the learning rate that a step, counted from 0, has.
    pub(crate) fn ratio(&self, step: u64, num_steps: u64) -> f64 {
        if step < self.warm_up_steps {
            return as_float(step + 1) / as_float(self.warm_up_steps);
        }
        let length = num_steps.saturating_sub(self.warm_up_steps).saturating_sub(1);
        let done = as_float(step - self.warm_up_steps) / as_float(length.max(1));
        let left = match self.decay {
            Decay::Constant => return 1.0,
            Decay::Linear => 1.0 - done.min(1.0),
            Decay::Cosine => 0.5 * (1.0 + (std::f64::consts::PI * done.min(1.0)).cos()),
        };
        self.final_ratio + (1.0 - self.final_ratio) * left
    }
}

#[expect(clippy::cast_precision_loss, reason = "no training has 2^52 steps")]
fn as_float(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_learning_rate_rises_and_falls_as_it_is_told() {
        let ratios = |decay, final_ratio| {
            let schedule = LearningRateSchedule { warm_up_steps: 4, decay, final_ratio };
            (0..9).map(|step| schedule.ratio(step, 9)).collect::<Vec<_>>()
        };
        let rise = [0.25, 0.5, 0.75, 1.0];
        let check = |found: Vec<f64>, fall: [f64; 5]| {
            for (found, expected) in found.iter().zip(rise.iter().chain(&fall)) {
                assert!((found - expected).abs() < 1e-12, "{found} and {expected}");
            }
        };
        check(ratios(Decay::Constant, 0.0), [1.0; 5]);
        check(ratios(Decay::Linear, 0.2), [1.0, 0.8, 0.6, 0.4, 0.2]);
        let half = std::f64::consts::FRAC_1_SQRT_2;
        check(ratios(Decay::Cosine, 0.0), [1.0, 0.5 + half / 2.0, 0.5, 0.5 - half / 2.0, 0.0]);
    }
}
