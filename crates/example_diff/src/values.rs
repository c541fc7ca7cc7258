//! The values of a column: in a form in which equal values have equal bytes, and as text.

use arrow::array::{
    Array, ArrayRef, AsArray, BinaryArray, BinaryViewArray, BooleanArray, Float32Array,
    Float64Array, GenericListArray, Int64Array, LargeBinaryArray, OffsetSizeTrait, UInt64Array,
};
use arrow::buffer::NullBuffer;
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float32Type, Float64Type, Int64Type, UInt64Type};
use serde::{Deserialize, Serialize};
use serde_json::{Number, Value as Json};

use crate::ExampleDiffError;

/// How floats are made equal before they are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Floats {
    /// To 32 bits, as one of the two sides has no more.
    pub(crate) is_single: bool,
    /// To so many digits after the decimal point.
    pub(crate) num_digits: Option<u32>,
}

/// What stands before each value; values of different types are never equal.
mod tag {
    pub(super) const INT: u8 = 1;
    pub(super) const LARGE_UNSIGNED: u8 = 2;
    pub(super) const FLOAT: u8 = 3;
    pub(super) const BYTES: u8 = 4;
    pub(super) const LIST: u8 = 5;
    pub(super) const STRUCT: u8 = 6;
    pub(super) const END: u8 = 7;
}

/// The values of a column of a batch.
pub(crate) enum Values {
    /// A column without a type: every value is missing.
    Missing,
    Bool(BooleanArray),
    Int(Int64Array),
    Unsigned(UInt64Array),
    Single(Float32Array),
    Double(Float64Array),
    Bytes(Bytes),
    List {
        offsets: Vec<usize>,
        nulls: Option<NullBuffer>,
        items: Box<Values>,
    },
    Struct {
        nulls: Option<NullBuffer>,
        fields: Vec<(String, Values)>,
    },
}

/// Texts and bytes.
pub(crate) enum Bytes {
    Small(BinaryArray),
    Large(LargeBinaryArray),
    View(BinaryViewArray),
}

impl Bytes {
    fn get(&self, row: usize) -> Option<&[u8]> {
        match self {
            Self::Small(array) => array.is_valid(row).then(|| array.value(row)),
            Self::Large(array) => array.is_valid(row).then(|| array.value(row)),
            Self::View(array) => array.is_valid(row).then(|| array.value(row)),
        }
    }
}

impl Values {
    /// Returns the values of a column.
    ///
    /// # Errors
    ///
    /// [`ExampleDiffError::UnsupportedType`], in the name of `feature`.
    pub(crate) fn new(column: &ArrayRef, feature: &str) -> Result<Self, ExampleDiffError> {
        let unsupported = || ExampleDiffError::UnsupportedType {
            feature: feature.to_owned(),
            data_type: column.data_type().clone(),
        };
        let to = |data_type: &DataType| cast(column, data_type).map_err(|_| unsupported());
        Ok(match column.data_type() {
            DataType::Null => Self::Missing,
            DataType::Boolean => Self::Bool(column.as_boolean().clone()),
            DataType::UInt64 => Self::Unsigned(column.as_primitive::<UInt64Type>().clone()),
            integer if integer.is_integer() => {
                Self::Int(to(&DataType::Int64)?.as_primitive::<Int64Type>().clone())
            }
            DataType::Float64 => Self::Double(column.as_primitive::<Float64Type>().clone()),
            DataType::Float32 | DataType::Float16 => {
                Self::Single(to(&DataType::Float32)?.as_primitive::<Float32Type>().clone())
            }
            DataType::Utf8 | DataType::Binary => {
                Self::Bytes(Bytes::Small(to(&DataType::Binary)?.as_binary::<i32>().clone()))
            }
            DataType::LargeUtf8 | DataType::LargeBinary => {
                Self::Bytes(Bytes::Large(to(&DataType::LargeBinary)?.as_binary::<i64>().clone()))
            }
            DataType::Utf8View | DataType::BinaryView => {
                Self::Bytes(Bytes::View(to(&DataType::BinaryView)?.as_binary_view().clone()))
            }
            DataType::Dictionary(_, values) => Self::new(&to(values)?, feature)?,
            DataType::List(_) => Self::list(column.as_list::<i32>(), feature)?,
            DataType::LargeList(_) => Self::list(column.as_list::<i64>(), feature)?,
            DataType::Struct(fields) => {
                let column = column.as_struct();
                let mut values = fields
                    .iter()
                    .zip(column.columns())
                    .map(|(field, column)| Ok((field.name().clone(), Self::new(column, feature)?)))
                    .collect::<Result<Vec<_>, ExampleDiffError>>()?;
                values.sort_by(|a, b| a.0.cmp(&b.0));
                Self::Struct { nulls: column.nulls().cloned(), fields: values }
            }
            _ => return Err(unsupported()),
        })
    }

    fn list<O: OffsetSizeTrait>(
        lists: &GenericListArray<O>,
        feature: &str,
    ) -> Result<Self, ExampleDiffError> {
        Ok(Self::List {
            offsets: lists.value_offsets().iter().map(|offset| offset.as_usize()).collect(),
            nulls: lists.nulls().cloned(),
            items: Box::new(Self::new(lists.values(), feature)?),
        })
    }

    /// Appends the value of a row so that equal values have equal bytes; returns whether there is one.
    ///
    /// One value and a list of just that value are equal, as in `tf.Example`. A list without values is there, and
    /// appends nothing. Every NaN equals every other, and zero equals minus zero.
    pub(crate) fn encode(&self, row: usize, floats: Floats, out: &mut Vec<u8>) -> bool {
        let Self::List { offsets, nulls, items } = self else {
            return self.encode_one(row, floats, out);
        };
        if is_null(nulls.as_ref(), row) {
            return false;
        }
        for item in offsets[row]..offsets[row + 1] {
            // Nulls within a list are no values.
            items.encode_one(item, floats, out);
        }
        true
    }

    fn encode_one(&self, row: usize, floats: Floats, out: &mut Vec<u8>) -> bool {
        let mut push = |tag: u8, bytes: [u8; 8]| {
            out.push(tag);
            out.extend_from_slice(&bytes);
        };
        match self {
            Self::Missing => return false,
            Self::Bool(array) if array.is_valid(row) => {
                push(tag::INT, i64::from(array.value(row)).to_le_bytes());
            }
            Self::Int(array) if array.is_valid(row) => {
                push(tag::INT, array.value(row).to_le_bytes());
            }
            Self::Unsigned(array) if array.is_valid(row) => match i64::try_from(array.value(row)) {
                Ok(value) => push(tag::INT, value.to_le_bytes()),
                Err(_) => push(tag::LARGE_UNSIGNED, array.value(row).to_le_bytes()),
            },
            Self::Single(array) if array.is_valid(row) => {
                let value = comparable(f64::from(array.value(row)), floats);
                push(tag::FLOAT, value.to_bits().to_le_bytes());
            }
            Self::Double(array) if array.is_valid(row) => {
                let value = comparable(array.value(row), floats);
                push(tag::FLOAT, value.to_bits().to_le_bytes());
            }
            Self::Bytes(bytes) => {
                let Some(value) = bytes.get(row) else { return false };
                push(tag::BYTES, (value.len() as u64).to_le_bytes());
                out.extend_from_slice(value);
            }
            Self::List { nulls, .. } if !is_null(nulls.as_ref(), row) => {
                out.push(tag::LIST);
                self.encode(row, floats, out);
                out.push(tag::END);
            }
            Self::Struct { nulls, fields } if !is_null(nulls.as_ref(), row) => {
                out.push(tag::STRUCT);
                for (name, values) in fields {
                    let start = out.len();
                    out.extend_from_slice(&(name.len() as u64).to_le_bytes());
                    out.extend_from_slice(name.as_bytes());
                    if values.encode(row, floats, out) {
                        out.push(tag::END);
                    } else {
                        out.truncate(start);
                    }
                }
                out.push(tag::END);
            }
            _ => return false,
        }
        true
    }

    /// Returns the value of a row for people: null where it is missing, lists as lists. NaN and infinities, which
    /// JSON does not have, are texts, as are bytes; those that are not UTF-8 are escaped.
    pub(crate) fn json(&self, row: usize) -> Json {
        match self {
            Self::Bool(array) if array.is_valid(row) => i64::from(array.value(row)).into(),
            Self::Int(array) if array.is_valid(row) => array.value(row).into(),
            Self::Unsigned(array) if array.is_valid(row) => array.value(row).into(),
            Self::Single(array) if array.is_valid(row) => {
                // The shortest digits that are this number among those of 32 bits.
                let value = array.value(row);
                float_json(value.to_string().parse().unwrap_or_else(|_| f64::from(value)))
            }
            Self::Double(array) if array.is_valid(row) => float_json(array.value(row)),
            Self::Bytes(bytes) => bytes.get(row).map_or(Json::Null, |bytes| {
                let text = std::str::from_utf8(bytes).map(str::to_owned);
                text.unwrap_or_else(|_| bytes.escape_ascii().to_string()).into()
            }),
            Self::List { offsets, nulls, items } if !is_null(nulls.as_ref(), row) => {
                let items = (offsets[row]..offsets[row + 1]).map(|item| items.json(item));
                items.filter(|item| !item.is_null()).collect()
            }
            Self::Struct { nulls, fields } if !is_null(nulls.as_ref(), row) => {
                fields.iter().map(|(name, values)| (name.clone(), values.json(row))).collect()
            }
            _ => Json::Null,
        }
    }

    /// Returns the value of a row as one text: a text as it is, everything else as in [`Values::json`].
    pub(crate) fn text(&self, row: usize) -> String {
        let text = |value: Json| match value {
            Json::String(text) => text,
            other => other.to_string(),
        };
        match self.json(row) {
            Json::Array(mut items) if items.len() == 1 => text(items.swap_remove(0)),
            other => text(other),
        }
    }
}

fn is_null(nulls: Option<&NullBuffer>, row: usize) -> bool {
    nulls.is_some_and(|nulls| nulls.is_null(row))
}

fn float_json(value: f64) -> Json {
    Number::from_f64(value).map_or_else(|| value.to_string().into(), Json::Number)
}

/// Returns the number that stands for all those that count as equal to this one.
fn comparable(value: f64, floats: Floats) -> f64 {
    let value = match floats.num_digits {
        Some(num_digits) => round(value, num_digits),
        None => value,
    };
    let value = if floats.is_single { f64::from(to_single(value)) } else { value };
    if value.is_nan() {
        f64::NAN
    } else {
        // Minus zero becomes zero.
        value + 0.0
    }
}

/// Returns the nearest number with so many digits after the decimal point; of two that are as near, the even one.
///
/// As Python's `round`, which looks at the exact decimal expansion: formatting does so too.
fn round(value: f64, num_digits: u32) -> f64 {
    /// From here on, every number is a whole one.
    const WHOLE: f64 = 9_007_199_254_740_992.0;
    if !value.is_finite() || value.abs() >= WHOLE {
        return value;
    }
    let num_digits = usize::try_from(num_digits.min(17)).unwrap_or(17);
    format!("{value:.num_digits$}").parse().unwrap_or(value)
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "the point is to lose what 32 bits do not hold"
)]
fn to_single(value: f64) -> f32 {
    value as f32
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{Int32Array, ListArray, StringArray, StringViewArray, StructArray};
    use arrow::datatypes::Field;

    use super::*;

    const EXACT: Floats = Floats { is_single: false, num_digits: None };

    fn encoded(column: ArrayRef, row: usize, floats: Floats) -> Option<Vec<u8>> {
        let mut out = Vec::new();
        let values = Values::new(&column, "it").unwrap();
        values.encode(row, floats, &mut out).then_some(out)
    }

    #[test]
    fn rounding_is_as_in_python() {
        for (value, num_digits, expected) in [
            (2.675, 2, 2.67),
            (1.12345, 2, 1.12),
            (0.5, 0, 0.0),
            (1.5, 0, 2.0),
            (2.5, 0, 2.0),
            (0.125, 2, 0.12),
            (-0.375, 2, -0.38),
            (1e300, 3, 1e300),
            (f64::INFINITY, 1, f64::INFINITY),
        ] {
            let rounded = round(value, num_digits);
            assert_eq!(rounded.to_bits(), f64::to_bits(expected), "{value}: {rounded}");
        }
    }

    #[test]
    fn equal_values_have_equal_bytes_whatever_holds_them() {
        let text: ArrayRef = Arc::new(StringArray::from(vec!["Cash"]));
        let view: ArrayRef = Arc::new(StringViewArray::from(vec!["Cash"]));
        assert_eq!(encoded(text, 0, EXACT), encoded(view, 0, EXACT));
        let small: ArrayRef = Arc::new(Int32Array::from(vec![7]));
        let large: ArrayRef = Arc::new(UInt64Array::from(vec![7, u64::MAX]));
        let minus_one: ArrayRef = Arc::new(Int64Array::from(vec![-1]));
        assert_eq!(encoded(small, 0, EXACT), encoded(Arc::clone(&large), 0, EXACT));
        assert_ne!(encoded(minus_one, 0, EXACT), encoded(large, 1, EXACT));
        let quiet: ArrayRef =
            Arc::new(Float64Array::from(vec![f64::NAN, -f64::NAN, 0.0, -0.0, 0.1]));
        assert_eq!(encoded(Arc::clone(&quiet), 0, EXACT), encoded(Arc::clone(&quiet), 1, EXACT));
        assert_eq!(encoded(Arc::clone(&quiet), 2, EXACT), encoded(Arc::clone(&quiet), 3, EXACT));
        let single: ArrayRef = Arc::new(Float32Array::from(vec![0.1]));
        let floats = Floats { is_single: true, num_digits: None };
        assert_ne!(encoded(Arc::clone(&single), 0, EXACT), encoded(Arc::clone(&quiet), 4, EXACT));
        assert_eq!(encoded(single, 0, floats), encoded(quiet, 4, floats));
    }

    #[test]
    fn missing_empty_and_nested_are_told_apart() {
        let lists: ArrayRef = Arc::new(ListArray::from_iter_primitive::<Int64Type, _, _>([
            None,
            Some(vec![]),
            Some(vec![Some(5)]),
            Some(vec![Some(5), None, Some(6)]),
        ]));
        let five: ArrayRef = Arc::new(Int64Array::from(vec![5]));
        assert_eq!(encoded(Arc::clone(&lists), 0, EXACT), None);
        assert_eq!(encoded(Arc::clone(&lists), 1, EXACT), Some(vec![]));
        assert_eq!(encoded(Arc::clone(&lists), 2, EXACT), encoded(five, 0, EXACT));
        assert_eq!(encoded(Arc::clone(&lists), 3, EXACT).unwrap().len(), 18);

        let one = |name: &str, values: Vec<Option<i64>>| -> ArrayRef {
            let field = Arc::new(Field::new(name, DataType::Int64, true));
            let column: ArrayRef = Arc::new(Int64Array::from(values));
            Arc::new(StructArray::from(vec![(field, column)]))
        };
        let (a, b) = (one("a", vec![Some(1), None]), one("b", vec![Some(1), None]));
        assert_ne!(encoded(Arc::clone(&a), 0, EXACT), encoded(Arc::clone(&b), 0, EXACT));
        assert_eq!(encoded(Arc::clone(&a), 1, EXACT), encoded(b, 1, EXACT));
        assert_eq!(Values::new(&a, "it").unwrap().json(1).to_string(), r#"{"a":null}"#);
        assert_eq!(Values::new(&lists, "it").unwrap().text(2), "5");
        assert_eq!(Values::new(&lists, "it").unwrap().text(3), "[5,6]");
    }
}
