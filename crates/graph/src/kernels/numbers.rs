//! Arithmetic and functions of numbers.

use arrow::array::{Int64Array, PrimitiveArray};
use arrow::buffer::{BooleanBuffer, NullBuffer};
use arrow::datatypes::{ArrowPrimitiveType, Float64Type, Int64Type};

use super::{CHECKED, Computed, Numbers, floats, ints, map};
use crate::evaluate::Values;
use crate::{Op, ValueType};

/// Computes an operation of one number.
pub(super) fn unary(op: &Op, values: &Values) -> Values {
    if values.value_type() == ValueType::Float {
        return float_unary(op, floats(values)).into();
    }
    let values = ints(values);
    let computed: Computed<Int64Type> = match op {
        Op::Negate => map(values, i64::wrapping_neg),
        Op::Abs => map(values, i64::wrapping_abs),
        Op::Sign => map(values, i64::signum),
        _ => unreachable!("{CHECKED}"),
    };
    computed.into()
}

fn float_unary(op: &Op, values: Numbers<'_, Float64Type>) -> Computed<Float64Type> {
    match op {
        Op::Negate => map(values, |x: f64| -x),
        Op::Abs => map(values, f64::abs),
        Op::Sign => map(values, sign),
        Op::Ln => map(values, f64::ln),
        Op::Log2 => map(values, f64::log2),
        Op::Log10 => map(values, f64::log10),
        Op::Exp => map(values, f64::exp),
        Op::Sqrt => map(values, f64::sqrt),
        Op::Floor => map(values, f64::floor),
        Op::Ceil => map(values, f64::ceil),
        Op::Round => map(values, f64::round_ties_even),
        Op::Sin => map(values, f64::sin),
        Op::Cos => map(values, f64::cos),
        Op::Tanh => map(values, f64::tanh),
        Op::Sigmoid => map(values, |x: f64| 1.0 / (1.0 + (-x).exp())),
        Op::LambertW => map(values, lambert_w),
        _ => unreachable!("{CHECKED}"),
    }
}

fn sign(x: f64) -> f64 {
    if x > 0.0 {
        1.0
    } else if x < 0.0 {
        -1.0
    } else {
        x
    }
}

/// Returns the `w` with `w * e^w = x`.
fn lambert_w(x: f64) -> f64 {
    use std::f64::consts::E;
    if !(0.0..f64::INFINITY).contains(&x) {
        return f64::NAN;
    }
    let mut w = if x < 1.0 / E {
        x
    } else if x < E {
        let slope = (E - 1.0) / (E * E - 1.0);
        slope * x + (1.0 - slope) / E
    } else {
        let log = x.ln();
        log + (1.0 / log - 1.0) * log.ln()
    };
    for _ in 0..8 {
        let exp = w.exp();
        w -= (w * exp - x) / (exp + w * exp);
    }
    w
}

/// Computes an operation of two numbers of one type.
pub(super) fn binary(op: &Op, a: &Values, b: &Values, num_rows: usize) -> Values {
    if a.value_type() == ValueType::Float {
        float_binary(op, floats(a), floats(b), num_rows).into()
    } else {
        int_binary(op, ints(a), ints(b), num_rows).into()
    }
}

fn float_binary(
    op: &Op,
    a: Numbers<'_, Float64Type>,
    b: Numbers<'_, Float64Type>,
    num_rows: usize,
) -> Computed<Float64Type> {
    match op {
        Op::Add => zip(a, b, num_rows, |a, b| a + b),
        Op::Subtract => zip(a, b, num_rows, |a, b| a - b),
        Op::Multiply => zip(a, b, num_rows, |a, b| a * b),
        Op::Divide => zip(a, b, num_rows, |a, b| a / b),
        Op::Modulo => zip(a, b, num_rows, |a, b| a % b),
        Op::Power => zip(a, b, num_rows, f64::powf),
        Op::Least => zip(a, b, num_rows, |a, b| if a < b || a.is_nan() { a } else { b }),
        Op::Greatest => zip(a, b, num_rows, |a, b| if a > b || a.is_nan() { a } else { b }),
        _ => unreachable!("{CHECKED}"),
    }
}

fn int_binary(
    op: &Op,
    a: Numbers<'_, Int64Type>,
    b: Numbers<'_, Int64Type>,
    num_rows: usize,
) -> Computed<Int64Type> {
    match op {
        Op::Add => zip(a, b, num_rows, i64::wrapping_add),
        Op::Subtract => zip(a, b, num_rows, i64::wrapping_sub),
        Op::Multiply => zip(a, b, num_rows, i64::wrapping_mul),
        Op::Modulo => modulo(a, b, num_rows),
        Op::Least => zip(a, b, num_rows, i64::min),
        Op::Greatest => zip(a, b, num_rows, i64::max),
        _ => unreachable!("{CHECKED}"),
    }
}

/// Returns the rests of division, missing where the divisor is 0.
fn modulo(
    a: Numbers<'_, Int64Type>,
    b: Numbers<'_, Int64Type>,
    num_rows: usize,
) -> Computed<Int64Type> {
    let rest = |a: i64, b| if b == 0 { 0 } else { a.wrapping_rem(b) };
    match (a, b) {
        (Numbers::Constant(_), Numbers::Constant(Some(0))) => Computed::Constant(None),
        (_, Numbers::Constant(Some(0))) => Computed::Rows(Int64Array::new_null(num_rows)),
        (_, Numbers::Rows(divisors)) if divisors.values().contains(&0) => {
            let Computed::Rows(rests) = zip(a, b, num_rows, rest) else {
                unreachable!("there is a divisor for each row")
            };
            let (_, values, nulls) = rests.into_parts();
            let is_good = BooleanBuffer::collect_bool(num_rows, |row| divisors.value(row) != 0);
            let nulls = NullBuffer::union(nulls.as_ref(), Some(&NullBuffer::new(is_good)));
            Computed::Rows(Int64Array::new(values, nulls))
        }
        _ => zip(a, b, num_rows, rest),
    }
}

/// Computes `f` for the two numbers of each row, missing where one of them is.
pub(super) fn zip<T: ArrowPrimitiveType>(
    a: Numbers<'_, T>,
    b: Numbers<'_, T>,
    num_rows: usize,
    f: impl Fn(T::Native, T::Native) -> T::Native,
) -> Computed<T> {
    Computed::Rows(match (a, b) {
        (Numbers::Rows(a), Numbers::Rows(b)) => {
            arrow::compute::binary(a, b, f).expect("all columns have one value per row")
        }
        (Numbers::Rows(a), Numbers::Constant(Some(b))) => a.unary(|a| f(a, b)),
        (Numbers::Constant(Some(a)), Numbers::Rows(b)) => b.unary(|b| f(a, b)),
        (Numbers::Constant(a), Numbers::Constant(b)) => {
            return Computed::Constant(a.zip(b).map(|(a, b)| f(a, b)));
        }
        _ => PrimitiveArray::new_null(num_rows),
    })
}
