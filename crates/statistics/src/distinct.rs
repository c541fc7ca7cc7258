//! An estimate of how many distinct strings there were, from the least of their hashes.

use sketch::StateError;
use sketch::bytes::{Reader, Stored};

/// How many of the least hashes are kept: the standard error is one over the root of this, 0.4 %.
const NUM_KEPT: usize = 1 << 16;

/// The least distinct hashes of everything seen. What is kept does not depend on the order.
#[derive(Clone, Debug)]
pub(crate) struct LeastHashes {
    /// At most `2 * NUM_KEPT`, in no order and with repetitions until they are tidied.
    hashes: Vec<u64>,
    /// Hashes from here on are not among the least.
    limit: u64,
}

impl Default for LeastHashes {
    fn default() -> Self {
        Self { hashes: Vec::new(), limit: u64::MAX }
    }
}

impl LeastHashes {
    /// Takes in one hash, uniform over all of 64 bits.
    pub(crate) fn add(&mut self, hash: u64) {
        if hash < self.limit {
            self.hashes.push(hash);
            if self.hashes.len() >= 2 * NUM_KEPT {
                self.tidy();
            }
        }
    }

    pub(crate) fn merge(&mut self, other: &Self) {
        self.limit = self.limit.min(other.limit);
        other.hashes.iter().for_each(|&hash| self.add(hash));
    }

    /// Returns how many distinct hashes there were: exact when there were fewer than are kept.
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a positive estimate far below 2^53"
    )]
    pub(crate) fn estimate(&self) -> u64 {
        let kept = self.sorted();
        if kept.len() < NUM_KEPT {
            return kept.len() as u64;
        }
        let greatest = kept[NUM_KEPT - 1] as f64 / u64::MAX as f64;
        ((NUM_KEPT - 1) as f64 / greatest).round() as u64
    }

    fn sorted(&self) -> Vec<u64> {
        let mut sorted: Vec<u64> =
            self.hashes.iter().copied().filter(|&hash| hash < self.limit).collect();
        sorted.sort_unstable();
        sorted.dedup();
        sorted.truncate(NUM_KEPT);
        sorted
    }

    #[cold]
    fn tidy(&mut self) {
        self.hashes = self.sorted();
        if let (NUM_KEPT, Some(&last)) = (self.hashes.len(), self.hashes.last()) {
            self.limit = last.saturating_add(1);
        }
    }
}

impl Stored for LeastHashes {
    fn write(&self, out: &mut Vec<u8>) {
        self.limit.write(out);
        self.sorted().write(out);
    }

    fn read(input: &mut Reader<'_>) -> Result<Self, StateError> {
        Ok(Self { limit: u64::read(input)?, hashes: Vec::read(input)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use xxhash_rust::xxh3::xxh3_64;

    fn of(range: std::ops::Range<u64>) -> LeastHashes {
        let mut hashes = LeastHashes::default();
        range.for_each(|i| hashes.add(xxh3_64(&i.to_le_bytes())));
        hashes
    }

    #[test]
    fn few_are_counted_and_many_are_estimated() {
        assert_eq!(of(0..60_000).estimate(), 60_000);
        // Four standard errors.
        let estimate = of(0..400_000).estimate();
        assert!(estimate.abs_diff(400_000) < 400_000 * 4 / 256, "{estimate}");
    }

    #[test]
    fn order_and_repetition_do_not_show() {
        let mut merged = of(150_000..300_000);
        merged.merge(&of(0..200_000));
        assert_eq!(merged.sorted(), of(0..300_000).sorted());
    }
}
