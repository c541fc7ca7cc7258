//! Outputs as features are stored: FLOATs in 32 bits.

use std::sync::Arc;

use arrow::array::Float32Array;
use arrow::array::{Array, ArrayRef, AsArray, FixedSizeListArray, ListArray, PrimitiveArray};
use arrow::buffer::{Buffer, ScalarBuffer};
use arrow::datatypes::{ArrowPrimitiveType, DataType, Field, Float32Type, Float64Type, Int64Type};

use crate::evaluate::Values;
use crate::{GraphError, Literal, Shape, ValueType};

/// Returns a column for each output.
pub(crate) fn features(
    outputs: Vec<(Values, Shape)>,
    num_rows: usize,
) -> Result<Vec<ArrayRef>, GraphError> {
    // The numbers of a single row share memory, which saves most of what a column takes.
    let most = if num_rows == 1 { outputs.len() } else { 0 };
    let (mut ints, mut floats) = (Vec::with_capacity(most), Vec::with_capacity(most));
    if num_rows == 1 {
        for (values, _) in &outputs {
            match values {
                Values::Constant(Literal::Int(value)) => ints.push(*value),
                Values::Constant(Literal::Float(value)) => floats.push(narrow(*value)),
                _ => {}
            }
        }
    }
    let (mut ints, mut floats) = (columns::<Int64Type>(ints), columns::<Float32Type>(floats));
    let column = |(values, shape): (Values, Shape)| match values {
        Values::Constant(literal) if !shape.is_many() => {
            let shared = match literal {
                Literal::Int(_) => ints.next(),
                Literal::Float(_) => floats.next(),
                _ => None,
            };
            shared.map_or_else(|| constant(literal, num_rows), Ok)
        }
        values => values.into_column(num_rows, shape).map(feature),
    };
    outputs.into_iter().map(column).collect()
}

/// Returns a column of each value, in order.
fn columns<P: ArrowPrimitiveType>(values: Vec<P::Native>) -> impl Iterator<Item = ArrayRef> {
    let num_values = values.len();
    let buffer = Buffer::from_vec(values);
    (0..num_values).map(move |place| -> ArrayRef {
        let value = ScalarBuffer::new(buffer.clone(), place, 1);
        Arc::new(PrimitiveArray::<P>::new(value, None))
    })
}

/// Returns a constant once per row.
fn constant(literal: Literal, num_rows: usize) -> Result<ArrayRef, GraphError> {
    match literal {
        Literal::Float(value) => Ok(Arc::new(Float32Array::from_value(narrow(value), num_rows))),
        Literal::Null(ValueType::Float) => Ok(Arc::new(Float32Array::new_null(num_rows))),
        literal => Values::Constant(literal).into_column(num_rows, Shape::One),
    }
}

#[expect(clippy::cast_possible_truncation, reason = "features are 32-bit floats")]
fn narrow(value: f64) -> f32 {
    value as f32
}

/// Returns a column as features are stored.
fn feature(column: ArrayRef) -> ArrayRef {
    let item = |items: &ArrayRef| Arc::new(Field::new_list_field(items.data_type().clone(), true));
    match column.data_type() {
        DataType::List(_) => {
            let lists = column.as_list::<i32>();
            let items = feature(ArrayRef::clone(lists.values()));
            let (offsets, nulls) = (lists.offsets().clone(), lists.nulls().cloned());
            return Arc::new(ListArray::new(item(&items), offsets, items, nulls));
        }
        DataType::FixedSizeList(_, length) => {
            let (length, lists) = (*length, column.as_fixed_size_list());
            let items = feature(ArrayRef::clone(lists.values()));
            let (nulls, len) = (lists.nulls().cloned(), lists.len());
            let field = item(&items);
            let lists = FixedSizeListArray::try_new_with_length(field, length, items, nulls, len);
            return Arc::new(lists.expect("there are as many items as before"));
        }
        _ => {}
    }
    let Some(floats) = column.as_primitive_opt::<Float64Type>() else { return column };
    let floats: Float32Array = floats.unary(narrow);
    Arc::new(floats)
}
