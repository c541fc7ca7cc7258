//! Functions that see all examples of the analyzed split before they give a value.

use graph::ValueType::{Float, Int};

use super::AnalyzerCode as A;
use super::{Code, Function, Param, Returns, Takes};

/// Ids beyond this do not fit the models that read them.
const MAX_OOV_BUCKETS: i64 = i32::MAX as i64;
/// Each boundary is a constant of the graph.
const MAX_BUCKETS: i64 = 100_000;

pub(super) const FUNCTIONS: &[Function] = &[
    Function {
        name: "scale_to_z_score",
        alias: None,
        params: &[Param::required("x", Takes::Float)],
        returns: Returns::Type(Float),
        summary: "Subtracts the mean and divides by the standard deviation (the biased one).",
        edges: "The mean and variance leave out missing values, NaN and infinities; without any values they \
                are 0. Where the variance is 0 nothing is divided. Missing stays missing, NaN stays NaN.",
        example: "scale_to_z_score(ln(fare + 1))",
        code: Code::Analyzer(A::ScaleToZScore),
    },
    Function {
        name: "scale_to_0_1",
        alias: None,
        params: &[Param::required("x", Takes::Float)],
        returns: Returns::Type(Float),
        summary: "Brings the least value to 0 and the greatest to 1.",
        edges: "As `scale_by_min_max`.",
        example: "scale_to_0_1(trip_miles)",
        code: Code::Analyzer(A::ScaleTo01),
    },
    Function {
        name: "scale_by_min_max",
        alias: None,
        params: &[
            Param::required("x", Takes::Float),
            Param::optional("output_min", Takes::LiteralNumber, "0"),
            Param::optional("output_max", Takes::LiteralNumber, "1"),
        ],
        returns: Returns::Type(Float),
        summary: "Brings the least value to `output_min` and the greatest to `output_max`.",
        edges: "Missing values and NaN do not count. Later values outside of the range that was seen are not \
                clipped. Where all values are equal, or there are none, it is the sigmoid of `x` that is brought to \
                the range. Missing stays missing, NaN stays NaN.",
        example: "scale_by_min_max(trip_miles, -1, 1)",
        code: Code::Analyzer(A::ScaleByMinMax),
    },
    Function {
        name: "bucketize",
        alias: None,
        params: &[
            Param::required("x", Takes::Float),
            Param::required("num_buckets", Takes::LiteralInt { min: 1, max: MAX_BUCKETS }),
        ],
        returns: Returns::Type(Int),
        summary: "Gives the number of the bucket, from 0, of buckets that hold about equally many values.",
        edges: "Boundaries are observed values and open the bucket on their right: a value equal to one belongs \
                there. Values that repeat a lot make some buckets empty. Missing values and NaN do not count. NaN \
                goes to the last bucket, missing stays missing. Ranks are exact up to 65,536 distinct values and \
                off by at most 0.25 % beyond.",
        example: "bucketize(pickup_latitude, 10)",
        code: Code::Analyzer(A::Bucketize),
    },
    Function {
        name: "vocabulary",
        alias: Some("compute_and_apply_vocabulary"),
        params: &[
            Param::required("x", Takes::Token),
            Param::optional("top_k", Takes::LiteralInt { min: 1, max: i64::MAX }, "all"),
            Param::optional(
                "frequency_threshold",
                Takes::LiteralInt { min: 0, max: i64::MAX },
                "0",
            ),
            Param::optional(
                "num_oov_buckets",
                Takes::LiteralInt { min: 0, max: MAX_OOV_BUCKETS },
                "0",
            ),
            Param::optional(
                "default_value",
                Takes::LiteralInt { min: i64::MIN, max: i64::MAX },
                "-1",
            ),
        ],
        returns: Returns::Type(Int),
        summary: "Gives the place of a text among all texts, the most frequent first, from 0.",
        edges: "Equally frequent texts are in descending order of their bytes. Texts that occur less than \
                `frequency_threshold` times are left out, then all but the first `top_k`. What is not in the \
                vocabulary goes to one of `num_oov_buckets` behind it, by its hash, or is `default_value` where there \
                are none. Empty texts, and texts with a line break, are never in it. Integers are taken as decimal \
                text. Missing values do not count and stay missing. A vocabulary without texts holds one that \
                nobody writes, so that there is an id. Every distinct text is held in memory while it is counted.",
        example: "vocabulary(company, top_k => 1000, num_oov_buckets => 10)",
        code: Code::Analyzer(A::Vocabulary),
    },
    Function {
        name: "min",
        alias: None,
        params: &[Param::required("x", Takes::Number)],
        returns: Returns::Common,
        summary: "The least value of all examples.",
        edges: "Missing values and NaN do not count; missing if there is nothing else.",
        example: "fare - min(fare)",
        code: Code::Analyzer(A::Min),
    },
    Function {
        name: "max",
        alias: None,
        params: &[Param::required("x", Takes::Number)],
        returns: Returns::Common,
        summary: "The greatest value of all examples.",
        edges: "As `min`.",
        example: "fare / max(fare)",
        code: Code::Analyzer(A::Max),
    },
    Function {
        name: "mean",
        alias: Some("avg"),
        params: &[Param::required("x", Takes::Float)],
        returns: Returns::Type(Float),
        summary: "The mean of all examples.",
        edges: "Missing values, NaN and infinities do not count; 0 if there is nothing else.",
        example: "fare > 2 * mean(fare)",
        code: Code::Analyzer(A::Mean),
    },
    Function {
        name: "var",
        alias: None,
        params: &[Param::required("x", Takes::Float)],
        returns: Returns::Type(Float),
        summary: "The biased variance of all examples: the squared distance from the mean on average.",
        edges: "As `mean`.",
        example: "(fare - mean(fare)) / (1 + sqrt(var(fare)))",
        code: Code::Analyzer(A::Var),
    },
    Function {
        name: "size",
        alias: None,
        params: &[Param::required("x", Takes::Float)],
        returns: Returns::Type(Int),
        summary: "The number of values in all examples.",
        edges: "Missing values do not count, NaN does.",
        example: "ln(size(fare))",
        code: Code::Analyzer(A::Size),
    },
];
