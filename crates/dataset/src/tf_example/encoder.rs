//! Columns to records.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, BinaryArray, Float32Array, Int64Array, LargeBinaryBuilder, ListArray,
    RecordBatch,
};
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{DataType, Field, Schema};
use base::BoxError;
use dataflow::Stage;
use formats::example::{
    put_bytes, put_example, put_floats, put_ints, put_named, put_sequence_example, put_step,
};
use serde::{Deserialize, Serialize};

use super::{Payload, TfExampleError};

/// How a missing feature is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MissingFeature {
    /// Not at all.
    #[default]
    Omitted,
    /// By its name, with no kind, as TFX's `CsvExampleGen` did before version 0.24. Feature lists are omitted all
    /// the same.
    Named,
    /// By its name, with an empty list of its column's kind, as TFX's `CsvExampleGen` does; with no kind where the
    /// column is `Null`. Feature lists are omitted all the same.
    EmptyList,
}

/// Turns batches into records.
///
/// The bytes are those of protobuf's deterministic serialization: features come in the order of their names.
/// Integers of any width and booleans become `int64_list`, floats `float_list` (rounded to 32 bits, which is all
/// that examples have), text and bytes `bytes_list`. Lists of lists become feature lists of sequence examples.
#[derive(Debug)]
pub struct ExampleEncoder {
    payload: Payload,
    missing: MissingFeature,
    /// The columns by name, and the type that each is cast to.
    columns: Vec<(String, DataType)>,
}

impl ExampleEncoder {
    /// Returns an encoder of batches of a schema.
    ///
    /// # Errors
    ///
    /// [`TfExampleError::UnsupportedType`] for a column that the records cannot hold,
    /// [`TfExampleError::DuplicateColumn`] for a name that comes twice.
    pub fn new(
        payload: Payload,
        missing: MissingFeature,
        schema: &Schema,
    ) -> Result<Self, TfExampleError> {
        let max_depth = match payload {
            Payload::TfExample => 1,
            Payload::TfSequenceExample => 2,
        };
        let mut columns = Vec::with_capacity(schema.fields().len());
        for field in schema.fields() {
            let data_type = written_type(field.data_type(), max_depth).ok_or_else(|| {
                let (column, data_type) = (field.name().clone(), field.data_type().clone());
                TfExampleError::UnsupportedType { column, data_type, payload }
            })?;
            columns.push((field.name().clone(), data_type));
        }
        columns.sort_by(|(a, _), (b, _)| a.cmp(b));
        if let Some(pair) = columns.windows(2).find(|pair| pair[0].0 == pair[1].0) {
            return Err(TfExampleError::DuplicateColumn { column: pair[0].0.clone() });
        }
        Ok(Self { payload, missing, columns })
    }

    /// Writes each row of a batch as a record, in order.
    ///
    /// # Errors
    ///
    /// [`TfExampleError`] when the batch has not the columns of the schema, a list has a missing value in it, or
    /// an unsigned integer does not fit 64 bits with a sign; and those of `write`.
    pub fn encode<E: From<TfExampleError>>(
        &self,
        batch: &RecordBatch,
        mut write: impl FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        let columns = self
            .columns
            .iter()
            .map(|(name, data_type)| {
                let array = batch
                    .column_by_name(name)
                    .ok_or_else(|| TfExampleError::MissingColumn { column: name.clone() })?;
                Ok((name.as_str(), Written::new(name, array, data_type)?))
            })
            .collect::<Result<Vec<_>, TfExampleError>>()?;
        let (mut context, mut lists, mut record) = (Vec::new(), Vec::new(), Vec::new());
        let (mut value, mut step) = (Vec::new(), Vec::new());
        for row in 0..batch.num_rows() {
            context.clear();
            lists.clear();
            record.clear();
            for (name, column) in &columns {
                value.clear();
                let refused = |InList| TfExampleError::MissingInList {
                    column: (*name).to_owned(),
                    row,
                    payload: self.payload,
                };
                let is_list = matches!(column, Written::Steps(_));
                if column.put(row, &mut value, &mut step).map_err(refused)? {
                    put_named(if is_list { &mut lists } else { &mut context }, name, &value);
                } else if self.missing != MissingFeature::Omitted && !is_list {
                    if self.missing == MissingFeature::EmptyList {
                        column.put_empty(&mut value);
                    }
                    put_named(&mut context, name, &value);
                }
            }
            match self.payload {
                Payload::TfExample => put_example(&mut record, &context),
                Payload::TfSequenceExample => put_sequence_example(&mut record, &context, &lists),
            }
            write(&record)?;
        }
        Ok(())
    }
}

impl ExampleEncoder {
    /// Writes one column's features, row by row: each the message alone, without its name, or `None` where the
    /// value is missing.
    ///
    /// # Errors
    ///
    /// As [`encode`](Self::encode).
    pub fn encode_column<E: From<TfExampleError>>(
        &self,
        batch: &RecordBatch,
        column: &str,
        mut write: impl FnMut(Option<&[u8]>) -> Result<(), E>,
    ) -> Result<(), E> {
        let missing = || TfExampleError::MissingColumn { column: column.to_owned() };
        let (_, data_type) =
            self.columns.iter().find(|(name, _)| name == column).ok_or_else(missing)?;
        let array = batch.column_by_name(column).ok_or_else(missing)?;
        let written = Written::new(column, array, data_type)?;
        let (mut value, mut step) = (Vec::new(), Vec::new());
        for row in 0..batch.num_rows() {
            value.clear();
            let is_there = written.put(row, &mut value, &mut step).map_err(|InList| {
                let (column, payload) = (column.to_owned(), self.payload);
                TfExampleError::MissingInList { column, row, payload }
            })?;
            write(is_there.then_some(&value))?;
        }
        Ok(())
    }
}

/// Returns the type that a column is cast to before it is written, or `None` where it cannot be.
fn written_type(data_type: &DataType, max_depth: usize) -> Option<DataType> {
    Some(match data_type {
        DataType::Null => DataType::Null,
        DataType::Boolean => DataType::Int64,
        _ if data_type.is_integer() => DataType::Int64,
        _ if data_type.is_floating() => DataType::Float32,
        DataType::Utf8
        | DataType::LargeUtf8
        | DataType::Utf8View
        | DataType::Binary
        | DataType::LargeBinary
        | DataType::BinaryView => DataType::Binary,
        DataType::Dictionary(_, values) => match written_type(values, 0)? {
            DataType::Null => return None,
            data_type => data_type,
        },
        DataType::List(item) | DataType::LargeList(item) if max_depth > 0 => {
            let item = written_type(item.data_type(), max_depth - 1)?;
            DataType::List(Arc::new(Field::new_list_field(item, true)))
        }
        _ => return None,
    })
}

/// A missing value where none can be.
struct InList;

/// A column in the form in which it is written.
enum Written {
    Scalar(Values, ArrayRef),
    List(Values, ListArray),
    Steps(Box<Steps>),
}

struct Steps {
    rows: ListArray,
    steps: ListArray,
    values: Values,
}

enum Values {
    None,
    Int(Int64Array),
    Float(Float32Array),
    Bytes(BinaryArray),
}

impl Values {
    fn new(array: &dyn Array) -> Option<Self> {
        let any = array.as_any();
        Some(match array.data_type() {
            DataType::Null => Self::None,
            DataType::Int64 => Self::Int(any.downcast_ref::<Int64Array>()?.clone()),
            DataType::Float32 => Self::Float(any.downcast_ref::<Float32Array>()?.clone()),
            DataType::Binary => Self::Bytes(any.downcast_ref::<BinaryArray>()?.clone()),
            _ => return None,
        })
    }

    /// Returns whether a value of the range is missing.
    fn has_missing(&self, mut range: Range<usize>) -> bool {
        let array: &dyn Array = match self {
            Self::None => return !range.is_empty(),
            Self::Int(array) => array,
            Self::Float(array) => array,
            Self::Bytes(array) => array,
        };
        array.null_count() > 0 && range.any(|index| array.is_null(index))
    }

    /// Appends a feature of the values of a range, none of which is missing.
    fn put(&self, range: Range<usize>, feature: &mut Vec<u8>) {
        match self {
            // An empty list of no kind; which kind it would have is not known.
            Self::None => put_bytes(feature, std::iter::empty()),
            Self::Int(array) => put_ints(feature, &array.values()[range]),
            Self::Float(array) => put_floats(feature, &array.values()[range]),
            Self::Bytes(array) => put_bytes(feature, range.map(|index| array.value(index))),
        }
    }
}

fn list_range(list: &ListArray, index: usize) -> Range<usize> {
    let offsets = list.value_offsets();
    let at = |index: usize| usize::try_from(offsets[index]).expect("offsets are never negative");
    at(index)..at(index + 1)
}

impl Written {
    fn new(name: &str, array: &ArrayRef, data_type: &DataType) -> Result<Self, TfExampleError> {
        let options = CastOptions { safe: false, ..CastOptions::default() };
        let array = cast_with_options(array, data_type, &options)
            .map_err(|source| TfExampleError::Cast { column: name.to_owned(), source })?;
        let list = |array: &dyn Array| array.as_any().downcast_ref::<ListArray>().cloned();
        let written = match list(&array) {
            None => Values::new(&array).map(|values| Self::Scalar(values, array)),
            Some(rows) => match list(rows.values()) {
                None => Values::new(rows.values()).map(|values| Self::List(values, rows)),
                Some(steps) => Values::new(steps.values())
                    .map(|values| Self::Steps(Box::new(Steps { rows, steps, values }))),
            },
        };
        Ok(written.expect("the cast leaves these types only"))
    }

    /// Appends a row's feature or feature list; returns whether it is there.
    fn put(&self, row: usize, value: &mut Vec<u8>, step: &mut Vec<u8>) -> Result<bool, InList> {
        match self {
            Self::Scalar(values, array) => {
                if matches!(values, Values::None) || array.is_null(row) {
                    return Ok(false);
                }
                values.put(row..row + 1, value);
            }
            Self::List(values, rows) => {
                if rows.is_null(row) {
                    return Ok(false);
                }
                put_list(values, list_range(rows, row), value)?;
            }
            Self::Steps(column) => {
                if column.rows.is_null(row) {
                    return Ok(false);
                }
                for index in list_range(&column.rows, row) {
                    step.clear();
                    if !column.steps.is_null(index) {
                        put_list(&column.values, list_range(&column.steps, index), step)?;
                    }
                    put_step(value, step);
                }
            }
        }
        Ok(true)
    }

    /// Appends an empty list of the values' kind, or nothing where they have none.
    fn put_empty(&self, value: &mut Vec<u8>) {
        match self {
            Self::Scalar(Values::None, _) | Self::List(Values::None, _) | Self::Steps(_) => {}
            Self::Scalar(values, _) | Self::List(values, _) => values.put(0..0, value),
        }
    }
}

fn put_list(values: &Values, range: Range<usize>, feature: &mut Vec<u8>) -> Result<(), InList> {
    if values.has_missing(range.clone()) {
        return Err(InList);
    }
    values.put(range, feature);
    Ok(())
}

/// The stage that turns examples into batches of one column `record`, their serialized form.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct EncodeExamples {
    /// What the records are to hold.
    pub payload: Payload,
    /// How a missing feature is written.
    pub missing: MissingFeature,
}

impl Stage for EncodeExamples {
    fn columns(&self) -> Option<Vec<String>> {
        None
    }

    fn apply(&self, batch: &RecordBatch) -> Result<RecordBatch, BoxError> {
        let encoder = ExampleEncoder::new(self.payload, self.missing, batch.schema_ref())?;
        let mut records = LargeBinaryBuilder::new();
        encoder.encode(batch, |record| {
            records.append_value(record);
            Ok::<_, TfExampleError>(())
        })?;
        let schema = Schema::new(vec![Field::new("record", DataType::LargeBinary, false)]);
        let records = RecordBatch::try_new(Arc::new(schema), vec![Arc::new(records.finish())]);
        Ok(records.map_err(|source| TfExampleError::Batch { source })?)
    }
}
