//! More functions of numbers.

use arrow::array::{Array, BooleanArray};
use arrow::buffer::BooleanBuffer;
use arrow::datatypes::{Float64Type, Int64Type};

use super::{CHECKED, Computed, Numbers};
use crate::evaluate::Values;
use crate::{FloatOp, IntOp, Op};

/// Computes a function of floats.
pub(super) fn float(op: FloatOp, numbers: Numbers<'_, Float64Type>) -> Computed<Float64Type> {
    let of: fn(f64) -> f64 = match op {
        FloatOp::Tan => f64::tan,
        FloatOp::Asin => f64::asin,
        FloatOp::Acos => f64::acos,
        FloatOp::Atan => f64::atan,
        FloatOp::Sinh => f64::sinh,
        FloatOp::Cosh => f64::cosh,
        FloatOp::Asinh => f64::asinh,
        FloatOp::Acosh => f64::acosh,
        FloatOp::Atanh => f64::atanh,
        FloatOp::Cbrt => f64::cbrt,
        FloatOp::Log1p => f64::ln_1p,
        FloatOp::Expm1 => f64::exp_m1,
        FloatOp::Trunc => f64::trunc,
    };
    super::map(numbers, of)
}

/// Tells of each float whether it is finite, or infinite.
pub(super) fn test(op: &Op, values: &Values) -> BooleanArray {
    let Values::Float(values) = values else { unreachable!("{CHECKED}") };
    let holds = |value: f64| match op {
        Op::IsFinite => value.is_finite(),
        Op::IsInfinite => value.is_infinite(),
        _ => unreachable!("{CHECKED}"),
    };
    let floats = values.values();
    let holds = BooleanBuffer::collect_bool(floats.len(), |row| holds(floats[row]));
    BooleanArray::new(holds, values.nulls().cloned())
}

/// Returns the angle of the point `(b, a)`.
pub(super) fn atan2(
    a: Numbers<'_, Float64Type>,
    b: Numbers<'_, Float64Type>,
    num_rows: usize,
) -> Computed<Float64Type> {
    super::numbers::zip(a, b, num_rows, f64::atan2)
}

/// Computes an operation of two integers.
pub(super) fn int(
    op: IntOp,
    a: Numbers<'_, Int64Type>,
    b: Numbers<'_, Int64Type>,
    num_rows: usize,
) -> Computed<Int64Type> {
    let shift = |by: i64| u32::try_from(by).ok().filter(|by| *by < i64::BITS);
    let of = |a: i64, b: i64| match op {
        IntOp::Quotient => (b != 0).then(|| a.wrapping_div(b)),
        IntOp::BitAnd => Some(a & b),
        IntOp::BitOr => Some(a | b),
        IntOp::BitXor => Some(a ^ b),
        IntOp::ShiftLeft => shift(b).map(|by| a << by),
        IntOp::ShiftRight => shift(b).map(|by| a >> by),
    };
    match op {
        IntOp::BitAnd | IntOp::BitOr | IntOp::BitXor => {
            super::numbers::zip(a, b, num_rows, |a, b| of(a, b).unwrap_or_default())
        }
        _ => {
            let at = |row| of(a.at(row)?, b.at(row)?);
            Computed::Rows((0..num_rows).map(at).collect())
        }
    }
}
