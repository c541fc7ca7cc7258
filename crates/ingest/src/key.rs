//! What decides about a row's split: a hash of its values.
//!
//! The canonical bytes of a row are, for every feature that the row has a value of, in the order of the
//! features' names: XXH3-64 of the name, then the value. A value is a tag and what follows it, all numbers
//! little-endian:
//!
//! | tag | value | followed by |
//! | --- | --- | --- |
//! | 1 | integers, booleans, and floats that are whole numbers within ±2⁵³ | 8 bytes, two's complement |
//! | 2 | integers beyond that range | 8 bytes, unsigned |
//! | 3 | other floats, as 64-bit floats; every NaN is one | 8 bytes |
//! | 4 | text and bytes | the length in 8 bytes, the bytes |
//! | 5 | a list | its length in 8 bytes, the items; a missing item is a tag 0 |
//! | 6 | a struct | the number of its fields with a value in 8 bytes, and these as the features of a row |
//!
//! So a row keeps its split when columns change places, when a column without a value for it comes along, when a
//! column of whole numbers turns out to hold fractions elsewhere, and when it comes from another format.
//! These bytes and the hash are for good: to change them moves every row of every dataset.

use arrow::array::{
    Array, ArrayRef, AsArray, BinaryArray, BooleanArray, Float64Array, Int64Array,
    LargeBinaryArray, RecordBatch, UInt64Array,
};
use arrow::buffer::NullBuffer;
use arrow::compute::cast;
use arrow::datatypes::{DataType, Fields, Float64Type, Int64Type, UInt64Type};
use arrow::error::ArrowError;
use xxhash_rust::xxh3::xxh3_64;

const MISSING: u8 = 0;
const INTEGER: u8 = 1;
const UNSIGNED: u8 = 2;
const FLOAT: u8 = 3;
const BYTES: u8 = 4;
const LIST: u8 = 5;
const STRUCT: u8 = 6;

/// Below this, every whole number is a 64-bit float.
const WHOLE: f64 = 9_007_199_254_740_992.0;

/// Returns the hash of every row's canonical bytes.
///
/// # Errors
///
/// When a column is of a type that features do not have.
pub(crate) fn row_keys(batch: &RecordBatch) -> Result<Vec<u64>, ArrowError> {
    let features = Features::of(batch.schema_ref().fields(), batch.columns())?;
    let mut bytes = Vec::new();
    let keys = (0..batch.num_rows()).map(|row| {
        bytes.clear();
        features.append(row, &mut bytes);
        xxh3_64(&bytes)
    });
    Ok(keys.collect())
}

/// Columns with the hashes of their names, in the order of the names.
struct Features(Vec<(u64, Values)>);

enum Values {
    None,
    Boolean(BooleanArray),
    Integer(Int64Array),
    Unsigned(UInt64Array),
    Float(Float64Array),
    Bytes(BinaryArray),
    LargeBytes(LargeBinaryArray),
    List { offsets: Vec<usize>, nulls: Option<NullBuffer>, items: Box<Values> },
    Struct { nulls: Option<NullBuffer>, features: Features },
}

impl Features {
    fn of(fields: &Fields, columns: &[ArrayRef]) -> Result<Self, ArrowError> {
        let mut named: Vec<_> = fields.iter().map(|field| field.name()).zip(columns).collect();
        named.sort_by_key(|(name, _)| *name);
        let features = named
            .into_iter()
            .map(|(name, column)| Ok((xxh3_64(name.as_bytes()), Values::of(column)?)));
        features.collect::<Result<_, _>>().map(Self)
    }

    /// Appends the features that a row has a value of, and returns how many they are.
    fn append(&self, row: usize, bytes: &mut Vec<u8>) -> u64 {
        let mut count = 0;
        for (name, values) in &self.0 {
            if values.is_missing(row) {
                continue;
            }
            bytes.extend_from_slice(&name.to_le_bytes());
            values.append(row, bytes);
            count += 1;
        }
        count
    }
}

impl Values {
    fn of(column: &ArrayRef) -> Result<Self, ArrowError> {
        let as_type = |data_type: DataType| cast(column, &data_type);
        Ok(match column.data_type() {
            DataType::Null => Self::None,
            DataType::Boolean => Self::Boolean(column.as_boolean().clone()),
            DataType::UInt64 => Self::Unsigned(column.as_primitive::<UInt64Type>().clone()),
            other if other.is_integer() => {
                Self::Integer(as_type(DataType::Int64)?.as_primitive::<Int64Type>().clone())
            }
            other if other.is_floating() => {
                Self::Float(as_type(DataType::Float64)?.as_primitive::<Float64Type>().clone())
            }
            DataType::Utf8 | DataType::Binary => {
                Self::Bytes(as_type(DataType::Binary)?.as_binary::<i32>().clone())
            }
            DataType::LargeUtf8
            | DataType::LargeBinary
            | DataType::Utf8View
            | DataType::BinaryView => {
                Self::LargeBytes(as_type(DataType::LargeBinary)?.as_binary::<i64>().clone())
            }
            DataType::Dictionary(_, values) => Self::of(&as_type((**values).clone())?)?,
            DataType::List(_) => {
                let list = column.as_list::<i32>();
                let offsets = list.value_offsets().iter().map(|&offset| as_index(offset.into()));
                Self::list(offsets.collect(), list.nulls(), list.values())?
            }
            DataType::LargeList(_) => {
                let list = column.as_list::<i64>();
                let offsets = list.value_offsets().iter().map(|&offset| as_index(offset));
                Self::list(offsets.collect(), list.nulls(), list.values())?
            }
            DataType::Struct(fields) => {
                let nested = column.as_struct();
                let features = Features::of(fields, nested.columns())?;
                Self::Struct { nulls: nested.nulls().cloned(), features }
            }
            other => {
                return Err(ArrowError::NotYetImplemented(format!("features of type {other}")));
            }
        })
    }

    fn list(
        offsets: Vec<usize>,
        nulls: Option<&NullBuffer>,
        items: &ArrayRef,
    ) -> Result<Self, ArrowError> {
        Ok(Self::List { offsets, nulls: nulls.cloned(), items: Box::new(Self::of(items)?) })
    }

    fn is_missing(&self, row: usize) -> bool {
        match self {
            Self::None => true,
            Self::Boolean(array) => array.is_null(row),
            Self::Integer(array) => array.is_null(row),
            Self::Unsigned(array) => array.is_null(row),
            Self::Float(array) => array.is_null(row),
            Self::Bytes(array) => array.is_null(row),
            Self::LargeBytes(array) => array.is_null(row),
            Self::List { nulls, .. } | Self::Struct { nulls, .. } => {
                nulls.as_ref().is_some_and(|nulls| nulls.is_null(row))
            }
        }
    }

    /// Appends a value that is not missing.
    fn append(&self, row: usize, bytes: &mut Vec<u8>) {
        match self {
            Self::None => bytes.push(MISSING),
            Self::Boolean(array) => append_integer(i64::from(array.value(row)), bytes),
            Self::Integer(array) => append_integer(array.value(row), bytes),
            Self::Unsigned(array) => match i64::try_from(array.value(row)) {
                Ok(value) => append_integer(value, bytes),
                Err(_) => append_word(UNSIGNED, array.value(row), bytes),
            },
            Self::Float(array) => append_float(array.value(row), bytes),
            Self::Bytes(array) => append_bytes(array.value(row), bytes),
            Self::LargeBytes(array) => append_bytes(array.value(row), bytes),
            Self::List { offsets, items, .. } => {
                let range = offsets[row]..offsets[row + 1];
                append_word(LIST, range.len() as u64, bytes);
                for item in range {
                    if items.is_missing(item) {
                        bytes.push(MISSING);
                    } else {
                        items.append(item, bytes);
                    }
                }
            }
            Self::Struct { features, .. } => {
                append_word(STRUCT, 0, bytes);
                let at = bytes.len();
                let count = features.append(row, bytes);
                bytes[at - 8..at].copy_from_slice(&count.to_le_bytes());
            }
        }
    }
}

fn append_word(tag: u8, word: u64, bytes: &mut Vec<u8>) {
    bytes.push(tag);
    bytes.extend_from_slice(&word.to_le_bytes());
}

fn append_integer(value: i64, bytes: &mut Vec<u8>) {
    append_word(INTEGER, value.cast_unsigned(), bytes);
}

fn append_float(value: f64, bytes: &mut Vec<u8>) {
    if value.fract() == 0.0 && value.abs() <= WHOLE {
        #[expect(
            clippy::cast_possible_truncation,
            reason = "whole numbers in this range are exact"
        )]
        append_integer(value as i64, bytes);
    } else {
        let value = if value.is_nan() { f64::NAN } else { value };
        append_word(FLOAT, value.to_bits(), bytes);
    }
}

fn append_bytes(value: &[u8], bytes: &mut Vec<u8>) {
    append_word(BYTES, value.len() as u64, bytes);
    bytes.extend_from_slice(value);
}

fn as_index(offset: i64) -> usize {
    usize::try_from(offset).expect("offsets of lists are not negative")
}

#[cfg(test)]
mod tests;
