//! The weighted ridge regression over the neighbours of an example, and the choice of its features.

use super::lasso::{Products, lasso};
use super::{FeatureSelection, LimeOptions};
use crate::solve::solve;

/// Up to this many features are chosen one after the other.
const MAX_FORWARD: usize = 6;
/// The ridge of the local model, and of the model by whose weights features are chosen.
const RIDGE: f64 = 1.0;
const RIDGE_OF_CHOICE: f64 = 0.01;

/// A linear model of the neighbours.
#[derive(Debug)]
pub(super) struct Fit {
    pub(super) intercept: f64,
    /// For each feature; 0 of those that were not chosen.
    pub(super) values: Vec<f64>,
    pub(super) score: f64,
    /// The model's prediction for the first row.
    pub(super) local_prediction: f64,
}

/// Sums over the neighbours around their weighted means, from which every model of some features follows.
struct Sums {
    num_rows: usize,
    means: Vec<f64>,
    target_mean: f64,
    /// Σ w (x_i - mean) (x_j - mean)
    products: Vec<Vec<f64>>,
    /// Σ w (x_i - mean) (y - mean)
    with_target: Vec<f64>,
    /// Σ w (y - mean)²
    of_target: f64,
}

/// Returns the linear model of neighbours, of which the first row is the example itself, with what is predicted for
/// each. `data` is row by row, one number for each feature.
pub(super) fn fit(
    data: &[Vec<f64>],
    predictions: &[f64],
    kernel_width: f64,
    options: &LimeOptions,
) -> Fit {
    let example = &data[0];
    let weight = |row: &Vec<f64>| {
        let squares: f64 = row.iter().zip(example).map(|(a, b)| (a - b).powi(2)).sum();
        (-squares / kernel_width.powi(2)).exp().sqrt()
    };
    let weights: Vec<f64> = data.iter().map(weight).collect();
    let sums = Sums::new(data, predictions, &weights);
    let chosen = choose(&sums, example, options);
    let weights = sums.ridge(&chosen, RIDGE);
    let mut values = vec![0.0; example.len()];
    for (feature, value) in chosen.iter().zip(&weights) {
        values[*feature] = *value;
    }
    let at = |row: &[f64]| row.iter().zip(&values).map(|(x, value)| x * value).sum::<f64>();
    let intercept = sums.target_mean - at(&sums.means);
    let local_prediction = intercept + at(example);
    Fit { intercept, score: sums.score(&chosen, &weights), local_prediction, values }
}

fn choose(sums: &Sums, example: &[f64], options: &LimeOptions) -> Vec<usize> {
    let num = options.num_features.min(example.len());
    match options.selection {
        FeatureSelection::All => (0..example.len()).collect(),
        FeatureSelection::Forward => forward(sums, num),
        FeatureSelection::LassoPath => {
            let Sums { num_rows, products, with_target, .. } = sums;
            lasso(&Products { num_rows: *num_rows, features: products, target: with_target }, num)
        }
        FeatureSelection::Auto if options.num_features <= MAX_FORWARD => forward(sums, num),
        FeatureSelection::Auto | FeatureSelection::HighestWeights => {
            let mut chosen: Vec<usize> = (0..example.len()).collect();
            let weights = sums.ridge(&chosen, RIDGE_OF_CHOICE);
            let adds = |feature: &usize| (weights[*feature] * example[*feature]).abs();
            chosen.sort_by(|a, b| adds(b).total_cmp(&adds(a)));
            chosen.truncate(num);
            chosen
        }
    }
}

fn forward(sums: &Sums, num: usize) -> Vec<usize> {
    let mut chosen = Vec::new();
    for _ in 0..num {
        let mut best: Option<(f64, usize)> = None;
        for feature in (0..sums.means.len()).filter(|feature| !chosen.contains(feature)) {
            let mut with = chosen.clone();
            with.push(feature);
            let score = sums.score(&with, &sums.ridge(&with, 0.0));
            if best.is_none_or(|(highest, _)| score > highest) {
                best = Some((score, feature));
            }
        }
        chosen.extend(best.map(|(_, feature)| feature));
    }
    chosen
}

impl Sums {
    fn new(data: &[Vec<f64>], predictions: &[f64], weights: &[f64]) -> Self {
        let num = data[0].len();
        let all: f64 = weights.iter().sum();
        let mut means = vec![0.0; num];
        let mut target_mean = 0.0;
        for ((row, prediction), weight) in data.iter().zip(predictions).zip(weights) {
            means.iter_mut().zip(row).for_each(|(mean, x)| *mean += weight / all * x);
            target_mean += weight / all * prediction;
        }
        let mut products = vec![vec![0.0; num]; num];
        let mut with_target = vec![0.0; num];
        let mut of_target = 0.0;
        let mut centered = vec![0.0; num];
        for ((row, prediction), weight) in data.iter().zip(predictions).zip(weights) {
            for (place, mean) in means.iter().enumerate() {
                centered[place] = row[place] - mean;
            }
            let target = prediction - target_mean;
            of_target += weight * target * target;
            for (place, x) in centered.iter().enumerate() {
                with_target[place] += weight * x * target;
                for (sum, other) in products[place].iter_mut().zip(&centered) {
                    *sum += weight * x * other;
                }
            }
        }
        Self { num_rows: data.len(), means, target_mean, products, with_target, of_target }
    }

    /// Returns the weights of some features in a ridge regression with an intercept.
    fn ridge(&self, features: &[usize], ridge: f64) -> Vec<f64> {
        let mut matrix: Vec<Vec<f64>> = features
            .iter()
            .map(|a| features.iter().map(|b| self.products[*a][*b]).collect())
            .collect();
        matrix.iter_mut().enumerate().for_each(|(place, row)| row[place] += ridge);
        solve(matrix, features.iter().map(|feature| self.with_target[*feature]).collect())
    }

    /// Returns R² of a model; 1 where there is nothing to explain.
    fn score(&self, features: &[usize], weights: &[f64]) -> f64 {
        if self.of_target == 0.0 {
            return 1.0;
        }
        let explained: f64 =
            features.iter().zip(weights).map(|(f, w)| w * self.with_target[*f]).sum();
        let mut own = 0.0;
        for (a, weight) in features.iter().zip(weights) {
            for (b, other) in features.iter().zip(weights) {
                own += weight * other * self.products[*a][*b];
            }
        }
        (2.0 * explained - own) / self.of_target
    }
}
