//! Functions about values that are not there.

use graph::Op;
use graph::ValueType::{Bool, Float};

use super::{Code, Function, Mapper, Param, Returns, Special, Takes};

pub(super) const FUNCTIONS: &[Function] = &[
    Function {
        name: "fill_missing",
        alias: None,
        params: &[Param::required("x", Takes::Any), Param::required("value", Takes::Any)],
        returns: Returns::Common,
        summary: "`x`, or `value` where `x` is missing.",
        edges: "NaN is not missing.",
        example: "fill_missing(trip_miles, 0.0)",
        code: Code::Fold(Op::Coalesce),
    },
    Function {
        name: "coalesce",
        alias: None,
        params: &[Param::repeated("x", Takes::Any)],
        returns: Returns::Common,
        summary: "The first of its arguments that is not missing.",
        edges: "Missing if all are.",
        example: "coalesce(pickup_latitude, dropoff_latitude, 41.88)",
        code: Code::Fold(Op::Coalesce),
    },
    Function {
        name: "nullif",
        alias: None,
        params: &[Param::required("x", Takes::Any), Param::required("value", Takes::Any)],
        returns: Returns::Common,
        summary: "`x`, or a missing value where `x` equals `value`.",
        edges: "Missing stays missing.",
        example: "nullif(company, '')",
        code: Code::Special(Special::NullIf),
    },
    Function {
        name: "is_nan",
        alias: None,
        params: &[Param::required("x", Takes::Float)],
        returns: Returns::Type(Bool),
        summary: "Whether a number is NaN.",
        edges: "Missing stays missing.",
        example: "CASE WHEN is_nan(fare) THEN 0.0 ELSE fare END",
        code: Code::Op(Op::IsNan),
    },
    Function {
        name: "is_finite",
        alias: None,
        params: &[Param::required("x", Takes::Float)],
        returns: Returns::Type(Bool),
        summary: "Whether a number is neither NaN nor infinite.",
        edges: "Missing stays missing.",
        example: "is_finite(ln(tips))",
        code: Code::Op(Op::IsFinite),
    },
    Function {
        name: "is_inf",
        alias: Some("is_infinite"),
        params: &[Param::required("x", Takes::Float)],
        returns: Returns::Type(Bool),
        summary: "Whether a number is one of the infinities.",
        edges: "Missing stays missing.",
        example: "is_inf(ln(tips))",
        code: Code::Op(Op::IsInfinite),
    },
    Function {
        name: "nan_to_missing",
        alias: None,
        params: &[Param::required("x", Takes::Float)],
        returns: Returns::Type(Float),
        summary: "`x`, or a missing value where `x` is NaN.",
        edges: "Missing stays missing. The infinities stay.",
        example: "fill_missing(nan_to_missing(sqrt(tips - 1)), 0.0)",
        code: Code::Mapper(Mapper::NanToMissing),
    },
];
