//! Arithmetic and functions of numbers.

use std::f64::consts::{LN_2, LN_10};
use std::ops::RangeInclusive;

use graph::{Op, ValueType};

use super::{BOOL, CHECKED, DOUBLE, INT, Lowering, Presence};
use crate::saved_model::tensor;
use crate::saved_model::writer::Tensor;

impl Lowering<'_> {
    /// Returns an operation of two numbers of one type, INT's modulo apart.
    pub(super) fn two_numbers(
        &mut self,
        op: &Op,
        value_type: ValueType,
        a: &Tensor,
        b: &Tensor,
    ) -> Tensor {
        let name = match (op, value_type) {
            (Op::Add, _) => "AddV2",
            (Op::Subtract, _) => "Sub",
            (Op::Multiply, _) => "Mul",
            (Op::Divide, _) => "RealDiv",
            (Op::Modulo, _) => "TruncateMod",
            (Op::Power, _) => "Pow",
            (Op::Least, ValueType::Int) => "Minimum",
            (Op::Greatest, ValueType::Int) => "Maximum",
            (Op::Least, _) => return self.first_if("Less", a, b),
            (Op::Greatest, _) => return self.first_if("Greater", a, b),
            _ => unreachable!("{CHECKED}"),
        };
        self.writer.binary(name, a, b)
    }

    /// Returns the float `a` where it compares so to `b` or is NaN, else `b`. TensorFlow's own minimum and maximum do
    /// not say what becomes of NaN.
    fn first_if(&mut self, comparison: &str, a: &Tensor, b: &Tensor) -> Tensor {
        let is_first = self.writer.compare(comparison, a, b);
        let is_nan = self.writer.node("IsNan").input(a).data_type("T", DOUBLE).output(BOOL);
        let is_first = self.writer.or(&is_first, &is_nan);
        self.writer.select(&is_first, a, b)
    }

    /// Returns the rest of the division of two integers, missing where the divisor is 0.
    ///
    /// The rest of a division by 1 and by -1 is the same, and only one of them overflows.
    pub(super) fn modulo(&mut self, a: &Tensor, b: &Tensor) -> (Tensor, Presence) {
        let (zero, one, minus_one) = (self.int(0), self.int(1), self.int(-1));
        let is_good = self.writer.compare("NotEqual", b, &zero);
        let is_minus_one = self.writer.compare("Equal", b, &minus_one);
        let safe = self.writer.select(&is_good, b, &one);
        let safe = self.writer.select(&is_minus_one, &one, &safe);
        (self.writer.binary("TruncateMod", a, &safe), Presence::Where(is_good))
    }

    /// Returns an operation of one number.
    pub(super) fn one_number(&mut self, op: &Op, value_type: ValueType, a: &Tensor) -> Tensor {
        let name = match (op, value_type) {
            (Op::Negate, _) => "Neg",
            (Op::Abs, _) => "Abs",
            (Op::Sign, ValueType::Int) => "Sign",
            (Op::Sign, _) => return self.float_sign(a),
            (Op::Ln, _) => "Log",
            (Op::Log2, _) => return self.log(a, 2, LN_2),
            (Op::Log10, _) => return self.log(a, 10, LN_10),
            (Op::Exp, _) => "Exp",
            (Op::Sqrt, _) => "Sqrt",
            (Op::Floor, _) => "Floor",
            (Op::Ceil, _) => "Ceil",
            (Op::Round, _) => "Rint",
            (Op::Sin, _) => "Sin",
            (Op::Cos, _) => "Cos",
            (Op::Tanh, _) => "Tanh",
            (Op::Sigmoid, _) => "Sigmoid",
            _ => unreachable!("{CHECKED}"),
        };
        self.writer.unary(name, a)
    }

    /// Returns the sign of a float; zeros keep theirs, and NaN stays.
    fn float_sign(&mut self, a: &Tensor) -> Tensor {
        let (zero, one, minus_one) = (self.double(0.0), self.double(1.0), self.double(-1.0));
        let is_above = self.writer.compare("Greater", a, &zero);
        let is_below = self.writer.compare("Less", a, &zero);
        let sign = self.writer.select(&is_below, &minus_one, a);
        self.writer.select(&is_above, &one, &sign)
    }

    /// Returns the logarithm to some base.
    ///
    /// TensorFlow has the natural one only, and a quotient of two is a little off where the result is whole, which
    /// `floor` would show: powers of the base are looked up.
    fn log(&mut self, a: &Tensor, base: u32, ln_base: f64) -> Tensor {
        let (least, most) = exponents(base).into_inner();
        let powers: Vec<f64> = exponents(base).map(|exponent| power(base, exponent)).collect();
        let [least, most] = [least, most].map(|exponent| self.double(exponent.into()));
        let ln_base = self.double(ln_base);
        let powers = self.writer.constant(tensor::doubles(&[tensor::len(&powers)], &powers));

        let ln = self.writer.unary("Log", a);
        let log = self.writer.binary("RealDiv", &ln, &ln_base);
        let whole = self.writer.unary("Rint", &log);
        let is_above = self.writer.compare("GreaterEqual", &whole, &least);
        let is_below = self.writer.compare("LessEqual", &whole, &most);
        let is_known = self.writer.and(&is_above, &is_below);
        let known = self.writer.select(&is_known, &whole, &least);
        let at = self.writer.binary("Sub", &known, &least);
        let at = self.writer.cast(&at, INT);
        let power = self.writer.gather(&powers, &at);
        let is_power = self.writer.compare("Equal", &power, a);
        self.writer.select(&is_power, &known, &log)
    }
}

/// Returns the exponents of the powers of a base that are normal floats.
fn exponents(base: u32) -> RangeInclusive<i32> {
    match base {
        2 => -1022..=1023,
        _ => -307..=308,
    }
}

fn power(base: u32, exponent: i32) -> f64 {
    match base {
        2 => 2.0_f64.powi(exponent),
        // Reading a decimal rounds correctly; `powi` does not.
        _ => format!("1e{exponent}").parse().expect("a number"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn powers_are_what_the_logarithm_is_whole_of() {
        for base in [2, 10] {
            for exponent in exponents(base) {
                let power = power(base, exponent);
                let log = if base == 2 { power.log2() } else { power.log10() };
                assert_eq!(log.to_bits(), f64::from(exponent).to_bits(), "{base}^{exponent}");
                assert!(power.is_normal());
            }
        }
    }
}
