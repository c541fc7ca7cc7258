//! Functions with regular expressions.

use graph::ValueType::{Bool, String};

use super::{Code, Count, Function, Mapper, Param, Returns, Takes};

const X_AND_PATTERN: &[Param] =
    &[Param::required("x", Takes::String), Param::required("pattern", Takes::LiteralString)];

pub(super) const FUNCTIONS: &[Function] = &[
    Function {
        name: "regexp_like",
        alias: Some("regexp_matches"),
        params: X_AND_PATTERN,
        returns: Returns::Type(Bool),
        summary: "Whether a regular expression matches somewhere in `x`; `^` and `$` stand for its ends. Patterns are \
                  those of Rust's crate `regex` and mean what they mean in RE2: of the leftmost matches the one that \
                  comes first in the pattern; `.` is any character but a line feed; `\\d`, `\\s`, `\\w` and `\\b` know \
                  ASCII only; `(?i)` folds case by Unicode's simple rules; no lookaround and no `\\1` in a pattern. \
                  RE2, and so TensorFlow, has no `&&`, `--`, `~~` or brackets within brackets, no flags `x`, `u` and \
                  `R`, no `(?<name>…)` (but `(?P<name>…)`), no `\\u` (but `\\x{…}`), no `\\b{…}` and `\\<`, another `\\B`, `\\p{…}` \
                  only with short names, and repeats at most 1,000 times.",
        edges: "Missing stays missing. A pattern has at most 10,000 bytes, and compiled at most 4 MiB; matching takes \
                time in proportion to the text.",
        example: "regexp_like(company, '(?i)\\b(taxi|cab)s?\\b')",
        code: Code::Mapper(Mapper::RegexpLike),
    },
    Function {
        name: "regexp_full_match",
        alias: None,
        params: X_AND_PATTERN,
        returns: Returns::Type(Bool),
        summary: "Whether a regular expression matches all of `x`, from its first to its last character.",
        edges: "As `regexp_like`.",
        example: "regexp_full_match(company, '[0-9]{4} - .*')",
        code: Code::Mapper(Mapper::RegexpFullMatch),
    },
    Function {
        name: "regexp_extract",
        alias: None,
        params: &[
            Param::required("x", Takes::String),
            Param::required("pattern", Takes::LiteralString),
            Param::optional("group", Takes::LiteralInt { min: 0, max: 10_000 }, "0"),
        ],
        returns: Returns::Type(String),
        summary: "What the first match of a regular expression in `x` holds, or one of its groups in parentheses, \
                  which are counted from 1.",
        edges: "Missing where nothing matches, and where the group took no part in the match; `fill_missing(…, '')` \
                makes of that what other databases do. Otherwise as `regexp_like`.",
        example: "regexp_extract(company, '^([0-9]+) - ', 1)",
        code: Code::Mapper(Mapper::RegexpExtract),
    },
    Function {
        name: "regexp_replace",
        alias: None,
        params: &[
            Param::required("x", Takes::String),
            Param::required("pattern", Takes::LiteralString),
            Param::required("replacement", Takes::LiteralString),
            Param::optional("replace_global", Takes::LiteralBool, "TRUE"),
        ],
        returns: Returns::Type(String),
        summary: "`x` with every match of a regular expression replaced, or only the first where `replace_global` is \
                  FALSE. In the replacement `\\0` is the match, `\\1` to `\\9` are its groups, `\\\\` is a backslash.",
        edges: "A group that took no part in a match is empty. Otherwise as `regexp_like`.",
        example: "regexp_replace(company, '^[0-9]+ - [0-9]+ ', '')",
        code: Code::Mapper(Mapper::RegexpReplace),
    },
    Function {
        name: "regexp_split",
        alias: Some("regexp_split_to_array"),
        params: &[
            Param::required("x", Takes::String).of(Count::One),
            Param::required("pattern", Takes::LiteralString),
        ],
        returns: Returns::Type(String),
        summary: "A text cut wherever a regular expression matches, as a list.",
        edges: "Matches of nothing do not cut; where two matches follow each other there is an empty text between \
                them. Otherwise as `regexp_like`.",
        example: "regexp_split(company, '[ ,]+')",
        code: Code::Mapper(Mapper::RegexpSplit),
    },
    Function {
        name: "regexp_extract_all",
        alias: None,
        params: &[
            Param::required("x", Takes::String).of(Count::One),
            Param::required("pattern", Takes::LiteralString),
            Param::optional("group", Takes::LiteralInt { min: 0, max: 10_000 }, "0"),
        ],
        returns: Returns::Type(String),
        summary: "What every match of a regular expression in a text holds, or one of its groups, as a list.",
        edges: "A group that took no part in a match is a missing value of the list. Otherwise as `regexp_like`.",
        example: "regexp_extract_all(company, '[0-9]+')",
        code: Code::Mapper(Mapper::RegexpExtractAll),
    },
];
