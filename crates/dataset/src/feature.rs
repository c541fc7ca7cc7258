//! The four kinds of feature values, as the field names them.

use std::fmt;

use arrow::datatypes::DataType;
use serde::{Deserialize, Serialize};

/// The type of a feature's values, lists looked through.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum FeatureType {
    /// 64-bit integers; booleans count as 0 and 1.
    Int,
    /// 32-bit floats, as in `tf.Example`.
    Float,
    /// Text or bytes.
    Bytes,
    /// Nested features.
    Struct,
}

impl FeatureType {
    /// Returns the feature type of an Arrow type, or `None` for a column that holds no values or values of
    /// a type that features do not have.
    pub fn of(data_type: &DataType) -> Option<Self> {
        match data_type {
            DataType::Boolean => Some(Self::Int),
            _ if data_type.is_integer() => Some(Self::Int),
            _ if data_type.is_floating() => Some(Self::Float),
            DataType::Utf8
            | DataType::LargeUtf8
            | DataType::Utf8View
            | DataType::Binary
            | DataType::LargeBinary
            | DataType::BinaryView => Some(Self::Bytes),
            DataType::Struct(_) => Some(Self::Struct),
            DataType::List(field) | DataType::LargeList(field) => Self::of(field.data_type()),
            DataType::Dictionary(_, values) => Self::of(values),
            _ => None,
        }
    }
}

impl fmt::Display for FeatureType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Int => "INT",
            Self::Float => "FLOAT",
            Self::Bytes => "BYTES",
            Self::Struct => "STRUCT",
        })
    }
}
