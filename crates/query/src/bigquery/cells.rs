//! Cells of a page, made columns: values come as text in JSON, lists and records nested in it.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BinaryBuilder, BooleanBuilder, Float64Builder, Int64Builder, ListArray,
    StringBuilder, StructArray, TimestampMicrosecondBuilder,
};
use arrow::buffer::{NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow::datatypes::{DataType, Field, FieldRef, Fields, TimeUnit};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::Value;

use super::answer::TableField;

/// Returns a field as a column; what cannot be one by its path and its type.
pub(super) fn field_of(field: &TableField) -> Result<Field, (String, String)> {
    let name = &field.name;
    let item = match field.type_name.as_str() {
        "INTEGER" | "INT64" => DataType::Int64,
        "FLOAT" | "FLOAT64" | "NUMERIC" | "BIGNUMERIC" => DataType::Float64,
        "BOOLEAN" | "BOOL" => DataType::Boolean,
        "STRING" | "JSON" | "GEOGRAPHY" | "DATE" | "TIME" | "DATETIME" => DataType::Utf8,
        "BYTES" => DataType::Binary,
        "TIMESTAMP" => DataType::Timestamp(TimeUnit::Microsecond, Some("+00:00".into())),
        "RECORD" | "STRUCT" => {
            let fields = field.fields.iter().map(field_of).collect::<Result<Fields, _>>();
            DataType::Struct(fields.map_err(|(path, found)| (format!("{name}.{path}"), found))?)
        }
        other => return Err((name.clone(), other.to_owned())),
    };
    let is_list = field.mode.as_deref() == Some("REPEATED");
    let data_type = match is_list {
        true => DataType::List(Arc::new(Field::new_list_field(item, true))),
        false => item,
    };
    Ok(Field::new(name, data_type, true))
}

/// Cells of a column that are being gathered.
pub(super) enum Cells {
    Int(Int64Builder),
    Double(Float64Builder),
    Bool(BooleanBuilder),
    Text(StringBuilder),
    Bytes(BinaryBuilder),
    Stamp(TimestampMicrosecondBuilder),
    List {
        field: FieldRef,
        items: Box<Cells>,
        offsets: Vec<i32>,
        num_items: i32,
        is_there: Vec<bool>,
    },
    Struct {
        fields: Fields,
        columns: Vec<Cells>,
        is_there: Vec<bool>,
    },
}

impl Cells {
    /// Returns a column without cells, of a type that [`field_of`] gives.
    pub(super) fn of(data_type: &DataType) -> Self {
        match data_type {
            DataType::Int64 => Self::Int(Int64Builder::new()),
            DataType::Float64 => Self::Double(Float64Builder::new()),
            DataType::Boolean => Self::Bool(BooleanBuilder::new()),
            DataType::Binary => Self::Bytes(BinaryBuilder::new()),
            DataType::Timestamp(..) => {
                Self::Stamp(TimestampMicrosecondBuilder::new().with_data_type(data_type.clone()))
            }
            DataType::List(field) => Self::List {
                field: Arc::clone(field),
                items: Box::new(Self::of(field.data_type())),
                offsets: vec![0],
                num_items: 0,
                is_there: Vec::new(),
            },
            DataType::Struct(fields) => Self::Struct {
                fields: fields.clone(),
                columns: fields.iter().map(|field| Self::of(field.data_type())).collect(),
                is_there: Vec::new(),
            },
            _ => Self::Text(StringBuilder::new()),
        }
    }

    /// Appends a cell, which is missing where it is `null`.
    pub(super) fn push(&mut self, cell: &Value) -> Result<(), String> {
        match self {
            Self::List { items, offsets, num_items, is_there, .. } => {
                is_there.push(!cell.is_null());
                for item in array(cell)? {
                    items.push(item.get("v").unwrap_or(&Value::Null))?;
                    *num_items = num_items.checked_add(1).ok_or("too many elements")?;
                }
                offsets.push(*num_items);
                return Ok(());
            }
            Self::Struct { columns, is_there, .. } => {
                is_there.push(!cell.is_null());
                let cells = array(cell.get("f").unwrap_or(&Value::Null))?;
                if !cell.is_null() && cells.len() != columns.len() {
                    return Err(format!(
                        "a record of {} fields, expected {}",
                        cells.len(),
                        columns.len()
                    ));
                }
                for (index, column) in columns.iter_mut().enumerate() {
                    let cell = cells.get(index).and_then(|cell| cell.get("v"));
                    column.push(cell.unwrap_or(&Value::Null))?;
                }
                return Ok(());
            }
            _ => {}
        }
        let text = match cell {
            Value::Null => None,
            Value::String(text) => Some(text.as_str()),
            other => return Err(format!("found {}, expected text in JSON", kind_of(other))),
        };
        let bad =
            |expected: &str| format!("found {:?}, expected {expected}", text.unwrap_or_default());
        match self {
            Self::Int(cells) => {
                let parsed = text.map(str::parse::<i64>).transpose();
                cells.append_option(parsed.map_err(|_| bad("an integer of 64 bits"))?);
            }
            Self::Double(cells) => {
                let parsed = text.map(str::parse::<f64>).transpose();
                cells.append_option(parsed.map_err(|_| bad("a number"))?);
            }
            Self::Bool(cells) => {
                let parsed = text.map(str::parse::<bool>).transpose();
                cells.append_option(parsed.map_err(|_| bad("`true` or `false`"))?);
            }
            Self::Stamp(cells) => {
                let parsed = text.map(str::parse::<i64>).transpose();
                cells.append_option(parsed.map_err(|_| bad("microseconds"))?);
            }
            Self::Bytes(cells) => {
                let decoded = text.map(|text| BASE64_STANDARD.decode(text)).transpose();
                cells.append_option(decoded.map_err(|_| bad("base64"))?);
            }
            Self::Text(cells) => cells.append_option(text),
            // These returned above.
            Self::List { .. } | Self::Struct { .. } => {}
        }
        Ok(())
    }

    /// Returns the cells.
    pub(super) fn finish(&mut self) -> ArrayRef {
        match self {
            Self::Int(cells) => Arc::new(cells.finish()),
            Self::Double(cells) => Arc::new(cells.finish()),
            Self::Bool(cells) => Arc::new(cells.finish()),
            Self::Text(cells) => Arc::new(cells.finish()),
            Self::Bytes(cells) => Arc::new(cells.finish()),
            Self::Stamp(cells) => Arc::new(cells.finish()),
            Self::List { field, items, offsets, is_there, .. } => {
                let offsets = OffsetBuffer::new(ScalarBuffer::from(std::mem::take(offsets)));
                let nulls = NullBuffer::from(std::mem::take(is_there));
                Arc::new(ListArray::new(Arc::clone(field), offsets, items.finish(), Some(nulls)))
            }
            Self::Struct { fields, columns, is_there } => {
                let columns = columns.iter_mut().map(Self::finish).collect();
                let nulls = NullBuffer::from(std::mem::take(is_there));
                Arc::new(StructArray::new(fields.clone(), columns, Some(nulls)))
            }
        }
    }
}

fn array(value: &Value) -> Result<&[Value], String> {
    match value {
        Value::Null => Ok(&[]),
        Value::Array(items) => Ok(items),
        other => Err(format!("found {}, expected a list in JSON", kind_of(other))),
    }
}

fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}
