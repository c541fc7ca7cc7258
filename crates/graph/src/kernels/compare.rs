//! Comparisons.

use arrow::array::{Array, ArrowPrimitiveType, BooleanArray, PrimitiveArray};
use arrow::buffer::{BooleanBuffer, NullBuffer};

use super::{CHECKED, Conditions, Numbers, Texts, bools, floats, ints, texts};
use crate::evaluate::Values;
use crate::{Literal, Literals, Op, ValueType};

/// Compares two values of one type.
pub(super) fn compare(op: &Op, a: &Values, b: &Values, num_rows: usize) -> Values {
    let holds = match a.value_type() {
        ValueType::Int => numbers(op, ints(a), ints(b), num_rows),
        ValueType::Float => numbers(op, floats(a), floats(b), num_rows),
        ValueType::String => strings(op, texts(a), texts(b), num_rows),
        ValueType::Bool => {
            let (a, b) = (bools(a, num_rows), bools(b, num_rows));
            let nulls = NullBuffer::union(a.nulls(), b.nulls());
            let (a, b) = (a.values(), b.values());
            let holds = match op {
                Op::Equal => !&(a ^ b),
                Op::NotEqual => a ^ b,
                Op::Less => &!a & b,
                Op::LessOrEqual => &!a | b,
                Op::Greater => a & &!b,
                Op::GreaterOrEqual => a | &!b,
                _ => unreachable!("{CHECKED}"),
            };
            Conditions::Rows(BooleanArray::new(holds, nulls))
        }
    };
    holds.into()
}

fn numbers<T: ArrowPrimitiveType>(
    op: &Op,
    a: Numbers<'_, T>,
    b: Numbers<'_, T>,
    num_rows: usize,
) -> Conditions
where
    T::Native: PartialOrd,
{
    match op {
        Op::Equal => zip(a, b, num_rows, |a, b| a == b),
        Op::NotEqual => zip(a, b, num_rows, |a, b| a != b),
        Op::Less => zip(a, b, num_rows, |a, b| a < b),
        Op::LessOrEqual => zip(a, b, num_rows, |a, b| a <= b),
        Op::Greater => zip(a, b, num_rows, |a, b| a > b),
        Op::GreaterOrEqual => zip(a, b, num_rows, |a, b| a >= b),
        _ => unreachable!("{CHECKED}"),
    }
}

fn zip<T: ArrowPrimitiveType>(
    a: Numbers<'_, T>,
    b: Numbers<'_, T>,
    num_rows: usize,
    holds: impl Fn(T::Native, T::Native) -> bool,
) -> Conditions {
    Conditions::Rows(match (a, b) {
        (Numbers::Rows(a), Numbers::Rows(b)) => {
            let nulls = NullBuffer::union(a.nulls(), b.nulls());
            let (a, b) = (a.values(), b.values());
            BooleanArray::new(
                BooleanBuffer::collect_bool(num_rows, |row| holds(a[row], b[row])),
                nulls,
            )
        }
        (Numbers::Rows(a), Numbers::Constant(Some(b))) => map(a, |a| holds(a, b)),
        (Numbers::Constant(Some(a)), Numbers::Rows(b)) => map(b, |b| holds(a, b)),
        (Numbers::Constant(a), Numbers::Constant(b)) => {
            return Conditions::Constant(a.zip(b).map(|(a, b)| holds(a, b)));
        }
        _ => BooleanArray::new_null(num_rows),
    })
}

/// Tells of each number whether something holds, missing where the number is.
fn map<T: ArrowPrimitiveType>(
    numbers: &PrimitiveArray<T>,
    holds: impl Fn(T::Native) -> bool,
) -> BooleanArray {
    let values = numbers.values();
    let holds = BooleanBuffer::collect_bool(values.len(), |row| holds(values[row]));
    BooleanArray::new(holds, numbers.nulls().cloned())
}

fn strings(op: &Op, a: Texts<'_>, b: Texts<'_>, num_rows: usize) -> Conditions {
    let holds = |a: &str, b: &str| match op {
        Op::Equal => a == b,
        Op::NotEqual => a != b,
        Op::Less => a < b,
        Op::LessOrEqual => a <= b,
        Op::Greater => a > b,
        Op::GreaterOrEqual => a >= b,
        _ => unreachable!("{CHECKED}"),
    };
    if let (Texts::Constant(a), Texts::Constant(b)) = (a, b) {
        return Conditions::Constant(a.zip(b).map(|(a, b)| holds(a, b)));
    }
    Conditions::Rows((0..num_rows).map(|row| Some(holds(a.at(row)?, b.at(row)?))).collect())
}

/// Tells of each float whether it is NaN.
pub(super) fn is_nan(values: &Values) -> BooleanArray {
    match values {
        Values::Float(values) => map(values, f64::is_nan),
        _ => unreachable!("{CHECKED}"),
    }
}

/// Tells of each value whether it is one of some constants.
pub(super) fn is_in(values: &Values, literals: &Literals) -> BooleanArray {
    // Lists are short, and written by hand; looking through them beats a table.
    let literals = literals.values();
    match values {
        Values::Int(values) => map(values, |value| {
            literals.iter().any(|l| matches!(l, Literal::Int(v) if *v == value))
        }),
        #[expect(clippy::float_cmp, reason = "this is the equality that was asked for")]
        Values::Float(values) => map(values, |value| {
            literals.iter().any(|l| matches!(l, Literal::Float(v) if *v == value))
        }),
        Values::String(values) => {
            let is_in = |value: &str| {
                literals.iter().any(|l| matches!(l, Literal::String(v) if v == value))
            };
            values.iter().map(|value| value.map(is_in)).collect()
        }
        Values::Bool(values) => {
            let is_in =
                |value: bool| literals.iter().any(|l| matches!(l, Literal::Bool(v) if *v == value));
            values.iter().map(|value| value.map(is_in)).collect()
        }
        Values::Constant(_) | Values::Many(_) => unreachable!("constants were repeated"),
    }
}
