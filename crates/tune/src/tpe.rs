//! Tree-structured Parzen estimators: values that are likelier among the best trials than among the others.
//!
//! # Source
//!
//! Bergstra and others, *Algorithms for Hyper-Parameter Optimization* (2011), section 4, each hyperparameter on its own.
//! How many trials are the best ones, and the kernels' widths by their neighbours, are as in Optuna's sampler.

use serde_json::{Map, Value};

use crate::random::Random;
use crate::search::Space;
use crate::space::Domain;

/// The share of the trials that are the best ones, and how many they are at most.
const BEST_SHARE: usize = 10;
const MAX_BEST: usize = 25;

/// Tells its draws from those of [`Space::draw_new`].
const STREAM: u64 = 1 << 32;

/// Returns the most promising of some candidates, given what others cost; lower is better.
pub(crate) fn suggest(
    space: &Space,
    num_candidates: usize,
    number: u64,
    mut scored: Vec<(&Map<String, Value>, f64)>,
) -> Map<String, Value> {
    // Those of equal costs stay in their order.
    scored.sort_by(|(_, one), (_, other)| one.total_cmp(other));
    let num_best = scored.len().div_ceil(BEST_SHARE).clamp(1, MAX_BEST);
    let (good, bad) = scored.split_at(num_best.min(scored.len()));
    let dimensions = space.domains.iter().zip(0..);
    dimensions
        .map(|((name, domain), dimension)| {
            let mut random = Random::keyed(space.seed, number, dimension, STREAM);
            let values = |of: &[(&Map<String, Value>, f64)]| {
                of.iter().filter_map(|(values, _)| values.get(name).cloned()).collect::<Vec<_>>()
            };
            let (good, bad) = (values(good), values(bad));
            let value = match domain {
                Domain::Choice(values) => choose(values, &good, &bad, num_candidates, &mut random),
                Domain::Range(_) => {
                    let units = |of: &[Value]| -> Vec<f64> {
                        of.iter().filter_map(|value| domain.unit(value)).collect()
                    };
                    let (good, bad) = (Parzen::new(units(&good)), Parzen::new(units(&bad)));
                    let candidates = (0..num_candidates).map(|_| good.draw(&mut random));
                    let scored = candidates.map(|at| (at, good.density(at) / bad.density(at)));
                    let best = scored.max_by(|(_, one), (_, other)| one.total_cmp(other));
                    domain.at(best.map_or(0.5, |(at, _)| at))
                }
            };
            (name.clone(), value)
        })
        .collect()
}

/// Draws values as often as the best trials have them, and returns the one that is the likeliest among them by how
/// likely it is among the others.
fn choose(
    values: &[Value],
    good: &[Value],
    bad: &[Value],
    num_candidates: usize,
    random: &mut Random,
) -> Value {
    #[expect(clippy::cast_precision_loss, reason = "counts of trials")]
    let shares = |of: &[Value]| -> Vec<f64> {
        let count = |value| of.iter().filter(|other| *other == value).count() as f64 + 1.0;
        let total = (of.len() + values.len()) as f64;
        values.iter().map(|value| count(value) / total).collect()
    };
    let (good, bad) = (shares(good), shares(bad));
    let mut draw = || {
        let mut left = random.unit();
        let place = good.iter().position(|share| {
            left -= share;
            left < 0.0
        });
        place.unwrap_or(values.len() - 1)
    };
    let candidates: Vec<usize> = (0..num_candidates).map(|_| draw()).collect();
    let ratio = |place: usize| good[place] / bad[place];
    let best = candidates.into_iter().max_by(|&one, &other| ratio(one).total_cmp(&ratio(other)));
    values[best.unwrap_or(0)].clone()
}

/// A density over the numbers from 0 to 1: a bell for each point, cut off at both ends, and a wide one in the middle.
struct Parzen {
    /// Middles and widths.
    bells: Vec<(f64, f64)>,
}

impl Parzen {
    fn new(mut points: Vec<f64>) -> Self {
        points.sort_by(f64::total_cmp);
        #[expect(clippy::cast_precision_loss, reason = "a count of trials")]
        let least = 1.0 / (points.len() as f64 + 1.0).min(100.0);
        let mut bells = vec![(0.5, 1.0)];
        for (place, &point) in points.iter().enumerate() {
            let before = if place == 0 { 0.0 } else { points[place - 1] };
            let after = points.get(place + 1).copied().unwrap_or(1.0);
            let width = (point - before).max(after - point).clamp(least, 1.0);
            bells.push((point, width));
        }
        Self { bells }
    }

    fn draw(&self, random: &mut Random) -> f64 {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_precision_loss,
            clippy::cast_sign_loss,
            reason = "a share of a count"
        )]
        let place = (random.unit() * self.bells.len() as f64) as usize;
        let (middle, width) = self.bells[place.min(self.bells.len() - 1)];
        for _ in 0..100 {
            let at = middle + width * random.normal();
            if (0.0..1.0).contains(&at) {
                return at;
            }
        }
        middle.clamp(0.0, 1.0 - f64::EPSILON)
    }

    fn density(&self, at: f64) -> f64 {
        let of = |&(middle, width): &(f64, f64)| {
            let inside = below((1.0 - middle) / width) - below(-middle / width);
            (-0.5 * ((at - middle) / width).powi(2)).exp() / (width * inside)
        };
        #[expect(clippy::cast_precision_loss, reason = "a count of trials")]
        let count = self.bells.len() as f64;
        self.bells.iter().map(of).sum::<f64>() / count
    }
}

/// Returns the share of the normal distribution below a number, to within 1e-7.
///
/// # Source
///
/// Abramowitz and Stegun, *Handbook of Mathematical Functions*, 7.1.26.
fn below(at: f64) -> f64 {
    let x = at.abs() / std::f64::consts::SQRT_2;
    let t = 1.0 / (1.0 + 0.327_591_1 * x);
    let series = t
        * (0.254_829_592
            + t * (-0.284_496_736
                + t * (1.421_413_741 + t * (-1.453_152_027 + t * 1.061_405_429))));
    let tail = 0.5 * series * (-x * x).exp();
    if at < 0.0 { tail } else { 1.0 - tail }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn densities_are_of_one_in_all() {
        for points in [vec![], vec![0.2], vec![0.0, 0.5, 0.51, 1.0]] {
            let parzen = Parzen::new(points);
            let sum: f64 =
                (0..10_000).map(|i| parzen.density((f64::from(i) + 0.5) / 10_000.0)).sum();
            assert!((sum / 10_000.0 / SQRT_TAU - 1.0).abs() < 1e-4, "{sum}");
        }
    }

    /// What the bells lack to be densities; it is the same for both of a ratio.
    const SQRT_TAU: f64 = 2.506_628_274_631_000_7;

    #[test]
    fn draws_are_where_the_points_are() {
        let parzen = Parzen::new(vec![0.1; 40]);
        let mut random = Random::keyed(1, 0, 0, 0);
        let near = (0..1000).filter(|_| (parzen.draw(&mut random) - 0.1).abs() < 0.1).count();
        assert!(near > 600, "{near}");
    }
}
