//! Three-valued logic, and choosing between values.

use std::sync::Arc;

use arrow::array::{
    Array, ArrowPrimitiveType, BooleanArray, Float64Array, Int64Array, PrimitiveArray, StringArray,
};
use arrow::buffer::{BooleanBuffer, NullBuffer, ScalarBuffer};
use arrow::compute;

use super::many::{self, Many};
use super::text::TextBuilder;
use super::{Numbers, Texts, bools, floats, ints, texts};
use crate::evaluate::Values;
use crate::{GraphError, Literal, ValueType};

const ONE_LENGTH: &str = "all columns have one value per row";

/// `a AND b`.
pub(super) fn and(a: &BooleanArray, b: &BooleanArray) -> BooleanArray {
    compute::and_kleene(a, b).expect(ONE_LENGTH)
}

/// `a OR b`.
pub(super) fn or(a: &BooleanArray, b: &BooleanArray) -> BooleanArray {
    compute::or_kleene(a, b).expect(ONE_LENGTH)
}

/// `NOT a`.
pub(super) fn not(a: &BooleanArray) -> BooleanArray {
    BooleanArray::new(!a.values(), a.nulls().cloned())
}

/// Tells of each value whether it is missing.
pub(super) fn is_null(values: &Values, num_rows: usize) -> BooleanArray {
    if let Values::Constant(literal) = values {
        let is_null = matches!(literal, Literal::Null(_));
        return BooleanArray::from(vec![is_null; num_rows]);
    }
    let is_null = match values.nulls() {
        Some(nulls) => !nulls.inner(),
        None => BooleanBuffer::new_unset(num_rows),
    };
    BooleanArray::new(is_null, None)
}

/// Returns 0 and 1 for false and true.
pub(crate) fn to_int(values: &BooleanArray) -> Int64Array {
    let ints: Vec<i64> = values.values().iter().map(i64::from).collect();
    Int64Array::new(ints.into(), values.nulls().cloned())
}

/// Returns 0.0 and 1.0 for false and true.
pub(crate) fn to_float(values: &BooleanArray) -> Float64Array {
    let floats: Vec<f64> = values.values().iter().map(f64::from).collect();
    Float64Array::new(floats.into(), values.nulls().cloned())
}

/// Returns `a` where a condition is true, else `b`.
pub(super) fn select(
    conditions: &BooleanArray,
    a: &Values,
    b: &Values,
    num_rows: usize,
) -> Result<Values, GraphError> {
    let is_true = match conditions.nulls() {
        Some(nulls) => conditions.values() & nulls.inner(),
        None => conditions.values().clone(),
    };
    match (a, b) {
        (Values::Many(a), Values::Many(b)) => many::choose(&is_true, a, b),
        (Values::Many(a), b) => many::choose(&is_true, a, &none(b, num_rows)?),
        (a, Values::Many(b)) => many::choose(&is_true, &none(a, num_rows)?, b),
        (a, b) => choose(&is_true, a, b, num_rows),
    }
}

/// Returns missing lists, which is what a missing constant means beside lists.
fn none(constant: &Values, num_rows: usize) -> Result<Many, GraphError> {
    many::missing(constant.value_type(), num_rows)
}

/// Returns `a`, or `b` where `a` is missing.
pub(super) fn coalesce(a: &Values, b: &Values, num_rows: usize) -> Result<Values, GraphError> {
    match (a, a.nulls()) {
        (Values::Constant(Literal::Null(_)), _) => Ok(b.clone()),
        (Values::Many(a), Some(nulls)) => match b {
            Values::Many(b) => many::choose(nulls.inner(), a, b),
            _ => Ok(Values::Many(Arc::clone(a))),
        },
        (_, Some(nulls)) if nulls.null_count() > 0 => choose(nulls.inner(), a, b, num_rows),
        _ => Ok(a.clone()),
    }
}

fn choose(
    is_first: &BooleanBuffer,
    a: &Values,
    b: &Values,
    num_rows: usize,
) -> Result<Values, GraphError> {
    Ok(match a.value_type() {
        ValueType::Int => Values::ints(choose_numbers(is_first, ints(a), ints(b))),
        ValueType::Float => Values::floats(choose_numbers(is_first, floats(a), floats(b))),
        ValueType::String => Values::texts(choose_texts(is_first, texts(a), texts(b))?),
        ValueType::Bool => {
            let (a, b) = (bools(a, num_rows), bools(b, num_rows));
            let is_second = !is_first;
            let values = &(a.values() & is_first) | &(b.values() & &is_second);
            Values::bools(BooleanArray::new(values, choose_nulls(is_first, a.nulls(), b.nulls())))
        }
    })
}

fn choose_nulls(
    is_first: &BooleanBuffer,
    a: Option<&NullBuffer>,
    b: Option<&NullBuffer>,
) -> Option<NullBuffer> {
    let is_second = || !is_first;
    let valid = match (a, b) {
        (None, None) => return None,
        (Some(a), None) => &(a.inner() & is_first) | &is_second(),
        (None, Some(b)) => is_first | &(b.inner() & &is_second()),
        (Some(a), Some(b)) => &(a.inner() & is_first) | &(b.inner() & &is_second()),
    };
    Some(NullBuffer::new(valid)).filter(|nulls| nulls.null_count() > 0)
}

fn choose_numbers<T: ArrowPrimitiveType>(
    is_first: &BooleanBuffer,
    a: Numbers<'_, T>,
    b: Numbers<'_, T>,
) -> PrimitiveArray<T> {
    let num_rows = is_first.len();
    // A constant that is missing has no null buffer of its own.
    let repeated = |numbers| match numbers {
        Numbers::Constant(None) => Some(PrimitiveArray::<T>::new_null(num_rows)),
        _ => None,
    };
    let (missing_a, missing_b) = (repeated(a), repeated(b));
    let a = missing_a.as_ref().map_or(a, Numbers::Rows);
    let b = missing_b.as_ref().map_or(b, Numbers::Rows);
    let values: Vec<T::Native> = match (a, b) {
        (Numbers::Rows(a), Numbers::Rows(b)) => {
            pick(is_first, |row| a.values()[row], |row| b.values()[row])
        }
        (Numbers::Rows(a), Numbers::Constant(b)) => {
            let b = b.unwrap_or_default();
            pick(is_first, |row| a.values()[row], |_| b)
        }
        (Numbers::Constant(a), Numbers::Rows(b)) => {
            let a = a.unwrap_or_default();
            pick(is_first, |_| a, |row| b.values()[row])
        }
        (Numbers::Constant(a), Numbers::Constant(b)) => {
            let (a, b) = (a.unwrap_or_default(), b.unwrap_or_default());
            pick(is_first, |_| a, |_| b)
        }
    };
    let nulls = |numbers| match numbers {
        Numbers::Rows(rows) => PrimitiveArray::<T>::nulls(rows),
        Numbers::Constant(_) => None,
    };
    PrimitiveArray::new(ScalarBuffer::from(values), choose_nulls(is_first, nulls(a), nulls(b)))
}

fn pick<V>(is_first: &BooleanBuffer, a: impl Fn(usize) -> V, b: impl Fn(usize) -> V) -> Vec<V> {
    (0..is_first.len()).map(|row| if is_first.value(row) { a(row) } else { b(row) }).collect()
}

fn choose_texts(
    is_first: &BooleanBuffer,
    a: Texts<'_>,
    b: Texts<'_>,
) -> Result<StringArray, GraphError> {
    let mut builder = TextBuilder::with_rows(is_first.len());
    for row in 0..is_first.len() {
        builder.push_row(if is_first.value(row) { a.at(row) } else { b.at(row) })?;
    }
    Ok(builder.finish())
}
