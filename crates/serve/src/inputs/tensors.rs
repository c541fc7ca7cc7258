//! Requests that are tensors, one for each feature.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, BooleanArray, Float32Array, Int64Array, ListArray, RecordBatch,
};
use arrow::buffer::{NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow::datatypes::DataType;
use bytes::Bytes;
use graph::{GraphInput, ValueType};

use super::columns::{misfit, offset, texts};
use super::rows::RowLimits;
use super::{EXAMPLES, Inputs};
use crate::failure::Failure;

/// A tensor of a request. There are as many values as its shape says: who reads a protocol checks that.
pub(crate) struct Tensor<'a> {
    pub(crate) name: &'a str,
    pub(crate) shape: Vec<usize>,
    pub(crate) values: TensorValues,
}

/// The values of a tensor, row by row.
#[derive(Debug, PartialEq)]
pub(crate) enum TensorValues {
    Ints(Vec<i64>),
    Floats(Vec<f32>),
    Bools(Vec<bool>),
    Texts(Vec<Bytes>),
}

impl TensorValues {
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Ints(values) => values.len(),
            Self::Floats(values) => values.len(),
            Self::Bools(values) => values.len(),
            Self::Texts(values) => values.len(),
        }
    }

    fn name(&self) -> &'static str {
        match self {
            Self::Ints(_) => "integers",
            Self::Floats(_) => "floats",
            Self::Bools(_) => "booleans",
            Self::Texts(_) => "bytes",
        }
    }

    /// Returns the values as a column of a type. Integers and booleans go where floats are expected, booleans where
    /// integers are, as in the graph.
    fn into_items(
        self,
        feature: &GraphInput,
        nulls: Option<NullBuffer>,
    ) -> Result<ArrayRef, Failure> {
        Ok(match (feature.value_type, self) {
            (ValueType::Int, Self::Ints(values)) => Arc::new(Int64Array::new(values.into(), nulls)),
            (ValueType::Int, Self::Bools(values)) => {
                let values: Vec<i64> = values.into_iter().map(i64::from).collect();
                Arc::new(Int64Array::new(values.into(), nulls))
            }
            (ValueType::Float, Self::Floats(values)) => {
                Arc::new(Float32Array::new(values.into(), nulls))
            }
            (ValueType::Float, Self::Ints(values)) => {
                let values: Vec<f32> = values.into_iter().map(|int| int as f32).collect();
                Arc::new(Float32Array::new(values.into(), nulls))
            }
            (ValueType::Float, Self::Bools(values)) => {
                let values: Vec<f32> = values.into_iter().map(|b| f32::from(u8::from(b))).collect();
                Arc::new(Float32Array::new(values.into(), nulls))
            }
            (ValueType::Bool, Self::Bools(values)) => {
                Arc::new(BooleanArray::new(values.into(), nulls))
            }
            (ValueType::String, Self::Texts(values)) => {
                let mut bytes = Vec::with_capacity(values.iter().map(Bytes::len).sum());
                let mut offsets = Vec::with_capacity(values.len() + 1);
                offsets.push(0);
                for (row, value) in values.iter().enumerate() {
                    if std::str::from_utf8(value).is_err() {
                        return Err(misfit(feature, row, "other bytes", "UTF-8"));
                    }
                    bytes.extend_from_slice(value);
                    offsets.push(offset(bytes.len()));
                }
                Arc::new(texts(offsets, bytes, nulls)?)
            }
            (expected, found) => {
                let (name, found) = (&feature.name, found.name());
                return Err(Failure::invalid(format!(
                    "feature `{name}`: found {found}, expected {expected}"
                )));
            }
        })
    }
}

/// The tensors of one feature.
#[derive(Default)]
struct Given<'a> {
    values: Option<Tensor<'a>>,
    present: Option<Vec<bool>>,
    lengths: Option<Vec<i64>>,
}

impl Inputs {
    /// Makes a batch of tensors: of shape `[rows]` or `[rows, 1]` where a feature has one value, `[rows, values]` where
    /// it has many. Beside `NAME`, a tensor `NAME.present` tells which rows have a value, and `NAME.length` how many of
    /// a list's values count; or one tensor `examples` has serialized examples.
    pub(crate) fn decode_tensors(
        &self,
        tensors: Vec<Tensor<'_>>,
        is_known: &dyn Fn(&str) -> bool,
        limits: &RowLimits,
    ) -> Result<RecordBatch, Failure> {
        if let [only] = tensors.as_slice()
            && only.name == EXAMPLES
            && self.place(EXAMPLES, 0).is_none()
        {
            let TensorValues::Texts(records) = &only.values else {
                return Err(Failure::invalid("`examples`: expected serialized tf.Examples"));
            };
            limits.check(records.len())?;
            if records.is_empty() {
                return Err(Failure::invalid("found no rows, expected at least one"));
            }
            return self.decode_examples(records.iter().map(|record| &record[..]));
        }
        let mut given: Vec<Given<'_>> = Vec::new();
        given.resize_with(self.features().len(), Given::default);
        let mut num_rows = None;
        for (likely, tensor) in tensors.into_iter().enumerate() {
            let Some(&rows) = tensor.shape.first() else {
                let name = tensor.name;
                return Err(Failure::invalid(format!(
                    "tensor `{name}` has no dimensions, expected rows as the first"
                )));
            };
            let expected = *num_rows.get_or_insert(rows);
            if rows != expected {
                let name = tensor.name;
                return Err(Failure::invalid(format!(
                    "tensor `{name}`: found {rows} rows, expected {expected} as others have"
                )));
            }
            self.take(&mut given, tensor, likely, is_known)?;
        }
        let num_rows = num_rows.unwrap_or_default();
        limits.check(num_rows)?;
        if num_rows == 0 {
            return Err(Failure::invalid("found no rows, expected at least one"));
        }
        let columns = given.into_iter().enumerate().map(|(place, given)| {
            let feature = &self.features()[place];
            let Some(tensor) = given.values else { return Err(self.absent(place, None)) };
            let nulls = given.present.map(NullBuffer::from);
            column(feature, tensor, nulls, given.lengths, self.schema().field(place).data_type())
        });
        RecordBatch::try_new(Arc::clone(self.schema()), columns.collect::<Result<_, _>>()?)
            .map_err(|error| Failure::invalid(error.to_string()))
    }

    fn take<'a>(
        &self,
        given: &mut [Given<'a>],
        tensor: Tensor<'a>,
        likely: usize,
        is_known: &dyn Fn(&str) -> bool,
    ) -> Result<(), Failure> {
        let name = tensor.name;
        let twice = || Failure::invalid(format!("tensor `{name}` stands twice"));
        let place_of = |suffix| self.place(name.strip_suffix(suffix)?, usize::MAX);
        let per_row = |tensor: &Tensor<'_>| tensor.values.len() == tensor.shape[0];
        if let Some(place) = self.place(name, likely) {
            if given[place].values.replace(tensor).is_some() {
                return Err(twice());
            }
        } else if let Some(place) = place_of(".present") {
            match tensor.values {
                TensorValues::Bools(present) if present.len() == tensor.shape[0] => {
                    if given[place].present.replace(present).is_some() {
                        return Err(twice());
                    }
                }
                _ => {
                    return Err(Failure::invalid(format!(
                        "tensor `{name}`: expected one boolean for each row"
                    )));
                }
            }
        } else if let Some(place) = place_of(".length") {
            let is_per_row = per_row(&tensor);
            match tensor.values {
                TensorValues::Ints(lengths) if is_per_row => {
                    if given[place].lengths.replace(lengths).is_some() {
                        return Err(twice());
                    }
                }
                _ => {
                    return Err(Failure::invalid(format!(
                        "tensor `{name}`: expected one integer for each row"
                    )));
                }
            }
        } else if !is_known(name) {
            return Err(self.unknown(name));
        }
        Ok(())
    }
}

/// Returns the column of one feature.
fn column(
    feature: &GraphInput,
    tensor: Tensor<'_>,
    nulls: Option<NullBuffer>,
    lengths: Option<Vec<i64>>,
    data_type: &DataType,
) -> Result<ArrayRef, Failure> {
    let num_rows = tensor.shape[0];
    let width: usize = tensor.shape[1..].iter().product();
    let wrong = |expected: &str| {
        let (name, shape) = (&feature.name, &tensor.shape);
        Failure::invalid(format!("feature `{name}`: found shape {shape:?}, expected {expected}"))
    };
    let DataType::List(item) = data_type else {
        if width != 1 || lengths.is_some() {
            return Err(wrong("[rows] or [rows, 1]"));
        }
        return tensor.values.into_items(feature, nulls);
    };
    if tensor.shape.len() > 2 {
        return Err(wrong("[rows, values]"));
    }
    let items = tensor.values.into_items(feature, None)?;
    let Some(lengths) = lengths else {
        let lengths = std::iter::repeat_n(width, num_rows);
        let offsets = OffsetBuffer::from_lengths(lengths);
        return Ok(Arc::new(ListArray::new(Arc::clone(item), offsets, items, nulls)));
    };
    // Only the first of each row count.
    let (mut places, mut ends) = (Vec::new(), vec![0]);
    for (row, &length) in lengths.iter().enumerate() {
        let length = usize::try_from(length).ok().filter(|length| *length <= width);
        let length = length.ok_or_else(|| {
            misfit(feature, row, &format!("length {}", lengths[row]), &format!("0 to {width}"))
        })?;
        let start = row * width;
        places.extend((start..start + length).map(offset));
        ends.push(offset(places.len()));
    }
    let places = arrow::array::Int32Array::from(places);
    let items = arrow::compute::take(&items, &places, None)
        .map_err(|error| Failure::invalid(error.to_string()))?;
    debug_assert_eq!(items.len(), places.len());
    let offsets = OffsetBuffer::new(ScalarBuffer::from(ends));
    Ok(Arc::new(ListArray::new(Arc::clone(item), offsets, items, nulls)))
}
