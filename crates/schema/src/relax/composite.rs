//! Sparse and weighted features: several columns read as one. Their statistics count what does not match.

use formats::metadata::anomaly_info::{Reason, Type};
use formats::metadata::custom_statistic::Val;
use formats::metadata::{CustomStatistic, Feature, SparseFeature, WeightedFeature};

use super::{is_deprecated, reason, stage_is_deprecated};
use crate::text::six_digits;
use crate::view::FeatureView;

/// Returns why the composite feature of a path does not allow some statistics.
///
/// None when the path is not that of a composite feature, so that the plain one counts. The edit that
/// belongs to any reason is to deprecate everything under that path.
pub(crate) fn composite_reasons(
    sparse: Option<&SparseFeature>,
    weighted: Option<&WeightedFeature>,
    feature: Option<&Feature>,
    view: &FeatureView<'_>,
) -> Option<Vec<Reason>> {
    let sparse = sparse.filter(|sparse| !is_sparse_deprecated(sparse));
    let weighted = weighted.filter(|weighted| !is_weighted_deprecated(weighted));
    let feature = feature.filter(|feature| !is_deprecated(feature));
    match (weighted, sparse, feature) {
        (None, None, _) => None,
        (Some(_), None, None) => Some(weighted_reasons(view.custom_stats())),
        (None, Some(_), None) => Some(sparse_reasons(view.custom_stats())),
        (weighted, _, _) => {
            let (kind, short) = if weighted.is_some() {
                (Type::WeightedFeatureNameCollision, "Weighted feature name collision")
            } else {
                (Type::SparseFeatureNameCollision, "Sparse feature name collision")
            };
            Some(vec![reason(kind, short, format!("{short}."))])
        }
    }
}

/// Returns whether a sparse feature is outside validation.
pub(crate) fn is_sparse_deprecated(sparse: &SparseFeature) -> bool {
    let flag = sparse.deprecated();
    flag || stage_is_deprecated(sparse.lifecycle_stage())
}

/// Returns whether a weighted feature is outside validation.
pub(crate) fn is_weighted_deprecated(weighted: &WeightedFeature) -> bool {
    stage_is_deprecated(weighted.lifecycle_stage())
}

fn sparse_reasons(stats: &[CustomStatistic]) -> Vec<Reason> {
    let mut reasons = Vec::new();
    for stat in stats {
        match (stat.name.as_str(), &stat.val) {
            ("missing_value", &Some(Val::Num(count))) if count != 0.0 => reasons.push(reason(
                Type::SparseFeatureMissingValue,
                "Missing value feature",
                format!("Found {} examples missing value feature", six_digits(count)),
            )),
            ("missing_index", Some(Val::RankHistogram(histogram))) => {
                for bucket in
                    histogram.buckets.iter().filter(|bucket| bucket.sample_count.trunc() != 0.0)
                {
                    let (count, index) = (bucket.sample_count.trunc(), &bucket.label);
                    reasons.push(reason(
                        Type::SparseFeatureMissingIndex,
                        "Missing index feature",
                        format!("Found {count} examples missing index feature: {index}"),
                    ));
                }
            }
            (
                name @ ("max_length_diff" | "min_length_diff"),
                Some(Val::RankHistogram(histogram)),
            ) => {
                for bucket in histogram.buckets.iter().filter(|bucket| bucket.sample_count != 0.0) {
                    let (difference, index) = (bucket.sample_count.trunc(), &bucket.label);
                    reasons.push(reason(
                        Type::SparseFeatureLengthMismatch,
                        "Length mismatch between value and index feature",
                        format!(
                            "Mismatch between index feature: {index} and value column, with {name} = {difference}"
                        ),
                    ));
                }
            }
            _ => {}
        }
    }
    reasons
}

fn weighted_reasons(stats: &[CustomStatistic]) -> Vec<Reason> {
    let number = |name: &str| {
        let stat = stats.iter().rfind(|stat| stat.name == name);
        match stat.and_then(|stat| stat.val.as_ref()) {
            Some(&Val::Num(number)) => number,
            _ => 0.0,
        }
    };
    let mut reasons = Vec::new();
    let (values, weights) = (number("missing_value"), number("missing_weight"));
    if values != 0.0 {
        reasons.push(reason(
            Type::WeightedFeatureMissingValue,
            "Missing value feature",
            format!("Found {} examples missing value feature.", six_digits(values)),
        ));
    }
    if weights != 0.0 {
        reasons.push(reason(
            Type::WeightedFeatureMissingWeight,
            "Missing weight feature",
            format!("Found {} examples missing weight feature.", six_digits(weights)),
        ));
    }
    let (min, max) = (number("min_weight_length_diff"), number("max_weight_length_diff"));
    if min != 0.0 || max != 0.0 {
        reasons.push(reason(
            Type::WeightedFeatureLengthMismatch,
            "Length mismatch between value and weight feature",
            format!(
                "Mismatch between weight and value feature with min_weight_length_diff = {} and max_weight_length_diff = {}.",
                min.trunc(),
                max.trunc()
            ),
        ));
    }
    reasons
}
