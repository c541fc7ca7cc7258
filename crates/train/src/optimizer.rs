//! How a step moves the weights, over slices of them.
//!
//! # Source
//!
//! Kingma and Ba, *Adam: A Method for Stochastic Optimization* (2015), algorithm 1; Loshchilov and Hutter, *Decoupled
//! Weight Decay Regularization* (2019), algorithm 2. Rows of tables that a batch does not use are left alone together
//! with their moments, as in the sparse variants of other libraries; the bias correction counts all steps.

use crate::OptimizerConfig;

/// One way of moving weights, with how far the corrections of its biased means are.
#[derive(Clone, Debug)]
pub(crate) struct Optimizer {
    kind: Kind,
    /// The products of all steps' betas.
    pub(crate) powers: [f64; 2],
    learning_rate: f64,
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    Adam { betas: [f64; 2], epsilon: f64, weight_decay: f64 },
    Sgd { momentum: f64 },
}

/// Some weights, with what the optimizer remembers of each.
pub(crate) struct Slice<'a> {
    pub(crate) weights: &'a mut [f32],
    pub(crate) first: &'a mut [f32],
    pub(crate) second: &'a mut [f32],
    /// Whether they may be drawn to zero, as biases are not.
    pub(crate) decays: bool,
}

impl Optimizer {
    pub(crate) fn new(config: &OptimizerConfig) -> Self {
        let kind = match config {
            OptimizerConfig::Adam(adam) => Kind::Adam {
                betas: [adam.beta_1, adam.beta_2],
                epsilon: adam.epsilon,
                weight_decay: 0.0,
            },
            OptimizerConfig::AdamW(adam) => Kind::Adam {
                betas: [adam.beta_1, adam.beta_2],
                epsilon: adam.epsilon,
                weight_decay: adam.weight_decay,
            },
            OptimizerConfig::Sgd(sgd) => Kind::Sgd { momentum: sgd.momentum },
        };
        Self { kind, powers: [1.0, 1.0], learning_rate: 0.0 }
    }

    /// Begins the next step; all updates until the next call belong to it.
    pub(crate) fn next_step(&mut self, learning_rate: f64) {
        self.learning_rate = learning_rate;
        if let Kind::Adam { betas, .. } = self.kind {
            for (power, beta) in self.powers.iter_mut().zip(betas) {
                *power *= beta;
            }
        }
    }

    /// Moves some weights down their gradient, times `scale`.
    #[expect(clippy::cast_possible_truncation, reason = "weights are single precision")]
    pub(crate) fn update(&self, slice: Slice<'_>, gradient: &[f32], scale: f32) {
        let Slice { weights, first, second, decays } = slice;
        let rate = self.learning_rate as f32;
        match self.kind {
            Kind::Adam { betas, epsilon, weight_decay } => {
                let [beta_1, beta_2] = betas.map(|beta| beta as f32);
                let [rest_1, rest_2] = betas.map(|beta| (1.0 - beta) as f32);
                let [correct_1, correct_2] = self.powers.map(|power| (1.0 / (1.0 - power)) as f32);
                let epsilon = epsilon as f32;
                let keep = match decays {
                    true => (1.0 - self.learning_rate * weight_decay) as f32,
                    false => 1.0,
                };
                let moments = first.iter_mut().zip(second);
                for ((weight, g), (m, v)) in weights.iter_mut().zip(gradient).zip(moments) {
                    let g = g * scale;
                    *m = beta_1 * *m + rest_1 * g;
                    *v = beta_2 * *v + rest_2 * g * g;
                    *weight = *weight * keep
                        - rate * (*m * correct_1) / ((*v * correct_2).sqrt() + epsilon);
                }
            }
            Kind::Sgd { momentum } => {
                let momentum = momentum as f32;
                for ((weight, g), m) in weights.iter_mut().zip(gradient).zip(first) {
                    *m = momentum * *m + g * scale;
                    *weight -= rate * *m;
                }
            }
        }
    }
}
