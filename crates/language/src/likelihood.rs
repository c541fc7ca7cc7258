//! Logarithms of probabilities, of a token and of the likeliest ones.

use crate::vector::{exp, max, sum_of, vectorized};

/// How likely a token was, and which ones were the likeliest.
#[derive(Clone, Debug, PartialEq)]
pub struct Likelihood {
    /// The token.
    pub token: u32,
    /// The logarithm of its probability.
    pub log_probability: f32,
    /// The likeliest tokens with theirs, the likeliest first, and of equals the first.
    pub top: Vec<(u32, f32)>,
}

impl Likelihood {
    /// Returns how likely a token is by some logits, and the `num_top` likeliest ones.
    ///
    /// A token beyond the logits has a probability of zero.
    pub fn of(logits: &[f32], token: u32, num_top: usize) -> Self {
        let log_sum = vectorized(|| {
            let largest = max(logits);
            largest + sum_of(logits.len(), |n| exp(logits[n] - largest)).ln()
        });
        let of = |token: u32| {
            let logit = logits.get(token as usize);
            logit.map_or(f32::NEG_INFINITY, |logit| logit - log_sum)
        };
        let mut top: Vec<(u32, f32)> = Vec::with_capacity(num_top.min(logits.len()) + 1);
        for (id, logit) in (0..).zip(logits) {
            let place = top.partition_point(|(_, other)| other >= logit);
            if place < num_top {
                top.insert(place, (id, *logit));
                top.truncate(num_top);
            }
        }
        let top = top.into_iter().map(|(id, _)| (id, of(id))).collect();
        Self { token, log_probability: of(token), top }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_likeliest_come_first_and_all_add_up_to_one() {
        let logits = [1.0_f32.ln(), 5.0_f32.ln(), 2.0_f32.ln(), 2.0_f32.ln()];
        let found = Likelihood::of(&logits, 2, 3);
        assert!((found.log_probability - 0.2_f32.ln()).abs() < 1e-5);
        let ids: Vec<u32> = found.top.iter().map(|(id, _)| *id).collect();
        assert_eq!(ids, [1, 2, 3]);
        assert!((found.top[0].1 - 0.5_f32.ln()).abs() < 1e-5);
        let all = Likelihood::of(&logits, 0, 9);
        let sum: f32 = all.top.iter().map(|(_, log)| log.exp()).sum();
        assert!(all.top.len() == 4 && (sum - 1.0).abs() < 1e-5, "{all:?}");
        assert!(Likelihood::of(&logits, 9, 0).log_probability < f32::MIN);
    }
}
