//! Functions of text.

use graph::ValueType::{Bool, Int, String};
use graph::{Op, TrimSide};

use super::{Code, Function, Param, Returns, Special, Takes};

const STAYS: &str = "Missing stays missing.";
const X: &[Param] = &[Param::required("x", Takes::String)];
const X_AND_PART: &[Param] =
    &[Param::required("x", Takes::String), Param::required("part", Takes::String)];

pub(super) const FUNCTIONS: &[Function] = &[
    of_text(
        "lower",
        "`x` in lower case, by Unicode's rules.",
        "lower(company)",
        Code::Op(Op::Lower),
    ),
    of_text(
        "upper",
        "`x` in upper case, by Unicode's rules.",
        "upper(company)",
        Code::Op(Op::Upper),
    ),
    of_text(
        "trim",
        "`x` without the ASCII whitespace at its ends.",
        "trim(company)",
        Code::Op(Op::Trim(TrimSide::Both)),
    ),
    of_text(
        "ltrim",
        "`x` without the ASCII whitespace at its front.",
        "ltrim(company)",
        Code::Op(Op::Trim(TrimSide::Left)),
    ),
    of_text(
        "rtrim",
        "`x` without the ASCII whitespace at its back.",
        "rtrim(company)",
        Code::Op(Op::Trim(TrimSide::Right)),
    ),
    Function {
        name: "length",
        alias: None,
        params: X,
        returns: Returns::Type(Int),
        summary: "The number of characters.",
        edges: STAYS,
        example: "length(company)",
        code: Code::Op(Op::Length),
    },
    Function {
        name: "concat",
        alias: None,
        params: &[Param::repeated("x", Takes::String)],
        returns: Returns::Type(String),
        summary: "Its arguments, one behind the other.",
        edges: "Missing if one of them is.",
        example: "concat(company, '/', payment_type)",
        code: Code::Fold(Op::Concat),
    },
    Function {
        name: "substring",
        alias: Some("substr"),
        params: &[
            Param::required("x", Takes::String),
            Param::required("start", Takes::LiteralInt { min: i64::MIN, max: i64::MAX }),
            Param::optional("length", Takes::LiteralInt { min: 0, max: i64::MAX }, "to the end"),
        ],
        returns: Returns::Type(String),
        summary: "The `length` characters of `x` from the `start`-th on; the first is number 1.",
        edges: "Positions before the first are empty and count towards `length`. Missing stays missing.",
        example: "substring(company, 1, 4)",
        code: Code::Special(Special::Substring),
    },
    Function {
        name: "replace",
        alias: None,
        params: &[
            Param::required("x", Takes::String),
            Param::required("from", Takes::LiteralString),
            Param::required("to", Takes::LiteralString),
        ],
        returns: Returns::Type(String),
        summary: "`x` with every `from` in it replaced by `to`.",
        edges: "Unchanged where `from` is empty. Missing stays missing.",
        example: "replace(company, ' Inc.', '')",
        code: Code::Special(Special::Replace),
    },
    of_two(
        "starts_with",
        "Whether `x` starts with `part`.",
        "starts_with(company, 'Taxi')",
        Code::Op(Op::StartsWith),
    ),
    of_two(
        "ends_with",
        "Whether `x` ends with `part`.",
        "ends_with(company, 'Cab')",
        Code::Op(Op::EndsWith),
    ),
    of_two(
        "contains",
        "Whether `part` is in `x`.",
        "contains(company, 'Taxi')",
        Code::Op(Op::Contains),
    ),
    Function {
        name: "hash_strings",
        alias: None,
        params: &[
            Param::required("x", Takes::Token),
            Param::required("hash_buckets", Takes::LiteralInt { min: 1, max: i64::MAX }),
            Param::optional("key_0", Takes::LiteralInt { min: 0, max: i64::MAX }, "none"),
            Param::optional("key_1", Takes::LiteralInt { min: 0, max: i64::MAX }, "none"),
        ],
        returns: Returns::Type(Int),
        summary: "One of `hash_buckets` ids for a text, from 0: FarmHash's Fingerprint64, or SipHash where a key of \
                  two numbers is given.",
        edges: "The same ids as TensorFlow's. Integers are taken as decimal text. Missing stays missing.",
        example: "hash_strings(company, 100)",
        code: Code::Special(Special::HashStrings),
    },
];

const fn of_text(
    name: &'static str,
    summary: &'static str,
    example: &'static str,
    code: Code,
) -> Function {
    Function {
        name,
        alias: None,
        params: X,
        returns: Returns::Type(String),
        summary,
        edges: STAYS,
        example,
        code,
    }
}

const fn of_two(
    name: &'static str,
    summary: &'static str,
    example: &'static str,
    code: Code,
) -> Function {
    Function {
        name,
        alias: None,
        params: X_AND_PART,
        returns: Returns::Type(Bool),
        summary,
        edges: "Missing if either is.",
        example,
        code,
    }
}
