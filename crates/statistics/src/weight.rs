//! What examples weigh.

use arrow::array::{Array, ArrayRef, RecordBatch};
use sketch::{Count, Weight};

use crate::columns::{Flat, visit_numbers};
use crate::pass::Shape;
use crate::{StatisticsError, StatisticsPass};

/// Returns the weights of the examples of a batch, by each feature of the pass that holds some.
///
/// # Errors
///
/// As [`weights_of`].
pub(crate) fn all_weights(
    pass: &StatisticsPass,
    batch: &RecordBatch,
) -> Result<Vec<Vec<Weight>>, StatisticsError> {
    pass.weights.iter().map(|feature| weights_of(feature, batch)).collect()
}

/// Returns the weight of every example.
///
/// # Errors
///
/// [`StatisticsError::BadWeight`] when an example does not have exactly one, or it is negative, NaN or too large.
fn weights_of(feature: &str, batch: &RecordBatch) -> Result<Vec<Weight>, StatisticsError> {
    let Some(column) = batch.column_by_name(feature) else {
        return Err(StatisticsError::MissingFeature { feature: feature.to_owned() });
    };
    let bad = |found: String| StatisticsError::BadWeight { feature: feature.to_owned(), found };
    let shape = Shape::of(column.data_type()).filter(|shape| shape.is_number());
    let Some(shape) = shape else {
        return Err(bad(format!("values of type {}", column.data_type())));
    };
    let numbers = if shape.num_levels == 0 {
        ArrayRef::clone(column)
    } else {
        let flat = Flat::of(column.as_ref()).without_nulls();
        if let Some(length) = flat.lengths.iter().find(|length| **length != Some(1)) {
            return Err(bad(format!("{} values in an example", length.unwrap_or(0))));
        }
        flat.values
    };
    if numbers.logical_null_count() > 0 {
        return Err(bad("no value in an example".to_owned()));
    }
    let mut weights = Vec::with_capacity(numbers.len());
    let mut wrong = None;
    visit_numbers(numbers.as_ref(), &mut |_, value| match Weight::new(value) {
        Some(weight) => weights.push(weight),
        None => wrong = wrong.or(Some(value)),
    });
    match wrong {
        None => Ok(weights),
        Some(value) => Err(bad(value.to_string())),
    }
}

/// Repeats the weight of every row for each of its values.
pub(crate) fn repeat_weights(weights: &[Weight], lengths: &[Option<usize>]) -> Vec<Weight> {
    let each = weights.iter().zip(lengths);
    each.flat_map(|(&weight, length)| std::iter::repeat_n(weight, length.unwrap_or(0))).collect()
}

/// Adds up weights.
pub(crate) fn total(weights: impl IntoIterator<Item = Weight>) -> Weight {
    weights.into_iter().fold(Weight::default(), Weight::plus)
}
