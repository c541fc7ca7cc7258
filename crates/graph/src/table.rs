//! Constants by place, such as what was learned of each key.

use std::sync::Arc;

use crate::{Literal, ValueType};

/// Constants of one type by their places, from 0, and the one that stands for all other places. Each may be missing.
///
/// Two tables are equal when their bits are: NaN equals itself, and 0.0 is not -0.0.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Table {
    value_type: ValueType,
    /// The bits of integers and floats, 0 and 1 for false and true.
    values: Arc<[Option<u64>]>,
    default: Option<u64>,
}

impl Table {
    /// Takes integers.
    pub fn ints(values: impl IntoIterator<Item = Option<i64>>, default: Option<i64>) -> Self {
        Self::new(ValueType::Int, values, default, i64::cast_unsigned)
    }

    /// Takes floats.
    pub fn floats(values: impl IntoIterator<Item = Option<f64>>, default: Option<f64>) -> Self {
        Self::new(ValueType::Float, values, default, f64::to_bits)
    }

    /// Takes conditions.
    pub fn bools(values: impl IntoIterator<Item = Option<bool>>, default: Option<bool>) -> Self {
        Self::new(ValueType::Bool, values, default, u64::from)
    }

    fn new<T>(
        value_type: ValueType,
        values: impl IntoIterator<Item = Option<T>>,
        default: Option<T>,
        bits: impl Fn(T) -> u64,
    ) -> Self {
        let values = values.into_iter().map(|value| value.map(&bits)).collect();
        Self { value_type, values, default: default.map(bits) }
    }

    /// Returns the type of the constants, never STRING.
    pub fn value_type(&self) -> ValueType {
        self.value_type
    }

    /// Returns the constants by place.
    pub fn values(&self) -> impl ExactSizeIterator<Item = Literal> {
        self.values.iter().map(|&bits| self.literal(bits))
    }

    /// Returns what stands for all other places.
    pub fn default_value(&self) -> Literal {
        self.literal(self.default)
    }

    fn literal(&self, bits: Option<u64>) -> Literal {
        match (bits, self.value_type) {
            (None, value_type) => Literal::Null(value_type),
            (Some(bits), ValueType::Int) => Literal::Int(bits.cast_signed()),
            (Some(bits), ValueType::Float) => Literal::Float(f64::from_bits(bits)),
            (Some(bits), _) => Literal::Bool(bits != 0),
        }
    }

    /// Returns the constant at a place.
    pub(crate) fn literal_at(&self, place: i64) -> Literal {
        self.literal(self.at(place))
    }

    /// Returns the bits of the constant at a place.
    pub(crate) fn at(&self, place: i64) -> Option<u64> {
        let place = usize::try_from(place).ok();
        place.and_then(|place| self.values.get(place).copied()).unwrap_or(self.default)
    }
}
