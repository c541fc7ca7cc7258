//! A random order of many things that takes no memory.

/// A random order of the numbers from 0 to below a length, of which any place can be asked at once.
///
/// A Feistel network over the next power of four, walked on until it falls below the length: fewer than four steps
/// on average. It is for mixing training data, not for keeping secrets.
///
/// # Source
///
/// Black and Rogaway, *Ciphers with Arbitrary Finite Domains* (2002), section 4; the round function is the finalizer
/// of SplitMix64.
#[derive(Clone, Copy, Debug)]
pub struct Permutation {
    len: u64,
    half_bits: u32,
    keys: [u64; 4],
}

impl Permutation {
    /// Returns the order of `len` numbers for a seed; each `epoch` has another one.
    pub fn new(len: u64, seed: u64, epoch: u64) -> Self {
        let bits = u64::BITS - len.saturating_sub(1).leading_zeros();
        let start = mix(mix(seed).wrapping_add(epoch));
        let keys = [1, 2, 3, 4].map(|round| mix(start.wrapping_add(round)));
        Self { len, half_bits: bits.div_ceil(2).max(1), keys }
    }

    /// Returns the number at a place.
    ///
    /// # Panics
    ///
    /// If the place is not below the length.
    pub fn get(&self, place: u64) -> u64 {
        assert!(place < self.len, "place {place} of {}", self.len);
        let mut number = self.encrypt(place);
        while number >= self.len {
            number = self.encrypt(number);
        }
        number
    }

    fn encrypt(&self, number: u64) -> u64 {
        let mask = (1 << self.half_bits) - 1;
        let (mut left, mut right) = (number >> self.half_bits, number & mask);
        for key in self.keys {
            (left, right) = (right, left ^ (mix(right ^ key) & mask));
        }
        (left << self.half_bits) | right
    }
}

/// Returns the finalizer of SplitMix64.
pub(crate) fn mix(value: u64) -> u64 {
    let mut z = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_number_comes_once(len in 1_u64..3000, seed: u64, epoch in 0_u64..9) {
            let permutation = Permutation::new(len, seed, epoch);
            let mut numbers: Vec<_> = (0..len).map(|place| permutation.get(place)).collect();
            numbers.sort_unstable();
            prop_assert_eq!(numbers, (0..len).collect::<Vec<_>>());
        }
    }

    #[test]
    fn seeds_and_epochs_have_orders_of_their_own() {
        let order = |seed, epoch| {
            let permutation = Permutation::new(100, seed, epoch);
            (0..100).map(|place| permutation.get(place)).collect::<Vec<_>>()
        };
        assert_eq!(order(7, 0), order(7, 0));
        assert_ne!(order(7, 0), order(8, 0));
        assert_ne!(order(7, 0), order(7, 1));
        assert_ne!(order(7, 0), (0..100).collect::<Vec<_>>());
    }

    /// Where a number ends up is as good as independent of where it was: chi-squared over a table of 8 by 8.
    #[test]
    fn numbers_go_everywhere_alike() {
        let (len, cells) = (64_000, 8);
        let permutation = Permutation::new(len, 3, 0);
        let mut counts = vec![0_i32; 64];
        for place in 0..len {
            let (from, to) = (place * cells / len, permutation.get(place) * cells / len);
            counts[usize::try_from(from * cells + to).unwrap()] += 1;
        }
        let squares: f64 =
            counts.iter().map(|&n| f64::from(n - 1000) * f64::from(n - 1000) / 1000.0).sum();
        // 49 degrees of freedom: above 85 with a probability of 0.001.
        assert!(squares < 85.0, "{squares}");
    }
}
