//! Functions of two texts that may be alike.

use graph::ValueType::{Float, Int};
use graph::{Op, TextPairOp};

use super::{Code, Function, Mapper, Param, Returns, Takes};

const A_AND_B: &[Param] =
    &[Param::required("a", Takes::String), Param::required("b", Takes::String)];

pub(super) const FUNCTIONS: &[Function] = &[
    Function {
        name: "levenshtein",
        alias: Some("edit_distance"),
        params: A_AND_B,
        returns: Returns::Type(Int),
        summary: "The least number of characters to insert, delete or replace that makes `b` of `a`.",
        edges: "Missing if either is. Missing too for texts that are too long for it: where, without the beginning \
                and the end that they share, their lengths multiply to more than 268,435,456 (as those of two texts \
                of 16,384 characters do).",
        example: "levenshtein(lower(company), lower(payment_type))",
        code: Code::Op(Op::TextPair(TextPairOp::Levenshtein)),
    },
    Function {
        name: "jaro_winkler",
        alias: Some("jaro_winkler_similarity"),
        params: A_AND_B,
        returns: Returns::Type(Float),
        summary: "How similar two texts are, from 0 to 1, above all in their beginnings: Jaro's similarity, and \
                  where that is above 0.7, a tenth of what it lacks to 1 more for each of up to four equal \
                  characters at the front.",
        edges: "1 for two empty texts, 0 where one is empty. Missing if either is.",
        example: "jaro_winkler(company, payment_type)",
        code: Code::Op(Op::TextPair(TextPairOp::JaroWinkler)),
    },
    Function {
        name: "jaccard",
        alias: None,
        params: &[
            Param::required("a", Takes::String),
            Param::required("b", Takes::String),
            Param::optional("n", Takes::LiteralInt { min: 1, max: 1000 }, "2"),
        ],
        returns: Returns::Type(Float),
        summary: "How many of the distinct runs of `n` characters in `a` or `b` are in both, from 0 for none to 1 for \
                  all.",
        edges: "Where neither has `n` characters it is 1 for equal texts and 0 for others. Missing if either is.",
        example: "jaccard(lower(company), 'taxi affiliation services', 3)",
        code: Code::Mapper(Mapper::Jaccard),
    },
];
