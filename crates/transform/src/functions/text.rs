//! Functions of text.

use graph::ValueType::{Bool, Int, String};
use graph::{Op, Side, TextOp, TextPairOp, TrimSide};

use super::{Code, Function, Mapper, Param, Returns, Special, Takes};

const STAYS: &str = "Missing stays missing.";
const X: &[Param] = &[Param::required("x", Takes::String)];
/// Nobody wants longer texts, and a column of them would not fit.
const LONGEST: i64 = 1_000_000;
const X_AND_COUNT: &[Param] = &[
    Param::required("x", Takes::String),
    Param::required("count", Takes::LiteralInt { min: 0, max: LONGEST }),
];
const X_AND_LENGTH: &[Param] = &[
    Param::required("x", Takes::String),
    Param::required("length", Takes::LiteralInt { min: 0, max: LONGEST }),
    Param::optional("fill", Takes::LiteralString, "' '"),
];
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
        name: "normalize",
        alias: None,
        params: &[
            Param::required("x", Takes::String),
            Param::optional("form", Takes::LiteralWord(&["nfc", "nfd", "nfkc", "nfkd"]), "'nfc'"),
        ],
        returns: Returns::Type(String),
        summary: "`x` in one of Unicode's normal forms, so that what looks the same is the same: composed (`'nfc'`), \
                  decomposed (`'nfd'`), or one of these with compatibility characters such as `ﬁ` and `①` replaced \
                  (`'nfkc'`, `'nfkd'`).",
        edges: STAYS,
        example: "lower(normalize(company, 'nfkc'))",
        code: Code::Mapper(Mapper::Normalize),
    },
    of_text(
        "strip_accents",
        "`x` without accents and other combining marks: decomposed, bared of what Unicode calls marks, and composed.",
        "strip_accents(company)",
        Code::Op(Op::Text(TextOp::StripAccents)),
    ),
    of_text(
        "reverse",
        "The characters of `x` from the last to the first.",
        "reverse(company)",
        Code::Op(Op::Text(TextOp::Reverse)),
    ),
    padded(
        "lpad",
        "`x` filled up at its front, or cut off at its end, to `length` characters.",
        "lpad(payment_type, 8, '0')",
        Side::Left,
    ),
    padded(
        "rpad",
        "`x` filled up at its back, or cut off at its end, to `length` characters.",
        "rpad(payment_type, 8, '.')",
        Side::Right,
    ),
    Function {
        name: "left",
        alias: None,
        params: X_AND_COUNT,
        returns: Returns::Type(String),
        summary: "The first `count` characters of `x`.",
        edges: "All of `x` where there are not so many. Missing stays missing.",
        example: "left(company, 3)",
        code: Code::Mapper(Mapper::Left),
    },
    Function {
        name: "right",
        alias: None,
        params: X_AND_COUNT,
        returns: Returns::Type(String),
        summary: "The last `count` characters of `x`.",
        edges: "All of `x` where there are not so many. Missing stays missing.",
        example: "right(company, 3)",
        code: Code::Mapper(Mapper::Right),
    },
    Function {
        name: "repeat",
        alias: None,
        params: X_AND_COUNT,
        returns: Returns::Type(String),
        summary: "`x`, `count` times.",
        edges: STAYS,
        example: "repeat(payment_type, 2)",
        code: Code::Mapper(Mapper::Repeat),
    },
    Function {
        name: "strpos",
        alias: Some("instr"),
        params: X_AND_PART,
        returns: Returns::Type(Int),
        summary: "The place of the first `part` in `x`, in characters from 1; 0 where it is not. \
                  `position(part IN x)` is the same.",
        edges: "1 for an empty `part`. Missing if either is.",
        example: "strpos(company, ' ')",
        code: Code::Op(Op::TextPair(TextPairOp::Position)),
    },
    Function {
        name: "split_part",
        alias: None,
        params: &[
            Param::required("x", Takes::String),
            Param::required("separator", Takes::LiteralString),
            Param::required("place", Takes::LiteralInt { min: i64::MIN, max: i64::MAX }),
        ],
        returns: Returns::Type(String),
        summary: "The `place`-th of the parts of `x` that stand between separators, from 1; from the end where \
                  `place` is negative.",
        edges: "The empty text where there are not so many parts. All of `x` is one part where `separator` is \
                empty. Missing stays missing.",
        example: "split_part(company, ' ', -1)",
        code: Code::Mapper(Mapper::SplitPart),
    },
    Function {
        name: "ascii",
        alias: Some("unicode"),
        params: X,
        returns: Returns::Type(Int),
        summary: "The number that Unicode gives to the first character.",
        edges: "0 for the empty text. Missing stays missing.",
        example: "ascii(upper(company)) - 64",
        code: Code::Op(Op::Text(TextOp::CodePoint)),
    },
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

const fn padded(
    name: &'static str,
    summary: &'static str,
    example: &'static str,
    side: Side,
) -> Function {
    Function {
        name,
        alias: None,
        params: X_AND_LENGTH,
        returns: Returns::Type(String),
        summary,
        edges: "With an empty `fill` it is only cut. Missing stays missing.",
        example,
        code: Code::Mapper(Mapper::Pad(side)),
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
