//! The one evaluator: node after node, each over all rows.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, BooleanArray, Float64Array, Int64Array, RecordBatch, StringArray,
};
use arrow::buffer::NullBuffer;

use crate::graph::Parts;
use crate::kernels::lists;
use crate::kernels::many::{self, Many, Rows};
use crate::{GraphError, Literal, NodeId, Op, Shape, ValueType, input, kernels};

/// The values of a node: one per row, one for all rows, or many per row.
///
/// Columns are behind pointers, so that this is small: copying it around was half of what a single row took.
#[derive(Clone, Debug)]
pub(crate) enum Values {
    Int(Arc<Int64Array>),
    Float(Arc<Float64Array>),
    String(Arc<StringArray>),
    Bool(Arc<BooleanArray>),
    Constant(Literal),
    Many(Arc<Many>),
}

const _: () = assert!(size_of::<Values>() <= 24, "no larger than a text is");

impl Values {
    pub(crate) fn ints(values: Int64Array) -> Self {
        Self::Int(Arc::new(values))
    }

    pub(crate) fn floats(values: Float64Array) -> Self {
        Self::Float(Arc::new(values))
    }

    pub(crate) fn texts(values: StringArray) -> Self {
        Self::String(Arc::new(values))
    }

    pub(crate) fn bools(values: BooleanArray) -> Self {
        Self::Bool(Arc::new(values))
    }

    pub(crate) fn lists(rows: Rows, items: Self) -> Self {
        Self::Many(Arc::new(Many { rows, items: Arc::new(items) }))
    }

    pub(crate) fn value_type(&self) -> ValueType {
        match self {
            Self::Int(_) => ValueType::Int,
            Self::Float(_) => ValueType::Float,
            Self::String(_) => ValueType::String,
            Self::Bool(_) => ValueType::Bool,
            Self::Constant(literal) => literal.value_type(),
            Self::Many(many) => many.items.value_type(),
        }
    }

    /// Returns which rows are missing, where there is one value per row and some may be.
    pub(crate) fn nulls(&self) -> Option<&NullBuffer> {
        match self {
            Self::Int(values) => values.nulls(),
            Self::Float(values) => values.nulls(),
            Self::String(values) => values.nulls(),
            Self::Bool(values) => values.nulls(),
            Self::Constant(_) => None,
            Self::Many(many) => many.rows.nulls.as_ref(),
        }
    }

    /// Returns one value per row in place of one for all.
    pub(crate) fn into_rows(self, num_rows: usize) -> Result<Self, GraphError> {
        match self {
            Self::Constant(literal) => repeat(&literal, num_rows),
            values => Ok(values),
        }
    }

    /// Returns the value of the only row as one for all.
    pub(crate) fn into_constant(self) -> Self {
        let is_null = self.nulls().is_some_and(|nulls| nulls.is_null(0));
        let value_type = self.value_type();
        match self {
            Self::Constant(literal) => Self::Constant(literal),
            Self::Many(many) => Self::Many(many),
            _ if is_null => Self::Constant(Literal::Null(value_type)),
            Self::Int(values) => Self::Constant(Literal::Int(values.value(0))),
            Self::Float(values) => Self::Constant(Literal::Float(values.value(0))),
            Self::String(values) => Self::Constant(Literal::String(values.value(0).to_owned())),
            Self::Bool(values) => Self::Constant(Literal::Bool(values.value(0))),
        }
    }

    /// Returns one value per row, or one list, as an Arrow column.
    pub(crate) fn into_column(self, num_rows: usize, shape: Shape) -> Result<ArrayRef, GraphError> {
        Ok(match self {
            Self::Int(values) => values,
            Self::Float(values) => values,
            Self::String(values) => values,
            Self::Bool(values) => values,
            Self::Constant(literal) => repeat(&literal, num_rows)?.into_column(num_rows, shape)?,
            Self::Many(many) => many.to_column(shape)?,
        })
    }
}

/// Returns a constant once per row.
pub(crate) fn repeat(literal: &Literal, num_rows: usize) -> Result<Values, GraphError> {
    Ok(match literal {
        Literal::Int(value) => Values::ints(Int64Array::from_value(*value, num_rows)),
        Literal::Float(value) => Values::floats(Float64Array::from_value(*value, num_rows)),
        Literal::Bool(value) => Values::bools(BooleanArray::from(vec![*value; num_rows])),
        Literal::String(value) => Values::texts(kernels::text::repeat(value, num_rows)?),
        Literal::Null(ValueType::Int) => Values::ints(Int64Array::new_null(num_rows)),
        Literal::Null(ValueType::Float) => Values::floats(Float64Array::new_null(num_rows)),
        Literal::Null(ValueType::Bool) => Values::bools(BooleanArray::new_null(num_rows)),
        Literal::Null(ValueType::String) => Values::texts(StringArray::new_null(num_rows)),
    })
}

/// Returns the values of all outputs, with their shapes. Those of other nodes are dropped after their last use.
///
/// Where there is one row and no lists, its values are constants: the kernels compute these without a column.
pub(crate) fn evaluate(
    parts: &Parts,
    examples: &RecordBatch,
) -> Result<Vec<(Values, Shape)>, GraphError> {
    let num_rows = examples.num_rows();
    let is_one = num_rows == 1 && !parts.has_lists;
    let places = parts.places.of(examples, &parts.inputs);
    let mut num_inputs = 0;
    let mut values: Vec<Option<Values>> = Vec::with_capacity(parts.nodes.len());
    for (here, node) in parts.nodes.iter().enumerate() {
        let operand = |id: &NodeId| {
            let values: &Option<Values> = &values[id.index()];
            values.as_ref().expect("operands come first and are kept until their last use")
        };
        let computed = match (&node.op, node.operands.as_slice()) {
            (Op::Input { name, .. }, _) => {
                // Inputs are numbered in the order of their nodes.
                let place = places.and_then(|places| places[num_inputs]);
                num_inputs += 1;
                if is_one {
                    input::read_one(examples, name, place, node.value_type)?
                } else {
                    input::read(examples, name, place, node.node_type())?
                }
            }
            (Op::Literal(literal), _) => Values::Constant(literal.clone()),
            (op, [a]) => compute(op, &[operand(a)], num_rows, parts)?,
            (op, [a, b]) => compute(op, &[operand(a), operand(b)], num_rows, parts)?,
            (op, all) => {
                let all: Vec<_> = all.iter().map(operand).collect();
                compute(op, &all, num_rows, parts)?
            }
        };
        values.push(Some(computed));
        for operand in &node.operands {
            if parts.last_uses[operand.index()] == here {
                values[operand.index()] = None;
            }
        }
    }
    let outputs = parts.output_nodes.iter().map(|node| {
        let values = values[node.index()].clone().expect("outputs are kept to the end");
        (values, parts.nodes[node.index()].shape)
    });
    Ok(outputs.collect())
}

fn compute(
    op: &Op,
    operands: &[&Values],
    num_rows: usize,
    parts: &Parts,
) -> Result<Values, GraphError> {
    if !parts.has_lists {
        return kernels::compute(op, operands, num_rows, &parts.vocabularies);
    }
    match op {
        Op::OfList(op) => lists::compute(op, operands, num_rows, &parts.vocabularies),
        op if is_by_value(op, operands) => many::map(op, operands, &parts.vocabularies),
        // Beside lists, a missing constant would be a missing list.
        op => kernels::compute(op, operands, num_rows, &parts.vocabularies)?.into_rows(num_rows),
    }
}

/// Returns whether an operation is computed for each value of a list, and not for each row.
fn is_by_value(op: &Op, operands: &[&Values]) -> bool {
    let is_many = |place: usize| matches!(operands[place], Values::Many(_));
    let is_list =
        |place| is_many(place) || matches!(operands[place], Values::Constant(Literal::Null(_)));
    match op {
        Op::IsNull => false,
        Op::Coalesce => is_many(0) != is_many(1) && !(is_list(0) && is_list(1)),
        Op::Select => {
            let is_some = is_many(0) || is_many(1) || is_many(2);
            is_some && (is_many(0) || !(is_list(1) && is_list(2)))
        }
        _ => (0..operands.len()).any(is_many),
    }
}
