//! The learning rate of each step.

use crate::Config;

/// Returns the learning rate of a step, counted from 0: a linear warm-up, then half a cosine down to
/// `min_learning_rate` at the last step.
#[expect(clippy::cast_precision_loss, reason = "steps are far fewer than 2^53")]
pub(crate) fn learning_rate(config: &Config, num_steps: u64, step: u64) -> f64 {
    if step < config.warmup_steps {
        return config.learning_rate * (step + 1) as f64 / config.warmup_steps as f64;
    }
    let left = num_steps.saturating_sub(config.warmup_steps).max(1);
    let along = ((step - config.warmup_steps) as f64 / left as f64).min(1.0);
    let span = config.learning_rate - config.min_learning_rate;
    config.min_learning_rate + 0.5 * span * (1.0 + (std::f64::consts::PI * along).cos())
}
