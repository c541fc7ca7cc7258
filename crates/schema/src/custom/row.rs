//! Statistics of a feature as one nested value, so that expressions find their fields by name.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BinaryArray, BooleanArray, Float64Array, Int64Array, ListArray, StringArray,
    StructArray,
};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::datatypes::{DataType, Field, Fields};
use arrow::error::ArrowError;
use formats::metadata::FeatureNameStatistics;
use formats::reflect::{self, FieldDescriptor, Kind, MessageDescriptor, ReflectMessage, Value};

/// Returns the type of the value: the message's fields, whole numbers as of 64 bits, enumerations by their names.
pub(super) fn data_type() -> DataType {
    struct_type(&reflect::descriptor::<FeatureNameStatistics>(), &mut Vec::new())
}

/// Returns the statistics as an array of one value.
///
/// Fields that are not set have their defaults, messages that are not set are missing, as in ZetaSQL.
///
/// # Errors
///
/// None that a message can cause.
pub(super) fn value(statistics: &FeatureNameStatistics) -> Result<ArrayRef, ArrowError> {
    array(&data_type(), &[Some(Value::Message(reflect::fields(statistics)))])
}

fn struct_type(message: &MessageDescriptor, within: &mut Vec<String>) -> DataType {
    within.push(message.full_name().to_owned());
    let mut fields = Vec::new();
    for field in message.fields().filter(|field| !field.is_map()) {
        let Some(item) = item_type(&field, within) else { continue };
        let data_type = if field.is_list() { DataType::new_list(item, true) } else { item };
        fields.push(Field::new(field.name(), data_type, true));
    }
    within.pop();
    DataType::Struct(Fields::from(fields))
}

/// Returns the type of a field's values; nothing for messages that have no fields of their own to name.
fn item_type(field: &FieldDescriptor, within: &mut Vec<String>) -> Option<DataType> {
    Some(match field.kind() {
        Kind::Double | Kind::Float => DataType::Float64,
        Kind::Bool => DataType::Boolean,
        Kind::String | Kind::Enum(_) => DataType::Utf8,
        Kind::Bytes => DataType::Binary,
        Kind::Message(message) => {
            let is_opaque = message.full_name() == "google.protobuf.Any";
            if is_opaque || within.iter().any(|name| name == message.full_name()) {
                return None;
            }
            struct_type(&message, within)
        }
        _ => DataType::Int64,
    })
}

/// Returns values as an array of a type that was made of their descriptor.
fn array(data_type: &DataType, values: &[Option<Value>]) -> Result<ArrayRef, ArrowError> {
    Ok(match data_type {
        DataType::Float64 => Arc::new(values.iter().map(number).collect::<Float64Array>()),
        DataType::Int64 => Arc::new(values.iter().map(integer).collect::<Int64Array>()),
        DataType::Boolean => {
            let truth = |value: &Option<Value>| value.as_ref().and_then(Value::as_bool);
            Arc::new(values.iter().map(truth).collect::<BooleanArray>())
        }
        DataType::Binary => {
            let bytes = |value: &Option<Value>| {
                value.as_ref().and_then(Value::as_bytes).map(|bytes| bytes.to_vec())
            };
            Arc::new(values.iter().map(bytes).collect::<BinaryArray>())
        }
        DataType::List(item) => {
            let mut items = Vec::new();
            let mut lengths = Vec::with_capacity(values.len());
            for value in values {
                let list = value.as_ref().and_then(Value::as_list).unwrap_or(&[]);
                lengths.push(list.len());
                items.extend(list.iter().cloned().map(Some));
            }
            let nulls: NullBuffer = values.iter().map(Option::is_some).collect();
            let items = array(item.data_type(), &items)?;
            let offsets = OffsetBuffer::from_lengths(lengths);
            Arc::new(ListArray::try_new(Arc::clone(item), offsets, items, Some(nulls))?)
        }
        DataType::Struct(fields) => {
            let columns = fields.iter().map(|field| {
                let of = |value: &Option<Value>| field_of(value.as_ref()?, field.name());
                array(field.data_type(), &values.iter().map(of).collect::<Vec<_>>())
            });
            let columns = columns.collect::<Result<Vec<_>, _>>()?;
            let nulls: NullBuffer = values.iter().map(Option::is_some).collect();
            Arc::new(StructArray::try_new(fields.clone(), columns, Some(nulls))?)
        }
        _ => Arc::new(values.iter().map(text).collect::<StringArray>()),
    })
}

/// Returns a field of a message: nothing for a message that is not set.
fn field_of(message: &Value, name: &str) -> Option<Value> {
    let message = message.as_message()?;
    let field = message.descriptor().get_field_by_name(name)?;
    let is_message = matches!(field.kind(), Kind::Message(_)) && !field.is_list();
    if is_message && !message.has_field(&field) {
        return None;
    }
    let value = message.get_field(&field).into_owned();
    let named = |value: Value| match (value.as_enum_number(), field.kind()) {
        (Some(number), Kind::Enum(names)) => {
            let name = names.get_value(number).map(|it| it.name().to_owned());
            Value::String(name.unwrap_or_else(|| number.to_string()))
        }
        _ => value,
    };
    Some(match value {
        Value::List(items) => Value::List(items.into_iter().map(named).collect()),
        other => named(other),
    })
}

fn text(value: &Option<Value>) -> Option<&str> {
    value.as_ref().and_then(Value::as_str)
}

fn number(value: &Option<Value>) -> Option<f64> {
    match value.as_ref()? {
        Value::F32(number) => Some(f64::from(*number)),
        Value::F64(number) => Some(*number),
        _ => None,
    }
}

/// Returns a whole number. Counts beyond 2^63 would be of more examples than there are.
fn integer(value: &Option<Value>) -> Option<i64> {
    match value.as_ref()? {
        Value::I32(number) => Some(i64::from(*number)),
        Value::I64(number) => Some(*number),
        Value::U32(number) => Some(i64::from(*number)),
        Value::U64(number) => Some(i64::try_from(*number).unwrap_or(i64::MAX)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::AsArray;

    #[test]
    fn what_is_not_set_is_a_default_or_missing() {
        let statistics: FeatureNameStatistics = formats::text::parse(
            "path { step: 'a' } type: FLOAT num_stats { mean: nan histograms { type: QUANTILES } }",
        )
        .unwrap();
        let value = value(&statistics).unwrap();
        assert_eq!(value.len(), 1);
        let feature = value.as_struct();
        assert_eq!(feature.column_by_name("type").unwrap().as_string::<i32>().value(0), "FLOAT");
        assert_eq!(feature.column_by_name("name").unwrap().as_string::<i32>().value(0), "");
        assert!(feature.column_by_name("string_stats").unwrap().is_null(0));
        let numbers = feature.column_by_name("num_stats").unwrap().as_struct();
        assert!(numbers.column_by_name("common_stats").unwrap().is_null(0));
        let zeros = numbers.column_by_name("num_zeros").unwrap();
        assert_eq!(zeros.as_primitive::<arrow::datatypes::Int64Type>().value(0), 0);
        let histograms = numbers.column_by_name("histograms").unwrap().as_list::<i32>().value(0);
        let kinds = histograms.as_struct().column_by_name("type").unwrap();
        assert_eq!(kinds.as_string::<i32>().value(0), "QUANTILES");
    }
}
