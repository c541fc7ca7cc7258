//! Functions of numbers.

use graph::ValueType::{Float, Int};
use graph::{FloatOp, IntOp, Op};

use super::{Code, Function, Mapper, Param, Returns, Special, Takes};

const STAYS: &str = "Missing stays missing, NaN stays NaN.";

pub(super) const FUNCTIONS: &[Function] = &[
    of_float("ln", None, "The natural logarithm.", LOG, "ln(fare + 1)", Code::Op(Op::Ln)),
    of_float(
        "log10",
        None,
        "The logarithm to base 10.",
        LOG,
        "log10(fare + 1)",
        Code::Op(Op::Log10),
    ),
    of_float("log2", None, "The logarithm to base 2.", LOG, "log2(fare + 1)", Code::Op(Op::Log2)),
    of_float("exp", None, "`e` to the power of `x`.", STAYS, "exp(-trip_miles)", Code::Op(Op::Exp)),
    of_float(
        "sqrt",
        None,
        "The square root.",
        "NaN for negative numbers. Missing stays missing.",
        "sqrt(trip_miles)",
        Code::Op(Op::Sqrt),
    ),
    Function {
        name: "power",
        alias: Some("pow"),
        params: &[Param::required("x", Takes::Float), Param::required("exponent", Takes::Float)],
        returns: Returns::Type(Float),
        summary: "`x` to the power of `exponent`.",
        edges: "As C's `pow`. Missing if either is.",
        example: "power(trip_miles, 2)",
        code: Code::Op(Op::Power),
    },
    of_number("abs", "The absolute value.", "abs(fare - tips)", Code::Op(Op::Abs)),
    of_number(
        "sign",
        "-1 for negative numbers, 0 for zero, 1 for positive ones.",
        "sign(tips)",
        Code::Op(Op::Sign),
    ),
    of_float(
        "floor",
        None,
        "The greatest whole number that is not above `x`, as a float.",
        STAYS,
        "floor(fare)",
        Code::Op(Op::Floor),
    ),
    of_float(
        "ceil",
        Some("ceiling"),
        "The least whole number that is not below `x`, as a float.",
        STAYS,
        "ceil(fare)",
        Code::Op(Op::Ceil),
    ),
    of_float(
        "round",
        None,
        "The whole number nearest to `x`, as a float.",
        "Halves go to the even number, as in TensorFlow. Missing stays missing, NaN stays NaN.",
        "round(fare)",
        Code::Op(Op::Round),
    ),
    of_float(
        "sin",
        None,
        "The sine of an angle in radians.",
        STAYS,
        "sin(trip_start_hour * 0.2618)",
        Code::Op(Op::Sin),
    ),
    of_float(
        "cos",
        None,
        "The cosine of an angle in radians.",
        STAYS,
        "cos(trip_start_hour * 0.2618)",
        Code::Op(Op::Cos),
    ),
    of_float("tanh", None, "The hyperbolic tangent.", STAYS, "tanh(tips)", Code::Op(Op::Tanh)),
    of_float(
        "sigmoid",
        None,
        "`1 / (1 + exp(-x))`.",
        STAYS,
        "sigmoid(tips)",
        Code::Op(Op::Sigmoid),
    ),
    of_float(
        "log1p",
        None,
        "`ln(1 + x)`, exact also where `x` is small.",
        "-Inf for -1, NaN below. Missing stays missing.",
        "log1p(fare)",
        Code::Op(Op::Float(FloatOp::Log1p)),
    ),
    of_float(
        "expm1",
        None,
        "`exp(x) - 1`, exact also where `x` is small.",
        STAYS,
        "expm1(tips)",
        Code::Op(Op::Float(FloatOp::Expm1)),
    ),
    of_float(
        "cbrt",
        None,
        "The cube root.",
        STAYS,
        "cbrt(fare)",
        Code::Op(Op::Float(FloatOp::Cbrt)),
    ),
    of_float(
        "trunc",
        None,
        "The whole number next to `x` towards 0, as a float.",
        STAYS,
        "trunc(fare)",
        Code::Op(Op::Float(FloatOp::Trunc)),
    ),
    of_float(
        "tan",
        None,
        "The tangent of an angle in radians.",
        STAYS,
        "tan(radians(pickup_latitude))",
        Code::Op(Op::Float(FloatOp::Tan)),
    ),
    of_float(
        "asin",
        None,
        "The angle in radians that has `x` for its sine.",
        UNIT,
        "asin(tips / fare)",
        Code::Op(Op::Float(FloatOp::Asin)),
    ),
    of_float(
        "acos",
        None,
        "The angle in radians that has `x` for its cosine.",
        UNIT,
        "acos(tips / fare)",
        Code::Op(Op::Float(FloatOp::Acos)),
    ),
    of_float(
        "atan",
        None,
        "The angle in radians that has `x` for its tangent.",
        STAYS,
        "atan(fare)",
        Code::Op(Op::Float(FloatOp::Atan)),
    ),
    Function {
        name: "atan2",
        alias: None,
        params: &[Param::required("y", Takes::Float), Param::required("x", Takes::Float)],
        returns: Returns::Type(Float),
        summary: "The angle in radians of the point `(x, y)`, from -pi to pi.",
        edges: "As C's `atan2`. Missing if either is.",
        example: "atan2(dropoff_latitude - pickup_latitude, trip_miles)",
        code: Code::Op(Op::Atan2),
    },
    of_float(
        "sinh",
        None,
        "The hyperbolic sine.",
        STAYS,
        "sinh(tips)",
        Code::Op(Op::Float(FloatOp::Sinh)),
    ),
    of_float(
        "cosh",
        None,
        "The hyperbolic cosine.",
        STAYS,
        "cosh(tips)",
        Code::Op(Op::Float(FloatOp::Cosh)),
    ),
    of_float(
        "asinh",
        None,
        "The inverse of the hyperbolic sine: as a logarithm for large numbers, but for negative ones and 0 too.",
        STAYS,
        "asinh(tips)",
        Code::Op(Op::Float(FloatOp::Asinh)),
    ),
    of_float(
        "acosh",
        None,
        "The inverse of the hyperbolic cosine.",
        "NaN below 1. Missing stays missing.",
        "acosh(fare + 1)",
        Code::Op(Op::Float(FloatOp::Acosh)),
    ),
    of_float(
        "atanh",
        None,
        "The inverse of the hyperbolic tangent.",
        "Infinite for -1 and 1, NaN beyond. Missing stays missing.",
        "atanh(tips / fare)",
        Code::Op(Op::Float(FloatOp::Atanh)),
    ),
    of_float(
        "radians",
        None,
        "Degrees as radians.",
        STAYS,
        "radians(pickup_latitude)",
        Code::Mapper(Mapper::Times(std::f64::consts::PI / 180.0)),
    ),
    of_float(
        "degrees",
        None,
        "Radians as degrees.",
        STAYS,
        "degrees(atan(fare))",
        Code::Mapper(Mapper::Times(180.0 / std::f64::consts::PI)),
    ),
    Function {
        name: "pi",
        alias: None,
        params: &[],
        returns: Returns::Type(Float),
        summary: "Half of the angle of a full turn in radians.",
        edges: "Never missing.",
        example: "sin(2 * pi() * trip_start_hour / 24)",
        code: Code::Mapper(Mapper::Number(std::f64::consts::PI)),
    },
    Function {
        name: "clip",
        alias: None,
        params: &[
            Param::required("x", Takes::Number),
            Param::required("low", Takes::Number),
            Param::required("high", Takes::Number),
        ],
        returns: Returns::Common,
        summary: "`x`, but not below `low` nor above `high`; `low` where `low` is above `high`.",
        edges: "Missing if one of them is, NaN if one of them is.",
        example: "clip(fare, 0, 100)",
        code: Code::Mapper(Mapper::Clip),
    },
    Function {
        name: "div",
        alias: None,
        params: INTS,
        returns: Returns::Type(Int),
        summary: "`x / y`, an integer, cut off towards 0.",
        edges: "Missing where `y` is 0, or if either is missing. `x % y` is the rest.",
        example: "div(trip_start_hour, 6)",
        code: Code::Op(Op::Int(IntOp::Quotient)),
    },
    Function {
        name: "xor",
        alias: None,
        params: INTS,
        returns: Returns::Type(Int),
        summary: "The bits that only one of two integers has.",
        edges: "Missing if either is. The operators `&` and `|` give the bits that both have and that either has.",
        example: "xor(trip_start_hour, 1)",
        code: Code::Op(Op::Int(IntOp::BitXor)),
    },
    Function {
        name: "shift_left",
        alias: None,
        params: INTS,
        returns: Returns::Type(Int),
        summary: "The bits of `x` moved `y` places up; what leaves the 64 bits is lost.",
        edges: "Missing where `y` is not from 0 to 63, or if either is missing.",
        example: "shift_left(1, trip_start_hour)",
        code: Code::Op(Op::Int(IntOp::ShiftLeft)),
    },
    Function {
        name: "shift_right",
        alias: None,
        params: INTS,
        returns: Returns::Type(Int),
        summary: "The bits of `x` moved `y` places down; the sign stays.",
        edges: "Missing where `y` is not from 0 to 63, or if either is missing.",
        example: "shift_right(trip_start_hour, 2)",
        code: Code::Op(Op::Int(IntOp::ShiftRight)),
    },
    Function {
        name: "width_bucket",
        alias: None,
        params: &[
            Param::required("x", Takes::Float),
            Param::required("low", Takes::LiteralNumber),
            Param::required("high", Takes::LiteralNumber),
            Param::required("num_buckets", Takes::LiteralInt { min: 1, max: 100_000 }),
        ],
        returns: Returns::Type(Int),
        summary: "The number, from 1, of the bucket that `x` falls into, of buckets of equal width from `low` to \
                  `high`. Below `low` it is 0, from `high` on `num_buckets + 1`.",
        edges: "A number that is the end of a bucket belongs to the next one. NaN goes to the last one, missing \
                stays missing.",
        example: "width_bucket(fare, 0, 100, 20)",
        code: Code::Mapper(Mapper::WidthBucket),
    },
    extreme("least", "The least of its arguments.", "least(fare, 100.0)", Code::Fold(Op::Least)),
    extreme(
        "greatest",
        "The greatest of its arguments.",
        "greatest(fare, 0)",
        Code::Fold(Op::Greatest),
    ),
    Function {
        name: "apply_buckets",
        alias: None,
        params: &[
            Param::required("x", Takes::Float),
            Param::repeated("boundary", Takes::LiteralNumber),
        ],
        returns: Returns::Type(Int),
        summary: "The number of boundaries that are at most `x`: the bucket, from 0, that it falls into.",
        edges: "Boundaries ascend. NaN goes to the last bucket, missing stays missing.",
        example: "apply_buckets(trip_start_hour, 6, 12, 18)",
        code: Code::Special(Special::ApplyBuckets),
    },
    Function {
        name: "apply_buckets_with_interpolation",
        alias: None,
        params: &[
            Param::required("x", Takes::Float),
            Param::repeated("boundary", Takes::LiteralNumber),
        ],
        returns: Returns::Type(Float),
        summary: "Where among boundaries `x` is, from 0 at the first to 1 at the last, in equal steps from each to the \
                  next and in proportion between them.",
        edges: "Boundaries ascend. Beyond them it is 0 and 1; with one boundary 0 below and 1 from it on. NaN is at 0.5, \
                missing stays missing.",
        example: "apply_buckets_with_interpolation(trip_miles, 0, 1, 5, 20)",
        code: Code::Special(Special::ApplyBucketsWithInterpolation),
    },
];

const LOG: &str = "-Inf for 0, NaN for negative numbers. Missing stays missing.";

const UNIT: &str = "NaN beyond -1 and 1. Missing stays missing.";

const INTS: &[Param] = &[Param::required("x", Takes::Int), Param::required("y", Takes::Int)];
const X_FLOAT: &[Param] = &[Param::required("x", Takes::Float)];
const X_NUMBER: &[Param] = &[Param::required("x", Takes::Number)];
const X_NUMBERS: &[Param] = &[Param::repeated("x", Takes::Number)];

const fn of_float(
    name: &'static str,
    alias: Option<&'static str>,
    summary: &'static str,
    edges: &'static str,
    example: &'static str,
    code: Code,
) -> Function {
    let (params, returns) = (X_FLOAT, Returns::Type(Float));
    Function { name, alias, params, returns, summary, edges, example, code }
}

const fn of_number(
    name: &'static str,
    summary: &'static str,
    example: &'static str,
    code: Code,
) -> Function {
    Function {
        name,
        alias: None,
        params: X_NUMBER,
        returns: Returns::Common,
        summary,
        edges: STAYS,
        example,
        code,
    }
}

const fn extreme(
    name: &'static str,
    summary: &'static str,
    example: &'static str,
    code: Code,
) -> Function {
    Function {
        name,
        alias: None,
        params: X_NUMBERS,
        returns: Returns::Common,
        summary,
        edges: "Missing if one of them is, NaN if one of them is.",
        example,
        code,
    }
}
