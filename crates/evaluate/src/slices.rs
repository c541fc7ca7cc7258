//! Slices: the values of features, and which examples have them.

use std::cmp::Ordering;
use std::collections::HashMap;
use std::fmt;
use std::hash::Hash;

use arrow::array::{Array, ArrayRef, AsArray, GenericListArray, OffsetSizeTrait, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float64Type, Int64Type, UInt64Type};

use crate::EvaluateError;
use crate::bytes::{Reader, Stored, bad, write_bytes};

/// A value of a feature to slice by.
///
/// Numbers of any width are one of the first two. Values are in order within a kind, and kinds in this order.
#[derive(Clone, Debug)]
pub enum SliceValue {
    /// An integer, or a truth value as 0 or 1.
    Int(i64),
    /// A number that is not NaN (which counts as missing); there is one zero.
    Float(f64),
    /// Text, or bytes that are UTF-8. Integers beyond 64 bits with a sign are their digits.
    Text(String),
    /// Bytes that are not UTF-8.
    Bytes(Vec<u8>),
}

impl SliceValue {
    fn of_bytes(bytes: &[u8]) -> Self {
        match std::str::from_utf8(bytes) {
            Ok(text) => Self::Text(text.to_owned()),
            Err(_) => Self::Bytes(bytes.to_vec()),
        }
    }

    fn kind(&self) -> u8 {
        match self {
            Self::Int(_) => 0,
            Self::Float(_) => 1,
            Self::Text(_) => 2,
            Self::Bytes(_) => 3,
        }
    }
}

impl Ord for SliceValue {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Int(value), Self::Int(other)) => value.cmp(other),
            (Self::Float(value), Self::Float(other)) => value.total_cmp(other),
            (Self::Text(value), Self::Text(other)) => value.cmp(other),
            (Self::Bytes(value), Self::Bytes(other)) => value.cmp(other),
            _ => self.kind().cmp(&other.kind()),
        }
    }
}

impl PartialOrd for SliceValue {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for SliceValue {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for SliceValue {}

/// Text is shown as it is, unless one could not see it then.
impl fmt::Display for SliceValue {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::float_cmp,
        reason = "a number that is a 32-bit float is shown with the digits that tell it from others"
    )]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Int(value) => value.fmt(f),
            Self::Float(value) if f64::from(*value as f32) == *value => (*value as f32).fmt(f),
            Self::Float(value) => value.fmt(f),
            Self::Text(text)
                if text.is_empty() || text.trim() != text || text.contains(char::is_control) =>
            {
                write!(f, "{text:?}")
            }
            Self::Text(text) => f.write_str(text),
            Self::Bytes(bytes) => write!(f, "b\"{}\"", bytes.escape_ascii()),
        }
    }
}

impl Stored for SliceValue {
    fn write(&self, out: &mut Vec<u8>) {
        self.kind().write(out);
        match self {
            Self::Int(value) => value.write(out),
            Self::Float(value) => value.write(out),
            Self::Text(text) => write_bytes(text.as_bytes(), out),
            Self::Bytes(bytes) => write_bytes(bytes, out),
        }
    }

    fn read(input: &mut Reader<'_>) -> Result<Self, EvaluateError> {
        match u8::read(input)? {
            0 => Ok(Self::Int(i64::read(input)?)),
            1 => Ok(Self::Float(f64::read(input)?)),
            2 | 3 => Ok(Self::of_bytes(input.take_bytes()?)),
            _ => Err(bad("a slice has a value of an unknown kind")),
        }
    }
}

/// The values that the rows of one column have.
pub(crate) struct Encoded {
    /// Every value once, and perhaps some that no row has.
    pub(crate) values: Vec<SliceValue>,
    /// Places in `values`, row by row.
    ids: Vec<u32>,
    /// Where the ids of each row begin, and where the last one's end.
    offsets: Vec<usize>,
}

impl Encoded {
    /// Reads a column. A missing value is none; a value that a row has twice counts once.
    pub(crate) fn read(batch: &RecordBatch, feature: &str) -> Result<Self, EvaluateError> {
        let role = "feature to slice by";
        let column = batch
            .column_by_name(feature)
            .ok_or_else(|| EvaluateError::MissingColumn { column: feature.to_owned(), role })?;
        let encoded = match column.data_type() {
            DataType::List(_) => Self::of_lists(column.as_list::<i32>()),
            DataType::LargeList(_) => Self::of_lists(column.as_list::<i64>()),
            _ => Items::read(column).map(Self::of_scalars),
        };
        encoded.ok_or_else(|| EvaluateError::ColumnType {
            column: feature.to_owned(),
            role,
            found: column.data_type().clone(),
            expected: "numbers, text, bytes or lists of them",
        })
    }

    /// Returns the places of the values that a row has, each once.
    pub(crate) fn row(&self, row: usize) -> &[u32] {
        &self.ids[self.offsets[row]..self.offsets[row + 1]]
    }

    fn of_scalars(items: Items) -> Self {
        let mut encoded = Self::with_values(items.values, items.ids.len());
        for id in items.ids {
            encoded.ids.extend(id);
            encoded.offsets.push(encoded.ids.len());
        }
        encoded
    }

    fn of_lists<O: OffsetSizeTrait>(lists: &GenericListArray<O>) -> Option<Self> {
        let offsets = lists.value_offsets();
        let (first, last) = (offsets[0].as_usize(), offsets[lists.len()].as_usize());
        let items = Items::read(&lists.values().slice(first, last - first))?;
        let mut encoded = Self::with_values(items.values, lists.len());
        for row in 0..lists.len() {
            let start = encoded.ids.len();
            if lists.is_valid(row) {
                let range = offsets[row].as_usize() - first..offsets[row + 1].as_usize() - first;
                encoded.ids.extend(items.ids[range].iter().flatten());
                encoded.ids[start..].sort_unstable();
                let mut kept = start;
                for place in start..encoded.ids.len() {
                    if place == start || encoded.ids[place] != encoded.ids[kept - 1] {
                        encoded.ids[kept] = encoded.ids[place];
                        kept += 1;
                    }
                }
                encoded.ids.truncate(kept);
            }
            encoded.offsets.push(encoded.ids.len());
        }
        Some(encoded)
    }

    fn with_values(values: Vec<SliceValue>, num_rows: usize) -> Self {
        let mut offsets = Vec::with_capacity(num_rows + 1);
        offsets.push(0);
        Self { values, ids: Vec::with_capacity(num_rows), offsets }
    }
}

/// Values in a row, by their places among those that differ.
struct Items {
    values: Vec<SliceValue>,
    ids: Vec<Option<u32>>,
}

impl Items {
    /// Returns nothing for a type that is not sliced by.
    fn read(array: &ArrayRef) -> Option<Self> {
        Some(match array.data_type() {
            DataType::Null => Self { values: Vec::new(), ids: vec![None; array.len()] },
            DataType::UInt64 => {
                let value = |&value: &u64| match i64::try_from(value) {
                    Ok(value) => SliceValue::Int(value),
                    Err(_) => SliceValue::Text(value.to_string()),
                };
                Self::distinct(array.as_primitive::<UInt64Type>().iter(), value)
            }
            found if found.is_integer() || *found == DataType::Boolean => {
                let array = cast(array, &DataType::Int64).ok()?;
                let values = array.as_primitive::<Int64Type>().iter();
                Self::distinct(values, |&value| SliceValue::Int(value))
            }
            found if found.is_floating() => {
                let array = cast(array, &DataType::Float64).ok()?;
                let values = array.as_primitive::<Float64Type>().iter();
                // Adding zero makes one of the two zeros.
                let bits = values.map(|value| {
                    value.filter(|value| !value.is_nan()).map(|v| (v + 0.0).to_bits())
                });
                Self::distinct(bits, |&bits| SliceValue::Float(f64::from_bits(bits)))
            }
            DataType::Utf8 => Self::texts(array.as_string::<i32>().iter()),
            DataType::LargeUtf8 => Self::texts(array.as_string::<i64>().iter()),
            DataType::Utf8View => Self::texts(array.as_string_view().iter()),
            DataType::Binary => Self::bytes(array.as_binary::<i32>().iter()),
            DataType::LargeBinary => Self::bytes(array.as_binary::<i64>().iter()),
            DataType::BinaryView => Self::bytes(array.as_binary_view().iter()),
            DataType::Dictionary(_, values) => Self::read(&cast(array, values).ok()?)?,
            _ => return None,
        })
    }

    fn texts<'a>(values: impl Iterator<Item = Option<&'a str>>) -> Self {
        Self::distinct(values, |text| SliceValue::Text((*text).to_owned()))
    }

    fn bytes<'a>(values: impl Iterator<Item = Option<&'a [u8]>>) -> Self {
        Self::distinct(values, |bytes| SliceValue::of_bytes(bytes))
    }

    fn distinct<K: Hash + Eq>(
        keys: impl Iterator<Item = Option<K>>,
        value: impl Fn(&K) -> SliceValue,
    ) -> Self {
        let mut values = Vec::new();
        let mut places = HashMap::new();
        let ids = keys
            .map(|key| {
                let key = key?;
                if let Some(&place) = places.get(&key) {
                    return Some(place);
                }
                let place = u32::try_from(values.len()).expect("batches have fewer rows");
                values.push(value(&key));
                places.insert(key, place);
                Some(place)
            })
            .collect();
        Self { values, ids }
    }
}

#[cfg(test)]
mod tests;
