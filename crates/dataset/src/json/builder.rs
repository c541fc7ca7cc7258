//! Collects values into Arrow columns.

use std::sync::Arc;

use arrow::array::builder::NullBufferBuilder;
use arrow::array::{
    ArrayRef, BooleanBuilder, Float32Builder, Int64Builder, ListArray, NullArray, StringBuilder,
    StructArray,
};
use arrow::buffer::{OffsetBuffer, ScalarBuffer};
use arrow::datatypes::{DataType, FieldRef, Fields};
use serde_json::Value;

use super::rows::kind_of;
use super::shape::as_int;

/// One column in the making.
pub(super) enum Column {
    Null(usize),
    Boolean(BooleanBuilder),
    Int(Int64Builder),
    Float(Float32Builder),
    Text(StringBuilder),
    List { item: FieldRef, offsets: Vec<i32>, validity: NullBufferBuilder, items: Box<Column> },
    Struct { fields: Fields, validity: NullBufferBuilder, columns: Vec<Column> },
}

/// A value that a column does not take.
#[derive(Debug)]
pub(super) struct Misfit {
    /// Where in the column, such as `.a[]`; empty for its own value.
    pub(super) path: String,
    pub(super) found: &'static str,
    pub(super) expected: &'static str,
}

impl Column {
    /// Returns an empty column, or `None` for a type that JSON is not read as.
    pub(super) fn new(data_type: &DataType) -> Option<Self> {
        Some(match data_type {
            DataType::Null => Self::Null(0),
            DataType::Boolean => Self::Boolean(BooleanBuilder::new()),
            DataType::Int64 => Self::Int(Int64Builder::new()),
            DataType::Float32 => Self::Float(Float32Builder::new()),
            DataType::Utf8 => Self::Text(StringBuilder::new()),
            DataType::List(item) => Self::List {
                item: FieldRef::clone(item),
                offsets: vec![0],
                validity: NullBufferBuilder::new(0),
                items: Box::new(Self::new(item.data_type())?),
            },
            DataType::Struct(fields) => Self::Struct {
                fields: fields.clone(),
                validity: NullBufferBuilder::new(0),
                columns: fields
                    .iter()
                    .map(|field| Self::new(field.data_type()))
                    .collect::<Option<_>>()?,
            },
            _ => return None,
        })
    }

    /// Says no to a value that the column does not take.
    pub(super) fn check(&self, value: &Value) -> Result<(), Misfit> {
        let expected = match (self, value) {
            (_, Value::Null)
            | (Self::Boolean(_), Value::Bool(_))
            | (Self::Float(_), Value::Number(_))
            | (Self::Text(_), Value::String(_)) => return Ok(()),
            (Self::Int(_), Value::Number(number)) if as_int(number).is_some() => return Ok(()),
            (Self::List { items, .. }, Value::Array(values)) => {
                return values
                    .iter()
                    .try_for_each(|value| items.check(value).map_err(|misfit| misfit.below("[]")));
            }
            (Self::Struct { fields, columns, .. }, Value::Object(object)) => {
                return fields.iter().zip(columns).try_for_each(|(field, column)| {
                    let value = object.get(field.name()).unwrap_or(&Value::Null);
                    column
                        .check(value)
                        .map_err(|misfit| misfit.below(&format!(".{}", field.name())))
                });
            }
            // What has no fields anywhere is nothing.
            (Self::Null(_), Value::Object(object)) if object.is_empty() => return Ok(()),
            (Self::Null(_), _) => "no value",
            (Self::Boolean(_), _) => "a boolean",
            (Self::Int(_), _) => "an integer",
            (Self::Float(_), _) => "a number",
            (Self::Text(_), _) => "text",
            (Self::List { .. }, _) => "a list",
            (Self::Struct { .. }, _) => "an object",
        };
        let found = match value {
            Value::Number(_) if matches!(self, Self::Int(_)) => "a number that is no integer",
            value => kind_of(value),
        };
        Err(Misfit { path: String::new(), found, expected })
    }

    /// Appends a value that was checked.
    pub(super) fn push(&mut self, value: &Value) {
        match (self, value) {
            (Self::Null(count), _) => *count += 1,
            (Self::Boolean(builder), value) => builder.append_option(value.as_bool()),
            (Self::Int(builder), value) => builder.append_option(value.as_i64()),
            #[expect(clippy::cast_possible_truncation, reason = "features are 32-bit floats")]
            (Self::Float(builder), value) => {
                builder.append_option(value.as_f64().map(|value| value as f32));
            }
            (Self::Text(builder), value) => builder.append_option(value.as_str()),
            (Self::List { offsets, validity, items, .. }, value) => {
                let values = value.as_array();
                values.into_iter().flatten().for_each(|value| items.push(value));
                let length = i32::try_from(items.len());
                offsets.push(length.expect("a batch has fewer values than its text has bytes"));
                validity.append(values.is_some());
            }
            (Self::Struct { fields, validity, columns }, value) => {
                let object = value.as_object();
                for (field, column) in fields.iter().zip(columns) {
                    let value = object.and_then(|object| object.get(field.name()));
                    column.push(value.unwrap_or(&Value::Null));
                }
                validity.append(object.is_some());
            }
        }
    }

    fn len(&self) -> usize {
        use arrow::array::ArrayBuilder;
        match self {
            Self::Null(count) => *count,
            Self::Boolean(builder) => builder.len(),
            Self::Int(builder) => builder.len(),
            Self::Float(builder) => builder.len(),
            Self::Text(builder) => builder.len(),
            Self::List { validity, .. } | Self::Struct { validity, .. } => validity.len(),
        }
    }

    /// Returns the array, and begins the next.
    pub(super) fn finish(&mut self) -> ArrayRef {
        match self {
            Self::Null(count) => Arc::new(NullArray::new(std::mem::take(count))),
            Self::Boolean(builder) => Arc::new(builder.finish()),
            Self::Int(builder) => Arc::new(builder.finish()),
            Self::Float(builder) => Arc::new(builder.finish()),
            Self::Text(builder) => Arc::new(builder.finish()),
            Self::List { item, offsets, validity, items } => {
                let offsets = std::mem::replace(offsets, vec![0]);
                let offsets = OffsetBuffer::new(ScalarBuffer::from(offsets));
                let (item, items) = (FieldRef::clone(item), items.finish());
                Arc::new(ListArray::new(item, offsets, items, validity.finish()))
            }
            Self::Struct { fields, validity, columns } => {
                let columns = columns.iter_mut().map(Self::finish).collect();
                Arc::new(StructArray::new(fields.clone(), columns, validity.finish()))
            }
        }
    }
}

impl Misfit {
    fn below(mut self, step: &str) -> Self {
        self.path.insert_str(0, step);
        self
    }
}
