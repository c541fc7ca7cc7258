//! Random numbers that follow from a seed and what they are for.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// A seeded source of random numbers.
pub(crate) struct Random(ChaCha8Rng);

impl Random {
    /// Returns the source of one use, such as of one trial; it needs no other use to come before.
    pub(crate) fn keyed(seed: u64, first: u64, second: u64, third: u64) -> Self {
        let mut bytes = [0; 32];
        let parts = [seed, first, second, third];
        for (target, part) in bytes.chunks_exact_mut(8).zip(parts) {
            target.copy_from_slice(&part.to_le_bytes());
        }
        Self(ChaCha8Rng::from_seed(bytes))
    }

    /// Returns a number from 0 to below 1.
    #[expect(clippy::cast_precision_loss, reason = "53 bits fit")]
    pub(crate) fn unit(&mut self) -> f64 {
        (self.0.next_u64() >> 11) as f64 / 9_007_199_254_740_992.0
    }

    /// Returns a number of the normal distribution.
    ///
    /// # Source
    ///
    /// Box and Muller (1958).
    pub(crate) fn normal(&mut self) -> f64 {
        let (one, other) = (1.0 - self.unit(), self.unit());
        (-2.0 * one.ln()).sqrt() * (std::f64::consts::TAU * other).cos()
    }
}
