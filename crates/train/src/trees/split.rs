//! The best decision about some examples, from histograms.

use std::cmp::Ordering;

use crate::config::BoostedTreesConfig;

use super::bins::Feature;

/// What is added to the second derivatives of a set of categories: it keeps sets of rare ones from being chosen by
/// chance.
const CATEGORY_L2: f64 = 10.0;

/// How many categories go left, at most.
const MAX_LEFT: usize = 64;

/// The sums of some examples' first and second derivatives, and how many examples there are.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Sums {
    pub(super) gradient: f64,
    pub(super) hessian: f64,
    pub(super) count: u32,
}

impl Sums {
    pub(super) fn add(&mut self, other: Self) {
        self.gradient += other.gradient;
        self.hessian += other.hessian;
        self.count += other.count;
    }

    pub(super) fn minus(self, other: Self) -> Self {
        Self {
            gradient: self.gradient - other.gradient,
            hessian: self.hessian - other.hessian,
            count: self.count - other.count,
        }
    }

    /// Returns twice the loss that a leaf of these examples takes away.
    fn score(self, l2: f64) -> f64 {
        let by = self.hessian + l2;
        if by > 0.0 { self.gradient * self.gradient / by } else { 0.0 }
    }

    /// Returns the value of a leaf of these examples.
    pub(super) fn value(self, l2: f64) -> f64 {
        let by = self.hessian + l2;
        if by > 0.0 { -self.gradient / by } else { 0.0 }
    }
}

/// A decision: the bins that go left.
#[derive(Clone, Debug)]
pub(super) struct Decision {
    pub(super) feature: usize,
    pub(super) gain: f64,
    pub(super) left: Left,
    pub(super) missing_left: bool,
    pub(super) left_sums: Sums,
}

/// Which bins go left, beside what is missing.
#[derive(Clone, Copy, Debug)]
pub(super) enum Left {
    /// Those up to this one.
    UpTo(u8),
    /// Those in the set.
    Set([u64; 4]),
}

impl Left {
    pub(super) fn has(&self, bin: u8) -> bool {
        match self {
            Self::UpTo(last) => bin <= *last,
            Self::Set(bits) => bits[usize::from(bin / 64)] >> (bin % 64) & 1 == 1,
        }
    }
}

/// Returns the best decision by one feature, or `None` when none is good enough.
pub(super) fn best(
    config: &BoostedTreesConfig,
    feature: usize,
    of: &Feature,
    histogram: &[Sums],
    total: Sums,
) -> Option<Decision> {
    match of {
        Feature::Number { .. } => best_threshold(config, feature, histogram, total),
        Feature::Category { .. } => best_set(config, feature, histogram, total),
    }
}

/// Tells how good it is to send some examples left; `None` when a side would have too few.
fn gain(config: &BoostedTreesConfig, left: Sums, total: Sums, l2: f64) -> Option<f64> {
    let right = total.minus(left);
    let least = u32::try_from(config.min_examples_per_leaf).unwrap_or(u32::MAX);
    if left.count < least || right.count < least {
        return None;
    }
    let gain = (left.score(l2) + right.score(l2) - total.score(l2)) / 2.0;
    // Rounding alone is no gain.
    let is_good = gain > config.min_gain && gain > 1e-9 * total.score(l2).max(1e-9);
    is_good.then_some(gain)
}

fn best_threshold(
    config: &BoostedTreesConfig,
    feature: usize,
    histogram: &[Sums],
    total: Sums,
) -> Option<Decision> {
    let (values, missing) = histogram.split_at(histogram.len() - 1);
    let missing = missing[0];
    let mut best: Option<Decision> = None;
    let mut below = Sums::default();
    for (bin, sums) in values.iter().enumerate().take(values.len().saturating_sub(1)) {
        below.add(*sums);
        for missing_left in [false, true] {
            if missing_left && missing.count == 0 {
                continue;
            }
            let mut left = below;
            if missing_left {
                left.add(missing);
            }
            let Some(gain) = gain(config, left, total, config.l2) else { continue };
            if best.as_ref().is_none_or(|best| gain > best.gain) {
                let bin = u8::try_from(bin).expect("there are at most 255 bins");
                let (left, left_sums) = (Left::UpTo(bin), left);
                best = Some(Decision { feature, gain, left, missing_left, left_sums });
            }
        }
    }
    // What is missing against what is there.
    let all = total.minus(missing);
    if missing.count > 0
        && let Some(gain) = gain(config, all, total, config.l2)
        && best.as_ref().is_none_or(|best| gain > best.gain)
    {
        let last = u8::try_from(values.len() - 1).expect("there are at most 255 bins");
        let (left, left_sums) = (Left::UpTo(last), all);
        best = Some(Decision { feature, gain, left, missing_left: false, left_sums });
    }
    best
}

/// Finds the best set of categories: sorted by their mean gradient, it is those up to some place. Rare and missing
/// categories go right.
fn best_set(
    config: &BoostedTreesConfig,
    feature: usize,
    histogram: &[Sums],
    total: Sums,
) -> Option<Decision> {
    let categories = &histogram[..histogram.len() - 2];
    let l2 = config.l2 + CATEGORY_L2;
    let mut order: Vec<usize> =
        (0..categories.len()).filter(|&c| categories[c].count > 0).collect();
    let rank = |category: usize| {
        categories[category].gradient / (categories[category].hessian + CATEGORY_L2)
    };
    order.sort_by(|&a, &b| rank(a).total_cmp(&rank(b)).then(a.cmp(&b)));
    let mut best: Option<(f64, Left, Sums)> = None;
    for direction in [Ordering::Less, Ordering::Greater] {
        let mut left = Sums::default();
        let mut bits = [0_u64; 4];
        for place in 0..order.len().min(MAX_LEFT) {
            let category = match direction {
                Ordering::Less => order[place],
                _ => order[order.len() - 1 - place],
            };
            left.add(categories[category]);
            bits[category / 64] |= 1 << (category % 64);
            let Some(gain) = gain(config, left, total, l2) else { continue };
            if best.as_ref().is_none_or(|best| gain > best.0) {
                best = Some((gain, Left::Set(bits), left));
            }
        }
    }
    best.map(|(gain, left, left_sums)| Decision {
        feature,
        gain,
        left,
        missing_left: false,
        left_sums,
    })
}
