//! The values of a node of ours, as tensors.

use formats::onnx::tensor_proto::DataType;
use graph::{Literal, ValueType};

use super::emit::{Emitter, Tensor};

/// The values of a node, and which of them are there.
///
/// Both are of shape `[N, 1]`, or `[1, 1]` where they are the same for all rows. In the place of a missing value
/// there is any, and every operation can compute on any.
#[derive(Clone, Debug)]
pub(super) struct Column {
    pub(super) values: Tensor,
    /// `None` where no value can be missing.
    pub(super) present: Option<Tensor>,
}

impl Column {
    /// Returns values none of which can be missing.
    pub(super) fn full(values: Tensor) -> Self {
        Self { values, present: None }
    }

    /// Returns values that are missing where something else is.
    pub(super) fn like(values: Tensor, other: &Self) -> Self {
        Self { values, present: other.present.clone() }
    }

    /// Returns a constant.
    pub(super) fn literal(emitter: &mut Emitter, literal: &Literal) -> Self {
        let values = match literal {
            Literal::Int(value) => emitter.int(*value),
            Literal::Float(value) => emitter.float(*value),
            Literal::String(value) => emitter.text(value),
            Literal::Bool(value) => emitter.bool(*value),
            Literal::Null(ValueType::Int) => emitter.int(0),
            Literal::Null(ValueType::Float) => emitter.float(0.0),
            Literal::Null(ValueType::String) => emitter.text(""),
            Literal::Null(ValueType::Bool) => emitter.bool(false),
        };
        let present = matches!(literal, Literal::Null(_)).then(|| emitter.bool(false));
        Self { values, present }
    }

    /// Returns the BOOL values, false where they are missing.
    pub(super) fn is_true(&self, emitter: &mut Emitter) -> Tensor {
        match &self.present {
            Some(present) => emitter.op("And", &[&self.values, present]),
            None => self.values.clone(),
        }
    }
}

/// Returns where two values are there, `None` where both always are.
pub(super) fn both(
    emitter: &mut Emitter,
    a: Option<&Tensor>,
    b: Option<&Tensor>,
) -> Option<Tensor> {
    match (a, b) {
        (Some(a), Some(b)) if a == b => Some(a.clone()),
        (Some(a), Some(b)) => Some(emitter.op("And", &[a, b])),
        (one, other) => one.or(other).cloned(),
    }
}

/// Returns the type in which values are computed.
pub(super) fn computed(value_type: ValueType) -> DataType {
    match value_type {
        ValueType::Int => DataType::Int64,
        ValueType::Float => DataType::Double,
        ValueType::String => DataType::String,
        ValueType::Bool => DataType::Bool,
    }
}

/// Returns the type in which values are given out.
pub(super) fn given_out(value_type: ValueType) -> DataType {
    match value_type {
        ValueType::Float => DataType::Float,
        other => computed(other),
    }
}
