//! Random numbers of our own making from ChaCha's bits, so that they never change under a saved seed.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// What the numbers are for; each use has its own stream, so that one never shifts another.
#[derive(Clone, Copy)]
pub(crate) enum Stream {
    Weights = 0,
    Trees = 2,
}

/// A seeded source of random numbers.
pub(crate) struct Random(ChaCha8Rng);

impl Random {
    pub(crate) fn new(seed: u64, stream: Stream) -> Self {
        Self::keyed(seed, stream, 0, 0)
    }

    /// Returns the source of one of many uses, such as of one epoch; it needs no other use to come before.
    pub(crate) fn keyed(seed: u64, stream: Stream, first: u64, second: u64) -> Self {
        let mut bytes = [0; 32];
        let parts = [seed, stream as u64, first, second];
        for (target, part) in bytes.chunks_exact_mut(8).zip(parts) {
            target.copy_from_slice(&part.to_le_bytes());
        }
        Self(ChaCha8Rng::from_seed(bytes))
    }

    /// Returns a number from 0 to below `end`, by multiplication (its bias is below `end / 2^64`).
    pub(crate) fn below(&mut self, end: usize) -> usize {
        let product = u128::from(self.0.next_u64()) * (end as u128);
        usize::try_from(product >> 64).expect("the upper half is below `end`")
    }

    /// Puts items in a random order.
    pub(crate) fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            let other = self.below(last + 1);
            items.swap(last, other);
        }
    }

    /// Returns a number between `-limit` and `limit`.
    pub(crate) fn within(&mut self, limit: f32) -> f32 {
        // 24 bits are all that a single-precision number between 0.5 and 1 holds.
        #[expect(clippy::cast_precision_loss, reason = "24 bits fit")]
        let unit = (self.0.next_u32() >> 8) as f32 / 16_777_216.0;
        limit * (2.0 * unit - 1.0)
    }
}
