//! What came of comparing two datasets' examples. The names are TensorFlow Data Validation's.

use dataset::FeatureType;
use serde_json::Value as Json;

/// What came of comparing two datasets' examples.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ExampleDiff {
    /// Which examples made pairs.
    pub match_stats: MatchStats,
    /// How many pairs were compared: all, but those that were left out as duplicates.
    pub num_compared_pairs: u64,
    /// How many of them differ in at least one feature.
    pub num_skewed_pairs: u64,
    /// Every feature that was compared, by name.
    pub features: Vec<FeatureSkew>,
    /// How often each pair of values was seen, by feature and then by value, missing ones first.
    pub confusion: Vec<ConfusionCount>,
    /// Some of the pairs that differ, whole: an even sample, the same for the same examples.
    pub sample: Vec<SkewPair>,
}

/// Which examples made pairs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MatchStats {
    /// Examples of the baseline that have all identifier features.
    pub base_with_id_count: u64,
    /// Examples that have all identifier features.
    pub test_with_id_count: u64,
    /// Different identifiers, on both sides together.
    pub identifiers_count: u64,
    /// Identifiers that the baseline does not have.
    pub ids_missing_in_base_count: u64,
    /// Identifiers that only the baseline has.
    pub ids_missing_in_test_count: u64,
    /// Pairs of examples with the same identifier, those that were left out as duplicates included.
    pub matching_pairs_count: u64,
    /// Identifiers that a side has more than once.
    pub duplicate_id_count: u64,
    /// Examples of the baseline that lack an identifier feature.
    pub base_missing_id_count: u64,
    /// Examples that lack an identifier feature.
    pub test_missing_id_count: u64,
}

/// How one feature compares, over all pairs that were compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeatureSkew {
    /// The feature's name.
    pub feature_name: String,
    /// The feature's type in the baseline, if it has the column and that has a type.
    pub base_type: Option<FeatureType>,
    /// The feature's type in the examples, if they have the column and that has a type. Values of different types
    /// are never equal.
    pub test_type: Option<FeatureType>,
    /// Pairs whose baseline example has the feature; an empty list counts.
    pub base_count: u64,
    /// Pairs whose example has the feature.
    pub test_count: u64,
    /// Pairs that both have it, with equal values.
    pub match_count: u64,
    /// Pairs of which only the baseline example has it.
    pub base_only: u64,
    /// Pairs of which only the other example has it.
    pub test_only: u64,
    /// Pairs that both have it, with different values.
    pub mismatch_count: u64,
}

impl FeatureSkew {
    /// Returns the number of pairs that differ in this feature.
    pub fn diff_count(&self) -> u64 {
        self.base_only.saturating_add(self.test_only).saturating_add(self.mismatch_count)
    }
}

/// How often a value in the baseline met a value in the examples.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfusionCount {
    /// The feature's name.
    pub feature_name: String,
    /// The value in the baseline, as text; none where it is missing.
    pub base: Option<String>,
    /// The value in the examples, as text; none where it is missing.
    pub test: Option<String>,
    /// The number of pairs.
    pub count: u64,
}

/// A pair of examples that differ, with all their features.
#[derive(Clone, Debug, PartialEq)]
pub struct SkewPair {
    /// The baseline example, an object; features that it lacks are null.
    pub base: Json,
    /// The other example.
    pub test: Json,
    /// Features that only the baseline example has.
    pub base_only_features: Vec<String>,
    /// Features that only the other example has.
    pub test_only_features: Vec<String>,
    /// Features that both have, with equal values.
    pub matched_features: Vec<String>,
    /// Features that both have, with different values.
    pub mismatched_features: Vec<String>,
}
