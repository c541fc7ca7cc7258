//! How much worse a model predicts when a feature is shuffled.

use std::sync::Arc;

use arrow::array::{RecordBatch, UInt64Array};
use arrow::compute::take;
use model::{Predictor, Task};

use crate::ExplainError;
use crate::predictions::Output;
use crate::random::Random;

/// Probabilities are kept this far from 0 and 1 before their logarithm is taken.
const EPSILON: f64 = 1e-7;

/// How much a model needs a feature.
#[derive(Clone, Debug, PartialEq)]
pub struct Importance {
    /// The feature.
    pub feature: String,
    /// By how much the mean loss rises when the feature's values are those of other examples: the mean over repeats.
    pub mean: f64,
    /// The standard deviation over repeats; 0 for one.
    pub std_dev: f64,
}

/// Returns how much a model needs each feature, for each group of examples (such as slices).
///
/// The loss is the log loss of binary classifiers and the squared error of all others. Values are shuffled among all
/// examples, in the same way for every group. Examples whose label is NaN are left out.
///
/// # Errors
///
/// [`ExplainError::MissingFeature`], and [`ExplainError::Model`] when the model cannot read the examples.
///
/// # Source
///
/// Breiman, "Random forests" (2001); model-agnostic as in Fisher et al. 2019.
pub fn permutation_importance(
    predictor: &dyn Predictor,
    examples: &RecordBatch,
    labels: &[f64],
    features: &[String],
    groups: &[Vec<usize>],
    repeats: u32,
    seed: u64,
) -> Result<Vec<Vec<Importance>>, ExplainError> {
    let output = Output { name: model::PREDICTION.to_owned(), class: 0 };
    let task = predictor.signature().task;
    let losses = |examples: &RecordBatch| -> Result<Vec<f64>, ExplainError> {
        let predictions = output.predict(predictor, examples)?;
        Ok(labels.iter().zip(predictions).map(|(label, p)| loss(task, *label, p)).collect())
    };
    let mean_of = |losses: &[f64], group: &[usize]| {
        let known: Vec<f64> =
            group.iter().map(|row| losses[*row]).filter(|l| !l.is_nan()).collect();
        known.iter().sum::<f64>() / known.len() as f64
    };
    let before = losses(examples)?;
    let mut found = vec![Vec::new(); groups.len()];
    for (place, feature) in features.iter().enumerate() {
        let missing = || ExplainError::MissingFeature { feature: feature.clone() };
        let column = examples.schema().index_of(feature).map_err(|_| missing())?;
        let mut rises = vec![Vec::new(); groups.len()];
        for repeat in 0..repeats {
            let mut random = Random::new(
                seed.wrapping_add((place as u64) << 32).wrapping_add(u64::from(repeat)),
            );
            let mut order: Vec<u64> = (0..examples.num_rows() as u64).collect();
            random.shuffle(&mut order);
            let other = |source| ExplainError::OtherColumns { source };
            let mut columns = examples.columns().to_vec();
            columns[column] =
                take(&columns[column], &UInt64Array::from(order), None).map_err(other)?;
            let shuffled =
                RecordBatch::try_new(Arc::clone(&examples.schema()), columns).map_err(other)?;
            let after = losses(&shuffled)?;
            for (rises, group) in rises.iter_mut().zip(groups) {
                rises.push(mean_of(&after, group) - mean_of(&before, group));
            }
        }
        for (found, rises) in found.iter_mut().zip(rises) {
            let n = rises.len().max(1) as f64;
            let mean = rises.iter().sum::<f64>() / n;
            let squares: f64 = rises.iter().map(|rise| (rise - mean).powi(2)).sum();
            let std_dev = (squares / n).sqrt();
            found.push(Importance { feature: feature.clone(), mean, std_dev });
        }
    }
    Ok(found)
}

fn loss(task: Task, label: f64, prediction: f64) -> f64 {
    match task {
        Task::BinaryClassification => {
            let likely = prediction.clamp(EPSILON, 1.0 - EPSILON);
            -(label * likely.ln() + (1.0 - label) * (-likely).ln_1p())
        }
        _ => (label - prediction).powi(2),
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::{ArrayRef, AsArray, Float64Array};
    use arrow::datatypes::{DataType, Float64Type};
    use base::BoxError;
    use model::{PREDICTION, Signature};

    use super::*;

    /// Three times the first feature.
    struct Triple(Signature);

    impl Predictor for Triple {
        fn signature(&self) -> &Signature {
            &self.0
        }

        fn predict(&self, examples: &RecordBatch) -> Result<RecordBatch, BoxError> {
            let x = examples.column(0).as_primitive::<Float64Type>();
            let predicted: Float64Array = x.iter().map(|x| x.map(|x| 3.0 * x)).collect();
            let predicted = arrow::compute::cast(&predicted, &DataType::Float32).unwrap();
            Ok(RecordBatch::try_from_iter([(PREDICTION, predicted)]).unwrap())
        }
    }

    #[test]
    fn what_a_model_does_not_look_at_has_no_importance() {
        let model = Triple(Signature::new(Vec::new(), "y".to_owned(), Task::Regression));
        let column = |step: u32| -> ArrayRef {
            Arc::new((0..200u32).map(|i| Some(f64::from(i * step % 11))).collect::<Float64Array>())
        };
        let examples = RecordBatch::try_from_iter([("a", column(1)), ("b", column(7))]).unwrap();
        let labels: Vec<f64> = (0..200u32).map(|i| 3.0 * f64::from(i % 11)).collect();
        let features = ["a".to_owned(), "b".to_owned()];
        let groups = [(0..200).collect::<Vec<_>>(), (0..50).collect()];
        let run = || {
            permutation_importance(&model, &examples, &labels, &features, &groups, 5, 1).unwrap()
        };
        let found = run();
        for of_group in &found {
            // Twice the variance of the label: 9 · 10.
            assert!((of_group[0].mean - 180.0).abs() < 40.0, "{of_group:?}");
            assert!(of_group[0].std_dev > 0.0);
            assert!(of_group[1].mean.abs() < 1e-12);
        }
        assert_eq!(found, run());
    }
}
