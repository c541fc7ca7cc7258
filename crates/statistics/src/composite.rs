//! Features that a schema makes of several columns: sparse features, of values and their indices, and weighted ones,
//! of values and their weights. What is counted is where the columns do not match.
//!
//! A row is an example, or a struct where the columns are fields of one. Rows that have none of the columns are not
//! looked at. Columns that the data does not have are missing in all rows.

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::DataType;
use formats::metadata::custom_statistic::Val;
use formats::metadata::feature_name_statistics::FieldId;
use formats::metadata::rank_histogram::Bucket;
use formats::metadata::{CustomStatistic, FeatureNameStatistics, Path, RankHistogram};
use serde::{Deserialize, Serialize};
use sketch::bytes::{Reader, Stored};
use sketch::{StateError, as_f64};

use crate::columns::{Flat, valid_part};

/// A feature of a schema that is several columns.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Composite {
    /// Its own name, in the place where the columns are.
    pub(crate) path: Vec<String>,
    pub(crate) kind: CompositeKind,
    /// The steps to the columns, which are in one struct, if they are in any.
    pub(crate) parent: Vec<String>,
    /// The column of the values, then those of their indices or weights.
    pub(crate) columns: Vec<Column>,
}

/// One of the columns.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Column {
    pub(crate) name: String,
    /// Whether the data has it.
    pub(crate) is_there: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(crate) enum CompositeKind {
    Sparse,
    Weighted,
}

/// What was seen of a composite feature; one entry for each column.
#[derive(Clone, Debug)]
pub(crate) struct CompositeState {
    num_missing: Vec<u64>,
    /// By how much a column is longer than the values, at the least and at the most; nothing before any row.
    differences: Vec<Option<(f64, f64)>>,
}

impl Composite {
    /// Returns the columns of the data that have to be read.
    pub(crate) fn columns(&self) -> impl Iterator<Item = &String> {
        let columns = self.columns.iter().filter(|column| column.is_there);
        columns.map(|column| self.parent.first().unwrap_or(&column.name))
    }
}

impl CompositeState {
    pub(crate) fn new(composite: &Composite) -> Self {
        let num_columns = composite.columns.len();
        Self { num_missing: vec![0; num_columns], differences: vec![None; num_columns] }
    }

    pub(crate) fn update(&mut self, composite: &Composite, batch: &RecordBatch) {
        let lengths: Vec<Option<Vec<Option<usize>>>> = composite
            .columns
            .iter()
            .map(|column| lengths_of_rows(batch, &composite.parent, &column.name))
            .collect();
        let num_rows = lengths.iter().flatten().map(Vec::len).max().unwrap_or(0);
        let length = |column: usize, row: usize| {
            lengths[column].as_ref().and_then(|lengths| lengths.get(row).copied().flatten())
        };
        for row in 0..num_rows {
            let of_columns = (0..lengths.len()).map(|column| length(column, row));
            if of_columns.clone().all(|length| length.is_none()) {
                continue;
            }
            let num_values = as_f64(length(0, row).unwrap_or(0) as u64);
            for (column, length) in of_columns.enumerate() {
                self.num_missing[column] += u64::from(length.is_none());
                let difference = as_f64(length.unwrap_or(0) as u64) - num_values;
                widen(&mut self.differences[column], difference, difference);
            }
        }
    }

    pub(crate) fn merge(&mut self, other: &Self) {
        for (count, other) in self.num_missing.iter_mut().zip(&other.num_missing) {
            *count += other;
        }
        for (ends, other) in self.differences.iter_mut().zip(&other.differences) {
            if let Some((least, greatest)) = *other {
                widen(ends, least, greatest);
            }
        }
    }

    /// Returns the feature without statistics of its own, but for what does not match.
    ///
    /// # Source
    ///
    /// `SparseFeatureStatsGenerator` and `WeightedFeatureStatsGenerator` of TensorFlow Data Validation.
    pub(crate) fn message(&self, composite: &Composite) -> FeatureNameStatistics {
        let number = |name: &str, value: f64| CustomStatistic {
            name: name.to_owned(),
            val: Some(Val::Num(value)),
        };
        let missing = |column: usize| as_f64(self.num_missing.get(column).copied().unwrap_or(0));
        let ends =
            |column: usize| self.differences.get(column).copied().flatten().unwrap_or_default();
        let by_index = |name: &str, count: &dyn Fn(usize) -> f64| {
            let indices = composite.columns.iter().enumerate().skip(1);
            let bucket = |(column, index): (usize, &Column)| Bucket {
                label: index.name.clone(),
                sample_count: count(column),
                ..Bucket::default()
            };
            let buckets = indices.map(bucket).collect();
            let histogram = RankHistogram { buckets, ..RankHistogram::default() };
            CustomStatistic { name: name.to_owned(), val: Some(Val::RankHistogram(histogram)) }
        };
        let custom_stats = match composite.kind {
            CompositeKind::Sparse => vec![
                number("missing_value", missing(0)),
                by_index("missing_index", &missing),
                by_index("max_length_diff", &|column| ends(column).1),
                by_index("min_length_diff", &|column| ends(column).0),
            ],
            CompositeKind::Weighted => vec![
                number("missing_weight", missing(1)),
                number("missing_value", missing(0)),
                number("min_weight_length_diff", ends(1).0),
                number("max_weight_length_diff", ends(1).1),
            ],
        };
        FeatureNameStatistics {
            field_id: Some(FieldId::Path(Path { step: composite.path.clone() })),
            custom_stats,
            ..FeatureNameStatistics::default()
        }
    }

    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        for (count, ends) in self.num_missing.iter().zip(&self.differences) {
            count.write(out);
            ends.map_or_else(Vec::new, |ends| vec![ends]).write(out);
        }
    }

    pub(crate) fn read(input: &mut Reader<'_>, composite: &Composite) -> Result<Self, StateError> {
        let mut read = Self::new(composite);
        for (count, ends) in read.num_missing.iter_mut().zip(&mut read.differences) {
            *count = input.take_total()?;
            *ends = Vec::<(f64, f64)>::read(input)?.pop();
        }
        Ok(read)
    }
}

fn widen(ends: &mut Option<(f64, f64)>, least: f64, greatest: f64) {
    let (from, to) = ends.unwrap_or((least, greatest));
    *ends = Some((from.min(least), to.max(greatest)));
}

/// Returns how many values a column has in every row, nothing where it is missing; nothing at all where there is no
/// such column. A scalar is one value.
fn lengths_of_rows(
    batch: &RecordBatch,
    parent: &[String],
    name: &str,
) -> Option<Vec<Option<usize>>> {
    let mut steps = parent.iter().map(String::as_str).chain([name]);
    let mut column = ArrayRef::clone(batch.column_by_name(steps.next()?)?);
    for step in steps {
        while is_list(column.data_type()) {
            column = Flat::of(column.as_ref()).values;
        }
        if let Some(nulls) = column.nulls().filter(|nulls| nulls.null_count() > 0) {
            column = valid_part(column.as_ref(), nulls);
        }
        let field = column.as_struct_opt()?.column_by_name(step)?;
        column = ArrayRef::clone(field);
    }
    if is_list(column.data_type()) {
        let flat = Flat::of(column.as_ref());
        let is_innermost = !is_list(flat.values.data_type());
        return Some(if is_innermost { flat.without_nulls() } else { flat }.lengths);
    }
    let nulls = column.logical_nulls();
    let is_there = |row: usize| nulls.as_ref().is_none_or(|nulls| nulls.is_valid(row));
    Some((0..column.len()).map(|row| is_there(row).then_some(1)).collect())
}

fn is_list(data_type: &DataType) -> bool {
    matches!(data_type, DataType::List(_) | DataType::LargeList(_) | DataType::FixedSizeList(..))
}
