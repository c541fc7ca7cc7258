//! The path of the lasso, by which features are chosen: which of them have a weight as the penalty falls.

use crate::solve::solve;

/// A column of which less than this is left beside those before it says nothing of its own.
const DEPENDENT: f64 = 1e-7;
/// No path is longer.
const MAX_STEPS: usize = 500;

/// Sums over rows, around the means.
pub(super) struct Products<'a> {
    pub(super) num_rows: usize,
    /// Of pairs of features.
    pub(super) features: &'a [Vec<f64>],
    /// Of each feature with the target.
    pub(super) target: &'a [f64],
}

/// Returns the features that have a weight at the last point of the path where no more than `num` have one.
///
/// # Source
///
/// Least angle regression with the lasso's change, Efron et al. 2004, as scikit-learn's `lars_path` goes; the point is
/// chosen as the `lime` package does.
pub(super) fn lasso(products: &Products<'_>, num: usize) -> Vec<usize> {
    let path = path(products);
    let chosen = path.iter().rev().find(|features| features.len() <= num).or(path.first());
    chosen.cloned().unwrap_or_else(|| (0..products.target.len()).collect())
}

/// Returns the features with a weight after each step.
fn path(products: &Products<'_>) -> Vec<Vec<usize>> {
    let n = products.target.len();
    // What is less than this is none.
    let least = f64::from(f32::EPSILON) * products.num_rows as f64;
    let mut covariances = products.target.to_vec();
    let (mut weights, mut signs) = (vec![0.0; n], vec![0.0; n]);
    let (mut active, mut rest): (Vec<usize>, Vec<usize>) = (Vec::new(), (0..n).collect());
    let mut path: Vec<Vec<usize>> = Vec::new();
    let mut was_dropped = false;
    while path.len() < MAX_STEPS {
        let nearest = rest.iter().copied().reduce(|best, other| {
            if covariances[other].abs() > covariances[best].abs() { other } else { best }
        });
        let Some(nearest) = nearest.filter(|nearest| covariances[*nearest].abs() > least) else {
            break;
        };
        let common = covariances[nearest].abs();
        if !was_dropped {
            rest.retain(|feature| *feature != nearest);
            if own_part(products.features, &active, nearest) < DEPENDENT {
                continue;
            }
            signs[nearest] = covariances[nearest].signum();
            active.push(nearest);
        }
        let square = square(products.features, &active);
        let mut direction = solve(square, active.iter().map(|feature| signs[*feature]).collect());
        let norm: f64 = active.iter().zip(&direction).map(|(a, weight)| signs[*a] * weight).sum();
        let scale = 1.0 / norm.sqrt();
        direction.iter_mut().for_each(|weight| *weight *= scale);
        let along: Vec<f64> =
            products.features.iter().map(|row| sum(row, &active, &direction)).collect();
        // Up to where one of the others is as near the target, or a weight would change its sign.
        let whole = common / scale;
        let mut step = whole;
        for feature in &rest {
            for sign in [1.0, -1.0] {
                let at = (common - sign * covariances[*feature]) / (scale - sign * along[*feature]);
                if at > 1e-12 * whole && at < step {
                    step = at;
                }
            }
        }
        let crossing = |(place, feature): (usize, &usize)| {
            let at = -weights[*feature] / direction[place];
            (at > 0.0 && at < step).then_some((at, place))
        };
        let first = active.iter().enumerate().filter_map(crossing);
        let first = first.min_by(|a, b| a.0.total_cmp(&b.0));
        step = first.map_or(step, |(at, _)| at);
        for (feature, weight) in active.iter().zip(&direction) {
            weights[*feature] += step * weight;
        }
        covariances.iter_mut().zip(&along).for_each(|(value, along)| *value -= step * along);
        was_dropped = first.is_some();
        if let Some((_, place)) = first {
            let feature = active.remove(place);
            weights[feature] = 0.0;
            rest.push(feature);
        }
        path.push((0..n).filter(|feature| weights[*feature] != 0.0).collect());
    }
    path
}

/// Returns the length of what of a feature is no sum of some others.
fn own_part(products: &[Vec<f64>], others: &[usize], feature: usize) -> f64 {
    let with: Vec<f64> = others.iter().map(|other| products[*other][feature]).collect();
    let weights = solve(square(products, others), with);
    let explained = sum(&products[feature], others, &weights);
    (products[feature][feature] - explained).max(0.0).sqrt()
}

fn square(products: &[Vec<f64>], features: &[usize]) -> Vec<Vec<f64>> {
    let row = |a: &usize| features.iter().map(|b| products[*a][*b]).collect();
    features.iter().map(row).collect()
}

fn sum(row: &[f64], features: &[usize], weights: &[f64]) -> f64 {
    features.iter().zip(weights).map(|(feature, weight)| row[*feature] * weight).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(features: &[Vec<f64>], target: &[f64], num: usize) -> Vec<usize> {
        lasso(&Products { num_rows: 100, features, target }, num)
    }

    #[test]
    fn features_that_are_independent_come_by_their_weight() {
        let unit = |place: usize| (0..4).map(|i| f64::from(i == place)).collect::<Vec<_>>();
        let features: Vec<Vec<f64>> = (0..4).map(unit).collect();
        let target = [1.0, -3.0, 0.5, 0.0];
        assert_eq!(chosen(&features, &target, 1), [1]);
        assert_eq!(chosen(&features, &target, 2), [0, 1]);
        // One that has nothing to do with the target is never chosen.
        assert_eq!(chosen(&features, &target, 4), [0, 1, 2]);
        assert_eq!(chosen(&features, &[0.0; 4], 2), [0, 1, 2, 3]);
    }

    #[test]
    fn a_feature_that_is_the_sum_of_two_leaves_the_path_and_none_is_there_twice() {
        // Independent x, y and z, and x + y + z / 2: first it alone is near 2x + 2y + 0.1z, in the end it has no weight.
        let features = [
            vec![1.0, 0.0, 0.0, 1.0],
            vec![0.0, 1.0, 0.0, 1.0],
            vec![0.0, 0.0, 1.0, 0.5],
            vec![1.0, 1.0, 0.5, 2.25],
        ];
        let target = [2.0, 2.0, 0.1, 4.05];
        assert_eq!(chosen(&features, &target, 1), [3]);
        let twice = [vec![1.0, 1.0], vec![1.0, 1.0]];
        assert_eq!(chosen(&twice, &[1.0, 1.0], 2), [0]);
    }
}
