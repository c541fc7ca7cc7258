//! Random numbers that are the same everywhere.

/// SplitMix64.
#[derive(Clone, Debug)]
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed ^ 0x1f83_d9ab_fb41_bd6b)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let bits = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ (bits >> 31)
    }

    /// Returns a number from 0 up to a limit, which is not 0.
    pub(crate) fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() % limit as u64).unwrap_or(0)
    }

    /// Returns a number from 0 up to 1.
    pub(crate) fn uniform(&mut self) -> f64 {
        (self.next() >> 11) as f64 / 9_007_199_254_740_992.0
    }

    /// Returns a number of the normal distribution around 0, of standard deviation 1 (Box and Muller).
    pub(crate) fn normal(&mut self) -> f64 {
        let radius = (-2.0 * (1.0 - self.uniform()).ln()).sqrt();
        radius * (std::f64::consts::TAU * self.uniform()).cos()
    }

    pub(crate) fn shuffle<T>(&mut self, items: &mut [T]) {
        for place in (1..items.len()).rev() {
            items.swap(place, self.below(place + 1));
        }
    }
}

/// Returns some of the places from 0 up to `num_examples`, each at most once, in order.
pub fn sample(num: usize, num_examples: usize, seed: u64) -> Vec<usize> {
    let mut places: Vec<usize> = (0..num_examples).collect();
    let mut random = Random::new(seed);
    let num = num.min(num_examples);
    for place in 0..num {
        let other = place + random.below(num_examples - place);
        places.swap(place, other);
    }
    places.truncate(num);
    places.sort_unstable();
    places
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_has_each_place_once() {
        let places = sample(5, 20, 1);
        assert_eq!(places.len(), 5);
        assert!(places.windows(2).all(|pair| pair[0] < pair[1]));
        assert_eq!(places, sample(5, 20, 1));
        assert_ne!(places, sample(5, 20, 2));
        assert_eq!(sample(9, 3, 1), [0, 1, 2]);
    }
}
