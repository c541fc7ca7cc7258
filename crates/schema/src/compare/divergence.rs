//! The Jensen-Shannon divergence, base 2, of values or of histograms.

use std::collections::{BTreeMap, BTreeSet};

use formats::metadata::{Histogram, histogram_selection};

use crate::view::FeatureView;

/// Returns how far apart two distributions are: 0 when they are the same, 1 when nothing is common.
///
/// Of categorical features the counted values are compared; of numeric ones a histogram, the values within
/// a bucket taken to be spread evenly. None when the two features have no such statistics in common.
pub(crate) fn jensen_shannon_divergence(
    a: &FeatureView<'_>,
    b: &FeatureView<'_>,
    source: histogram_selection::Type,
) -> Option<f64> {
    let (values_a, values_b) = (a.values(), b.values());
    if !values_a.is_empty() && !values_b.is_empty() {
        return of_values(&values_a, &values_b);
    }
    divergence(&align(a.histogram(source)?, b.histogram(source)?))
}

fn of_values(a: &BTreeMap<&str, f64>, b: &BTreeMap<&str, f64>) -> Option<f64> {
    // Counts that are not positive are nobody's distribution.
    if a.values().chain(b.values()).any(|&count| count.is_nan() || count <= 0.0) {
        return None;
    }
    let values: BTreeSet<&str> = a.keys().chain(b.keys()).copied().collect();
    let count = |counts: &BTreeMap<&str, f64>, value| counts.get(value).copied().unwrap_or(0.0);
    let masses: Vec<_> =
        values.into_iter().map(|value| (count(a, value), count(b, value))).collect();
    divergence(&masses)
}

/// Returns the divergence of two distributions given as masses of the same outcomes.
fn divergence(masses: &[(f64, f64)]) -> Option<f64> {
    let total_a: f64 = masses.iter().map(|(a, _)| a).sum();
    let total_b: f64 = masses.iter().map(|(_, b)| b).sum();
    if total_a == 0.0 || total_b == 0.0 {
        return None;
    }
    let term = |p: f64, middle: f64| if p > 0.0 { p * (p / middle).log2() } else { 0.0 };
    let (from_a, from_b) = masses.iter().fold((0.0, 0.0), |(from_a, from_b), &(a, b)| {
        let (p, q) = (a / total_a, b / total_b);
        let middle = f64::midpoint(p, q);
        (from_a + term(p, middle), from_b + term(q, middle))
    });
    // Rounding may carry it past 1.
    Some((f64::midpoint(from_a, from_b)).min(1.0))
}

/// A histogram in parts: ranges, single numbers, and what has no place on the line.
struct Parts {
    ranges: Vec<(f64, f64, f64)>,
    points: Vec<(f64, f64)>,
    infinite: f64,
    nan: f64,
}

impl Parts {
    fn new(histogram: &Histogram) -> Self {
        #[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^53")]
        let nan = histogram.num_nan as f64;
        let mut parts = Self { ranges: Vec::new(), points: Vec::new(), infinite: 0.0, nan };
        for bucket in &histogram.buckets {
            let (low, high, mass) = (bucket.low_value, bucket.high_value, bucket.sample_count);
            if !low.is_finite() || !high.is_finite() {
                parts.infinite += mass;
            } else if low < high {
                parts.ranges.push((low, high, mass));
            } else {
                parts.points.push((low, mass));
            }
        }
        parts
    }

    /// Returns the mass between two neighbouring boundaries.
    fn between(&self, from: f64, to: f64) -> f64 {
        let covering = self.ranges.iter().filter(|&&(low, high, _)| low <= from && to <= high);
        covering.map(|&(low, high, mass)| (to - from) / (high - low) * mass).sum()
    }

    /// Returns the mass of one number.
    fn at(&self, number: f64) -> f64 {
        let same = self.points.iter().filter(|(point, _)| point.total_cmp(&number).is_eq());
        same.map(|(_, mass)| mass).sum()
    }
}

/// Returns the masses of two histograms over the same outcomes.
///
/// Ranges are cut at the boundaries of both. A number that has a bucket of its own is an outcome. What is
/// infinite, and what is not a number, is common to no two datasets.
fn align(a: &Histogram, b: &Histogram) -> Vec<(f64, f64)> {
    let (a, b) = (Parts::new(a), Parts::new(b));
    let boundaries =
        sorted(a.ranges.iter().chain(&b.ranges).flat_map(|&(low, high, _)| [low, high]));
    let points = sorted(a.points.iter().chain(&b.points).map(|&(point, _)| point));

    let cells = boundaries.windows(2);
    let ranges = cells.map(|cell| (a.between(cell[0], cell[1]), b.between(cell[0], cell[1])));
    let points = points.iter().map(|&point| (a.at(point), b.at(point)));
    let placeless = [(a.infinite, 0.0), (0.0, b.infinite), (a.nan, 0.0), (0.0, b.nan)];
    ranges.chain(points).chain(placeless).collect()
}

fn sorted(numbers: impl Iterator<Item = f64>) -> Vec<f64> {
    // Adding zero makes both zeros the same.
    let mut numbers: Vec<f64> = numbers.map(|number| number + 0.0).collect();
    numbers.sort_unstable_by(f64::total_cmp);
    numbers.dedup_by(|a, b| a.total_cmp(b).is_eq());
    numbers
}
