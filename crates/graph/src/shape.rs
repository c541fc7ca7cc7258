//! How many values a node has for each example.

use std::fmt;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field};

use crate::ValueType;

/// How many values a row has, where it is not missing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Shape {
    /// One value.
    #[default]
    One,
    /// Any number of values, none included; Arrow's `List`.
    List,
    /// This many values; Arrow's `FixedSizeList`.
    Vector(u32),
}

/// The type of a node: of what its values are, and how many it has for each row.
///
/// A missing list (null) is another thing than an empty one, and values within a list may be missing too.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodeType {
    /// The type of each value.
    pub value_type: ValueType,
    /// How many there are.
    pub shape: Shape,
}

impl NodeType {
    /// Returns the type of any number of values.
    pub fn list(value_type: ValueType) -> Self {
        Self { value_type, shape: Shape::List }
    }

    /// Returns the type of a fixed number of values.
    pub fn vector(value_type: ValueType, length: u32) -> Self {
        Self { value_type, shape: Shape::Vector(length) }
    }

    /// Returns the Arrow type of a feature of this type, as [`crate::Graph::apply`] gives it.
    pub fn feature_type(self) -> DataType {
        self.arrow_type(self.value_type.feature_type())
    }

    /// Returns the Arrow type in which values of this type are computed, as [`crate::Graph::evaluate`] gives them.
    pub fn computed_type(self) -> DataType {
        self.arrow_type(self.value_type.computed_type())
    }

    fn arrow_type(self, value: DataType) -> DataType {
        let item = |value| Arc::new(Field::new_list_field(value, true));
        match self.shape {
            Shape::One => value,
            Shape::List => DataType::List(item(value)),
            Shape::Vector(length) => DataType::FixedSizeList(item(value), arrow_length(length)),
        }
    }
}

/// Returns a vector's length as Arrow has it; the builder refuses longer ones.
pub(crate) fn arrow_length(length: u32) -> i32 {
    i32::try_from(length).unwrap_or(i32::MAX)
}

impl From<ValueType> for NodeType {
    /// Returns the type of one value.
    fn from(value_type: ValueType) -> Self {
        Self { value_type, shape: Shape::One }
    }
}

impl Shape {
    /// Returns whether a row has other than one value.
    pub fn is_many(self) -> bool {
        self != Self::One
    }

    /// Returns the shape of what is computed value by value of operands of some shapes: one value goes with each of
    /// many. None when vectors differ in length.
    pub fn lifted(shapes: impl IntoIterator<Item = Self>) -> Option<Self> {
        shapes.into_iter().try_fold(Self::One, |so_far, shape| match (so_far, shape) {
            (Self::One, other) | (other, Self::One) => Some(other),
            (Self::List, _) | (_, Self::List) => Some(Self::List),
            (Self::Vector(a), Self::Vector(b)) => (a == b).then_some(so_far),
        })
    }
}

impl fmt::Display for NodeType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.shape {
            Shape::One => self.value_type.fmt(f),
            Shape::List => write!(f, "list of {}", self.value_type),
            Shape::Vector(length) => write!(f, "{length} of {}", self.value_type),
        }
    }
}
