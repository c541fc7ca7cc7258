//! Functions of whole lists, and those that make lists.

use graph::ListOp;
use graph::Op::OfList;
use graph::ValueType::{Bool, Float, Int, String};

use super::{AnalyzerCode, Code, Count, Function, ListCode, Param, Returns, Special, Takes};

const STAYS: &str = "A missing list stays missing.";
const OMITS: &str = "A missing list stays missing; missing values within are left out.";

/// Vectors and text beyond this do not fit into memory many at a time.
const MAX_LENGTH: i64 = 1 << 20;

const LENGTH: Takes = Takes::LiteralInt { min: 0, max: MAX_LENGTH };
const PLACE: Takes = Takes::LiteralInt { min: i64::MIN, max: i64::MAX };

const fn list(takes: Takes) -> Param {
    Param::required("x", takes).of(Count::List)
}

const ANY: &[Param] = &[list(Takes::Any)];
const NUMBERS: &[Param] = &[list(Takes::Number)];
const NGRAMS: &[Param] = &[
    list(Takes::String),
    Param::required("least", Takes::LiteralInt { min: 1, max: MAX_LENGTH }),
    Param::required("most", Takes::LiteralInt { min: 1, max: MAX_LENGTH }),
    Param::optional("separator", Takes::LiteralString, "' '"),
];

pub(super) const FUNCTIONS: &[Function] = &[
    Function {
        name: "list",
        alias: None,
        params: &[Param::repeated("x", Takes::Any).of(Count::One)],
        returns: Returns::Common,
        summary: "A list of its arguments, always as long.",
        edges: "Missing arguments are missing values of the list.",
        example: "list(pickup_latitude, pickup_longitude)",
        code: Code::Op(OfList(ListOp::Make)),
    },
    Function {
        name: "split",
        alias: Some("string_split"),
        params: &[
            Param::required("x", Takes::String).of(Count::One),
            Param::optional("separator", Takes::LiteralString, "''"),
        ],
        returns: Returns::Type(String),
        summary: "A text cut at every separator, or at runs of ASCII whitespace where there is none.",
        edges: "With a separator two in a row have an empty text between them; without one there are no empty texts. \
                Missing stays missing.",
        example: "split(company, ' ')",
        code: Code::Special(Special::Lists(ListCode::Split)),
    },
    Function {
        name: "list_length",
        alias: Some("word_count"),
        params: &[list(Takes::Each)],
        returns: Returns::Type(Int),
        summary: "The number of values, missing ones included.",
        edges: STAYS,
        example: "list_length(split(company))",
        code: Code::Op(OfList(ListOp::Length)),
    },
    Function {
        name: "list_get",
        alias: Some("list_extract"),
        params: &[list(Takes::Any), Param::required("place", PLACE)],
        returns: Returns::Common,
        summary: "One value by its place: from 1 at the front, from -1 at the back.",
        edges: "Missing where there is no such place, or the list is missing.",
        example: "list_get(split(company), -1)",
        code: Code::Special(Special::Lists(ListCode::Get)),
    },
    Function {
        name: "list_slice",
        alias: None,
        params: &[
            list(Takes::Any),
            Param::required("start", PLACE),
            Param::optional("length", Takes::LiteralInt { min: 0, max: i64::MAX }, "to the end"),
        ],
        returns: Returns::Common,
        summary: "The `length` values from place `start` on: from 1 at the front, from -1 at the back.",
        edges: "Places before the first are empty and count towards `length`. A missing list stays missing.",
        example: "list_slice(split(company), 1, 2)",
        code: Code::Special(Special::Lists(ListCode::Slice)),
    },
    Function {
        name: "list_pad",
        alias: None,
        params: &[
            list(Takes::Any),
            Param::required("length", LENGTH),
            Param::required("value", Takes::Any).of(Count::One),
        ],
        returns: Returns::Common,
        summary: "The first `length` values, with a constant behind them where there are fewer.",
        edges: "Always `length` values. A missing list stays missing.",
        example: "list_pad(split(company), 4, '')",
        code: Code::Special(Special::Lists(ListCode::Pad)),
    },
    of_numbers(
        "list_sum",
        "The sum; 0 of none. Integers wrap around at 64 bits.",
        OMITS,
        "list_sum(list(fare, tips))",
        ListOp::Sum,
    ),
    Function {
        name: "list_mean",
        alias: Some("list_avg"),
        params: &[list(Takes::Float)],
        returns: Returns::Type(Float),
        summary: "The mean; missing of none.",
        edges: OMITS,
        example: "list_mean(list(fare, tips))",
        code: Code::Op(OfList(ListOp::Mean)),
    },
    of_numbers(
        "list_min",
        "The least value, NaN when one is; missing of none.",
        OMITS,
        "list_min(list(fare, tips))",
        ListOp::Least,
    ),
    of_numbers(
        "list_max",
        "The greatest value, NaN when one is; missing of none.",
        OMITS,
        "list_max(list(fare, tips))",
        ListOp::Greatest,
    ),
    Function {
        name: "list_contains",
        alias: None,
        params: &[list(Takes::Any), Param::required("value", Takes::Any).of(Count::One)],
        returns: Returns::Type(Bool),
        summary: "Whether one of the values equals another.",
        edges: "Missing if the list or the value is. Missing values within and NaN equal nothing.",
        example: "list_contains(split(company), 'Taxi')",
        code: Code::Op(OfList(ListOp::Contains)),
    },
    same(
        "list_distinct",
        Some("deduplicate"),
        "Each value once, where it came first.",
        "list_distinct(split(company))",
        ListOp::Distinct,
    ),
    same(
        "list_sort",
        None,
        "The values in ascending order: text by its bytes, NaN behind all numbers, missing ones last.",
        "list_sort(split(company))",
        ListOp::Sort,
    ),
    Function {
        name: "list_concat",
        alias: None,
        params: &[
            Param::required("x", Takes::Any).of(Count::List),
            Param::repeated("y", Takes::Any).of(Count::List),
        ],
        returns: Returns::Common,
        summary: "The values of its arguments, one list behind the other.",
        edges: "Missing if one of them is.",
        example: "list_concat(split(company), split(payment_type))",
        code: Code::Fold(OfList(ListOp::Append)),
    },
    Function {
        name: "list_join",
        alias: Some("array_to_string"),
        params: &[list(Takes::String), Param::optional("separator", Takes::LiteralString, "''")],
        returns: Returns::Type(String),
        summary: "The texts of a list as one, with a separator between them.",
        edges: OMITS,
        example: "list_join(split(company, ' '), '_')",
        code: Code::Special(Special::Lists(ListCode::Join)),
    },
    ngrams(
        "ngrams",
        "The texts of a list that follow each other, `least` to `most` of them joined: those that start first \
         first, the shorter before the longer.",
        "ngrams(split(company), 1, 2, ' ')",
        ListCode::NGrams,
    ),
    ngrams(
        "bag_of_words",
        "What `ngrams` gives, each once.",
        "bag_of_words(split(company), 1, 2, ' ')",
        ListCode::BagOfWords,
    ),
    Function {
        name: "cross",
        alias: None,
        params: &[
            Param::required("x", Takes::Token).of(Count::Both),
            Param::required("y", Takes::Token).of(Count::Both),
            Param::optional("separator", Takes::LiteralString, "'_x_'"),
        ],
        returns: Returns::Type(String),
        summary: "Every value of `x` with every value of `y`, joined as text; of two single values one text, otherwise \
                  a list.",
        edges: "Missing if one of them is; missing values within lists are left out.",
        example: "cross(company, trip_start_hour)",
        code: Code::Special(Special::Lists(ListCode::Cross)),
    },
    Function {
        name: "one_hot",
        alias: None,
        params: &[
            Param::required("x", Takes::Int).of(Count::One),
            Param::required("depth", LENGTH),
        ],
        returns: Returns::Type(Float),
        summary: "`depth` numbers: 1 at the place that `x` says, from 0, and 0 everywhere else.",
        edges: "All 0 where there is no such place. Missing stays missing.",
        example: "one_hot(apply_buckets(trip_start_hour, 6, 12, 18), 4)",
        code: Code::Special(Special::Lists(ListCode::OneHot)),
    },
    Function {
        name: "multi_hot",
        alias: None,
        params: &[list(Takes::Int), Param::required("depth", LENGTH)],
        returns: Returns::Type(Float),
        summary: "`depth` numbers: 1 at each place that a list says, from 0, and 0 everywhere else.",
        edges: "Places that are not there and missing values within say nothing. A missing list stays missing.",
        example: "multi_hot(hash_strings(split(company), 8), 8)",
        code: Code::Special(Special::Lists(ListCode::MultiHot)),
    },
    Function {
        name: "tfidf_ids",
        alias: None,
        params: &[list(Takes::Int), Param::required("vocab_size", LENGTH)],
        returns: Returns::Type(Int),
        summary: "The ids of the terms that `tfidf_weights` weighs: those from 0 to below `vocab_size` that are in a \
                  list, each once, ascending.",
        edges: OMITS,
        example: "tfidf_ids(hash_strings(split(company), 100), 100)",
        code: Code::Special(Special::Lists(ListCode::TermIds)),
    },
    Function {
        name: "tfidf_weights",
        alias: None,
        params: TERMS,
        returns: Returns::Type(Float),
        summary: "For each id that `tfidf_ids` gives, its share of all such ids in the list, times \
                  `1 + ln((N + 1) / (n + 1))`, or `1 + ln(N / n)` where it is not smooth: `n` of the `N` lists of the \
                  analyzed split have it.",
        edges: "A missing list stays missing, and does not count; an empty one does. Where it is not smooth, a term \
                that was in no list weighs 0.",
        example: "tfidf_weights(hash_strings(split(company), 100), 100)",
        code: Code::Analyzer(AnalyzerCode::TermWeights),
    },
];

const TERMS: &[Param] = &[
    list(Takes::Int),
    Param::required("vocab_size", LENGTH),
    Param::optional("smooth", Takes::LiteralBool, "TRUE"),
];

const fn of_numbers(
    name: &'static str,
    summary: &'static str,
    edges: &'static str,
    example: &'static str,
    op: ListOp,
) -> Function {
    Function {
        name,
        alias: None,
        params: NUMBERS,
        returns: Returns::Common,
        summary,
        edges,
        example,
        code: Code::Op(OfList(op)),
    }
}

const fn same(
    name: &'static str,
    alias: Option<&'static str>,
    summary: &'static str,
    example: &'static str,
    op: ListOp,
) -> Function {
    Function {
        name,
        alias,
        params: ANY,
        returns: Returns::Common,
        summary,
        edges: "NaNs are one value, and so are missing ones. A missing list stays missing.",
        example,
        code: Code::Op(OfList(op)),
    }
}

const fn ngrams(
    name: &'static str,
    summary: &'static str,
    example: &'static str,
    code: ListCode,
) -> Function {
    Function {
        name,
        alias: None,
        params: NGRAMS,
        returns: Returns::Type(String),
        summary,
        edges: OMITS,
        example,
        code: Code::Special(Special::Lists(code)),
    }
}
