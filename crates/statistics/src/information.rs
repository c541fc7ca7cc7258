//! Mutual information: how many bits a feature tells about a label.
//!
//! Estimated from a sample of the examples, always the same one for the same partitions. Texts, booleans and numbers
//! that a schema calls categorical are names, other numbers are numbers. A missing value (NaN, or an empty list) is a
//! value by itself; the set of an example's names is one name; a number feature with several numbers in an example is
//! left out. What is reported is the estimate less its expectation if the two were independent, and not below zero;
//! it is not normalized, so that no feature tells more than the entropy of the label.

mod estimate;
mod sample;

use arrow::array::{Array, ArrayRef, RecordBatch, UInt32Array};
use arrow::datatypes::{DataType, Schema};
use formats::metadata::CustomStatistic;
use formats::metadata::custom_statistic::Val;
use serde::{Deserialize, Serialize};
use sketch::StateError;
use sketch::bytes::{Reader, Stored};
use xxhash_rust::xxh3::xxh3_64;

use crate::columns::numbers_of_rows;
use crate::config::MutualInformationConfig;
use crate::pass::{Feature, Kind, Shape, Treatment};
use crate::slice::texts_of_rows;
use crate::{StatisticsError, StatisticsPass};
use estimate::{Variable, adjusted_mutual_information};
use sample::Sample;

/// Stands for a missing value; no name and no number has it.
const MISSING: u64 = u64::MAX;

/// A label, and the columns that it is compared with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Information {
    /// The label first.
    columns: Vec<Column>,
    max_examples: usize,
    num_neighbors: usize,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Column {
    name: String,
    are_names: bool,
}

/// The sample of the examples so far.
#[derive(Clone, Debug)]
pub(crate) struct InformationState {
    num_rows: u64,
    sample: Sample,
    /// Of every column, whether an example in the sample has several numbers.
    has_several: Vec<bool>,
}

impl Information {
    /// Returns the columns that are compared: where none are named, all columns of numbers or texts.
    pub(crate) fn resolve(
        config: &MutualInformationConfig,
        schema: &Schema,
        features: &[Feature],
    ) -> Self {
        let column = |name: &String| {
            let feature = features.iter().find(|feature| feature.path == [name.as_str()]);
            let is_categorical =
                feature.is_some_and(|feature| feature.treatment == Treatment::Categorical);
            let field = schema.field_with_name(name);
            let are_names = field.is_ok_and(|field| holds_names(field.data_type()));
            Column { name: name.clone(), are_names: are_names || is_categorical }
        };
        let fits = |feature: &&Feature| {
            feature.parent.is_none()
                && feature.shape.num_levels <= 1
                && feature.treatment != Treatment::Bytes
                && matches!(feature.shape.kind, Kind::Int | Kind::Float | Kind::String)
                && feature.path[0] != config.label
        };
        let label = std::iter::once(column(&config.label));
        let columns = match config.features.as_slice() {
            [] => {
                let all = features.iter().filter(fits).map(|feature| column(&feature.path[0]));
                label.chain(all).collect()
            }
            named => label.chain(named.iter().map(column)).collect(),
        };
        Self {
            columns,
            max_examples: config.max_examples.get() as usize,
            num_neighbors: config.num_neighbors.get() as usize,
        }
    }

    /// Returns whether there is a label, and a neighbour to measure a distance to.
    pub(crate) fn is_sound(&self) -> bool {
        !self.columns.is_empty() && self.num_neighbors > 0
    }

    /// Returns the columns that have to be read.
    pub(crate) fn names(&self) -> impl Iterator<Item = &String> {
        self.columns.iter().map(|column| &column.name)
    }
}

fn holds_names(data_type: &DataType) -> bool {
    match data_type {
        DataType::Boolean => true,
        DataType::List(item) | DataType::LargeList(item) | DataType::FixedSizeList(item, _) => {
            holds_names(item.data_type())
        }
        _ => Shape::of(data_type).is_some_and(|shape| shape.kind == Kind::String),
    }
}

impl InformationState {
    pub(crate) fn new(information: &Information) -> Self {
        let num_columns = information.columns.len();
        Self {
            num_rows: 0,
            sample: Sample::new(information.max_examples, num_columns),
            has_several: vec![false; num_columns],
        }
    }

    pub(crate) fn update(
        &mut self,
        information: &Information,
        batch: &RecordBatch,
    ) -> Result<(), StatisticsError> {
        // Which examples are in the sample depends on their number in their partition alone.
        let first = self.num_rows;
        self.num_rows += batch.num_rows() as u64;
        let mut rows: Vec<u32> = Vec::new();
        let mut priorities: Vec<u64> = Vec::new();
        for (row, number) in (0..batch.num_rows() as u64).zip(0_u32..) {
            let priority = xxh3_64(&(first + row).to_le_bytes());
            if self.sample.may_take(priority) {
                rows.push(number);
                priorities.push(priority);
            }
        }
        if rows.is_empty() {
            return Ok(());
        }
        let rows = UInt32Array::from(rows);
        let mut codes: Vec<Vec<u64>> = Vec::with_capacity(information.columns.len());
        for (column, has_several) in information.columns.iter().zip(&mut self.has_several) {
            let Some(array) = batch.column_by_name(&column.name) else {
                let feature = column.name.clone();
                return Err(StatisticsError::MissingFeature { feature });
            };
            let array: ArrayRef =
                arrow::compute::take(array, &rows, None).expect("the rows are of the batch");
            codes.push(if column.are_names {
                names(array.as_ref())
            } else {
                numbers(array.as_ref(), has_several)
            });
        }
        for (index, priority) in priorities.into_iter().enumerate() {
            self.sample.add(priority, codes.iter().map(|codes| codes[index]));
        }
        Ok(())
    }

    pub(crate) fn merge(&mut self, other: &Self) {
        self.num_rows += other.num_rows;
        self.sample.merge(&other.sample);
        for (has_several, other) in self.has_several.iter_mut().zip(&other.has_several) {
            *has_several |= other;
        }
    }

    /// Returns the features with what they tell about the label, in bits; none if there are too few examples.
    pub(crate) fn custom_stats(
        &self,
        information: &Information,
    ) -> Vec<(Vec<String>, CustomStatistic)> {
        let rows = self.sample.rows();
        if rows.len() <= information.num_neighbors || self.has_several[0] {
            return Vec::new();
        }
        let variable = |column: usize| {
            let codes = rows.iter().map(|(_, codes)| codes[column]);
            if information.columns[column].are_names {
                Variable::of_names(codes)
            } else {
                let number = |code: u64| (code != MISSING).then(|| f64::from_bits(code));
                Variable::of_numbers(codes.map(number), column as u64)
            }
        };
        let label = variable(0);
        let features = (1..information.columns.len()).filter(|&column| !self.has_several[column]);
        features
            .map(|column| {
                let k = information.num_neighbors;
                let bits = adjusted_mutual_information(&variable(column), &label, k);
                let stat = CustomStatistic {
                    name: "adjusted_mutual_information".to_owned(),
                    val: Some(Val::Num(bits)),
                };
                (vec![information.columns[column].name.clone()], stat)
            })
            .collect()
    }

    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        self.num_rows.write(out);
        self.has_several.iter().for_each(|&has_several| u64::from(has_several).write(out));
        self.sample.write(out);
    }

    pub(crate) fn read(
        input: &mut Reader<'_>,
        information: &Information,
    ) -> Result<Self, StateError> {
        let mut read = Self::new(information);
        read.num_rows = input.take_total()?;
        for has_several in &mut read.has_several {
            *has_several = u64::read(input)? != 0;
        }
        read.sample.read(input)?;
        Ok(read)
    }
}

/// Returns a code for the set of names of every row.
fn names(column: &dyn Array) -> Vec<u64> {
    let code = |names: Vec<Option<String>>| {
        if names.is_empty() {
            return MISSING;
        }
        let mut text = Vec::new();
        for name in names {
            let name = name.unwrap_or_else(|| crate::message::BYTES_VALUE.to_owned());
            text.extend_from_slice(&(name.len() as u64).to_le_bytes());
            text.extend_from_slice(name.as_bytes());
        }
        xxh3_64(&text).min(MISSING - 1)
    };
    texts_of_rows(column, None).into_iter().map(code).collect()
}

/// Returns the bits of the number of every row.
fn numbers(column: &dyn Array, has_several: &mut bool) -> Vec<u64> {
    let code = |numbers: Vec<f64>| match numbers.as_slice() {
        // Adding zero makes a negative zero positive.
        [number] if !number.is_nan() => (number + 0.0).to_bits(),
        [] | [_] => MISSING,
        _ => {
            *has_several = true;
            MISSING
        }
    };
    numbers_of_rows(column).into_iter().map(code).collect()
}

/// Puts what features tell about a label beside their other statistics.
pub(crate) fn add_to(
    features: &mut [formats::metadata::FeatureNameStatistics],
    state: &InformationState,
    pass: &StatisticsPass,
) {
    let Some(information) = &pass.information else { return };
    for (path, stat) in state.custom_stats(information) {
        let place = pass.features.iter().position(|feature| feature.path == path);
        if let Some(feature) = place.and_then(|place| features.get_mut(place)) {
            feature.custom_stats.push(stat);
        }
    }
}
