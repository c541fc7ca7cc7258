//! Operators: functions that are written between, before or behind what they take.

use graph::ValueType::{Bool, Float, Int, String};
use graph::{IntOp, Op};

use super::{Code, Function, Mapper, Param, Returns, Special, Takes};

const EITHER: &str = "Missing if either side is.";
const COMPARED: &str = "Missing if either side is. Text is ordered by its bytes, false is less than true; NaN is \
                        unequal to everything and neither less nor greater.";

const NUMBERS: &[Param] =
    &[Param::required("left side", Takes::Number), Param::required("right side", Takes::Number)];
const FLOATS: &[Param] =
    &[Param::required("left side", Takes::Float), Param::required("right side", Takes::Float)];
const INTS: &[Param] =
    &[Param::required("left side", Takes::Int), Param::required("right side", Takes::Int)];
const ANY: &[Param] =
    &[Param::required("left side", Takes::Any), Param::required("right side", Takes::Any)];
const BOOLS: &[Param] =
    &[Param::required("left side", Takes::Bool), Param::required("right side", Takes::Bool)];
const STRINGS: &[Param] =
    &[Param::required("left side", Takes::String), Param::required("right side", Takes::String)];

pub(super) const FUNCTIONS: &[Function] = &[
    arithmetic("+", "The sum.", WRAPS, "fare + tips", Code::Op(Op::Add)),
    arithmetic("-", "The difference.", WRAPS, "fare - tips", Code::Op(Op::Subtract)),
    arithmetic("*", "The product.", WRAPS, "fare * 0.2", Code::Op(Op::Multiply)),
    Function {
        name: "/",
        alias: None,
        params: FLOATS,
        returns: Returns::Type(Float),
        summary: "The quotient, a float even for two integers.",
        edges: "Dividing by 0 gives an infinity or NaN. Missing if either side is.",
        example: "fare / (trip_miles + 0.5)",
        code: Code::Op(Op::Divide),
    },
    arithmetic(
        "%",
        "The rest of the division, with the sign of the left side.",
        "For integers missing where the right side is 0, for floats NaN. Missing if either side is.",
        "trip_start_hour % 12",
        Code::Op(Op::Modulo),
    ),
    Function {
        name: "-x",
        alias: None,
        params: &[Param::required("operand", Takes::Number)],
        returns: Returns::Common,
        summary: "The number with its sign changed.",
        edges: "Missing stays missing.",
        example: "-pickup_longitude",
        code: Code::Op(Op::Negate),
    },
    bitwise("&", "The bits that both sides have.", "trip_start_hour & 3", IntOp::BitAnd),
    bitwise("|", "The bits that either side has.", "trip_start_hour | 1", IntOp::BitOr),
    comparison("=", "Whether both sides are equal.", "payment_type = 'Cash'", Code::Op(Op::Equal)),
    comparison(
        "<>",
        "Whether the sides differ; `!=` is the same.",
        "payment_type <> 'Cash'",
        Code::Op(Op::NotEqual),
    ),
    comparison("<", "Whether the left side is less.", "tips < fare", Code::Op(Op::Less)),
    comparison(
        "<=",
        "Whether the left side is not greater.",
        "tips <= fare",
        Code::Op(Op::LessOrEqual),
    ),
    comparison(
        ">",
        "Whether the left side is greater.",
        "tips > fare * 0.2",
        Code::Op(Op::Greater),
    ),
    comparison(
        ">=",
        "Whether the left side is not less.",
        "tips >= 1",
        Code::Op(Op::GreaterOrEqual),
    ),
    Function {
        name: "IN",
        alias: None,
        params: &[Param::required("left side", Takes::Any), Param::repeated("list", Takes::Any)],
        returns: Returns::Type(Bool),
        summary: "Whether the left side equals one of a list; `NOT IN` is the opposite.",
        edges: "Missing if the left side is, or if nothing equals it and something in the list is missing.",
        example: "payment_type IN ('Cash', 'Credit Card')",
        code: Code::Special(Special::In),
    },
    Function {
        name: "BETWEEN",
        alias: None,
        params: &[
            Param::required("left side", Takes::Any),
            Param::required("low end", Takes::Any),
            Param::required("high end", Takes::Any),
        ],
        returns: Returns::Type(Bool),
        summary: "`x BETWEEN a AND b` is `x >= a AND x <= b`; `NOT BETWEEN` is the opposite.",
        edges: "As these.",
        example: "fare BETWEEN 1 AND 100",
        code: Code::Special(Special::Between),
    },
    Function {
        name: "AND",
        alias: None,
        params: BOOLS,
        returns: Returns::Type(Bool),
        summary: "Whether both sides are true.",
        edges: "False if one side is, even where the other is missing; otherwise missing if either is.",
        example: "tips > 0 AND fare < 100",
        code: Code::Op(Op::And),
    },
    Function {
        name: "OR",
        alias: None,
        params: BOOLS,
        returns: Returns::Type(Bool),
        summary: "Whether one side is true.",
        edges: "True if one side is, even where the other is missing; otherwise missing if either is.",
        example: "tips > 0 OR fare > 100",
        code: Code::Op(Op::Or),
    },
    Function {
        name: "NOT",
        alias: None,
        params: &[Param::required("operand", Takes::Bool)],
        returns: Returns::Type(Bool),
        summary: "The opposite.",
        edges: "Missing stays missing.",
        example: "NOT tips > 0",
        code: Code::Op(Op::Not),
    },
    Function {
        name: "IS NULL",
        alias: None,
        params: &[Param::required("operand", Takes::Each)],
        returns: Returns::Type(Bool),
        summary: "Whether a value is missing; `IS NOT NULL` is the opposite. `IS TRUE`, `IS FALSE` and their \
                  opposites count a missing condition as neither.",
        edges: "Never missing. NaN is not missing.",
        example: "company IS NULL",
        code: Code::Op(Op::IsNull),
    },
    Function {
        name: "||",
        alias: None,
        params: STRINGS,
        returns: Returns::Type(String),
        summary: "The left side with the right side behind it.",
        edges: EITHER,
        example: "company || '/' || payment_type",
        code: Code::Fold(Op::Concat),
    },
    Function {
        name: "LIKE",
        alias: None,
        params: &[
            Param::required("left side", Takes::String),
            Param::required("pattern", Takes::LiteralString),
            Param::optional("escape", Takes::LiteralString, "none"),
        ],
        returns: Returns::Type(Bool),
        summary: "Whether a text is as a pattern from end to end, in which `%` stands for any characters or none and \
                  `_` for one. Behind it, `ESCAPE '!'` makes `!%`, `!_` and `!!` stand for themselves.",
        edges: "Missing stays missing.",
        example: "company LIKE '%Taxi%'",
        code: Code::Special(Special::Like),
    },
    Function {
        name: "ILIKE",
        alias: None,
        params: &[
            Param::required("left side", Takes::String),
            Param::required("pattern", Takes::LiteralString),
            Param::optional("escape", Takes::LiteralString, "none"),
        ],
        returns: Returns::Type(Bool),
        summary: "As `LIKE`, upper and lower case being the same by Unicode's simple folding.",
        edges: "Missing stays missing.",
        example: "company ILIKE '%taxi_'",
        code: Code::Mapper(Mapper::ILike),
    },
];

const WRAPS: &str = "Integers wrap around at 64 bits. Missing if either side is.";

const fn arithmetic(
    name: &'static str,
    summary: &'static str,
    edges: &'static str,
    example: &'static str,
    code: Code,
) -> Function {
    Function {
        name,
        alias: None,
        params: NUMBERS,
        returns: Returns::Common,
        summary,
        edges,
        example,
        code,
    }
}

const fn bitwise(
    name: &'static str,
    summary: &'static str,
    example: &'static str,
    op: IntOp,
) -> Function {
    Function {
        name,
        alias: None,
        params: INTS,
        returns: Returns::Type(Int),
        summary,
        edges: EITHER,
        example,
        code: Code::Op(Op::Int(op)),
    }
}

const fn comparison(
    name: &'static str,
    summary: &'static str,
    example: &'static str,
    code: Code,
) -> Function {
    Function {
        name,
        alias: None,
        params: ANY,
        returns: Returns::Type(Bool),
        summary,
        edges: COMPARED,
        example,
        code,
    }
}
