//! Functions that see all examples of the analyzed split before they give a value.

use graph::ValueType::{Float, Int};

use super::AnalyzerCode as A;
use super::{Code, Count, Function, Param, Returns, Takes};
use crate::ir::Statistic as S;

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
        name: "scale_to_gaussian",
        alias: None,
        params: X_FLOAT,
        returns: Returns::Type(Float),
        summary: "Makes a distribution with long tails a standard normal one: Tukey's HH distribution is fitted by \
                  L-moments and undone.",
        edges: "Where the tails are not longer than a normal distribution's it is `scale_to_z_score`. Missing values, \
                NaN and infinities do not count. Missing stays missing, NaN stays NaN, and infinities become NaN where \
                a tail is undone.",
        example: "scale_to_gaussian(fare)",
        code: Code::Analyzer(A::ScaleToGaussian),
    },
    Function {
        name: "bucketize",
        alias: None,
        params: &[
            Param::required("x", Takes::Float),
            NUM_BUCKETS,
            Param::optional("weights", Takes::Float, "1"),
        ],
        returns: Returns::Type(Int),
        summary: "Gives the number of the bucket, from 0, of buckets that hold about equally many values.",
        edges: "Boundaries are observed values and open the bucket on their right: a value equal to one belongs \
                there. Values that repeat a lot make some buckets empty. Missing values and NaN do not count. NaN \
                goes to the last bucket, missing stays missing. Ranks are exact up to 65,536 distinct values and \
                off by at most 0.25 % beyond. With `weights` it is these that are about equal; a value whose weight is \
                missing, NaN, negative or above 4,294,967,296 does not count.",
        example: "bucketize(pickup_latitude, 10)",
        code: Code::Analyzer(A::Bucketize),
    },
    Function {
        name: "vocabulary",
        alias: Some("compute_and_apply_vocabulary"),
        params: &[
            Param::required("x", Takes::Token),
            Param::optional("top_k", Takes::LiteralInt { min: 1, max: i64::MAX }, "all"),
            Param::optional("frequency_threshold", Takes::LiteralNumber, "0"),
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
            Param::optional("weights", Takes::Float, "1"),
            Param::optional("labels", Takes::Int, "none"),
            Param::optional("use_adjusted_mutual_info", Takes::LiteralBool, "false"),
            Param::optional("min_diff_from_avg", Takes::NumberOrWord("auto"), "0"),
            Param::optional("key", Takes::Token, "none"),
            Param::optional("coverage_top_k", Takes::LiteralInt { min: 1, max: i64::MAX }, "all"),
            Param::optional("coverage_frequency_threshold", Takes::LiteralNumber, "0"),
            Param::optional("reserved_tokens", Takes::LiteralString, "none"),
            Param::optional("fingerprint_shuffle", Takes::LiteralBool, "false"),
            Param::optional("vocab_filename", Takes::LiteralString, "that of the column"),
            Param::optional("store_frequency", Takes::LiteralBool, "false"),
        ],
        returns: Returns::Type(Int),
        summary: "Gives the place of a text among all texts, the most frequent first, from 0.",
        edges: "Equally frequent texts are in descending order of their bytes. Texts that occur less than \
                `frequency_threshold` times are left out, then all but the first `top_k`. What is not in the \
                vocabulary goes to one of `num_oov_buckets` behind it, by its hash, or is `default_value` where there \
                are none. Empty texts, and texts with a line break, are never in it. Integers are taken as decimal \
                text. Missing values do not count and stay missing. A vocabulary without texts holds one that \
                nobody writes, so that there is an id; one of integers holds -1. Counts are exact; those of more texts than 128 MiB hold go to a \
                temporary file. With `weights` a text is as frequent as its values weigh; one whose weight is missing, NaN, \
                negative or above 4,294,967,296 does not count. With `labels` texts are in the order of their mutual \
                information with these, which `frequency_threshold` is for then: the number of bits times the \
                frequency, less what chance alone would give with `use_adjusted_mutual_info`; a label that comes with a \
                text about as often as with all, within `min_diff_from_avg`, adds nothing (`'auto'` is 2 up to 10,000 \
                examples and 25 from 1,000,000 on); examples without a label do not count. With a `key` the `coverage_top_k` most frequent texts of each key follow, of those that \
                occur `coverage_frequency_threshold` times with it; these are held in memory. With `labels`, too, the most \
                informative texts of each key follow. `reserved_tokens`, with \
                commas between them, come first. `fingerprint_shuffle` orders the others by their SHA-1 instead. \
                `vocab_filename` names the vocabulary and its file. With `store_frequency` each line of the file has \
                the text's frequency, weight or information before it, -1 for reserved ones.",
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
        code: Code::Analyzer(A::Statistic(S::Min)),
    },
    Function {
        name: "max",
        alias: None,
        params: &[Param::required("x", Takes::Number)],
        returns: Returns::Common,
        summary: "The greatest value of all examples.",
        edges: "As `min`.",
        example: "fare / max(fare)",
        code: Code::Analyzer(A::Statistic(S::Max)),
    },
    Function {
        name: "mean",
        alias: Some("avg"),
        params: &[Param::required("x", Takes::Float)],
        returns: Returns::Type(Float),
        summary: "The mean of all examples.",
        edges: "Missing values, NaN and infinities do not count; 0 if there is nothing else.",
        example: "fare > 2 * mean(fare)",
        code: Code::Analyzer(A::Statistic(S::Mean)),
    },
    Function {
        name: "var",
        alias: None,
        params: &[Param::required("x", Takes::Float)],
        returns: Returns::Type(Float),
        summary: "The biased variance of all examples: the squared distance from the mean on average.",
        edges: "As `mean`.",
        example: "(fare - mean(fare)) / (1 + sqrt(var(fare)))",
        code: Code::Analyzer(A::Statistic(S::Var)),
    },
    Function {
        name: "size",
        alias: None,
        params: &[Param::required("x", Takes::Float)],
        returns: Returns::Type(Int),
        summary: "The number of values in all examples.",
        edges: "Missing values do not count, NaN does.",
        example: "ln(size(fare))",
        code: Code::Analyzer(A::Statistic(S::Size)),
    },
    of_x(
        "sum",
        X_NUMBER,
        Returns::Common,
        S::Sum,
        "The sum of all examples.",
        "Missing values do not count; 0 if there is nothing else, NaN if one value is. Integers wrap around at 64 bits.",
        "fare / sum(fare)",
    ),
    of_x(
        "tukey_location",
        X_FLOAT,
        Returns::Type(Float),
        S::TukeyLocation,
        "The location of Tukey's HH distribution, fitted by L-moments.",
        TUKEY,
        "fare - tukey_location(fare)",
    ),
    of_x(
        "tukey_scale",
        X_FLOAT,
        Returns::Type(Float),
        S::TukeyScale,
        "The scale of Tukey's HH distribution, fitted by L-moments.",
        TUKEY,
        "fare / tukey_scale(fare)",
    ),
    of_x(
        "tukey_h_left",
        X_FLOAT,
        Returns::Type(Float),
        S::TukeyHLeft,
        "The parameter of the left side of Tukey's HH distribution, fitted by L-moments: 0 for a normal tail, more for a longer one.",
        TUKEY,
        "tukey_h_left(fare) + tukey_h_right(fare)",
    ),
    of_x(
        "tukey_h_right",
        X_FLOAT,
        Returns::Type(Float),
        S::TukeyHRight,
        "The parameter of the right side of Tukey's HH distribution, fitted by L-moments: 0 for a normal tail, more for a longer one.",
        TUKEY,
        "tukey_h_right(fare)",
    ),
    Function {
        name: "quantile",
        alias: None,
        params: &[
            Param::required("x", Takes::Float),
            Param::required("fraction", Takes::LiteralNumber),
        ],
        returns: Returns::Type(Float),
        summary: "The value that a `fraction` of all examples, from 0 to 1, is at most: `quantile(x, 0.5)` is the median.",
        edges: "An observed value. Missing values and NaN do not count; missing if there is nothing else. Ranks as those \
                of `bucketize`.",
        example: "least(fare, quantile(fare, 0.99))",
        code: Code::Analyzer(A::Quantile),
    },
    Function {
        name: "bucketize_with_interpolation",
        alias: None,
        params: &[Param::required("x", Takes::Float), NUM_BUCKETS],
        returns: Returns::Type(Float),
        summary: "Gives how many of all values are below, about, from 0 to 1: `apply_buckets_with_interpolation` with \
                  the boundaries of `bucketize`.",
        edges: "As these two.",
        example: "bucketize_with_interpolation(fare, 100)",
        code: Code::Analyzer(A::BucketizeWithInterpolation),
    },
    Function {
        name: "estimated_probability_density",
        alias: None,
        params: &[
            Param::required("x", Takes::Float),
            Param::optional(
                "num_boundaries",
                Takes::LiteralInt { min: 2, max: MAX_BUCKETS },
                "none",
            ),
        ],
        returns: Returns::Type(Float),
        summary: "How dense values are around `x`: the share of all that is in its bucket, by the bucket's width.",
        edges: "Ten buckets from 0 to 1, or with `num_boundaries` one less of equal width between the least and the \
                greatest value, which takes a second pass. What is before the first bucket or behind the last counts to \
                these. Missing values and NaN do not count and are missing in the result.",
        example: "estimated_probability_density(fare, 20)",
        code: Code::Analyzer(A::Density),
    },
    Function {
        name: "histogram",
        alias: None,
        params: &[
            Param::required("x", Takes::Float),
            Param::optional("num_boundaries", Takes::LiteralInt { min: 2, max: 1025 }, "none"),
        ],
        returns: Returns::Type(Int),
        summary: "How many of all values are in each bucket of equal width, as a list, the same for all examples.",
        edges: "Ten buckets from 0 to 1, or with `num_boundaries` one less between the least and the greatest value, which \
                takes a second pass. A bucket holds the boundary on its left. What is before the first bucket or behind the \
                last counts to these. Missing values and NaN do not count; `count_per_key` counts distinct values.",
        example: "histogram(trip_miles, 5)",
        code: Code::Analyzer(A::Histogram),
    },
    Function {
        name: "covariance",
        alias: None,
        params: VECTOR,
        returns: Returns::Type(Float),
        summary: "The biased covariances of the values of a list of fixed length, over all examples: row by row of the \
                  matrix `E[(x_i - E[x_i]) (x_j - E[x_j])]`, as a list, the same for all examples.",
        edges: "At most 32 values. Examples with a missing value, NaN or an infinity do not count; all 0 if there is nothing else.",
        example: "covariance(list(fare, tips))",
        code: Code::Analyzer(A::Covariance),
    },
    Function {
        name: "pca",
        alias: None,
        params: &[
            Param::required("x", Takes::Float).of(Count::List),
            Param::required("output_dim", Takes::LiteralInt { min: 1, max: 512 }),
        ],
        returns: Returns::Type(Float),
        summary: "A list of fixed length in terms of its principal components: times the matrix of the eigenvectors of its \
                  covariance as columns, `output_dim` of them, that of the greatest eigenvalue first.",
        edges: "At most 512 values. As tf.Transform's matrix, it is of `x` itself: subtract means where you want to. Of \
                each eigenvector the entry that is farthest from 0 is positive. Missing where a value is; examples as those \
                of `covariance` count.",
        example: "pca(list(trip_miles, tips), 1)",
        code: Code::Analyzer(A::PrincipalComponents),
    },
    of_key(
        "scale_to_z_score_per_key",
        X_FLOAT_AND_KEY,
        Returns::Type(Float),
        A::ScaleToZScorePerKey,
        "As `scale_to_z_score`, with the mean and the variance of each key.",
        "A key that was not seen leaves `x` as it is. Missing where `x` or the key is; such examples do not count.",
        "scale_to_z_score_per_key(fare, company)",
    ),
    Function {
        name: "scale_by_min_max_per_key",
        alias: None,
        params: &[
            Param::required("x", Takes::Float),
            KEY,
            Param::optional("output_min", Takes::LiteralNumber, "0"),
            Param::optional("output_max", Takes::LiteralNumber, "1"),
        ],
        returns: Returns::Type(Float),
        summary: "As `scale_by_min_max`, with the least and the greatest value of each key.",
        edges: "For a key that was not seen, or has only one value, it is the sigmoid of `x` that is brought to the range. \
                Missing where `x` or the key is; such examples do not count.",
        example: "scale_by_min_max_per_key(fare, company, -1, 1)",
        code: Code::Analyzer(A::ScaleByMinMaxPerKey),
    },
    of_key(
        "scale_to_0_1_per_key",
        X_FLOAT_AND_KEY,
        Returns::Type(Float),
        A::ScaleTo01PerKey,
        "As `scale_to_0_1`, with the least and the greatest value of each key.",
        "As `scale_by_min_max_per_key`.",
        "scale_to_0_1_per_key(fare, company)",
    ),
    Function {
        name: "bucketize_per_key",
        alias: None,
        params: &[Param::required("x", Takes::Float), KEY, NUM_BUCKETS],
        returns: Returns::Type(Int),
        summary: "As `bucketize`, with boundaries of each key's own.",
        edges: "-1 for a key that was not seen. Missing where `x` or the key is; such examples do not count. Every pair of \
                a key and a value is counted, in a temporary file beyond 128 MiB; there are at most 1,000,000 keys.",
        example: "bucketize_per_key(fare, payment_type, 10)",
        code: Code::Analyzer(A::BucketizePerKey),
    },
    of_key(
        "min_per_key",
        X_NUMBER_AND_KEY,
        Returns::Common,
        A::StatisticPerKey(S::Min),
        "The least value of the examples with the same key.",
        "As `min`; missing for a key that was not seen. \
        Keys with a line break are never seen.",
        "fare - min_per_key(fare, company)",
    ),
    of_key(
        "max_per_key",
        X_NUMBER_AND_KEY,
        Returns::Common,
        A::StatisticPerKey(S::Max),
        "The greatest value of the examples with the same key.",
        "As `min_per_key`.",
        "fare / max_per_key(fare, company)",
    ),
    of_key(
        "sum_per_key",
        X_NUMBER_AND_KEY,
        Returns::Common,
        A::StatisticPerKey(S::Sum),
        "The sum of the examples with the same key.",
        "As `sum`; 0 for a key that was not seen.",
        "fare / sum_per_key(fare, company)",
    ),
    of_key(
        "mean_per_key",
        X_FLOAT_AND_KEY,
        Returns::Type(Float),
        A::StatisticPerKey(S::Mean),
        "The mean of the examples with the same key.",
        "As `mean`; 0 for a key that was not seen.",
        "fare - mean_per_key(fare, company)",
    ),
    of_key(
        "var_per_key",
        X_FLOAT_AND_KEY,
        Returns::Type(Float),
        A::StatisticPerKey(S::Var),
        "The biased variance of the examples with the same key.",
        "As `mean_per_key`.",
        "sqrt(var_per_key(fare, company))",
    ),
    of_key(
        "size_per_key",
        X_FLOAT_AND_KEY,
        Returns::Type(Int),
        A::StatisticPerKey(S::Size),
        "The number of values in the examples with the same key.",
        "As `size`; 0 for a key that was not seen.",
        "ln(size_per_key(fare, company) + 1)",
    ),
    Function {
        name: "count_per_key",
        alias: None,
        params: &[KEY],
        returns: Returns::Type(Int),
        summary: "The number of examples with the same key.",
        edges: "0 for a key that was not seen. Missing stays missing. There are at most 1,000,000 keys.",
        example: "ln(count_per_key(company) + 1)",
        code: Code::Analyzer(A::CountPerKey),
    },
];

const VECTOR: &[Param] = &[Param::required("x", Takes::Float).of(Count::List)];
const X_FLOAT: &[Param] = &[Param::required("x", Takes::Float)];
const X_NUMBER: &[Param] = &[Param::required("x", Takes::Number)];
const KEY: Param = Param::required("key", Takes::Token);
const X_FLOAT_AND_KEY: &[Param] = &[Param::required("x", Takes::Float), KEY];
const X_NUMBER_AND_KEY: &[Param] = &[Param::required("x", Takes::Number), KEY];
const NUM_BUCKETS: Param =
    Param::required("num_buckets", Takes::LiteralInt { min: 1, max: MAX_BUCKETS });
const TUKEY: &str = "Missing values, NaN and infinities do not count. Where the tails are not longer than those of a \
                     normal distribution the parameters of both sides are 0.";

const fn of_x(
    name: &'static str,
    params: &'static [Param],
    returns: Returns,
    statistic: S,
    summary: &'static str,
    edges: &'static str,
    example: &'static str,
) -> Function {
    let code = Code::Analyzer(A::Statistic(statistic));
    Function { name, alias: None, params, returns, summary, edges, example, code }
}

const fn of_key(
    name: &'static str,
    params: &'static [Param],
    returns: Returns,
    code: A,
    summary: &'static str,
    edges: &'static str,
    example: &'static str,
) -> Function {
    let code = Code::Analyzer(code);
    Function { name, alias: None, params, returns, summary, edges, example, code }
}
