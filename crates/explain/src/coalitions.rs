//! Which features are present: all coalitions where there are few, else a sample of them.

use std::collections::BTreeMap;

use crate::random::Random;

/// Coalitions of features with their weights in the regression; neither the empty nor the full one.
///
/// # Source
///
/// Lundberg and Lee, "A unified approach to interpreting model predictions" (2017), and the order in which the
/// `shap` package fills its budget: the smallest and largest sizes whole as long as they fit, then pairs of a
/// random coalition and its complement, of the sizes that are left.
pub(crate) fn coalitions(num_features: usize, budget: usize, seed: u64) -> Vec<(Vec<bool>, f64)> {
    let sizes: Vec<f64> = (0..=num_features).map(|size| weight(num_features, size)).collect();
    let mut found = Vec::new();
    let mut left = budget;
    let mut size = 1;
    while size <= num_features / 2 {
        let other = num_features - size;
        let both = if size == other { 1 } else { 2 };
        let Some(number) = choose(num_features, size).filter(|n| n * both <= left) else { break };
        for present in subsets(num_features, size) {
            let share = |size: usize| sizes[size] / number as f64;
            if size != other {
                found.push((present.iter().map(|is| !is).collect(), share(other)));
            }
            found.push((present, share(size)));
        }
        left -= number * both;
        size += 1;
    }
    let rest: Vec<usize> = (size..=num_features.saturating_sub(size)).collect();
    let rest_weight: f64 = rest.iter().map(|size| sizes[*size]).sum();
    if rest.is_empty() || left < 2 {
        return found;
    }
    let mut random = Random::new(seed);
    let mut drawn: BTreeMap<Vec<bool>, usize> = BTreeMap::new();
    let mut num_drawn = 0;
    // Many may come again; a bound on the tries keeps this finite.
    for _ in 0..left * 4 {
        if drawn.len() + 2 > left {
            break;
        }
        let mut at = random.uniform() * rest_weight;
        let is_it = |size: &&usize| {
            at -= sizes[**size];
            at < 0.0
        };
        let size = *rest.iter().find(is_it).unwrap_or(&rest[0]);
        let mut order: Vec<usize> = (0..num_features).collect();
        random.shuffle(&mut order);
        let mut present = vec![false; num_features];
        order[..size].iter().for_each(|feature| present[*feature] = true);
        let others: Vec<bool> = present.iter().map(|is| !is).collect();
        for coalition in [present, others] {
            *drawn.entry(coalition).or_default() += 1;
            num_drawn += 1;
        }
    }
    let each = rest_weight / f64::from(u32::try_from(num_drawn).unwrap_or(u32::MAX));
    let weighed = |(coalition, times): (Vec<bool>, usize)| (coalition, each * times as f64);
    found.extend(drawn.into_iter().map(weighed));
    found
}

/// Returns the weight of all coalitions of a size together.
fn weight(num_features: usize, size: usize) -> f64 {
    if size == 0 || size == num_features {
        return 0.0;
    }
    (num_features - 1) as f64 / (size * (num_features - size)) as f64
}

fn choose(n: usize, k: usize) -> Option<usize> {
    (0..k).try_fold(1usize, |number, step| Some(number.checked_mul(n - step)? / (step + 1)))
}

/// Returns every subset of a size.
fn subsets(n: usize, size: usize) -> Vec<Vec<bool>> {
    let mut places: Vec<usize> = (0..size).collect();
    let mut found = Vec::new();
    loop {
        let mut present = vec![false; n];
        places.iter().for_each(|place| present[*place] = true);
        found.push(present);
        let Some(moved) = (0..size).rev().find(|i| places[*i] < n - size + i) else { return found };
        places[moved] += 1;
        for i in moved + 1..size {
            places[i] = places[i - 1] + 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_features_have_all_coalitions() {
        let found = coalitions(4, 2048, 0);
        assert_eq!(found.len(), 14);
        let unique: std::collections::BTreeSet<_> = found.iter().map(|(c, _)| c.clone()).collect();
        assert_eq!(unique.len(), 14);
        let sum: f64 = found.iter().map(|(_, weight)| weight).sum();
        assert!((sum - (1.0 + 0.75 + 1.0)).abs() < 1e-12);
    }

    #[test]
    fn many_features_have_a_sample_in_pairs() {
        let found = coalitions(30, 200, 3);
        assert!(found.len() <= 200 && found.len() > 150, "{}", found.len());
        for (coalition, weight) in &found {
            let other: Vec<bool> = coalition.iter().map(|is| !is).collect();
            assert!(
                found.iter().any(|(found, same)| *found == other && (same - weight).abs() < 1e-12)
            );
        }
        assert_eq!(format!("{found:?}"), format!("{:?}", coalitions(30, 200, 3)));
        let sum: f64 = found.iter().map(|(_, weight)| weight).sum();
        let all: f64 = (1..30).map(|size| weight(30, size)).sum();
        assert!((sum - all).abs() < 1e-9);
    }
}
