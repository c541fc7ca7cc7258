//! Adam, over slices of weights.
//!
//! # Source
//!
//! Kingma and Ba, *Adam: A Method for Stochastic Optimization* (2015), algorithm 1, with its constants. Rows
//! of tables that a batch does not use are left alone together with their moments, as in the sparse variants
//! of other libraries; the bias correction counts all steps.

const BETA_1: f32 = 0.9;
const BETA_2: f32 = 0.999;
const EPSILON: f32 = 1e-8;

/// The running means of one slice of weights' gradients and of their squares.
pub(crate) struct Moments {
    first: Vec<f32>,
    second: Vec<f32>,
}

impl Moments {
    pub(crate) fn new(len: usize) -> Self {
        Self { first: vec![0.0; len], second: vec![0.0; len] }
    }

    /// Returns whether no gradient was so large that its square overflowed; its weight would never move again.
    pub(crate) fn is_finite(&self) -> bool {
        self.second.iter().all(|value| value.is_finite())
    }
}

/// The optimizer: its learning rate, and how far the corrections of the biased means are.
pub(crate) struct Adam {
    learning_rate: f32,
    power_1: f64,
    power_2: f64,
}

impl Adam {
    pub(crate) fn new(learning_rate: f32) -> Self {
        Self { learning_rate, power_1: 1.0, power_2: 1.0 }
    }

    /// Begins the next step; all updates until the next call belong to it.
    pub(crate) fn next_step(&mut self) {
        self.power_1 *= f64::from(BETA_1);
        self.power_2 *= f64::from(BETA_2);
    }

    /// Moves some weights, whose moments begin at `start`, down their gradient.
    pub(crate) fn update(
        &self,
        weights: &mut [f32],
        gradient: &[f32],
        moments: &mut Moments,
        start: usize,
    ) {
        #[expect(clippy::cast_possible_truncation, reason = "factors near 1 in single precision")]
        let (correct_1, correct_2) =
            ((1.0 / (1.0 - self.power_1)) as f32, (1.0 / (1.0 - self.power_2)) as f32);
        let first = &mut moments.first[start..start + weights.len()];
        let second = &mut moments.second[start..start + weights.len()];
        for (((weight, &g), m), v) in weights.iter_mut().zip(gradient).zip(first).zip(second) {
            *m = BETA_1 * *m + (1.0 - BETA_1) * g;
            *v = BETA_2 * *v + (1.0 - BETA_2) * g * g;
            *weight -= self.learning_rate * (*m * correct_1) / ((*v * correct_2).sqrt() + EPSILON);
        }
    }
}
