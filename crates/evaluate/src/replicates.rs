//! Replicates of the examples, from which confidence intervals are estimated.
//!
//! Which examples a replicate has is a matter of their places in the data and of a seed, never of threads.

use crate::config::{ConfidenceIntervals, ConfidenceMethod};

/// How often each replicate has an example.
#[derive(Clone, Debug)]
pub(crate) struct Replicates {
    method: ConfidenceMethod,
    seed: u64,
    pub(crate) num: usize,
    /// `P(X <= k)` of a Poisson distribution of mean 1, in units of 2^-32, from `k = 0`.
    cumulative: [u32; 12],
}

impl Replicates {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a probability times 2^32, and the cast saturates"
    )]
    pub(crate) fn new(config: &ConfidenceIntervals) -> Self {
        let mut cumulative = [0; 12];
        let mut share = (-1f64).exp();
        let mut sum = 0.0;
        for (k, place) in cumulative.iter_mut().enumerate() {
            sum += share;
            share /= (k + 1) as f64;
            *place = (sum * 4_294_967_296.0).round() as u32;
        }
        Self {
            method: config.method,
            seed: mix(config.seed ^ 0x5f3c_9d21),
            num: config.num_replicates as usize,
            cumulative,
        }
    }

    pub(crate) fn is_jackknife(&self) -> bool {
        self.method == ConfidenceMethod::Jackknife
    }

    /// Returns the part that an example is in, for the jackknife.
    #[expect(clippy::cast_possible_truncation, reason = "less than the number of replicates")]
    pub(crate) fn part(&self, position: u64) -> usize {
        (mix(self.seed ^ mix(position)) % self.num as u64) as usize
    }

    /// Writes how often each replicate has an example, for the bootstrap.
    #[expect(clippy::cast_possible_truncation, reason = "halves of 64 bits")]
    pub(crate) fn draw(&self, position: u64, times: &mut [f64]) {
        let start = self.seed ^ mix(position);
        let mut uniform = [0u32; 16];
        for (block, times) in times.chunks_mut(16).enumerate() {
            for (pair, place) in uniform.chunks_mut(2).enumerate() {
                let step = (block * 8 + pair) as u64 + 1;
                let bits = mix(start.wrapping_add(step.wrapping_mul(0x9e37_79b9_7f4a_7c15)));
                place[0] = bits as u32;
                place[1] = (bits >> 32) as u32;
            }
            let mut counts = [0u32; 16];
            for limit in self.cumulative {
                for (count, value) in counts.iter_mut().zip(uniform) {
                    *count += u32::from(value >= limit);
                }
            }
            for (time, count) in times.iter_mut().zip(counts) {
                *time = f64::from(count);
            }
        }
    }
}

/// Mixes bits so that near numbers come far apart.
///
/// # Source
///
/// The finalizer of SplitMix64, Steele et al. 2014.
pub(crate) fn mix(bits: u64) -> u64 {
    let bits = bits.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bootstrap(num_replicates: u32) -> Replicates {
        Replicates::new(&ConfidenceIntervals {
            method: ConfidenceMethod::PoissonBootstrap,
            num_replicates,
            ..ConfidenceIntervals::default()
        })
    }

    #[test]
    fn draws_are_poisson_of_mean_one() {
        let replicates = bootstrap(20);
        let mut times = [0.0; 20];
        let (mut sum, mut squares, mut zeros, mut products) = (0.0, 0.0, 0.0, 0.0);
        let n = 50_000u32;
        for position in 0..n {
            replicates.draw(u64::from(position), &mut times);
            for time in times {
                sum += time;
                squares += time * time;
                zeros += f64::from(time < 0.5);
            }
            products += times[0] * times[17];
        }
        let draws = f64::from(n) * 20.0;
        // Five standard errors.
        assert!((sum / draws - 1.0).abs() < 0.005, "{}", sum / draws);
        assert!((squares / draws - 2.0).abs() < 0.02, "{}", squares / draws);
        assert!((zeros / draws - (-1f64).exp()).abs() < 0.0025, "{}", zeros / draws);
        assert!((products / f64::from(n) - 1.0).abs() < 0.04, "{}", products / f64::from(n));
    }

    #[test]
    fn a_draw_is_a_matter_of_place_and_seed() {
        let (mut few, mut many) = ([0.0; 20], [0.0; 40]);
        bootstrap(20).draw(7, &mut few);
        bootstrap(40).draw(7, &mut many);
        // More replicates do not change those that were there.
        assert_eq!(few[..], many[..20]);
        bootstrap(20).draw(8, &mut many[..20]);
        assert_ne!(few[..], many[..20]);
    }

    #[test]
    fn parts_are_about_equal() {
        let replicates = Replicates::new(&ConfidenceIntervals::default());
        assert!(replicates.is_jackknife());
        let mut sizes = [0; 20];
        (0..20_000).for_each(|position| sizes[replicates.part(position)] += 1);
        assert!(sizes.iter().all(|size| (850..1150).contains(size)), "{sizes:?}");
    }
}
