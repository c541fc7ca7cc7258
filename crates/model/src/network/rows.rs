//! Examples as a network reads them.

use std::ops::Range;

use arrow::array::{Array, ArrayRef, AsArray, Float32Array, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float32Type, Int64Type};

use crate::ModelError;
use crate::network::{Network, Weights};

/// The id of a category that is missing or out of range: it has no weight and no embedding.
pub const NO_CATEGORY: u32 = u32::MAX;

/// Turns columns into [`Rows`], for training and prediction alike.
///
/// A numeric value that is missing or not a number counts as 0. A categorical value that is missing, negative,
/// or not below the feature's `num_buckets` is [`NO_CATEGORY`] and contributes nothing.
#[derive(Clone, Debug)]
pub struct Encoder {
    numeric: Vec<String>,
    categorical: Vec<(String, usize)>,
}

/// Some examples, one after the other.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rows {
    num_rows: usize,
    /// Shape `[num_rows, numeric features]`.
    numeric: Vec<f32>,
    /// Shape `[num_rows, categorical features]`.
    ids: Vec<u32>,
}

impl Encoder {
    /// Returns the encoder of a network's features.
    pub fn new(network: &Network) -> Self {
        Self {
            numeric: network.numeric().to_vec(),
            categorical: network
                .categorical()
                .iter()
                .map(|feature| (feature.name.clone(), feature.num_buckets))
                .collect(),
        }
    }

    /// Returns the names of the columns that are read.
    pub fn columns(&self) -> impl Iterator<Item = &str> {
        let categorical = self.categorical.iter().map(|(name, _)| name.as_str());
        self.numeric.iter().map(String::as_str).chain(categorical)
    }

    /// Returns the examples of a batch.
    ///
    /// # Errors
    ///
    /// [`ModelError::MissingColumn`] and [`ModelError::ColumnType`].
    pub fn encode(&self, batch: &RecordBatch) -> Result<Rows, ModelError> {
        let num_rows = batch.num_rows();
        let mut rows = Rows {
            num_rows,
            numeric: vec![0.0; num_rows * self.numeric.len()],
            ids: vec![NO_CATEGORY; num_rows * self.categorical.len()],
        };
        for (place, name) in self.numeric.iter().enumerate() {
            let values = numeric_column(batch, name)?;
            let targets = rows.numeric.iter_mut().skip(place).step_by(self.numeric.len());
            for (target, value) in targets.zip(&values) {
                *target = value.filter(|value| !value.is_nan()).unwrap_or(0.0);
            }
        }
        for (place, (name, num_buckets)) in self.categorical.iter().enumerate() {
            let column = category_column(batch, name)?;
            let values = column.as_primitive::<Int64Type>();
            let targets = rows.ids.iter_mut().skip(place).step_by(self.categorical.len());
            for (target, value) in targets.zip(values) {
                let id = value.and_then(|value| u32::try_from(value).ok());
                *target = id.filter(|&id| (id as usize) < *num_buckets).unwrap_or(NO_CATEGORY);
            }
        }
        Ok(rows)
    }
}

impl Rows {
    /// Returns how many examples there are.
    pub fn num_rows(&self) -> usize {
        self.num_rows
    }

    /// Returns the numeric values, shape `[num_rows, numeric features]`.
    pub fn numeric(&self) -> &[f32] {
        &self.numeric
    }

    /// Returns the categories, shape `[num_rows, categorical features]`.
    pub fn ids(&self) -> &[u32] {
        &self.ids
    }

    /// Returns how many bytes one example of a network takes.
    pub fn bytes_per_row(network: &Network) -> usize {
        4 * (network.numeric().len() + network.categorical().len())
    }

    /// Appends one example of `other`, whose features must be the same.
    pub fn push_row(&mut self, other: &Self, row: usize) {
        if other.num_rows == 0 {
            return;
        }
        let numeric = other.numeric.len() / other.num_rows;
        let ids = other.ids.len() / other.num_rows;
        self.numeric.extend_from_slice(&other.numeric[row * numeric..(row + 1) * numeric]);
        self.ids.extend_from_slice(&other.ids[row * ids..(row + 1) * ids]);
        self.num_rows += 1;
    }

    /// Removes all examples and keeps the memory.
    pub fn clear(&mut self) {
        self.numeric.clear();
        self.ids.clear();
        self.num_rows = 0;
    }

    /// Looks up some examples: returns the deep part's input, shape `[rows, input_width]`, and the sums of each
    /// example's wide weights, shape `[rows, num_outputs]`.
    pub fn look_up(
        &self,
        network: &Network,
        weights: &Weights,
        range: Range<usize>,
    ) -> (Vec<f32>, Vec<f32>) {
        let (numeric, categorical) = (network.numeric().len(), network.categorical());
        let mut input = Vec::with_capacity(range.len() * network.input_width());
        let outputs = network.num_outputs();
        let mut wide = vec![0.0; range.len() * outputs];
        for (row, sums) in range.zip(wide.chunks_exact_mut(outputs)) {
            input.extend_from_slice(&self.numeric[row * numeric..(row + 1) * numeric]);
            let ids = &self.ids[row * categorical.len()..(row + 1) * categorical.len()];
            for (feature, &id) in categorical.iter().zip(ids) {
                if id == NO_CATEGORY {
                    input.resize(input.len() + feature.dimension, 0.0);
                    continue;
                }
                let start = feature.wide_start + id as usize * outputs;
                for (sum, weight) in sums.iter_mut().zip(&weights.wide[start..start + outputs]) {
                    *sum += weight;
                }
                let start = feature.embedding_start + id as usize * feature.dimension;
                input.extend_from_slice(&weights.embeddings[start..start + feature.dimension]);
            }
        }
        (input, wide)
    }
}

/// Returns a column of numbers or booleans as 32-bit floats, missing values kept.
///
/// # Errors
///
/// [`ModelError::MissingColumn`] and [`ModelError::ColumnType`].
pub fn numeric_column(batch: &RecordBatch, name: &str) -> Result<Float32Array, ModelError> {
    let is_quantity = |data_type: &DataType| {
        *data_type == DataType::Boolean || data_type.is_integer() || data_type.is_floating()
    };
    let column = column_as(batch, name, is_quantity, &DataType::Float32, "a number")?;
    Ok(column.as_primitive::<Float32Type>().clone())
}

/// Returns a column of ids as `Int64`.
fn category_column(batch: &RecordBatch, name: &str) -> Result<ArrayRef, ModelError> {
    let is_id =
        |data_type: &DataType| matches!(data_type, DataType::Boolean) || data_type.is_integer();
    column_as(batch, name, is_id, &DataType::Int64, "an integer id")
}

fn column_as(
    batch: &RecordBatch,
    name: &str,
    accepts: impl Fn(&DataType) -> bool,
    target: &DataType,
    expected: &'static str,
) -> Result<ArrayRef, ModelError> {
    let column = batch
        .column_by_name(name)
        .ok_or_else(|| ModelError::MissingColumn { column: name.to_owned() })?;
    let mismatch = || ModelError::ColumnType {
        column: name.to_owned(),
        found: column.data_type().to_string(),
        expected,
    };
    if column.data_type() == target {
        return Ok(ArrayRef::clone(column));
    }
    if !accepts(column.data_type()) {
        return Err(mismatch());
    }
    cast(column, target).map_err(|_| mismatch())
}
