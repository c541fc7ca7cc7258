//! Predictions as doubles.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float64Type};
use model::Predictor;

use crate::ExplainError;

/// One number of a model's output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Output {
    pub(crate) name: String,
    /// Of outputs with several numbers, which.
    pub(crate) class: usize,
}

impl Output {
    /// Returns the number for each example; NaN where it is missing.
    pub(crate) fn predict(
        &self,
        predictor: &dyn Predictor,
        examples: &RecordBatch,
    ) -> Result<Vec<f64>, ExplainError> {
        let predicted = predictor.predict(examples).map_err(ExplainError::Model)?;
        let none = || ExplainError::NoOutput { output: self.name.clone() };
        let column = predicted.column_by_name(&self.name).ok_or_else(none)?;
        let (values, width): (ArrayRef, usize) = match column.data_type() {
            DataType::FixedSizeList(_, width) => {
                let list = column.as_fixed_size_list();
                (Arc::clone(list.values()), usize::try_from(*width).unwrap_or(0))
            }
            _ => (Arc::clone(column), 1),
        };
        if self.class >= width {
            return Err(none());
        }
        let values = cast(&values, &DataType::Float64).map_err(|_| none())?;
        let values = values.as_primitive_opt::<Float64Type>().ok_or_else(none)?;
        let at = |row: usize| {
            let place = row * width + self.class;
            if values.is_null(place) { f64::NAN } else { values.value(place) }
        };
        Ok((0..predicted.num_rows()).map(at).collect())
    }
}
