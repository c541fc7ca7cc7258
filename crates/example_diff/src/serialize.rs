//! The stored form of a result: one JSON object for what was counted, and one line of JSON for each pair kept.

use dataset::FeatureType;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::{ConfusionCount, ExampleDiff, ExampleDiffError, FeatureSkew, MatchStats, SkewPair};

/// The newest version.
const VERSION: u64 = 1;

#[derive(Deserialize)]
struct AnyVersion {
    version: u64,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct V1 {
    version: u64,
    match_stats: MatchStatsV1,
    num_compared_pairs: u64,
    num_skewed_pairs: u64,
    features: Vec<FeatureSkewV1>,
    confusion: Vec<ConfusionCountV1>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct MatchStatsV1 {
    base_with_id_count: u64,
    test_with_id_count: u64,
    identifiers_count: u64,
    ids_missing_in_base_count: u64,
    ids_missing_in_test_count: u64,
    matching_pairs_count: u64,
    duplicate_id_count: u64,
    base_missing_id_count: u64,
    test_missing_id_count: u64,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct FeatureSkewV1 {
    feature_name: String,
    base_type: Option<FeatureType>,
    test_type: Option<FeatureType>,
    base_count: u64,
    test_count: u64,
    match_count: u64,
    base_only: u64,
    test_only: u64,
    mismatch_count: u64,
    diff_count: u64,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ConfusionCountV1 {
    feature_name: String,
    base: Option<String>,
    test: Option<String>,
    count: u64,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SkewPairV1 {
    mismatched_features: Vec<String>,
    base_only_features: Vec<String>,
    test_only_features: Vec<String>,
    matched_features: Vec<String>,
    base: Json,
    test: Json,
}

impl ExampleDiff {
    /// Returns what was counted, as the text of one JSON object; the sample of pairs is not in it.
    pub fn to_json(&self) -> String {
        let stored = V1 {
            version: VERSION,
            match_stats: (&self.match_stats).into(),
            num_compared_pairs: self.num_compared_pairs,
            num_skewed_pairs: self.num_skewed_pairs,
            features: self.features.iter().map(Into::into).collect(),
            confusion: self.confusion.iter().map(Into::into).collect(),
        };
        let text = serde_json::to_string_pretty(&stored);
        text.expect("names and numbers always have a JSON form") + "\n"
    }

    /// Returns the sample of pairs as text: one JSON object a line, its features by name.
    pub fn sample_to_json_lines(&self) -> String {
        let line = |pair: &SkewPair| {
            let stored = SkewPairV1 {
                mismatched_features: pair.mismatched_features.clone(),
                base_only_features: pair.base_only_features.clone(),
                test_only_features: pair.test_only_features.clone(),
                matched_features: pair.matched_features.clone(),
                base: pair.base.clone(),
                test: pair.test.clone(),
            };
            let text = serde_json::to_string(&stored);
            text.expect("names and JSON always have a JSON form") + "\n"
        };
        self.sample.iter().map(line).collect()
    }

    /// Reads a result back: what [`ExampleDiff::to_json`] and [`ExampleDiff::sample_to_json_lines`] wrote.
    ///
    /// # Errors
    ///
    /// [`ExampleDiffError::BadResult`] when a text is none of theirs, [`ExampleDiffError::NewerResult`] when it
    /// was written by a newer program.
    pub fn from_json(counts: &str, sample: &str) -> Result<Self, ExampleDiffError> {
        let bad = ExampleDiffError::BadResult;
        let AnyVersion { version } = serde_json::from_str(counts).map_err(bad)?;
        if version > VERSION {
            return Err(ExampleDiffError::NewerResult { version, newest: VERSION });
        }
        let stored: V1 = serde_json::from_str(counts).map_err(bad)?;
        let pair = |line: &str| {
            let stored: SkewPairV1 = serde_json::from_str(line).map_err(bad)?;
            Ok(SkewPair {
                base: stored.base,
                test: stored.test,
                base_only_features: stored.base_only_features,
                test_only_features: stored.test_only_features,
                matched_features: stored.matched_features,
                mismatched_features: stored.mismatched_features,
            })
        };
        Ok(Self {
            match_stats: stored.match_stats.into(),
            num_compared_pairs: stored.num_compared_pairs,
            num_skewed_pairs: stored.num_skewed_pairs,
            features: stored.features.into_iter().map(Into::into).collect(),
            confusion: stored.confusion.into_iter().map(Into::into).collect(),
            sample: sample.lines().map(pair).collect::<Result<_, ExampleDiffError>>()?,
        })
    }
}

impl From<&MatchStats> for MatchStatsV1 {
    fn from(stats: &MatchStats) -> Self {
        Self {
            base_with_id_count: stats.base_with_id_count,
            test_with_id_count: stats.test_with_id_count,
            identifiers_count: stats.identifiers_count,
            ids_missing_in_base_count: stats.ids_missing_in_base_count,
            ids_missing_in_test_count: stats.ids_missing_in_test_count,
            matching_pairs_count: stats.matching_pairs_count,
            duplicate_id_count: stats.duplicate_id_count,
            base_missing_id_count: stats.base_missing_id_count,
            test_missing_id_count: stats.test_missing_id_count,
        }
    }
}

impl From<MatchStatsV1> for MatchStats {
    fn from(stats: MatchStatsV1) -> Self {
        Self {
            base_with_id_count: stats.base_with_id_count,
            test_with_id_count: stats.test_with_id_count,
            identifiers_count: stats.identifiers_count,
            ids_missing_in_base_count: stats.ids_missing_in_base_count,
            ids_missing_in_test_count: stats.ids_missing_in_test_count,
            matching_pairs_count: stats.matching_pairs_count,
            duplicate_id_count: stats.duplicate_id_count,
            base_missing_id_count: stats.base_missing_id_count,
            test_missing_id_count: stats.test_missing_id_count,
        }
    }
}

impl From<&FeatureSkew> for FeatureSkewV1 {
    fn from(skew: &FeatureSkew) -> Self {
        Self {
            feature_name: skew.feature_name.clone(),
            base_type: skew.base_type,
            test_type: skew.test_type,
            base_count: skew.base_count,
            test_count: skew.test_count,
            match_count: skew.match_count,
            base_only: skew.base_only,
            test_only: skew.test_only,
            mismatch_count: skew.mismatch_count,
            diff_count: skew.diff_count(),
        }
    }
}

impl From<FeatureSkewV1> for FeatureSkew {
    fn from(skew: FeatureSkewV1) -> Self {
        Self {
            feature_name: skew.feature_name,
            base_type: skew.base_type,
            test_type: skew.test_type,
            base_count: skew.base_count,
            test_count: skew.test_count,
            match_count: skew.match_count,
            base_only: skew.base_only,
            test_only: skew.test_only,
            mismatch_count: skew.mismatch_count,
        }
    }
}

impl From<&ConfusionCount> for ConfusionCountV1 {
    fn from(count: &ConfusionCount) -> Self {
        let ConfusionCount { feature_name, base, test, count } = count.clone();
        Self { feature_name, base, test, count }
    }
}

impl From<ConfusionCountV1> for ConfusionCount {
    fn from(stored: ConfusionCountV1) -> Self {
        let ConfusionCountV1 { feature_name, base, test, count } = stored;
        Self { feature_name, base, test, count }
    }
}
