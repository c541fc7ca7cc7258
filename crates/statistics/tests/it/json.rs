//! Columns written as JSON, as in `testdata/reference`.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, BinaryArray, Float32Array, Int64Array, ListArray, RecordBatch, StructArray,
};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::datatypes::Field;
use serde_json::Value;

/// Returns a batch of columns that each have a name, a type and values, which are read so many times over.
pub(crate) fn batch(columns: &Value, repeat: usize) -> RecordBatch {
    let columns = columns.as_array().unwrap().iter().map(|column| {
        let once: Vec<Option<&Value>> =
            column["values"].as_array().unwrap().iter().map(known).collect();
        let values = once.repeat(repeat);
        (column["name"].as_str().unwrap(), array(&column["type"], &values), true)
    });
    RecordBatch::try_from_iter_with_nullable(columns).unwrap()
}

/// A type is "int", "float", "bytes" or "hex" (bytes as hexadecimal digits), a list of one type, or an object of types.
fn array(kind: &Value, values: &[Option<&Value>]) -> ArrayRef {
    match kind {
        Value::String(kind) => match kind.as_str() {
            "int" => Arc::new(Int64Array::from_iter(
                values.iter().map(|value| value.map(|value| value.as_i64().unwrap())),
            )),
            "float" => {
                Arc::new(Float32Array::from_iter(values.iter().map(|value| value.map(float))))
            }
            "bytes" => Arc::new(BinaryArray::from_iter(
                values.iter().map(|value| value.map(|value| value.as_str().unwrap().as_bytes())),
            )),
            "hex" => Arc::new(BinaryArray::from_iter(
                values.iter().map(|value| value.map(|value| bytes(value.as_str().unwrap()))),
            )),
            other => panic!("{other}"),
        },
        Value::Array(kind) => {
            let lists = || values.iter().map(|value| value.map(|value| value.as_array().unwrap()));
            let items: Vec<Option<&Value>> = lists().flatten().flatten().map(known).collect();
            let items = array(&kind[0], &items);
            let offsets = OffsetBuffer::from_lengths(lists().map(|list| list.map_or(0, Vec::len)));
            let field = Arc::new(Field::new("item", items.data_type().clone(), true));
            Arc::new(ListArray::new(field, offsets, items, Some(nulls(values))))
        }
        Value::Object(kinds) => {
            let field = |(name, kind): (&String, &Value)| {
                let values: Vec<Option<&Value>> = values
                    .iter()
                    .map(|value| value.and_then(|value| known(&value[name])))
                    .collect();
                let array = array(kind, &values);
                (Arc::new(Field::new(name, array.data_type().clone(), true)), array)
            };
            let (fields, arrays): (Vec<_>, Vec<_>) = kinds.iter().map(field).unzip();
            Arc::new(StructArray::new(fields.into(), arrays, Some(nulls(values))))
        }
        other => panic!("{other}"),
    }
}

#[expect(clippy::cast_possible_truncation, reason = "the reference has 32-bit floats, too")]
fn float(value: &Value) -> f32 {
    match value {
        Value::String(text) => text.parse().unwrap(),
        _ => value.as_f64().unwrap() as f32,
    }
}

fn bytes(digits: &str) -> Vec<u8> {
    let byte = |at: usize| u8::from_str_radix(&digits[at..at + 2], 16).unwrap();
    (0..digits.len()).step_by(2).map(byte).collect()
}

fn known(value: &Value) -> Option<&Value> {
    (!value.is_null()).then_some(value)
}

fn nulls(values: &[Option<&Value>]) -> NullBuffer {
    values.iter().map(Option::is_some).collect()
}
