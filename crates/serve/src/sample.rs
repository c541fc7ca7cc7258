//! A share of a sequence, evenly spread.

use std::sync::atomic::{AtomicU64, Ordering};

/// Takes a share of all that comes.
///
/// What comes is numbered, and the fraction of each number times the golden ratio decides: of any stretch, the share is
/// within one or two of what it should be, and no random number is needed.
#[derive(Debug)]
pub(crate) struct Sampler {
    count: AtomicU64,
    below: u64,
    takes_all: bool,
}

impl Sampler {
    /// Takes a share from 0 to 1.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a share of 64-bit numbers, which ends at both ends"
    )]
    pub(crate) fn new(share: f64) -> Self {
        let below = (share * u64::MAX as f64) as u64;
        Self { count: AtomicU64::new(0), below, takes_all: share >= 1.0 }
    }

    /// Returns whether the next is taken.
    pub(crate) fn take(&self) -> bool {
        if self.below == 0 {
            return false;
        }
        let count = self.count.fetch_add(1, Ordering::Relaxed);
        self.takes_all || count.wrapping_mul(0x9E37_79B9_7F4A_7C15) < self.below
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_taken_of_every_stretch() {
        for (share, expected) in [(0.0, 0), (0.01, 10), (0.1, 100), (0.5, 500), (1.0, 1000)] {
            let sampler = Sampler::new(share);
            for _ in 0..5 {
                let taken = (0..1000).filter(|_| sampler.take()).count();
                assert!(taken.abs_diff(expected) <= 3, "{share}: {taken}");
            }
        }
    }
}
