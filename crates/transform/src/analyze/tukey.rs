//! A Tukey HH distribution fitted to numbers by their L-moments.
//!
//! # Source
//!
//! Headrick and Pant, "Characterizing Tukey h and hh-distributions through L-moments and the L-correlation" (2012),
//! and the search of `tft.tukey_h_params`. L-moments are those of all numbers together, where tf.Transform averages
//! those of its batches.

use std::f64::consts::PI;

use sketch::{Count, Summary};

/// A distribution: `location + scale * u * exp(h * u^2)` of a standard normal `u`, with an `h` for each of its sides.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Tukey {
    pub(crate) location: f64,
    pub(crate) scale: f64,
    pub(crate) left: f64,
    pub(crate) right: f64,
}

/// The kurtosis of a normal distribution, about: tails that are not longer have parameters of 0.
const NORMAL_KURTOSIS: f64 = 0.122_601_7;

/// Fits a distribution to the finite ones of some numbers.
pub(crate) fn fit(ranks: &Summary) -> Tukey {
    let moments = LMoments::of(ranks);
    let has_scale = moments.second > 0.0;
    let (mut left, mut right) = (0.0, 0.0);
    if has_scale && moments.count > 3.0 {
        let skewness = moments.third / moments.second;
        let kurtosis = moments.fourth / moments.second;
        (left, right) = parameters(skewness, kurtosis);
    }
    let (hh_mean, hh_scale) = mean_and_scale(left, right);
    let scale = if has_scale { moments.second / hh_scale } else { 1.0 };
    Tukey { location: moments.first - scale * hh_mean, scale, left, right }
}

#[derive(Debug, Default)]
struct LMoments {
    count: f64,
    first: f64,
    second: f64,
    third: f64,
    fourth: f64,
}

impl LMoments {
    /// Returns the unbiased sample moments; those that need more numbers than there are, are 0.
    fn of(ranks: &Summary) -> Self {
        // How many numbers each entry stands for: itself, and what was pruned before it.
        let mut before = 0;
        let finite: Vec<(f64, f64)> = ranks
            .entries
            .iter()
            .filter_map(|entry| {
                let count = entry.max_rank.saturating_sub(before);
                before = before.max(entry.max_rank);
                (entry.value.is_finite() && count > 0).then(|| (entry.value, count.to_f64()))
            })
            .collect();
        let count: f64 = finite.iter().map(|(_, count)| count).sum();
        if count == 0.0 {
            return Self::default();
        }
        // The probability-weighted moments: each number times the share of groups of k others below it.
        let mut weighted = [0.0; 4];
        let mut below = 0.0;
        for (value, times) in finite {
            let shares = groups(below + times, count).into_iter().zip(groups(below, count));
            for (sum, (through, before)) in weighted.iter_mut().zip(shares) {
                *sum += value * (through - before);
            }
            below += times;
        }
        let [b0, b1, b2, b3] = weighted;
        let some = |least: f64, moment: f64| if count >= least { moment } else { 0.0 };
        Self {
            count,
            first: b0,
            second: some(2.0, 2.0 * b1 - b0),
            third: some(3.0, 6.0 * b2 - 6.0 * b1 + b0),
            fourth: some(4.0, 20.0 * b3 - 30.0 * b2 + 12.0 * b1 - b0),
        }
    }
}

/// Returns of groups of 1, 2, 3 and 4 numbers the share, times `1 / size`, that is among the first `rank` of `count`.
fn groups(rank: f64, count: f64) -> [f64; 4] {
    let mut product = 1.0;
    [0.0, 1.0, 2.0, 3.0].map(|taken| {
        product *= if count > taken { (rank - taken) / (count - taken) } else { 0.0 };
        product / (taken + 1.0)
    })
}

/// Returns the first two L-moments of a distribution with location 0 and scale 1.
fn mean_and_scale(left: f64, right: f64) -> (f64, f64) {
    let density = 1.0 / (2.0 * PI).sqrt();
    let mean = density * (1.0 / (left - 1.0) + 1.0 / (1.0 - right));
    let (root_left, root_right) = ((2.0 - left).sqrt(), (2.0 - right).sqrt());
    let sides = (1.0 - left) * root_left + (1.0 - right) * root_right;
    let scale = density * sides / ((1.0 - left) * (1.0 - right) * root_left * root_right);
    (mean, scale)
}

/// Returns L-skewness and L-kurtosis of a distribution.
fn skewness_and_kurtosis(left: f64, right: f64) -> (f64, f64) {
    let (root_left, root_right) = ((2.0 - left).sqrt(), (2.0 - right).sqrt());
    let side =
        |root: f64, other: f64| 12.0 * root * (other - 2.0) * (other - 1.0) * (1.0 / root).atan();
    let sides = (left - 1.0) * root_left + (right - 1.0) * root_right;
    let difference = side(root_left, right) - side(root_right, left);
    let product = (left - 2.0) * (right - 2.0);
    let skewness =
        (difference - PI * (left - right) * product) / (2.0 * PI * product.sqrt() * sides);

    let base = ((left - 4.0) * (left - 1.0)).sqrt();
    let both = ((left - 4.0) * (left - 2.0) * (left - 1.0) * (right - 2.0)).sqrt();
    let plain = right * both - 2.0 * base - (left * (left - 3.0) * base + both);
    let of_left = 30.0
        * (left - 1.0)
        * ((left - 4.0) * (left - 2.0) * (right - 2.0) / (left - 1.0)).sqrt()
        * (right - 1.0)
        * (1.0 + 2.0 / (left - 4.0)).sqrt().atan();
    let of_right =
        30.0 * (left - 2.0) * base * (left - 1.0) * (1.0 + 2.0 / (right - 4.0)).sqrt().atan();
    let whole = PI * ((4.0 - left) * (2.0 - left) * (1.0 - left)).sqrt() * sides;
    (skewness, (6.0 * PI * plain + of_left + of_right) / whole)
}

/// Returns the parameters of the left and the right side that have some L-skewness and L-kurtosis.
fn parameters(skewness: f64, kurtosis: f64) -> (f64, f64) {
    if kurtosis < NORMAL_KURTOSIS {
        return (0.0, 0.0);
    }
    let (lesser, greater) = Search::new(skewness.abs(), kurtosis.min(1.0 - 1e-5)).run();
    if skewness < 0.0 { (greater, lesser) } else { (lesser, greater) }
}

/// The search for the greater parameter and for how much less the other one is, one after the other.
struct Search {
    skewness: f64,
    kurtosis: f64,
    /// Where the greater parameter is, at least and at most.
    h: (f64, f64),
    /// Where the difference is, at least and at most.
    delta: (f64, f64),
}

const MAX_ROUNDS: usize = 20;
const MAX_HALVINGS: usize = 11;
const TOLERANCE: f64 = 1e-6;

impl Search {
    fn new(skewness: f64, kurtosis: f64) -> Self {
        // With equal sides the kurtosis tells the parameter.
        let equal = 3.0 - 1.0 / (PI / 15.0 * (kurtosis - 6.0)).cos();
        Self { skewness, kurtosis, h: (equal, 1.0 - 1e-7), delta: (0.0, equal) }
    }

    fn errors(&self, h: f64, delta: f64) -> (f64, f64) {
        let (skewness, kurtosis) = skewness_and_kurtosis(h - delta, h);
        (skewness - self.skewness, kurtosis - self.kurtosis)
    }

    /// Returns the lesser and the greater parameter.
    fn run(mut self) -> (f64, f64) {
        let (mut h, mut delta) = (self.h.0, 0.0);
        let mut before = (0.0, 0.0);
        for _ in 0..MAX_ROUNDS {
            let is_bounded = self.errors(h, self.delta.1).0 > 0.0;
            if is_bounded {
                delta = self.halve_delta(h).1;
                self.delta.1 = delta;
                // The difference is too large for now, so this bounds the parameter too.
                h = self.halve_h(delta).1;
                self.h.1 = h;
                delta = self.halve_delta(h).0;
                self.delta.0 = delta;
                h = self.halve_h(delta).0;
                self.h.0 = h;
            } else {
                delta = self.delta.1;
                self.delta.0 = delta;
                h = self.halve_h(delta).0;
                self.h.0 = h;
                self.delta.1 = h;
            }
            let errors = self.errors(h, delta);
            let is_exact = errors.0.abs() < TOLERANCE && errors.1.abs() < TOLERANCE;
            let is_still = (h - before.0).abs() < TOLERANCE && (delta - before.1).abs() < TOLERANCE;
            if is_exact || is_still {
                break;
            }
            before = (h, delta);
        }
        (h - delta, h)
    }

    fn halve_delta(&self, h: f64) -> (f64, f64) {
        halve(self.delta, |delta| self.errors(h, delta).0)
    }

    fn halve_h(&self, delta: f64) -> (f64, f64) {
        halve(self.h, |h| self.errors(h, delta).1)
    }
}

/// Narrows the range in which an error turns from negative to positive.
fn halve((mut low, mut high): (f64, f64), error: impl Fn(f64) -> f64) -> (f64, f64) {
    for _ in 0..MAX_HALVINGS {
        let middle = f64::midpoint(low, high);
        let found = error(middle);
        if found < 0.0 {
            low = middle;
        } else {
            high = middle;
        }
        if found.abs() < TOLERANCE || high - low < TOLERANCE {
            break;
        }
    }
    (low, high)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fit_to(values: &[f64]) -> Tukey {
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        let mut counts: Vec<(f64, u64)> = Vec::new();
        for value in sorted {
            match counts.last_mut() {
                Some((last, count)) if last.total_cmp(&value).is_eq() => *count += 1,
                _ => counts.push((value, 1)),
            }
        }
        fit(&Summary::exact(&counts))
    }

    #[test]
    fn few_or_equal_numbers_are_taken_for_normal() {
        let expected = |location, scale| Tukey { location, scale, left: 0.0, right: 0.0 };
        assert_eq!(fit_to(&[]), expected(0.0, 1.0));
        assert_eq!(fit_to(&[3.0]), expected(3.0, 1.0));
        assert_eq!(fit_to(&[3.0, 3.0, 3.0, 3.0, 3.0]), expected(3.0, 1.0));
        let Tukey { location, scale, .. } = fit_to(&[1.0, 2.0, f64::INFINITY]);
        assert!((location - 1.5).abs() < 1e-12 && (scale - 0.5 * PI.sqrt()).abs() < 1e-12);
    }

    #[test]
    fn l_moments_are_those_of_the_definition() {
        // Of all groups of so many numbers, the difference of their order statistics on average.
        let values = [1.0, 1.0, 2.0, 5.0, 11.0, 2.5];
        let mut sorted = values;
        sorted.sort_by(f64::total_cmp);
        let (mut fourth, mut num_groups) = (0.0, 0.0);
        for a in 0..6 {
            for b in a + 1..6 {
                for c in b + 1..6 {
                    for d in c + 1..6 {
                        let [a, b, c, d] = [a, b, c, d].map(|place: usize| sorted[place]);
                        fourth += (d - 3.0 * c + 3.0 * b - a) / 4.0;
                        num_groups += 1.0;
                    }
                }
            }
        }
        let counts: Vec<(f64, u64)> = vec![(1.0, 2), (2.0, 1), (2.5, 1), (5.0, 1), (11.0, 1)];
        let moments = LMoments::of(&Summary::exact(&counts));
        assert!((moments.fourth - fourth / num_groups).abs() < 1e-12, "{moments:?}");
        assert!((moments.first - 22.5 / 6.0).abs() < 1e-12);
    }

    #[test]
    fn parameters_are_found_again() {
        for (left, right) in [(0.1, 0.1), (0.05, 0.3), (0.4, 0.1), (0.0, 0.2)] {
            let (skewness, kurtosis) = skewness_and_kurtosis(left, right);
            let found = parameters(skewness, kurtosis);
            assert!(
                (found.0 - left).abs() < 2e-3 && (found.1 - right).abs() < 2e-3,
                "{left} {right}: {found:?}"
            );
        }
    }
}
