//! The graph as its users see it.

#![expect(clippy::unwrap_used, reason = "tests may panic")]

mod edges;
mod golden;
mod grouped;
mod inputs;
mod json;
mod keyed;
mod lists;
mod memory;
mod naive;
mod outputs;
mod peers;
mod property;
mod regexp;
mod stored;
mod texts;
mod three_valued;
mod times;
mod tokens;

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Float64Array, Int64Array, RecordBatch, StringArray,
};
use arrow::datatypes::{Float32Type, Float64Type, Int64Type};
use graph::{GraphBuilder, Literal, Op, ValueType};

/// A value of a row, missing ones included.
pub(crate) fn cell(column: &dyn Array, value_type: ValueType, row: usize) -> Literal {
    if column.is_null(row) {
        return Literal::Null(value_type);
    }
    match value_type {
        ValueType::Int => Literal::Int(column.as_primitive::<Int64Type>().value(row)),
        ValueType::Float => match column.as_primitive_opt::<Float32Type>() {
            Some(floats) => Literal::Float(f64::from(floats.value(row))),
            None => Literal::Float(column.as_primitive::<Float64Type>().value(row)),
        },
        ValueType::String => Literal::String(column.as_string::<i32>().value(row).to_owned()),
        ValueType::Bool => Literal::Bool(column.as_boolean().value(row)),
    }
}

/// A column of values of one type.
pub(crate) fn column(value_type: ValueType, values: &[Literal]) -> ArrayRef {
    fn all<C: FromIterator<Option<V>>, V>(
        values: &[Literal],
        take: impl Fn(&Literal) -> Option<V>,
    ) -> C {
        let some = |value: &Literal| match value {
            Literal::Null(_) => None,
            value => Some(take(value).expect("a value of the column's type")),
        };
        values.iter().map(some).collect()
    }
    match value_type {
        ValueType::Int => Arc::new(all::<Int64Array, _>(values, |value| match value {
            Literal::Int(value) => Some(*value),
            _ => None,
        })),
        ValueType::Float => Arc::new(all::<Float64Array, _>(values, |value| match value {
            Literal::Float(value) => Some(*value),
            _ => None,
        })),
        ValueType::String => Arc::new(all::<StringArray, _>(values, |value| match value {
            Literal::String(value) => Some(value.clone()),
            _ => None,
        })),
        ValueType::Bool => Arc::new(all::<BooleanArray, _>(values, |value| match value {
            Literal::Bool(value) => Some(*value),
            _ => None,
        })),
    }
}

/// Shortens a value for a table of cases: `null` is missing.
pub(crate) fn show(literal: &Literal) -> String {
    match literal {
        Literal::Int(value) => value.to_string(),
        Literal::Float(value) => format!("{value:?}"),
        Literal::String(value) => format!("{value:?}"),
        Literal::Bool(value) => value.to_string(),
        Literal::Null(_) => "null".to_owned(),
    }
}

/// Computes one operation of rows of operands, and shows the results.
///
/// The operands come once as columns, and once more each as a constant; the results have to be the same.
pub(crate) fn compute(op: &Op, types: &[ValueType], rows: &[&[Literal]]) -> Vec<String> {
    let names: Vec<String> = (0..types.len()).map(|place| format!("operand {place}")).collect();
    let mut builder = GraphBuilder::new();
    let operands: Vec<_> =
        names.iter().zip(types).map(|(name, t)| builder.input(name, *t).unwrap()).collect();
    let node = builder.node(op.clone(), &operands).unwrap();
    builder.output("result", node).unwrap();
    let value_type = builder.value_type(node).unwrap();
    let columns = types.iter().enumerate().map(|(place, value_type)| {
        let values: Vec<_> = rows.iter().map(|row| row[place].clone()).collect();
        column(*value_type, &values)
    });
    let batch = RecordBatch::try_from_iter(names.iter().zip(columns)).unwrap();
    let results = builder.build().evaluate(&batch).unwrap();
    let shown: Vec<_> =
        (0..rows.len()).map(|row| show(&cell(&results[0], value_type, row))).collect();

    for (row, shown) in rows.iter().zip(&shown) {
        for all in [false, true] {
            let mut builder = GraphBuilder::new();
            let operands: Vec<_> = row
                .iter()
                .enumerate()
                .map(|(place, value)| match all || place > 0 {
                    true => builder.literal(value.clone()).unwrap(),
                    false => builder.input("operand 0", types[0]).unwrap(),
                })
                .collect();
            let node = builder.node(op.clone(), &operands).unwrap();
            builder.output("result", node).unwrap();
            let one = RecordBatch::try_from_iter([("operand 0", column(types[0], &row[..1]))]);
            let results = builder.build().evaluate(&one.unwrap()).unwrap();
            let constant = show(&cell(&results[0], value_type, 0));
            assert_eq!(constant, *shown, "{op:?} of {row:?}, constants");
        }
    }
    shown
}
