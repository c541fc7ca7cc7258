//! Functions of numbers.

use graph::Op;
use graph::ValueType::{Float, Int};

use super::{Code, Function, Param, Returns, Special, Takes};

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
