//! What can be chosen about statistics.

use std::num::NonZeroU32;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::StatisticsError;

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
    /// be exact. Beyond, a summary takes over whose ranks are off by at most 0.25 % over a billion values.
    pub max_exact_numbers: NonZeroU32,
    /// How many distinct strings a feature may have for its counts to be exact, if together they fit in 64 MiB.
    /// Beyond, `unique` is estimated (standard error 0.4 %), a count is low by at most two in this many of all
    /// values (one in 32,768 if strings are long), and strings over 1,024 bytes count as one value,
    /// `__LARGE_BYTES__`.
    pub max_exact_strings: NonZeroU32,
}

/// No histogram has more buckets than this.
const MAX_BUCKETS: u32 = 10_000;

impl Config {
    /// Says no to histograms that nobody could read.
    pub(crate) fn check(&self) -> Result<(), StatisticsError> {
        let buckets = [
            ("num_values_histogram_buckets", self.num_values_histogram_buckets),
            ("num_histogram_buckets", self.num_histogram_buckets),
            ("num_quantiles_histogram_buckets", self.num_quantiles_histogram_buckets),
        ];
        match buckets.into_iter().find(|(_, found)| found.get() > MAX_BUCKETS) {
            None => Ok(()),
            Some((option, found)) => {
                Err(StatisticsError::TooMany { option, found: found.get(), limit: MAX_BUCKETS })
            }
        }
    }
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
