//! What the pass reads of one batch: the examples that have a label, and what a model predicted for them.

use arrow::array::{Array, ArrayRef, AsArray, Float64Array, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float64Type};
use model::Task;

use crate::metrics::NUM_BUCKETS;
use crate::sums::{Fixed, MAX_WEIGHT};
use crate::{EvaluateError, EvaluatePass};

/// Probabilities are kept this far from 0 and 1 before their logarithm is taken, as the reference does.
const EPSILON: f64 = 1e-7;

/// One example that has a label.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Example {
    /// Its row in the batch.
    pub(crate) row: usize,
    pub(crate) label: f64,
    pub(crate) weight: Fixed,
    /// The same weight as a number: whatever a [`Fixed`] cannot hold is left out everywhere.
    pub(crate) weight_value: f64,
}

/// What one prediction adds to the sums of every slice that the example is in; all weighted.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Terms {
    pub(crate) prediction: f64,
    pub(crate) positive_prediction: f64,
    pub(crate) squared_error: f64,
    pub(crate) absolute_error: f64,
    pub(crate) log_loss: f64,
    /// What only classifiers have, for predictions that are numbers.
    pub(crate) classified: Option<Classified>,
}

/// Where the prediction of a classifier falls.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Classified {
    pub(crate) is_positive: bool,
    pub(crate) is_predicted_positive: bool,
    /// Among [`NUM_BUCKETS`] and one, where a metric asks how predictions are spread.
    pub(crate) bucket: Option<u16>,
}

/// Returns the examples of a batch that have a label, and how many have none. NaN is no label.
pub(crate) fn labelled(
    pass: &EvaluatePass,
    batch: &RecordBatch,
) -> Result<(Vec<Example>, u64), EvaluateError> {
    let column = &pass.columns.label;
    let labels = numbers(batch, column, "label")?;
    let weights = match &pass.config.example_weight {
        Some(column) => Some((column, numbers(batch, column, "example weight")?)),
        None => None,
    };
    let mut examples = Vec::with_capacity(labels.len());
    for (row, label) in labels.iter().enumerate() {
        let Some(label) = label.filter(|label| !label.is_nan()) else { continue };
        check_label(pass.task, column, label)?;
        let value = match &weights {
            None => 1.0,
            Some((column, weights)) => weight(column, weights, row)?,
        };
        let weight = Fixed::of(value);
        examples.push(Example { row, label, weight, weight_value: weight.value() });
    }
    let num_missing = (labels.len() - examples.len()) as u64;
    Ok((examples, num_missing))
}

#[expect(clippy::float_cmp, reason = "0 and 1 are exact")]
fn check_label(task: Task, column: &str, value: f64) -> Result<(), EvaluateError> {
    let column = || column.to_owned();
    match task {
        Task::BinaryClassification if value != 0.0 && value != 1.0 => {
            Err(EvaluateError::Label { column: column(), value })
        }
        Task::Regression if value.is_infinite() => {
            Err(EvaluateError::InfiniteLabel { column: column(), value })
        }
        _ => Ok(()),
    }
}

fn weight(column: &str, weights: &Float64Array, row: usize) -> Result<f64, EvaluateError> {
    let column = || column.to_owned();
    if weights.is_null(row) {
        return Err(EvaluateError::MissingWeight { column: column() });
    }
    let value = weights.value(row);
    if !(0.0..=MAX_WEIGHT).contains(&value) {
        return Err(EvaluateError::Weight { column: column(), value });
    }
    Ok(value)
}

/// Returns what a model predicted for each of some examples. A prediction that is missing is NaN.
pub(crate) fn terms(
    pass: &EvaluatePass,
    column: &str,
    batch: &RecordBatch,
    examples: &[Example],
) -> Result<Vec<Terms>, EvaluateError> {
    let predictions = numbers(batch, column, "prediction")?;
    let threshold = pass.config.classification_threshold;
    let needs_curve = pass.needs_curve();
    let terms_of = |example: &Example| {
        let row = example.row;
        let prediction = if predictions.is_null(row) { f64::NAN } else { predictions.value(row) };
        match pass.task {
            Task::Regression
            | Task::MultiClassClassification { .. }
            | Task::MultiLabelClassification { .. }
            | Task::Ranking => Ok(errors(example, prediction)),
            Task::BinaryClassification if prediction.is_nan() => Ok(errors(example, prediction)),
            Task::BinaryClassification if (0.0..=1.0).contains(&prediction) => {
                Ok(classified(example, prediction, threshold, needs_curve))
            }
            Task::BinaryClassification => {
                let column = column.to_owned();
                Err(EvaluateError::Probability { column, value: prediction })
            }
        }
    };
    examples.iter().map(terms_of).collect()
}

fn errors(example: &Example, prediction: f64) -> Terms {
    let weight = example.weight_value;
    let error = example.label - prediction;
    Terms {
        prediction: weight * prediction,
        positive_prediction: 0.0,
        squared_error: weight * (error * error),
        absolute_error: weight * error.abs(),
        log_loss: 0.0,
        classified: None,
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a probability times the number of buckets is a bucket"
)]
fn classified(example: &Example, prediction: f64, threshold: f64, needs_curve: bool) -> Terms {
    let weight = example.weight_value;
    let is_positive = example.label > 0.5;
    let likely = prediction.clamp(EPSILON, 1.0 - EPSILON);
    let loss = if is_positive { -likely.ln() } else { -(-likely).ln_1p() };
    Terms {
        positive_prediction: if is_positive { weight * prediction } else { 0.0 },
        log_loss: weight * loss,
        classified: Some(Classified {
            is_positive,
            is_predicted_positive: prediction > threshold,
            bucket: needs_curve.then_some((prediction * f64::from(NUM_BUCKETS)) as u16),
        }),
        ..errors(example, prediction)
    }
}

/// Returns a column of numbers or truth values as numbers.
fn numbers(
    batch: &RecordBatch,
    column: &str,
    role: &'static str,
) -> Result<Float64Array, EvaluateError> {
    let array: &ArrayRef = batch
        .column_by_name(column)
        .ok_or_else(|| EvaluateError::MissingColumn { column: column.to_owned(), role })?;
    let values = match array.data_type() {
        DataType::Dictionary(_, values) => values.as_ref(),
        other => other,
    };
    let is_number = values.is_integer()
        || values.is_floating()
        || matches!(values, DataType::Boolean | DataType::Null);
    let cast = is_number.then(|| cast(array, &DataType::Float64).ok()).flatten();
    let Some(cast) = cast else {
        let (column, found) = (column.to_owned(), array.data_type().clone());
        return Err(EvaluateError::ColumnType { column, role, found, expected: "numbers" });
    };
    Ok(cast.as_primitive::<Float64Type>().clone())
}
