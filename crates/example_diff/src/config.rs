//! Which examples make pairs, and how they are compared.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Which examples make pairs, and how they are compared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The features whose values together tell one example from another, such as `["trip_id"]`. Examples with
    /// equal values make a pair; those that lack one of the features make none.
    pub identifier_features: Vec<String>,

    /// Features that are not compared. Identifier features never are.
    #[serde(default)]
    pub ignore_features: Vec<String>,

    /// To how many digits after the decimal point floats are rounded before they are compared, those of identifiers
    /// too. Without it they have to be equal.
    #[serde(default)]
    #[schemars(range(max = 17))]
    pub float_round_ndigits: Option<u32>,

    /// Whether examples with the same identifier are compared all the same, each with each of the other side.
    /// Without it identifiers that a side has more than once are left out.
    #[serde(default)]
    pub allow_duplicate_identifiers: bool,

    /// Features of few values for which each pair of values, one of the baseline and one of the examples, is
    /// counted.
    #[serde(default)]
    pub confusion_features: Vec<String>,

    /// How many pairs that differ are kept whole, for looking at.
    #[serde(default = "ten")]
    pub skew_sample_size: u32,
}

impl Config {
    /// Returns the configuration that joins on some features and leaves the rest as it is by default.
    pub fn new(identifier_features: Vec<String>) -> Self {
        Self {
            identifier_features,
            ignore_features: Vec::new(),
            float_round_ndigits: None,
            allow_duplicate_identifiers: false,
            confusion_features: Vec::new(),
            skew_sample_size: ten(),
        }
    }
}

fn ten() -> u32 {
    10
}
