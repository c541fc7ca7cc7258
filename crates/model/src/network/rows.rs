//! Examples as a network reads them.

use std::ops::Range;

use arrow::array::{Array, ArrayRef, AsArray, Float32Array, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float32Type, Int64Type};

use crate::network::{Categorical, Network, Numeric, Weights};
use crate::{Combiner, ModelError};

/// The id of a category that is missing or out of range: it has no weight and no embedding.
pub const NO_CATEGORY: u32 = u32::MAX;

/// Turns columns into [`Rows`], for training and prediction alike.
///
/// A numeric value that is missing or not a number counts as 0 (trees keep it as NaN), and so does every item of a
/// vector that is missing. A categorical value that is missing, negative, or not below the feature's `num_buckets` is
/// [`NO_CATEGORY`] and contributes nothing; in a list of categories such a one is left out.
#[derive(Clone, Debug)]
pub struct Encoder {
    numeric: Vec<Numeric>,
    categorical: Vec<Categorical>,
    numeric_width: usize,
    num_single: usize,
    num_multiple: usize,
    missing: f32,
}

/// Some examples, one after the other.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rows {
    num_rows: usize,
    /// Shape `[num_rows, numeric columns]`.
    numeric: Vec<f32>,
    /// Shape `[num_rows, categorical features with at most one category]`.
    ids: Vec<u32>,
    /// The categories of the features that have several, row by row and feature by feature.
    many_ids: Vec<u32>,
    /// Where each of these lists ends, shape `[num_rows, features with several categories]`.
    many_ends: Vec<usize>,
}

/// What the parts of a network read of some examples.
#[derive(Clone, Debug, Default)]
pub struct Inputs {
    /// The input of each tower, shape `[rows, input_width]`.
    pub towers: Vec<Vec<f32>>,
    /// The sums of each example's wide weights, shape `[rows, num_outputs]`; empty without a wide part.
    pub wide: Vec<f32>,
}

impl Encoder {
    /// Returns the encoder of a network's features.
    pub fn new(network: &Network) -> Self {
        Self {
            numeric: network.numeric().to_vec(),
            categorical: network.categorical().to_vec(),
            numeric_width: network.numeric_width(),
            num_single: network.num_single(),
            num_multiple: network.num_multiple(),
            missing: if network.keeps_missing() { f32::NAN } else { 0.0 },
        }
    }

    /// Returns the names of the columns that are read.
    pub fn columns(&self) -> impl Iterator<Item = &str> {
        let categorical = self.categorical.iter().map(|feature| feature.name.as_str());
        self.numeric.iter().map(|feature| feature.name.as_str()).chain(categorical)
    }

    /// Returns the examples of a batch.
    ///
    /// # Errors
    ///
    /// [`ModelError::MissingColumn`], [`ModelError::ColumnType`] and [`ModelError::VectorLength`].
    pub fn encode(&self, batch: &RecordBatch) -> Result<Rows, ModelError> {
        let num_rows = batch.num_rows();
        let mut rows = Rows {
            num_rows,
            numeric: vec![self.missing; num_rows * self.numeric_width],
            ids: vec![NO_CATEGORY; num_rows * self.num_single],
            many_ids: Vec::new(),
            many_ends: Vec::new(),
        };
        for feature in &self.numeric {
            if feature.is_vector {
                self.encode_vector(batch, feature, &mut rows.numeric)?;
                continue;
            }
            let values = numeric_column(batch, &feature.name)?;
            let targets = rows.numeric.iter_mut().skip(feature.start).step_by(self.numeric_width);
            for (target, value) in targets.zip(&values) {
                *target = value.filter(|value| !value.is_nan()).unwrap_or(self.missing);
            }
        }
        for feature in self.categorical.iter().filter(|feature| feature.combiner.is_none()) {
            let column = column_as(batch, &feature.name, is_id, &DataType::Int64, AN_ID)?;
            let values = column.as_primitive::<Int64Type>();
            let targets = rows.ids.iter_mut().skip(feature.place).step_by(self.num_single);
            for (target, value) in targets.zip(values) {
                *target = category(value, feature.num_buckets).unwrap_or(NO_CATEGORY);
            }
        }
        if self.num_multiple > 0 {
            self.encode_lists(batch, &mut rows)?;
        }
        Ok(rows)
    }

    fn encode_vector(
        &self,
        batch: &RecordBatch,
        feature: &Numeric,
        numeric: &mut [f32],
    ) -> Result<(), ModelError> {
        let lists = Lists::of(
            batch,
            &feature.name,
            is_quantity,
            &DataType::Float32,
            "a vector of numbers",
        )?;
        let values = lists.values.as_primitive::<Float32Type>();
        for (row, target) in numeric.chunks_exact_mut(self.numeric_width).enumerate() {
            let Some(range) = lists.range(row) else { continue };
            if range.len() != feature.width {
                return Err(ModelError::VectorLength {
                    column: feature.name.clone(),
                    found: range.len(),
                    expected: feature.width,
                });
            }
            let target = &mut target[feature.start..][..feature.width];
            for (target, place) in target.iter_mut().zip(range) {
                if values.is_valid(place) && !values.value(place).is_nan() {
                    *target = values.value(place);
                }
            }
        }
        Ok(())
    }

    fn encode_lists(&self, batch: &RecordBatch, rows: &mut Rows) -> Result<(), ModelError> {
        let features: Vec<_> =
            self.categorical.iter().filter(|feature| feature.combiner.is_some()).collect();
        let lists = features
            .iter()
            .map(|f| Lists::of(batch, &f.name, is_id, &DataType::Int64, "a list of integer ids"))
            .collect::<Result<Vec<_>, _>>()?;
        for row in 0..rows.num_rows {
            for (feature, lists) in features.iter().zip(&lists) {
                let values = lists.values.as_primitive::<Int64Type>();
                let ids = lists.range(row).unwrap_or(0..0).filter_map(|place| {
                    category(
                        values.is_valid(place).then(|| values.value(place)),
                        feature.num_buckets,
                    )
                });
                rows.many_ids.extend(ids);
                rows.many_ends.push(rows.many_ids.len());
            }
        }
        Ok(())
    }
}

fn category(value: Option<i64>, num_buckets: usize) -> Option<u32> {
    value.and_then(|value| u32::try_from(value).ok()).filter(|&id| (id as usize) < num_buckets)
}

impl Rows {
    /// Returns how many examples there are.
    pub fn num_rows(&self) -> usize {
        self.num_rows
    }

    /// Returns the numeric values, shape `[num_rows, numeric columns]`.
    pub fn numeric(&self) -> &[f32] {
        &self.numeric
    }

    /// Returns the categories of the features that have at most one, shape `[num_rows, such features]`.
    pub fn ids(&self) -> &[u32] {
        &self.ids
    }

    /// Returns how much memory the examples take, in bytes.
    pub fn num_bytes(&self) -> usize {
        4 * (self.numeric.len() + self.ids.len() + self.many_ids.len()) + 8 * self.many_ends.len()
    }

    /// Returns an example's categories of a feature.
    pub fn categories(&self, network: &Network, feature: &Categorical, row: usize) -> &[u32] {
        if feature.combiner.is_some() {
            return &self.many_ids[self.many_range(row * network.num_multiple() + feature.place)];
        }
        let place = row * network.num_single() + feature.place;
        match self.ids[place] {
            NO_CATEGORY => &[],
            _ => &self.ids[place..=place],
        }
    }

    fn many_range(&self, list: usize) -> Range<usize> {
        let start = list.checked_sub(1).map_or(0, |before| self.many_ends[before]);
        start..self.many_ends[list]
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
        let lists = other.many_ends.len() / other.num_rows;
        for list in row * lists..(row + 1) * lists {
            self.many_ids.extend_from_slice(&other.many_ids[other.many_range(list)]);
            self.many_ends.push(self.many_ids.len());
        }
        self.num_rows += 1;
    }

    /// Removes all examples and keeps the memory.
    pub fn clear(&mut self) {
        self.numeric.clear();
        self.ids.clear();
        self.many_ids.clear();
        self.many_ends.clear();
        self.num_rows = 0;
    }

    /// Looks up what the parts of a network read of some examples.
    pub fn look_up(
        &self,
        network: &Network,
        weights: &Weights,
        range: Range<usize>,
        inputs: &mut Inputs,
    ) {
        let outputs = network.num_outputs();
        inputs.towers.resize_with(network.towers().len(), Vec::new);
        for (tower, input) in network.towers().iter().zip(&mut inputs.towers) {
            input.clear();
            input.resize(range.len() * tower.input_width(), 0.0);
            if tower.numeric().is_empty() {
                continue;
            }
            let rows = self.numeric.chunks_exact(network.numeric_width());
            let rows = rows.skip(range.start).take(range.len());
            for (target, row) in input.chunks_exact_mut(tower.input_width()).zip(rows) {
                target[..tower.numeric().len()].copy_from_slice(&row[tower.numeric()]);
            }
        }
        inputs.wide.clear();
        if network.has_wide() {
            inputs.wide.resize(range.len() * outputs, 0.0);
        }
        let (num_single, num_multiple) = (network.num_single(), network.num_multiple());
        for feature in network.categorical() {
            let width = network.towers().get(feature.tower).map_or(0, super::Tower::input_width);
            for (place, row) in range.clone().enumerate() {
                let ids = match feature.combiner {
                    Some(_) => &self.many_ids[self.many_range(row * num_multiple + feature.place)],
                    None => {
                        let place = row * num_single + feature.place;
                        if self.ids[place] == NO_CATEGORY {
                            continue;
                        }
                        &self.ids[place..=place]
                    }
                };
                let scale = scale(feature.combiner, ids.len());
                if network.has_wide() {
                    let sums = &mut inputs.wide[place * outputs..(place + 1) * outputs];
                    for &id in ids {
                        let start = feature.wide_start + id as usize * outputs;
                        add(sums, &weights.wide[start..start + outputs], scale);
                    }
                }
                if feature.dimension > 0 {
                    let start = place * width + feature.input_start;
                    let target =
                        &mut inputs.towers[feature.tower][start..start + feature.dimension];
                    for &id in ids {
                        let start = feature.embedding_start + id as usize * feature.dimension;
                        add(target, &weights.embeddings[start..start + feature.dimension], scale);
                    }
                }
            }
        }
    }
}

/// Returns what each of so many categories of an example counts.
pub fn scale(combiner: Option<Combiner>, num_ids: usize) -> f32 {
    match combiner {
        #[expect(clippy::cast_precision_loss, reason = "no list has 2^24 categories")]
        Some(Combiner::Mean) if num_ids > 1 => 1.0 / num_ids as f32,
        _ => 1.0,
    }
}

fn add(sums: &mut [f32], values: &[f32], scale: f32) {
    for (sum, value) in sums.iter_mut().zip(values) {
        *sum += value * scale;
    }
}

const AN_ID: &str = "an integer id";

fn is_quantity(data_type: &DataType) -> bool {
    *data_type == DataType::Boolean || data_type.is_integer() || data_type.is_floating()
}

fn is_id(data_type: &DataType) -> bool {
    *data_type == DataType::Boolean || data_type.is_integer()
}

/// Returns a column of numbers or booleans as 32-bit floats, missing values kept.
///
/// # Errors
///
/// [`ModelError::MissingColumn`] and [`ModelError::ColumnType`].
pub fn numeric_column(batch: &RecordBatch, name: &str) -> Result<Float32Array, ModelError> {
    let column = column_as(batch, name, is_quantity, &DataType::Float32, "a number")?;
    Ok(column.as_primitive::<Float32Type>().clone())
}

/// Lists of values of one type.
pub struct Lists {
    lists: ArrayRef,
    /// All values, cast.
    values: ArrayRef,
}

impl Lists {
    /// Returns a column of vectors of numbers or booleans, as 32-bit floats.
    ///
    /// # Errors
    ///
    /// [`ModelError::MissingColumn`] and [`ModelError::ColumnType`].
    pub fn of_numbers(batch: &RecordBatch, name: &str) -> Result<Self, ModelError> {
        Self::of(batch, name, is_quantity, &DataType::Float32, "a vector of numbers")
    }

    fn of(
        batch: &RecordBatch,
        name: &str,
        accepts: impl Fn(&DataType) -> bool,
        target: &DataType,
        expected: &'static str,
    ) -> Result<Self, ModelError> {
        let column = find(batch, name)?;
        let mismatch = || ModelError::ColumnType {
            column: name.to_owned(),
            found: column.data_type().to_string(),
            expected,
        };
        let values = match column.data_type() {
            DataType::List(_) => column.as_list::<i32>().values(),
            DataType::LargeList(_) => column.as_list::<i64>().values(),
            DataType::FixedSizeList(..) => column.as_fixed_size_list().values(),
            _ => return Err(mismatch()),
        };
        if !accepts(values.data_type()) {
            return Err(mismatch());
        }
        let values = cast(values, target).map_err(|_| mismatch())?;
        Ok(Self { lists: ArrayRef::clone(column), values })
    }

    /// Returns all values; missing ones may be among them.
    pub fn values(&self) -> &ArrayRef {
        &self.values
    }

    /// Returns where the values of a row are, or `None` when its list is missing.
    pub fn range(&self, row: usize) -> Option<Range<usize>> {
        if self.lists.is_null(row) {
            return None;
        }
        let place = |offset: i64| usize::try_from(offset).expect("offsets are not negative");
        Some(match self.lists.data_type() {
            DataType::List(_) => {
                let offsets = self.lists.as_list::<i32>().value_offsets();
                place(offsets[row].into())..place(offsets[row + 1].into())
            }
            DataType::LargeList(_) => {
                let offsets = self.lists.as_list::<i64>().value_offsets();
                place(offsets[row])..place(offsets[row + 1])
            }
            _ => {
                let list = self.lists.as_fixed_size_list();
                let start = place(list.value_offset(row).into());
                start..start + place(list.value_length().into())
            }
        })
    }
}

fn find<'a>(batch: &'a RecordBatch, name: &str) -> Result<&'a ArrayRef, ModelError> {
    batch.column_by_name(name).ok_or_else(|| ModelError::MissingColumn { column: name.to_owned() })
}

fn column_as(
    batch: &RecordBatch,
    name: &str,
    accepts: impl Fn(&DataType) -> bool,
    target: &DataType,
    expected: &'static str,
) -> Result<ArrayRef, ModelError> {
    let column = find(batch, name)?;
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
