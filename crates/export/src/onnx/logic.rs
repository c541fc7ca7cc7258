//! Comparisons, three-valued logic, and choosing between values.

use formats::onnx::tensor_proto::DataType;
use graph::{Literal, Literals, Op, ValueType};

use super::chars::branch;
use super::column::{Column, both};
use super::emit::{Attribute, Emitter, ML, Tensor};
use super::hash;
use super::numbers::as_int;

/// Lowers a comparison of two values of one type.
pub(super) fn compare(
    e: &mut Emitter,
    op: &Op,
    value_type: ValueType,
    [a, b]: [&Column; 2],
) -> Column {
    let present = both(e, a.present.as_ref(), b.present.as_ref());
    let (x, y) = (&a.values, &b.values);
    let values = match (op, value_type) {
        (Op::Equal, _) => e.op("Equal", &[x, y]),
        (Op::NotEqual, _) => {
            let equal = e.op("Equal", &[x, y]);
            e.op("Not", &[&equal])
        }
        (_, ValueType::Bool) => {
            // False is 0 and true is 1.
            let (x, y) = (e.cast(x, DataType::Int64), e.cast(y, DataType::Int64));
            e.op(order(op), &[&x, &y])
        }
        (_, ValueType::String) => {
            let (x, y) = ranks(e, x, y);
            e.op(order(op), &[&x, &y])
        }
        _ => e.op(order(op), &[x, y]),
    };
    Column { values, present }
}

fn order(op: &Op) -> &'static str {
    match op {
        Op::Less => "Less",
        Op::LessOrEqual => "LessOrEqual",
        Op::Greater => "Greater",
        Op::GreaterOrEqual => "GreaterOrEqual",
        _ => unreachable!("not an order"),
    }
}

/// Returns the places that texts have among the distinct texts of both, in the order of their bytes.
///
/// No operator compares texts by order, but one sorts them.
fn ranks(e: &mut Emitter, x: &Tensor, y: &Tensor) -> (Tensor, Tensor) {
    let (flat, column) = (e.list(&[-1]), e.list(&[-1, 1]));
    let (x, y) = (e.op("Reshape", &[x, &flat]), e.op("Reshape", &[y, &flat]));
    let all = e.with("Concat", &[&x, &y], vec![("axis", Attribute::Int(0))]);
    let (distinct, first, places) = (e.fresh(), e.fresh(), e.fresh());
    let sorted = vec![("sorted", Attribute::Int(1))];
    e.node("", "Unique", &[&all], &[&distinct, &first, &places], sorted);
    let num_first = e.op("Shape", &[&x]);
    let (start, end, axis) = (e.list(&[0]), e.list(&[i64::MAX]), e.list(&[0]));
    let x = e.op("Slice", &[&places, &start, &num_first, &axis]);
    let y = e.op("Slice", &[&places, &num_first, &end, &axis]);
    (e.op("Reshape", &[&x, &column]), e.op("Reshape", &[&y, &column]))
}

/// Lowers the test whether a value is one of some constants.
pub(super) fn is_in(e: &mut Emitter, literals: &Literals, operand: &Column) -> Column {
    let x = &operand.values;
    let ints = |value: &Literal| if let Literal::Int(value) = value { Some(*value) } else { None };
    let floats =
        |value: &Literal| if let Literal::Float(value) = value { Some(*value) } else { None };
    let texts = |value: &Literal| {
        if let Literal::String(value) = value { Some(value.clone()) } else { None }
    };
    let values = literals.values();
    let is_in = match literals.value_type() {
        ValueType::Bool => {
            let has = |value| values.contains(&Literal::Bool(value));
            match (has(true), has(false)) {
                (true, true) => e.bool(true),
                (true, false) => x.clone(),
                _ => e.op("Not", &[x]),
            }
        }
        ValueType::Int => {
            let list: Vec<i64> = values.iter().filter_map(ints).collect();
            let list = e.longs(&list, &[1, list.len()]);
            is_any(e, x, &list)
        }
        ValueType::Float => {
            let list: Vec<f64> = values.iter().filter_map(floats).collect();
            let list = e.doubles(&list, &[1, list.len()]);
            is_any(e, x, &list)
        }
        ValueType::String => {
            let mut list: Vec<String> = values.iter().filter_map(texts).collect();
            list.sort_unstable();
            list.dedup();
            let ones = vec![1; list.len()];
            let found = label(e, x, list.iter().map(String::as_str).collect(), ones, 0);
            e.cast(&found, DataType::Bool)
        }
    };
    Column::like(is_in, operand)
}

fn is_any(e: &mut Emitter, x: &Tensor, list: &Tensor) -> Tensor {
    let equal = e.op("Equal", &[x, list]);
    let ones = e.cast(&equal, DataType::Int64);
    let axes = e.list(&[1]);
    let count = e.with("ReduceMax", &[&ones, &axes], vec![("keepdims", Attribute::Int(1))]);
    e.cast(&count, DataType::Bool)
}

/// Adds a table from texts to integers.
pub(super) fn label(
    e: &mut Emitter,
    texts: &Tensor,
    keys: Vec<&str>,
    values: Vec<i64>,
    default: i64,
) -> Tensor {
    let output = e.fresh();
    let attributes = vec![
        ("keys_strings", Attribute::Texts(keys)),
        ("values_int64s", Attribute::Ints(values)),
        ("default_int64", Attribute::Int(default)),
    ];
    e.node(ML, "LabelEncoder", &[texts], &[&output], attributes);
    output
}

/// Lowers `a AND b`: there when both are, or when one is false.
pub(super) fn and(e: &mut Emitter, [a, b]: [&Column; 2]) -> Column {
    let (a_holds, b_holds) = (a.is_true(e), b.is_true(e));
    let values = e.op("And", &[&a_holds, &b_holds]);
    let Some(both) = both(e, a.present.as_ref(), b.present.as_ref()) else {
        return Column::full(values);
    };
    let (a_fails, b_fails) = (is_false(e, a), is_false(e, b));
    let one_fails = e.op("Or", &[&a_fails, &b_fails]);
    Column { values, present: Some(e.op("Or", &[&both, &one_fails])) }
}

/// Lowers `a OR b`: there when both are, or when one is true.
pub(super) fn or(e: &mut Emitter, [a, b]: [&Column; 2]) -> Column {
    let (a_holds, b_holds) = (a.is_true(e), b.is_true(e));
    let values = e.op("Or", &[&a_holds, &b_holds]);
    let both = both(e, a.present.as_ref(), b.present.as_ref());
    let present = both.map(|both| e.op("Or", &[&both, &values]));
    Column { values, present }
}

fn is_false(e: &mut Emitter, column: &Column) -> Tensor {
    let not = e.op("Not", &[&column.values]);
    Column::like(not, column).is_true(e)
}

/// Lowers the test whether a value is missing.
pub(super) fn is_null(e: &mut Emitter, operand: &Column) -> Column {
    Column::full(match &operand.present {
        Some(present) => e.op("Not", &[present]),
        None => e.bool(false),
    })
}

/// Lowers the choice of `a` where a condition is true, else of `b`.
pub(super) fn select(
    e: &mut Emitter,
    value_type: ValueType,
    [condition, a, b]: [&Column; 3],
) -> Column {
    let is_first = condition.is_true(e);
    choose(e, value_type, &is_first, a, b)
}

/// Lowers `a`, or `b` where it is missing.
pub(super) fn coalesce(e: &mut Emitter, value_type: ValueType, [a, b]: [&Column; 2]) -> Column {
    let Some(is_first) = &a.present else { return a.clone() };
    let chosen = choose(e, value_type, is_first, &Column::full(a.values.clone()), b);
    Column { values: chosen.values, present: chosen.present }
}

fn choose(
    e: &mut Emitter,
    value_type: ValueType,
    is_first: &Tensor,
    a: &Column,
    b: &Column,
) -> Column {
    let values = match value_type {
        ValueType::Bool => choose_bools(e, is_first, &a.values, &b.values),
        ValueType::Float => e.choose_floats(is_first, &a.values, &b.values),
        _ => e.choose(is_first, &a.values, &b.values),
    };
    let present = match (&a.present, &b.present) {
        (None, None) => None,
        (Some(a), Some(b)) if a == b => Some(a.clone()),
        (Some(a), Some(b)) => Some(choose_bools(e, is_first, a, b)),
        // Where the other is chosen, or this one is there.
        (None, Some(b)) => Some(e.op("Or", &[is_first, b])),
        (Some(a), None) => {
            let is_second = e.op("Not", &[is_first]);
            Some(e.op("Or", &[&is_second, a]))
        }
    };
    Column { values, present }
}

/// ONNX Runtime's `Where` has no kernel for BOOL.
fn choose_bools(e: &mut Emitter, is_first: &Tensor, a: &Tensor, b: &Tensor) -> Tensor {
    let first = e.op("And", &[is_first, a]);
    let is_second = e.op("Not", &[is_first]);
    let second = e.op("And", &[&is_second, b]);
    e.op("Or", &[&first, &second])
}

/// Lowers the place of a text in a vocabulary; what is not in it gets one of some buckets, or a default.
pub(super) fn look_up<'a>(
    e: &mut Emitter,
    tokens: impl ExactSizeIterator<Item = &'a str>,
    num_oov_buckets: u64,
    default_value: i64,
    operand: &Column,
) -> Column {
    let len = as_int(tokens.len());
    let unknown = if num_oov_buckets == 0 { default_value } else { len };
    let ids = match len {
        0 => {
            let unknown = e.int(unknown);
            e.expand(&unknown)
        }
        _ => label(e, &operand.values, tokens.collect(), (0..len).collect(), unknown),
    };
    if num_oov_buckets < 2 {
        return Column::like(ids, operand);
    }
    // Hashed only where there is something to hash.
    let first = e.int(len);
    let is_unknown = e.op("Equal", &[&ids, &first]);
    let is_unknown = Column::like(is_unknown, operand).is_true(e);
    let are_unknown = e.cast(&is_unknown, DataType::Int64);
    let zero = e.int(0);
    // There may be no rows.
    let all = e.with("Concat", &[&are_unknown, &zero], vec![("axis", Attribute::Int(0))]);
    let any = e.with("ReduceMax", &[&all], vec![("keepdims", Attribute::Int(0))]);
    let any = e.cast(&any, DataType::Bool);
    let ids = branch(
        e,
        &any,
        DataType::Int64,
        |e| {
            let empty = e.text("");
            let unknown = e.choose(&is_unknown, &operand.values, &empty);
            let bucket = hash::fingerprint(e, &unknown, num_oov_buckets);
            let bucket = e.op("Add", &[&bucket, &first]);
            e.choose(&is_unknown, &bucket, &ids)
        },
        |e| e.op("Identity", &[&ids]),
    );
    Column::like(ids, operand)
}
