//! Estimators of mutual information, in bits.
//!
//! # Source
//!
//! Of two variables of names the entropies of the sample, less what is expected by chance: Vinh, Epps and Bailey,
//! "Information theoretic measures for clusterings comparison" (2010), equation 24a. Of two of numbers: Kraskov,
//! Stögbauer and Grassberger, "Estimating mutual information" (2004), equation 8, with the greater of the distances
//! along the two. Of names and numbers: Ross, "Mutual information between discrete and continuous data sets" (2014).
//! Both of the last are centred on zero where the two are independent, so that nothing has to be taken away.
//! Numbers are scaled to unit variance, and shifted by less than 1e-10 so that there are hardly any ties, as in
//! scikit-learn and TensorFlow Data Validation.

use std::collections::BTreeMap;

use sketch::as_f64;
use xxhash_rust::xxh3::xxh3_64_with_seed;

/// One value of every example.
pub(super) enum Variable {
    /// The numbers of names, from zero, and how often each occurs.
    Names {
        codes: Vec<usize>,
        counts: Vec<usize>,
    },
    Numbers(Vec<f64>),
}

/// How far numbers are shifted, as a part of their size.
const NOISE: f64 = 1e-10;
/// How far missing values are from all others, in standard deviations, beside the extent of those.
const MISSING_DISTANCE: f64 = 10.0;

impl Variable {
    pub(super) fn of_names(names: impl Iterator<Item = u64>) -> Self {
        let mut known: BTreeMap<u64, usize> = BTreeMap::new();
        let (mut codes, mut counts) = (Vec::new(), Vec::new());
        for name in names {
            let code = *known.entry(name).or_insert_with(|| {
                counts.push(0);
                counts.len() - 1
            });
            counts[code] += 1;
            codes.push(code);
        }
        Self::Names { codes, counts }
    }

    /// `seed` tells the noise of one variable from that of others.
    pub(super) fn of_numbers(numbers: impl Iterator<Item = Option<f64>>, seed: u64) -> Self {
        let numbers: Vec<Option<f64>> = numbers.collect();
        let finite = || numbers.iter().flatten().copied().filter(|number| number.is_finite());
        let num_finite = as_f64(finite().count() as u64).max(1.0);
        // Halves, so that neither a sum nor a distance overflows.
        let mean = finite().map(|number| number / num_finite).sum::<f64>();
        let scale = finite().map(|number| (number - mean).abs()).fold(0.0, f64::max);
        let square = |number: f64| ((number - mean) / scale).powi(2);
        let spread = scale * (finite().map(square).sum::<f64>() / num_finite).sqrt();
        let scaled = |number: f64| {
            if spread > 0.0 && spread.is_finite() { (number - mean) / spread } else { 0.0 }
        };
        let (least, greatest) = finite()
            .map(scaled)
            .fold((0.0_f64, 0.0_f64), |(least, greatest), it| (least.min(it), greatest.max(it)));
        let extent = greatest - least + MISSING_DISTANCE;
        let place = |number: &Option<f64>| match *number {
            None => greatest + extent,
            Some(f64::INFINITY) => greatest + 2.0 * extent,
            Some(f64::NEG_INFINITY) => least - extent,
            Some(number) => scaled(number),
        };
        let mut placed: Vec<f64> = numbers.iter().map(place).collect();
        let num = as_f64(placed.len() as u64).max(1.0);
        let size = (placed.iter().map(|number| number.abs()).sum::<f64>() / num).max(1.0);
        for (index, number) in placed.iter_mut().enumerate() {
            let hash = xxh3_64_with_seed(&(index as u64).to_le_bytes(), seed);
            let shift = 2.0 * as_f64(hash) / as_f64(u64::MAX) - 1.0;
            *number += NOISE * size * shift;
        }
        Self::Numbers(placed)
    }
}

/// Returns what two variables tell about one another beyond chance; both have the same number of values, more than
/// `k`, the number of neighbours that distances are measured to.
pub(super) fn adjusted_mutual_information(a: &Variable, b: &Variable, k: usize) -> f64 {
    let nats = match (a, b) {
        (
            Variable::Names { codes, counts },
            Variable::Names { codes: other_codes, counts: other_counts },
        ) => {
            of_names(codes, counts, other_codes, other_counts)
                - expected_of_names(counts, other_counts, codes.len())
        }
        (Variable::Names { codes, counts }, Variable::Numbers(numbers))
        | (Variable::Numbers(numbers), Variable::Names { codes, counts }) => {
            of_names_and_numbers(codes, counts, numbers, k)
        }
        (Variable::Numbers(a), Variable::Numbers(b)) => of_numbers(a, b, k),
    };
    (nats / std::f64::consts::LN_2).max(0.0)
}

fn of_names(a: &[usize], a_counts: &[usize], b: &[usize], b_counts: &[usize]) -> f64 {
    let mut together: BTreeMap<(usize, usize), usize> = BTreeMap::new();
    for (&a, &b) in a.iter().zip(b) {
        *together.entry((a, b)).or_default() += 1;
    }
    let num = float(a.len());
    let part = |(&(a, b), &count): (&(usize, usize), &usize)| {
        let count = float(count);
        count / num * (count * num / (float(a_counts[a]) * float(b_counts[b]))).ln()
    };
    together.iter().map(part).sum()
}

/// Returns what is expected of two variables with these counts if one of them was shuffled.
fn expected_of_names(a_counts: &[usize], b_counts: &[usize], num: usize) -> f64 {
    let mut log_factorials = Vec::with_capacity(num + 1);
    let mut sum = 0.0;
    log_factorials.push(sum);
    for number in 1..=num {
        sum += float(number).ln();
        log_factorials.push(sum);
    }
    // Names that occur equally often are expected to tell equally much.
    let alike = |counts: &[usize]| {
        let mut alike: BTreeMap<usize, usize> = BTreeMap::new();
        counts.iter().for_each(|&count| *alike.entry(count).or_default() += 1);
        alike
    };
    let (a_counts, b_counts) = (alike(a_counts), alike(b_counts));
    let mut expected = 0.0;
    for (&a, &num_a) in &a_counts {
        for (&b, &num_b) in &b_counts {
            let fixed = log_factorials[a]
                + log_factorials[b]
                + log_factorials[num - a]
                + log_factorials[num - b]
                - log_factorials[num];
            let each = |both: usize| {
                let ways = fixed
                    - log_factorials[both]
                    - log_factorials[a - both]
                    - log_factorials[b - both]
                    - log_factorials[num + both - a - b];
                let told = (float(num) * float(both) / (float(a) * float(b))).ln();
                float(both) / float(num) * told * ways.exp()
            };
            let least = (a + b).saturating_sub(num).max(1);
            let sum: f64 = (least..=a.min(b)).map(each).sum();
            expected += float(num_a) * float(num_b) * sum;
        }
    }
    expected
}

fn of_names_and_numbers(codes: &[usize], counts: &[usize], numbers: &[f64], k: usize) -> f64 {
    let digamma = digammas(codes.len());
    // Names that occur once have no neighbours.
    let has_neighbours = |index: &usize| counts[codes[*index]] > 1;
    let all: Vec<f64> = sorted((0..codes.len()).filter(has_neighbours).map(|index| numbers[index]));
    if all.is_empty() {
        return 0.0;
    }
    let mut of_name: Vec<Vec<f64>> = vec![Vec::new(); counts.len()];
    codes.iter().zip(numbers).for_each(|(&code, &number)| of_name[code].push(number));
    let mut sum = 0.0;
    for numbers in of_name.into_iter().filter(|numbers| numbers.len() > 1) {
        let numbers = sorted(numbers.into_iter());
        let k = k.min(numbers.len() - 1);
        for index in 0..numbers.len() {
            let within =
                num_within(&all, numbers[index], distance_to_neighbour(&numbers, index, k));
            sum += digamma[k] - digamma[numbers.len()] - digamma[within.max(1)];
        }
    }
    digamma[all.len()] + sum / float(all.len())
}

/// Returns how far the `k`-th nearest of some sorted numbers is from one of them.
fn distance_to_neighbour(numbers: &[f64], index: usize, k: usize) -> f64 {
    let number = numbers[index];
    let (mut below, mut above) = (index, index + 1);
    let mut distance = 0.0;
    for _ in 0..k {
        let to_lower = below.checked_sub(1).map_or(f64::INFINITY, |at| number - numbers[at]);
        let to_higher = numbers.get(above).map_or(f64::INFINITY, |higher| higher - number);
        if to_lower <= to_higher {
            (distance, below) = (to_lower, below - 1);
        } else {
            (distance, above) = (to_higher, above + 1);
        }
    }
    distance
}

fn of_numbers(a: &[f64], b: &[f64], k: usize) -> f64 {
    let num = a.len();
    let digamma = digammas(num);
    let mut order: Vec<usize> = (0..num).collect();
    order.sort_by(|&i, &j| a[i].total_cmp(&a[j]));
    let points: Vec<(f64, f64)> = order.iter().map(|&index| (a[index], b[index])).collect();
    let (sorted_a, sorted_b) = (sorted(a.iter().copied()), sorted(b.iter().copied()));
    let mut sum = 0.0;
    let mut nearest: Vec<f64> = Vec::with_capacity(k + 1);
    for (index, &(x, y)) in points.iter().enumerate() {
        nearest.clear();
        let (mut below, mut above) = (index, index + 1);
        // Outwards along `a`, until no farther point can be among the nearest.
        loop {
            let to_lower = below.checked_sub(1).map_or(f64::INFINITY, |at| x - points[at].0);
            let to_higher = points.get(above).map_or(f64::INFINITY, |point| point.0 - x);
            let along = to_lower.min(to_higher);
            let is_full = nearest.len() == k;
            if along.is_infinite() || (is_full && along >= nearest[k - 1]) {
                break;
            }
            let other = if to_lower <= to_higher {
                below -= 1;
                points[below].1
            } else {
                above += 1;
                points[above - 1].1
            };
            let distance = along.max((other - y).abs());
            if !is_full || distance < nearest[k - 1] {
                let place = nearest.partition_point(|&near| near <= distance);
                nearest.insert(place, distance);
                nearest.truncate(k);
            }
        }
        let radius = nearest.last().copied().unwrap_or(0.0);
        sum += digamma[num_within(&sorted_a, x, radius).max(1)];
        sum += digamma[num_within(&sorted_b, y, radius).max(1)];
    }
    digamma[num] + digamma[k] - sum / float(num)
}

/// Returns how many of some sorted numbers are nearer to one of them than a radius, itself included.
fn num_within(numbers: &[f64], number: f64, radius: f64) -> usize {
    let from = numbers.partition_point(|&other| number - other >= radius);
    let to = numbers.partition_point(|&other| other - number < radius);
    to.saturating_sub(from)
}

fn sorted(numbers: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut numbers: Vec<f64> = numbers.collect();
    numbers.sort_unstable_by(f64::total_cmp);
    numbers
}

/// Returns the digamma function of every whole number up to `last`; nothing is asked of zero.
fn digammas(last: usize) -> Vec<f64> {
    const EULER: f64 = 0.577_215_664_901_532_9;
    let mut digammas = Vec::with_capacity(last + 1);
    digammas.push(f64::NEG_INFINITY);
    let mut harmonic = 0.0;
    for number in 1..=last {
        digammas.push(harmonic - EULER);
        harmonic += 1.0 / float(number);
    }
    digammas
}

fn float(count: usize) -> f64 {
    as_f64(count as u64)
}

#[cfg(test)]
mod tests;
