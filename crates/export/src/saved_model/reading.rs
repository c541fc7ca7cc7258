//! Features as a model reads them.
//!
//! The values are those of [`model::network::Encoder`]: what stands for a number that is missing or NaN is said by the
//! model, and a category that is missing or out of range contributes nothing, because its row of each table is one of
//! zeros.

use formats::tensorflow::DataType;
use graph::{GraphOutput, Shape, ValueType};
use model::network::{Categorical, Numeric};
use model::{Combiner, FeatureKind, FeatureSpec};

use super::lower::{Lists, Presence, Value};
use super::tensor;
use super::writer::{GraphWriter, Tensor};
use crate::ExportError;

const FLOAT: DataType = DataType::DtFloat;
const INT: DataType = DataType::DtInt64;

/// Tells whether a model can read what the graph makes of a feature.
pub(super) fn check(spec: &FeatureSpec, output: &GraphOutput) -> Result<(), ExportError> {
    let is_whole = matches!(output.value_type, ValueType::Int | ValueType::Bool);
    let is_number = is_whole || output.value_type == ValueType::Float;
    let (count, values, is_good) = match spec.kind {
        FeatureKind::Numeric => (Count::One, "a number", is_number),
        FeatureKind::Categorical { .. } => (Count::One, "an integer id", is_whole),
        FeatureKind::Vector { width } => (Count::Vector(width), "numbers", is_number),
        FeatureKind::Categories { .. } => (Count::Many, "integer ids", is_whole),
    };
    let expected = match (count, output.shape) {
        (Count::One, shape) if shape.is_many() => "a single value",
        (Count::Many | Count::Vector(_), Shape::One) => "many values in each row",
        (Count::Vector(width), Shape::Vector(length)) if usize::try_from(length) != Ok(width) => {
            "as many values in each row as the model reads"
        }
        _ if is_good => return Ok(()),
        _ => values,
    };
    let (feature, found) = (spec.name.clone(), output.value_type);
    Err(ExportError::FeatureType { feature, found, expected })
}

enum Count {
    One,
    Vector(usize),
    Many,
}

/// Returns a feature's numbers, shape `[rows, width]`, with another in the place of those that are missing or NaN.
pub(super) fn numbers(
    writer: &mut GraphWriter,
    feature: &Numeric,
    (value, feature_shape): &(Value, Shape),
    shape: &Tensor,
    missing: f32,
) -> Tensor {
    let missing = writer.constant(tensor::float(missing));
    let number = writer.cast(&value.tensor, FLOAT);
    let is_nan = writer.node("IsNan").input(&number).data_type("T", FLOAT);
    let is_nan = is_nan.output(DataType::DtBool);
    let number = writer.select(&is_nan, &missing, &number);
    let number = match &value.present {
        Presence::Always => number,
        Presence::Never => missing.clone(),
        Presence::Where(mask) => writer.select(mask, &number, &missing),
    };
    let width = i64::try_from(feature.width).expect("memory is smaller");
    let Some(lists) = &value.lists else {
        let number = writer.broadcast(&number, shape);
        let column = writer.constant(tensor::ints(&[-1, 1]));
        return writer.reshape(&number, &column);
    };
    let items = writer.shape(&value.tensor);
    let number = writer.broadcast(&number, &items);
    let splits = match feature_shape {
        Shape::Vector(_) => lists.splits.clone(),
        _ => of_length(writer, &feature.name, lists, width),
    };
    writer.filled_table(&number, &splits, width, &missing)
}

/// Returns where the values of each row begin, and stops the run where a row that is there has not so many.
fn of_length(writer: &mut GraphWriter, name: &str, lists: &Lists, length: i64) -> Tensor {
    let (expected, zero) = (writer.constant(tensor::int(length)), writer.constant(tensor::int(0)));
    let expected = match &lists.present {
        Presence::Always => expected,
        Presence::Never => zero,
        Presence::Where(mask) => writer.select(mask, &expected, &zero),
    };
    let lengths = writer.lengths(&lists.splits);
    let fits = writer.compare("Equal", &lengths, &expected);
    let message = format!("feature {name}: the model reads {length} values in each row");
    writer.checked(&lists.splits, &fits, &message)
}

/// A feature's categories, `num_buckets` in the place of those that are none.
pub(super) enum Categories {
    /// One for each row, shape `[rows]`.
    One(Tensor),
    /// Any number for each row, behind each other.
    Many {
        ids: Tensor,
        /// The row of each, in the same shape.
        rows: Tensor,
        num_rows: Tensor,
        /// How many of each row are categories, at least 1 and shape `[rows, 1]`, where that divides their sum.
        counts: Option<Tensor>,
    },
}

/// Returns a feature's categories.
pub(super) fn categories(
    writer: &mut GraphWriter,
    feature: &Categorical,
    (value, _): &(Value, Shape),
    shape: &Tensor,
) -> Categories {
    let num_buckets = i64::try_from(feature.num_buckets).expect("memory is smaller");
    let (none, zero) = (writer.constant(tensor::int(num_buckets)), writer.constant(tensor::int(0)));
    let id = writer.cast(&value.tensor, INT);
    let is_above = writer.compare("GreaterEqual", &id, &zero);
    let is_below = writer.compare("Less", &id, &none);
    let is_known = writer.and(&is_above, &is_below);
    let id = writer.select(&is_known, &id, &none);
    let id = match &value.present {
        Presence::Always => id,
        Presence::Never => none.clone(),
        Presence::Where(mask) => writer.select(mask, &id, &none),
    };
    let (Some(lists), Some(combiner)) = (&value.lists, feature.combiner) else {
        return Categories::One(writer.broadcast(&id, shape));
    };
    let items = writer.shape(&value.tensor);
    let ids = writer.broadcast(&id, &items);
    let rows = writer.rows_of(&lists.splits, &ids);
    let lengths = writer.lengths(&lists.splits);
    let num_rows = writer.size(&lengths);
    let counts = (combiner == Combiner::Mean).then(|| {
        let is_category = writer.compare("Less", &ids, &none);
        let ones = writer.cast(&is_category, FLOAT);
        let counts = writer.segments("UnsortedSegmentSum", &ones, &rows, &num_rows);
        let one = writer.constant(tensor::float(1.0));
        let counts = writer.binary("Maximum", &counts, &one);
        let column = writer.constant(tensor::ints(&[-1, 1]));
        writer.reshape(&counts, &column)
    });
    Categories::Many { ids, rows, num_rows, counts }
}

impl Categories {
    /// Returns what a table has for the categories of each row, shape `[rows, width]`.
    pub(super) fn look_up(&self, writer: &mut GraphWriter, table: &[f32], width: usize) -> Tensor {
        let mut rows = table.to_vec();
        rows.resize(table.len() + width, 0.0);
        let width = i64::try_from(width).expect("memory is smaller");
        let shape = [tensor::len(&rows) / width, width];
        let table = writer.constant(tensor::floats(&shape, &rows));
        match self {
            Self::One(ids) => writer.gather(&table, ids),
            Self::Many { ids, rows, num_rows, counts } => {
                let found = writer.gather(&table, ids);
                let sum = writer.segments("UnsortedSegmentSum", &found, rows, num_rows);
                match counts {
                    Some(counts) => writer.binary("RealDiv", &sum, counts),
                    None => sum,
                }
            }
        }
    }
}
