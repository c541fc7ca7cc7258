//! Vectors: as many values per row as a node says, none of them missing by itself.
//!
//! A vector is a tensor of shape `[N, n]`, and a missing row is in a tensor of shape `[N, 1]` beside it, as everywhere.
//! What would make single values within a vector missing is refused, and so are lists of any number of values.

use formats::onnx::tensor_proto::DataType;
use graph::{KeyedBoundaries, ListOp, Literal, Op, Shape, Table, ValueType};

use super::Refused;
use super::column::{Column, both};
use super::emit::{Attribute, Emitter, Tensor};
use super::numbers::{as_int, num_at_most};

/// Why a list of any number of values is refused.
pub(super) const LISTS: &str = "a tensor has as many values in every row, and no operator works on lists of values; \
                                make a vector or one value of the list in an earlier pipeline step";

/// Why what makes single values of a vector missing is refused.
const MISSING_WITHIN: &str = "single values within a vector could be missing; fill them in first";

/// Why an operation of vectors is refused.
pub(super) const NOT_OF_VECTORS: &str = "it is exported for single values and not for vectors";

/// Returns the number of values in a row, if it is the same in every one.
pub(super) fn width(shape: Shape) -> Option<usize> {
    match shape {
        Shape::One => Some(1),
        Shape::List => None,
        Shape::Vector(length) => usize::try_from(length).ok(),
    }
}

/// Returns whether an operation that goes value by value can be lowered for vectors as for single values.
///
/// `from` is the type of its first operand.
pub(super) fn is_lifted(e: &Emitter, op: &Op, from: ValueType) -> bool {
    match op {
        Op::Add
        | Op::Subtract
        | Op::Multiply
        | Op::Divide
        | Op::Power
        | Op::Negate
        | Op::Abs
        | Op::Ln
        | Op::Exp
        | Op::Sqrt
        | Op::Floor
        | Op::Ceil
        | Op::Round
        | Op::Tanh
        | Op::Sigmoid
        | Op::Equal
        | Op::NotEqual
        | Op::Not
        | Op::IsNan
        | Op::Concat => true,
        Op::Less | Op::LessOrEqual | Op::Greater | Op::GreaterOrEqual => from != ValueType::String,
        Op::Modulo => from == ValueType::Float,
        Op::Sign | Op::Least | Op::Greatest => from == ValueType::Int || !e.keeps_zero_signs,
        Op::Log2 | Op::Log10 | Op::Sin | Op::Cos => !e.keeps_zero_signs,
        Op::Cast { to } => {
            from == ValueType::Bool
                || matches!(
                    (from, to),
                    (ValueType::Int, _)
                        | (ValueType::Float, ValueType::Bool | ValueType::Float)
                        | (ValueType::String, ValueType::String)
                )
        }
        Op::Lookup { num_oov_buckets, .. } => *num_oov_buckets < 2,
        _ => false,
    }
}

/// Checks that no value within the vector that comes out of an operation can be missing by itself.
pub(super) fn check_operands<'a>(
    operands: impl Iterator<Item = (&'a Column, Shape)>,
) -> Result<(), Refused> {
    let mut single = operands.filter(|(_, shape)| *shape == Shape::One);
    match single.any(|(column, _)| column.present.is_some()) {
        true => Err(Refused::new(MISSING_WITHIN)),
        false => Ok(()),
    }
}

/// Lowers an operation that makes a vector or takes one.
pub(super) fn lower(
    e: &mut Emitter,
    op: &ListOp,
    operands: &[(&Column, Shape, ValueType)],
) -> Result<Column, Refused> {
    let (operand, shape, _) = operands[0];
    Ok(match (op, width(shape)) {
        (ListOp::OneHot { depth }, Some(1)) if shape == Shape::One => {
            let is_place = is_place(e, *depth, &operand.values);
            Column::like(e.cast(&is_place, DataType::Double), operand)
        }
        (ListOp::MultiHot { depth }, Some(_)) if shape != Shape::One => {
            let axis = e.list(&[2]);
            let places = e.op("Unsqueeze", &[&operand.values, &axis]);
            let is_place = is_place(e, *depth, &places);
            let ones = e.cast(&is_place, DataType::Int64);
            let axis = e.list(&[1]);
            let ones = e.with("ReduceMax", &[&ones, &axis], vec![("keepdims", Attribute::Int(0))]);
            Column::like(e.cast(&ones, DataType::Double), operand)
        }
        (ListOp::Make, _) if operands.iter().all(|(_, shape, _)| *shape == Shape::One) => {
            check_operands(operands.iter().map(|(column, shape, _)| (*column, *shape)))?;
            let values: Vec<Tensor> =
                operands.iter().map(|(column, ..)| e.expand(&column.values)).collect();
            let values: Vec<&Tensor> = values.iter().collect();
            Column::full(e.with("Concat", &values, vec![("axis", Attribute::Int(1))]))
        }
        (ListOp::Length, Some(width)) if shape != Shape::One => {
            Column::like(e.int(as_int(width)), operand)
        }
        (ListOp::Get { place }, Some(width)) if shape != Shape::One => {
            get(e, *place, width, operand, operands[0].2)
        }
        (ListOp::Contains, Some(_)) if shape != Shape::One => {
            let (value, ..) = operands[1];
            let equal = e.op("Equal", &[&operand.values, &value.values]);
            let ones = e.cast(&equal, DataType::Int64);
            let axis = e.list(&[1]);
            let any = e.with("ReduceMax", &[&ones, &axis], vec![("keepdims", Attribute::Int(1))]);
            let values = e.cast(&any, DataType::Bool);
            Column { values, present: both(e, operand.present.as_ref(), value.present.as_ref()) }
        }
        (ListOp::Multiply(matrix), Some(_)) if shape != Shape::One => {
            let columns = usize::try_from(matrix.num_columns()).unwrap_or(usize::MAX);
            let num_rows = matrix.values().len() / columns;
            let matrix = e.doubles(matrix.values(), &[num_rows, columns]);
            Column::like(e.op("MatMul", &[&operand.values, &matrix]), operand)
        }
        _ => return Err(Refused::new(LISTS)),
    })
}

/// Compares INTs with all places from 0 along the last axis.
fn is_place(e: &mut Emitter, depth: u32, ids: &Tensor) -> Tensor {
    let all: Vec<i64> = (0..i64::from(depth)).collect();
    let all = e.longs(&all, &[1, all.len()]);
    e.op("Equal", &[ids, &all])
}

/// Lowers the value at a place, from 1 at the front or from -1 at the back.
fn get(
    e: &mut Emitter,
    place: i64,
    width: usize,
    operand: &Column,
    value_type: ValueType,
) -> Column {
    let width = as_int(width);
    let index = if place > 0 { place - 1 } else { width.saturating_add(place) };
    if !(0..width).contains(&index) {
        return Column::literal(e, &Literal::Null(value_type));
    }
    let index = e.list(&[index]);
    Column::like(
        e.with("Gather", &[&operand.values, &index], vec![("axis", Attribute::Int(1))]),
        operand,
    )
}

/// Lowers the constant at a place; the default where there is no such place.
pub(super) fn gather(e: &mut Emitter, table: &Table, operand: &Column) -> Column {
    let mut literals: Vec<Literal> = table.values().collect();
    let num_places = as_int(literals.len());
    literals.push(table.default_value());
    let place = place_or_last(e, num_places, &operand.values);
    let is_present: Vec<u8> =
        literals.iter().map(|l| u8::from(!matches!(l, Literal::Null(_)))).collect();
    let len = literals.len();
    let values = match table.value_type() {
        ValueType::Int => {
            let ints = literals.iter().map(|l| if let Literal::Int(v) = l { *v } else { 0 });
            e.longs(&ints.collect::<Vec<_>>(), &[len])
        }
        ValueType::Float => {
            let floats = literals.iter().map(|l| if let Literal::Float(v) = l { *v } else { 0.0 });
            e.doubles(&floats.collect::<Vec<_>>(), &[len])
        }
        ValueType::Bool | ValueType::String => {
            let bools = literals.iter().map(|l| u8::from(matches!(l, Literal::Bool(true))));
            e.constant(super::emit::raw(DataType::Bool, &[len], bools))
        }
    };
    let values = e.op("Gather", &[&values, &place]);
    if is_present.iter().all(|is_present| *is_present == 1) {
        return Column::like(values, operand);
    }
    let is_present = e.constant(super::emit::raw(DataType::Bool, &[len], is_present));
    let present = e.op("Gather", &[&is_present, &place]);
    Column { values, present: both(e, operand.present.as_ref(), Some(&present)) }
}

/// Returns places, and the one behind them all for what is none.
fn place_or_last(e: &mut Emitter, num_places: i64, place: &Tensor) -> Tensor {
    let (zero, limit) = (e.int(0), e.int(num_places));
    let is_enough = e.op("GreaterOrEqual", &[place, &zero]);
    let is_less = e.op("Less", &[place, &limit]);
    let is_place = e.op("And", &[&is_enough, &is_less]);
    e.choose(&is_place, place, &limit)
}

/// Lowers the number of a key's boundaries that are at most each value; -1 where there is no such key.
pub(super) fn bucketize_per_key(
    e: &mut Emitter,
    boundaries: &KeyedBoundaries,
    [a, b]: [&Column; 2],
) -> Column {
    let most = boundaries.most().max(1);
    let keys = boundaries.keys();
    let mut padded = Vec::with_capacity((keys.len() + 1) * most);
    for key in keys {
        padded.extend_from_slice(key.values());
        padded.resize(padded.len() + most - key.values().len(), f64::INFINITY);
    }
    padded.resize(padded.len() + most, f64::INFINITY);
    let mut lengths: Vec<i64> = keys.iter().map(|key| as_int(key.values().len())).collect();
    // Less than any number of boundaries, so that it is what comes out.
    lengths.push(-1);
    let table = e.doubles(&padded, &[keys.len() + 1, most]);
    let lengths = e.longs(&lengths, &[keys.len() + 1]);
    let place = place_or_last(e, as_int(keys.len()), &b.values);
    let flat = e.list(&[-1]);
    let row = e.op("Reshape", &[&place, &flat]);
    let own = e.with("Gather", &[&table, &row], vec![("axis", Attribute::Int(0))]);
    let count = num_at_most(e, &own, &a.values);
    // What is padded is infinite, and infinity is not less than it.
    let length = e.op("Gather", &[&lengths, &place]);
    let values = e.op("Min", &[&count, &length]);
    Column { values, present: both(e, a.present.as_ref(), b.present.as_ref()) }
}
