//! What can be chosen about statistics.

use std::num::NonZeroU32;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How much detail statistics keep, and how much memory they may take.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// How many of a string feature's most frequent values are listed.
    pub num_top_values: u32,
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
    /// be exact. Beyond, a summary takes over whose ranks are off by at most 0.4 % over a billion values.
    pub max_exact_numbers: NonZeroU32,
    /// How many distinct strings a feature may have for its counts to be exact. Beyond, `unique` is estimated
    /// (standard error 0.4 %) and a count is low by at most two in this many of all values.
    pub max_exact_strings: NonZeroU32,
}

impl Default for Config {
    fn default() -> Self {
        const fn count(n: u32) -> NonZeroU32 {
            NonZeroU32::new(n).expect("the defaults are not zero")
        }
        Self {
            num_top_values: 20,
            num_rank_histogram_buckets: 1000,
            num_values_histogram_buckets: count(10),
            num_histogram_buckets: count(10),
            num_quantiles_histogram_buckets: count(10),
            max_exact_numbers: count(32_768),
            max_exact_strings: count(1_000_000),
        }
    }
}
