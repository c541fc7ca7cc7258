//! The four types of values, and constants of them.

use std::fmt;
use std::hash::{Hash, Hasher};

use arrow::datatypes::DataType;

/// The type of a node's values. Every value may also be missing (null), which is not a value of any type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ValueType {
    /// 64-bit signed integers; Arrow's `Int64`.
    Int,
    /// Floats, computed in 64 bits (`Float64`) and given out in 32 (`Float32`), as features are stored.
    Float,
    /// Text in UTF-8; Arrow's `Utf8`.
    String,
    /// True and false; Arrow's `Boolean`.
    Bool,
}

impl ValueType {
    /// Returns the Arrow type in which values of this type are computed, as [`crate::Graph::evaluate`] gives them.
    pub fn computed_type(self) -> DataType {
        match self {
            Self::Int => DataType::Int64,
            Self::Float => DataType::Float64,
            Self::String => DataType::Utf8,
            Self::Bool => DataType::Boolean,
        }
    }

    /// Returns the Arrow type of a transformed feature of this type, as [`crate::Graph::apply`] gives it.
    pub fn feature_type(self) -> DataType {
        match self {
            Self::Float => DataType::Float32,
            other => other.computed_type(),
        }
    }

    /// Returns whether arithmetic takes values of this type.
    pub fn is_number(self) -> bool {
        matches!(self, Self::Int | Self::Float)
    }
}

impl fmt::Display for ValueType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Int => "INT",
            Self::Float => "FLOAT",
            Self::String => "STRING",
            Self::Bool => "BOOL",
        })
    }
}

/// A constant. Two are equal when their bits are: NaN equals itself, and 0.0 is not -0.0.
#[derive(Clone, Debug)]
pub enum Literal {
    /// An integer.
    Int(i64),
    /// A float; NaN and the infinities are allowed.
    Float(f64),
    /// A text.
    String(String),
    /// True or false.
    Bool(bool),
    /// Missing, in a place where values of this type are expected.
    Null(ValueType),
}

impl Literal {
    /// Returns the type of the constant.
    pub fn value_type(&self) -> ValueType {
        match self {
            Self::Int(_) => ValueType::Int,
            Self::Float(_) => ValueType::Float,
            Self::String(_) => ValueType::String,
            Self::Bool(_) => ValueType::Bool,
            Self::Null(value_type) => *value_type,
        }
    }
}

impl PartialEq for Literal {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Int(a), Self::Int(b)) => a == b,
            (Self::Float(a), Self::Float(b)) => a.to_bits() == b.to_bits(),
            (Self::String(a), Self::String(b)) => a == b,
            (Self::Bool(a), Self::Bool(b)) => a == b,
            (Self::Null(a), Self::Null(b)) => a == b,
            _ => false,
        }
    }
}

impl Eq for Literal {}

impl Hash for Literal {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.value_type().hash(state);
        match self {
            Self::Int(value) => value.hash(state),
            Self::Float(value) => value.to_bits().hash(state),
            Self::String(value) => value.hash(state),
            Self::Bool(value) => value.hash(state),
            Self::Null(_) => {}
        }
    }
}

impl From<i64> for Literal {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}

impl From<f64> for Literal {
    fn from(value: f64) -> Self {
        Self::Float(value)
    }
}

impl From<bool> for Literal {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<&str> for Literal {
    fn from(value: &str) -> Self {
        Self::String(value.to_owned())
    }
}
