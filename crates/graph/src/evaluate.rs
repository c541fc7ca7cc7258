//! The one evaluator: node after node, each over all rows.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, BooleanArray, Float64Array, Int64Array, RecordBatch, StringArray,
};
use arrow::buffer::NullBuffer;

use crate::graph::Parts;
use crate::kernels::lists;
use crate::kernels::many::{self, Many};
use crate::{GraphError, Literal, Op, Shape, ValueType, input, kernels};

/// The values of a node: one per row, one for all rows, or many per row.
#[derive(Clone, Debug)]
pub(crate) enum Values {
    Int(Int64Array),
    Float(Float64Array),
    String(StringArray),
    Bool(BooleanArray),
    Constant(Literal),
    Many(Many),
}

impl Values {
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

    /// Returns one value per row, or one list, as an Arrow column.
    pub(crate) fn into_column(self, num_rows: usize, shape: Shape) -> Result<ArrayRef, GraphError> {
        Ok(match self {
            Self::Int(values) => Arc::new(values),
            Self::Float(values) => Arc::new(values),
            Self::String(values) => Arc::new(values),
            Self::Bool(values) => Arc::new(values),
            Self::Constant(literal) => repeat(&literal, num_rows)?.into_column(num_rows, shape)?,
            Self::Many(many) => many.into_column(shape)?,
        })
    }
}

/// Returns a constant once per row.
pub(crate) fn repeat(literal: &Literal, num_rows: usize) -> Result<Values, GraphError> {
    Ok(match literal {
        Literal::Int(value) => Values::Int(Int64Array::from_value(*value, num_rows)),
        Literal::Float(value) => Values::Float(Float64Array::from_value(*value, num_rows)),
        Literal::Bool(value) => Values::Bool(BooleanArray::from(vec![*value; num_rows])),
        Literal::String(value) => Values::String(kernels::text::repeat(value, num_rows)?),
        Literal::Null(ValueType::Int) => Values::Int(Int64Array::new_null(num_rows)),
        Literal::Null(ValueType::Float) => Values::Float(Float64Array::new_null(num_rows)),
        Literal::Null(ValueType::Bool) => Values::Bool(BooleanArray::new_null(num_rows)),
        Literal::Null(ValueType::String) => Values::String(StringArray::new_null(num_rows)),
    })
}

/// Returns the values of all outputs. Those of other nodes are dropped after their last use.
pub(crate) fn evaluate(parts: &Parts, examples: &RecordBatch) -> Result<Vec<ArrayRef>, GraphError> {
    let num_rows = examples.num_rows();
    let mut values: Vec<Option<Values>> = Vec::with_capacity(parts.nodes.len());
    for (here, node) in parts.nodes.iter().enumerate() {
        let computed = match &node.op {
            Op::Input { name, .. } => input::read(examples, name, node.node_type())?,
            Op::Literal(literal) => Values::Constant(literal.clone()),
            op => {
                let operand = |place: usize| {
                    let values: &Option<Values> = &values[node.operands[place].index()];
                    values.as_ref().expect("operands come first and are kept until their last use")
                };
                let all = || (0..node.operands.len()).map(operand).collect::<Vec<_>>();
                match op {
                    Op::OfList(op) => lists::compute(op, &all(), num_rows, &parts.vocabularies)?,
                    op if is_by_value(op, &operand, node.operands.len()) => {
                        many::map(op, &all(), &parts.vocabularies)?
                    }
                    op => kernels::compute(op, &operand, num_rows, &parts.vocabularies)?,
                }
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
        values.into_column(num_rows, parts.nodes[node.index()].shape)
    });
    outputs.collect()
}

/// Returns whether an operation is computed for each value of a list, and not for each row.
fn is_by_value<'a>(op: &Op, operand: &dyn Fn(usize) -> &'a Values, num_operands: usize) -> bool {
    let is_many = |place| matches!(operand(place), Values::Many(_));
    let is_list =
        |place| is_many(place) || matches!(operand(place), Values::Constant(Literal::Null(_)));
    match op {
        Op::IsNull => false,
        Op::Coalesce => is_many(0) != is_many(1) && !(is_list(0) && is_list(1)),
        Op::Select => {
            let is_some = is_many(0) || is_many(1) || is_many(2);
            is_some && (is_many(0) || !(is_list(1) && is_list(2)))
        }
        _ => (0..num_operands).any(is_many),
    }
}
