//! Numbers of one batch: labels, predictions and weights, as vectors of doubles.

use std::ops::Range;

use arrow::array::{Array, ArrayRef, AsArray, Float64Array, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float64Type};

use crate::EvaluateError;

/// A column of numbers, or of vectors of numbers.
pub(crate) struct Numbers {
    values: Float64Array,
    /// How many numbers a row has; of lists, where each row begins.
    shape: Shape,
    /// Whether each row is there at all; nothing where every one is.
    rows: Option<Vec<bool>>,
}

enum Shape {
    Scalar,
    Fixed(usize),
    Lists(Vec<usize>),
}

impl Numbers {
    /// Reads a column of numbers or truth values, or of lists of them.
    pub(crate) fn read(
        batch: &RecordBatch,
        column: &str,
        role: &'static str,
        takes_vectors: bool,
    ) -> Result<Self, EvaluateError> {
        let array: &ArrayRef = batch
            .column_by_name(column)
            .ok_or_else(|| EvaluateError::MissingColumn { column: column.to_owned(), role })?;
        let wrong = |expected| EvaluateError::ColumnType {
            column: column.to_owned(),
            role,
            found: array.data_type().clone(),
            expected,
        };
        let scalars = |array: &ArrayRef| doubles(array);
        if !takes_vectors {
            let values = scalars(array).ok_or_else(|| wrong("numbers"))?;
            return Ok(Self { values, shape: Shape::Scalar, rows: None });
        }
        let expected = "a vector of numbers in each row";
        let rows = array
            .nulls()
            .map(|nulls| (0..array.len()).map(|row| nulls.is_valid(row)).collect::<Vec<bool>>());
        match array.data_type() {
            DataType::FixedSizeList(_, size) => {
                let lists = array.as_fixed_size_list();
                let values = scalars(lists.values()).ok_or_else(|| wrong(expected))?;
                let size = usize::try_from(*size).unwrap_or(0);
                Ok(Self { values, shape: Shape::Fixed(size), rows })
            }
            DataType::List(_) => {
                let lists = array.as_list::<i32>();
                let values = scalars(lists.values()).ok_or_else(|| wrong(expected))?;
                let offsets = lists.value_offsets().iter();
                let offsets = offsets.map(|offset| usize::try_from(*offset).unwrap_or(0)).collect();
                Ok(Self { values, shape: Shape::Lists(offsets), rows })
            }
            DataType::LargeList(_) => {
                let lists = array.as_list::<i64>();
                let values = scalars(lists.values()).ok_or_else(|| wrong(expected))?;
                let offsets = lists.value_offsets().iter();
                let offsets = offsets.map(|offset| usize::try_from(*offset).unwrap_or(0)).collect();
                Ok(Self { values, shape: Shape::Lists(offsets), rows })
            }
            _ => Err(wrong(expected)),
        }
    }

    /// Returns the number of a row; NaN where it is missing.
    pub(crate) fn number(&self, row: usize) -> f64 {
        if self.values.is_null(row) { f64::NAN } else { self.values.value(row) }
    }

    /// Writes the numbers of a row; a missing one is NaN. Returns how many the row has, or nothing where it is
    /// missing.
    pub(crate) fn vector(&self, row: usize, out: &mut Vec<f64>) -> Option<usize> {
        out.clear();
        if self.rows.as_ref().is_some_and(|rows| !rows[row]) {
            return None;
        }
        let range: Range<usize> = match &self.shape {
            Shape::Scalar => row..row + 1,
            Shape::Fixed(size) => row * size..(row + 1) * size,
            Shape::Lists(offsets) => offsets[row]..offsets[row + 1],
        };
        out.extend(range.map(|place| self.number(place)));
        Some(out.len())
    }

    /// Returns whether the number of a row is missing.
    pub(crate) fn is_missing(&self, row: usize) -> bool {
        self.values.is_null(row)
    }
}

/// Returns numbers or truth values as doubles, or nothing where they are something else.
fn doubles(array: &ArrayRef) -> Option<Float64Array> {
    let values = match array.data_type() {
        DataType::Dictionary(_, values) => values.as_ref(),
        other => other,
    };
    let is_number = values.is_integer()
        || values.is_floating()
        || matches!(values, DataType::Boolean | DataType::Null);
    let cast = is_number.then(|| cast(array, &DataType::Float64).ok()).flatten()?;
    Some(cast.as_primitive::<Float64Type>().clone())
}
