//! Arithmetic and functions of numbers.
//!
//! Where ONNX Runtime's functions and ours are not the same at the edges, ours are composed of simpler ones.

use std::f64::consts::{FRAC_1_PI, LN_2, LN_10};

use formats::onnx::tensor_proto::DataType;
use graph::{Literal, Op, ValueType};

use super::column::{Column, both};
use super::emit::{Attribute, Emitter, Tensor};

/// π in three parts; the first two have so few digits that multiples of them up to 2^20 are exact.
const PI: [f64; 3] =
    [3.141_592_653_468_251_2, 1.215_420_101_260_793_2e-10, 4.044_532_497_591_901e-21];

/// Lowers an operation of one number.
pub(super) fn unary(e: &mut Emitter, op: &Op, value_type: ValueType, operand: &Column) -> Column {
    let x = &operand.values;
    let values = match op {
        Op::Negate => e.op("Neg", &[x]),
        Op::Abs => e.op("Abs", &[x]),
        Op::Sign if value_type == ValueType::Int => e.op("Sign", &[x]),
        Op::Sign => sign(e, x),
        Op::Ln => e.op("Log", &[x]),
        Op::Log2 => logarithm(e, x, 2.0, LN_2),
        Op::Log10 => logarithm(e, x, 10.0, LN_10),
        Op::Exp => e.op("Exp", &[x]),
        Op::Sqrt => e.op("Sqrt", &[x]),
        Op::Floor => e.op("Floor", &[x]),
        Op::Ceil => e.op("Ceil", &[x]),
        Op::Round => e.op("Round", &[x]),
        Op::Sin => sine(e, x),
        Op::Cos => cosine(e, x),
        Op::Tanh => e.op("Tanh", &[x]),
        Op::Sigmoid => sigmoid(e, x),
        _ => unreachable!("not an operation of one number"),
    };
    Column::like(values, operand)
}

/// Keeps NaN and both zeros, which `Sign` does not.
fn sign(e: &mut Emitter, x: &Tensor) -> Tensor {
    let (zero, one, minus_one) = (e.float(0.0), e.float(1.0), e.float(-1.0));
    let is_negative = e.op("Less", &[x, &zero]);
    let is_positive = e.op("Greater", &[x, &zero]);
    let rest = e.choose_floats(&is_negative, &minus_one, x);
    e.choose_floats(&is_positive, &one, &rest)
}

/// Gives whole numbers for powers of the base, which a quotient of logarithms does not always.
fn logarithm(e: &mut Emitter, x: &Tensor, base: f64, ln_base: f64) -> Tensor {
    let (base, ln_base) = (e.float(base), e.float(ln_base));
    let natural = e.op("Log", &[x]);
    let quotient = e.op("Div", &[&natural, &ln_base]);
    let whole = e.op("Round", &[&quotient]);
    let power = e.op("Pow", &[&base, &whole]);
    let is_power = e.op("Equal", &[&power, x]);
    e.choose_floats(&is_power, &whole, &quotient)
}

/// `Sigmoid` loses digits where it is near 0.
pub(super) fn sigmoid(e: &mut Emitter, x: &Tensor) -> Tensor {
    let one = e.float(1.0);
    let negative = e.op("Neg", &[x]);
    let power = e.op("Exp", &[&negative]);
    let sum = e.op("Add", &[&one, &power]);
    e.op("Div", &[&one, &sum])
}

/// `Sin` loses all digits near the multiples of π, so those are taken off first.
fn sine(e: &mut Emitter, x: &Tensor) -> Tensor {
    let plain = e.op("Sin", &[x]);
    let per_pi = e.float(FRAC_1_PI);
    let turns = e.op("Mul", &[x, &per_pi]);
    let multiple = e.op("Round", &[&turns]);
    let reduced = without_turns(e, x, &multiple, &multiple, false);
    choose_reduced(e, x, 1.0, &reduced, &plain)
}

/// The sine of what is left beside an odd multiple of π/2.
fn cosine(e: &mut Emitter, x: &Tensor) -> Tensor {
    let plain = e.op("Cos", &[x]);
    let (per_pi, half) = (e.float(FRAC_1_PI), e.float(0.5));
    let turns = e.op("Mul", &[x, &per_pi]);
    let shifted = e.op("Sub", &[&turns, &half]);
    let whole = e.op("Round", &[&shifted]);
    let multiple = e.op("Add", &[&whole, &half]);
    let reduced = without_turns(e, x, &multiple, &whole, true);
    choose_reduced(e, x, 0.0, &reduced, &plain)
}

/// Returns the sine of `x - multiple * π`, negated where `whole` is odd, or where it is even.
fn without_turns(
    e: &mut Emitter,
    x: &Tensor,
    multiple: &Tensor,
    whole: &Tensor,
    negates_even: bool,
) -> Tensor {
    let mut rest = x.clone();
    for part in PI {
        let part = e.float(part);
        let product = e.op("Mul", &[multiple, &part]);
        rest = e.op("Sub", &[&rest, &product]);
    }
    let sine = e.op("Sin", &[&rest]);
    let negated = e.op("Neg", &[&sine]);
    let (two, zero) = (e.float(2.0), e.float(0.0));
    let parity = e.with("Mod", &[whole, &two], vec![("fmod", Attribute::Int(1))]);
    let is_even = e.op("Equal", &[&parity, &zero]);
    if negates_even {
        e.choose_floats(&is_even, &negated, &sine)
    } else {
        e.choose_floats(&is_even, &sine, &negated)
    }
}

/// Chooses the reduced result where it is the better one: beyond `least`, and as far as products are exact.
fn choose_reduced(
    e: &mut Emitter,
    x: &Tensor,
    least: f64,
    reduced: &Tensor,
    plain: &Tensor,
) -> Tensor {
    let (least, most) = (e.float(least), e.float(1e6));
    let size = e.op("Abs", &[x]);
    let is_beyond = e.op("GreaterOrEqual", &[&size, &least]);
    let is_within = e.op("Less", &[&size, &most]);
    let is_better = e.op("And", &[&is_beyond, &is_within]);
    e.choose_floats(&is_better, reduced, plain)
}

/// Returns an operand of an arithmetic operation, so that ONNX Runtime does not see that it is constant when it should not.
///
/// It leaves out to add or subtract what is 0 in 32 bits, and to multiply with or divide by what is 1 in them; and it
/// makes one division of dividing 1 and multiplying.
pub(super) fn hide(
    e: &mut Emitter,
    op: &Op,
    place: usize,
    operand: &Column,
    constant: Option<&Literal>,
) -> Column {
    let Some(Literal::Float(value)) = constant else { return operand.clone() };
    #[expect(clippy::cast_possible_truncation, reason = "this is how they are taken")]
    let narrow = *value as f32;
    #[expect(clippy::float_cmp, reason = "and so is this")]
    let is_taken = narrow == 0.0 || narrow == 1.0;
    let is_harmless = f64::from(narrow).to_bits() == value.to_bits()
        && match op {
            Op::Divide => place == 1,
            Op::Multiply => true,
            _ => !e.keeps_zero_signs,
        };
    if is_taken && !is_harmless {
        Column::like(e.expand(&operand.values), operand)
    } else {
        operand.clone()
    }
}

/// Lowers an operation of two numbers of one type.
pub(super) fn binary(
    e: &mut Emitter,
    op: &Op,
    value_type: ValueType,
    [a, b]: [&Column; 2],
) -> Column {
    let present = both(e, a.present.as_ref(), b.present.as_ref());
    let (x, y) = (&a.values, &b.values);
    let values = match (op, value_type) {
        (Op::Add, _) => e.op("Add", &[x, y]),
        (Op::Subtract, _) => e.op("Sub", &[x, y]),
        (Op::Multiply, _) => e.op("Mul", &[x, y]),
        (Op::Divide, _) => e.op("Div", &[x, y]),
        (Op::Power, _) => e.op("Pow", &[x, y]),
        (Op::Modulo, ValueType::Int) => return int_modulo(e, x, y, present.as_ref()),
        (Op::Modulo, _) => e.with("Mod", &[x, y], vec![("fmod", Attribute::Int(1))]),
        (Op::Least, ValueType::Int) => e.op("Min", &[x, y]),
        (Op::Greatest, ValueType::Int) => e.op("Max", &[x, y]),
        (Op::Least, _) => extreme(e, "Less", x, y),
        (Op::Greatest, _) => extreme(e, "Greater", x, y),
        _ => unreachable!("not an operation of two numbers"),
    };
    Column { values, present }
}

/// Returns the first where it compares so with the second or is NaN, else the second.
fn extreme(e: &mut Emitter, comparison: &str, x: &Tensor, y: &Tensor) -> Tensor {
    let is_first = e.op(comparison, &[x, y]);
    let is_nan = e.op("IsNaN", &[x]);
    let is_first = e.op("Or", &[&is_first, &is_nan]);
    e.choose_floats(&is_first, x, y)
}

/// Gives the rest the sign of the dividend, where `Mod` gives it that of the divisor, and keeps away from `Mod` what
/// processors refuse: dividing by 0, and the least INT by -1.
fn int_modulo(e: &mut Emitter, x: &Tensor, y: &Tensor, present: Option<&Tensor>) -> Column {
    let (zero, one, minus_one) = (e.int(0), e.int(1), e.int(-1));
    let is_zero = e.op("Equal", &[y, &zero]);
    let is_minus_one = e.op("Equal", &[y, &minus_one]);
    let is_special = e.op("Or", &[&is_zero, &is_minus_one]);
    let divisor = e.choose(&is_special, &one, y);
    let rest = e.op("Mod", &[x, &divisor]);
    let other = e.op("Sub", &[&rest, &divisor]);
    let is_dividend_negative = e.op("Less", &[x, &zero]);
    let is_divisor_negative = e.op("Less", &[&divisor, &zero]);
    let signs_differ = e.op("Xor", &[&is_dividend_negative, &is_divisor_negative]);
    let is_whole = e.op("Equal", &[&rest, &zero]);
    let has_rest = e.op("Not", &[&is_whole]);
    let is_other = e.op("And", &[&signs_differ, &has_rest]);
    let values = e.choose(&is_other, &other, &rest);
    let is_good = e.op("Not", &[&is_zero]);
    Column { values, present: both(e, present, Some(&is_good)) }
}

/// Lowers the number of a bucket: how many boundaries are at most each value; NaN is beyond them all.
pub(super) fn bucketize(e: &mut Emitter, boundaries: &[f64], operand: &Column) -> Column {
    /// Up to so many boundaries are compared with at once.
    const BLOCK: usize = 32;
    if boundaries.is_empty() {
        return Column::like(e.int(0), operand);
    }
    let x = &operand.values;
    if boundaries.len() <= BLOCK {
        let all = e.doubles(boundaries, &[1, boundaries.len()]);
        return Column::like(num_at_most(e, &all, x), operand);
    }
    // First the block by its first boundary, then the place within.
    let firsts: Vec<f64> = boundaries.iter().copied().step_by(BLOCK).skip(1).collect();
    let num_blocks = firsts.len() + 1;
    let mut padded = boundaries.to_vec();
    padded.resize(num_blocks * BLOCK, f64::INFINITY);
    let firsts = e.doubles(&firsts, &[1, firsts.len()]);
    let blocks = e.doubles(&padded, &[num_blocks, BLOCK]);
    let block = num_at_most(e, &firsts, x);
    let axes = e.list(&[1]);
    let row = e.op("Squeeze", &[&block, &axes]);
    let block_boundaries = e.with("Gather", &[&blocks, &row], vec![("axis", Attribute::Int(0))]);
    let within = num_at_most(e, &block_boundaries, x);
    let (len, most) = (as_int(BLOCK), as_int(boundaries.len()));
    let (len, most) = (e.int(len), e.int(most));
    let before = e.op("Mul", &[&block, &len]);
    let sum = e.op("Add", &[&before, &within]);
    // What is padded is infinite, and infinity is not less than it.
    Column::like(e.op("Min", &[&sum, &most]), operand)
}

/// Counts the boundaries of each row that the row's value is not less than.
pub(super) fn num_at_most(e: &mut Emitter, boundaries: &Tensor, x: &Tensor) -> Tensor {
    let is_less = e.op("Less", &[x, boundaries]);
    let is_at_most = e.op("Not", &[&is_less]);
    let ones = e.cast(&is_at_most, DataType::Int64);
    let axes = e.list(&[1]);
    e.with("ReduceSum", &[&ones, &axes], vec![("keepdims", Attribute::Int(1))])
}

/// Returns a number of things in memory as a constant can hold it.
pub(super) fn as_int(number: usize) -> i64 {
    i64::try_from(number).expect("memory is smaller")
}
