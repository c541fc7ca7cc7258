//! What can be chosen about statistics.

use std::collections::BTreeMap;
use std::num::NonZeroU32;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How much detail statistics keep, and how much memory they may take.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The features to look at; all of them if there are none here.
    pub features: Vec<String>,
    /// The feature that holds the weight of an example: a number from 0 to 2^32, in every example exactly one.
    /// Statistics by weight stand beside those by count then.
    pub example_weight: Option<String>,
    /// For single features, the feature that holds the weights in the place of `example_weight`. The features of a
    /// struct weigh as the struct does.
    pub per_feature_weight_override: BTreeMap<String, String>,
    /// Which parts of the examples to look at beside all of them.
    pub slices: Vec<SliceConfig>,
    /// How many slices there may be; with more, statistics fail rather than fill the memory.
    pub max_slices: NonZeroU32,
    /// Correlation and covariance: `"all"` for all pairs of number features, or a list of pairs. An example counts
    /// that has exactly one value of both.
    pub cross_features: Option<CrossFeatures>,
    /// Lift: how much more often a label goes with a value of a feature than it does with any; where the label has
    /// weights, by weight too.
    pub lift: Vec<LiftConfig>,
    /// Mutual information: how many bits a feature tells about a label.
    pub mutual_information: Option<MutualInformationConfig>,
    /// Whether to find out which features hold images, natural language, or dates and times: those of which at least
    /// four in five of 100 values or more look like it. Schema inference makes domains of that.
    pub enable_semantic_domain_stats: bool,
    /// The part of the examples to look at, more than 0 and at most 1. The same data has the same sample.
    pub sample_rate: Option<f64>,
    /// How many of a string feature's most frequent values are listed.
    pub num_top_values: u32,
    /// How often a string must occur to be listed.
    pub frequency_threshold: u64,
    /// How much a string must weigh to be listed by weight.
    pub weighted_frequency_threshold: f64,
    /// How many of a string feature's values, by rank, are in its rank histogram. Schema inference, domain
    /// checks and drift of string features see these values only.
    pub num_rank_histogram_buckets: u32,
    /// Buckets of the histogram of how many values an example has.
    pub num_values_histogram_buckets: NonZeroU32,
    /// Buckets of equal width between the least and the greatest finite value of a number feature.
    pub num_histogram_buckets: NonZeroU32,
    /// Buckets of equal count of a number feature.
    pub num_quantiles_histogram_buckets: NonZeroU32,
    /// How many distinct numbers a feature may have for its quantiles, and so its median and histograms, to
    /// be exact. Beyond, a summary takes over whose ranks are off by at most 0.25 % over a billion values.
    pub max_exact_numbers: NonZeroU32,
    /// How many distinct strings a feature may have for its counts to be exact, if together they fit in 64 MiB.
    /// Beyond, `unique` is estimated (standard error 0.4 %), a count is low by at most two in this many of all
    /// values (one in 32,768 if strings are long), and strings over 1,024 bytes count as one value,
    /// `__LARGE_BYTES__`.
    pub max_exact_strings: NonZeroU32,
}

/// Slices of the examples by the values of features: one for each value, or combination of values, that is found.
/// A slice is named by features and values in the order of the features' names, as in `hour_3_payment_type_Cash`.
/// Or slices by a query that sees one example at a time.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SliceConfig {
    /// Integer or string features of which every value makes a slice.
    pub features: Vec<String>,
    /// Features of which one value makes a slice.
    pub values: BTreeMap<String, SliceValue>,
    /// In the place of both, a query in the dialect of ZetaSQL: `SELECT STRUCT(payment_type) FROM example.payment_type`
    /// makes an example's slices, one for each row, named by the parts and their values. `FROM example.payment_type` has
    /// a row for each value of that feature, several features their combinations; `example.fare` is a feature by
    /// itself; `WHERE` leaves rows out.
    pub slice_keys_sql: Option<String>,
}

/// The value of a feature to slice by.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum SliceValue {
    /// Of an integer feature.
    Int(i64),
    /// Of a string feature, or the text of an integer.
    Text(String),
}

/// Which pairs of features are compared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum CrossFeatures {
    /// All that can be.
    All(AllPairs),
    /// These.
    Pairs(Vec<(String, String)>),
}

/// A label, and the features whose values it is compared with.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LiftConfig {
    /// The label: a string or integer feature, or any number with `boundaries`.
    pub label: String,
    /// Ascending numbers between which the label's values count as one; the lower end belongs to it.
    #[serde(default)]
    pub boundaries: Vec<f64>,
    /// String and integer features; all string features if there are none here. Of each, as many of the most frequent
    /// values are compared as the rank histogram has buckets.
    #[serde(default)]
    pub features: Vec<String>,
    /// In more examples than this a value has to occur.
    #[serde(default)]
    pub min_count: u64,
    /// How many values with the greatest lift are listed for each label; all, if `bottom` is not there either.
    #[serde(default)]
    pub top: Option<u32>,
    /// How many values with the least lift are listed for each label.
    #[serde(default)]
    pub bottom: Option<u32>,
}

/// A label, and the features of which each tells something about it: estimated from a sample of the examples, less
/// what is expected by chance. Texts, booleans and numbers that the schema calls categorical are names, other numbers
/// are numbers; a missing value is a value by itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MutualInformationConfig {
    /// The label: a column of numbers or strings.
    pub label: String,
    /// Columns of numbers or strings; all of them if there are none here.
    #[serde(default)]
    pub features: Vec<String>,
    /// How many examples the estimate is made from. The time that it takes grows faster than this number.
    #[serde(default = "max_examples")]
    pub max_examples: NonZeroU32,
    /// How many neighbours of a number the distances are measured to.
    #[serde(default = "num_neighbors")]
    pub num_neighbors: NonZeroU32,
}

const fn max_examples() -> NonZeroU32 {
    NonZeroU32::new(5000).expect("it is not zero")
}

const fn num_neighbors() -> NonZeroU32 {
    NonZeroU32::new(3).expect("it is not zero")
}

/// The word for all pairs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AllPairs {
    /// All pairs.
    All,
}

impl Default for Config {
    fn default() -> Self {
        const fn count(n: u32) -> NonZeroU32 {
            NonZeroU32::new(n).expect("the defaults are not zero")
        }
        Self {
            features: Vec::new(),
            example_weight: None,
            per_feature_weight_override: BTreeMap::new(),
            slices: Vec::new(),
            max_slices: count(1000),
            cross_features: None,
            lift: Vec::new(),
            mutual_information: None,
            enable_semantic_domain_stats: false,
            sample_rate: None,
            num_top_values: 20,
            frequency_threshold: 1,
            weighted_frequency_threshold: 1.0,
            num_rank_histogram_buckets: 1000,
            num_values_histogram_buckets: count(10),
            num_histogram_buckets: count(10),
            num_quantiles_histogram_buckets: count(10),
            max_exact_numbers: count(32_768),
            max_exact_strings: count(1_000_000),
        }
    }
}
