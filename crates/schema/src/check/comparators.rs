//! The check of comparators: whether they ask for anything, and whether statistics can tell it.

use formats::metadata::feature::DomainInfo;
use formats::metadata::{Feature, FeatureComparator, FeatureType};

use super::Problems;

/// What is expected where values have to be counted one by one.
pub(super) const CATEGORICAL: &str =
    "a categorical feature: one of texts, or of numbers whose domain says is_categorical";

/// Checks that every comparator applies to the feature's type.
///
/// The reference implementation measures a distance of 0 between numbers where it cannot measure any.
pub(super) fn check(feature: &Feature, location: &str, problems: &mut Problems) {
    for (name, comparator) in [
        ("drift_comparator", &feature.drift_comparator),
        ("skew_comparator", &feature.skew_comparator),
    ] {
        let Some(comparator) = comparator else { continue };
        let measures = thresholds(comparator);
        if measures.iter().all(|(_, threshold)| threshold.is_none()) {
            let expected = "the threshold of infinity_norm, jensen_shannon_divergence or normalized_abs_difference";
            problems.push(location, format!("{name} without a threshold"), expected);
        }
        for (measure, threshold) in measures {
            let Some(threshold) = threshold else { continue };
            if threshold.is_nan() || threshold < 0.0 {
                problems.push(location, format!("{name} threshold {threshold}"), "0 or more");
            }
            let kind = feature.r#type();
            let expected = match measure {
                _ if kind == FeatureType::TypeUnknown || is_categorical(feature) => continue,
                "jensen_shannon_divergence" => match kind {
                    FeatureType::Int | FeatureType::Float => continue,
                    _ => "a feature of numbers or texts",
                },
                _ if matches!(kind, FeatureType::Int | FeatureType::Float) => {
                    "jensen_shannon_divergence for numbers, or a domain that says is_categorical"
                }
                _ => CATEGORICAL,
            };
            let found = format!("{name}.{measure} on {}", described(feature));
            problems.push(location, found, expected);
        }
    }
}

/// Returns whether statistics count the values of a feature one by one.
pub(super) fn is_categorical(feature: &Feature) -> bool {
    match (feature.r#type(), &feature.domain_info) {
        (FeatureType::Bytes, domain) => !holds_no_text(domain.as_ref()),
        (FeatureType::Int, Some(DomainInfo::IntDomain(domain))) => domain.is_categorical(),
        (FeatureType::Float, Some(DomainInfo::FloatDomain(domain))) => domain.is_categorical(),
        _ => false,
    }
}

/// Whether bytes are something that only its own tools can read.
fn holds_no_text(domain: Option<&DomainInfo>) -> bool {
    matches!(
        domain,
        Some(
            DomainInfo::ImageDomain(_)
                | DomainInfo::AudioDomain(_)
                | DomainInfo::VideoDomain(_)
                | DomainInfo::ContentChunkDomain(_)
        )
    )
}

fn described(feature: &Feature) -> String {
    let kind = feature.r#type().as_str_name();
    match &feature.domain_info {
        Some(domain) if holds_no_text(Some(domain)) => {
            format!("type {kind} with {}", crate::relax::domain_name(domain))
        }
        _ => format!("type {kind}"),
    }
}

fn thresholds(comparator: &FeatureComparator) -> [(&'static str, Option<f64>); 3] {
    let FeatureComparator { infinity_norm, jensen_shannon_divergence, normalized_abs_difference } =
        comparator;
    [
        ("infinity_norm", infinity_norm.as_ref().and_then(|it| it.threshold)),
        (
            "jensen_shannon_divergence",
            jensen_shannon_divergence.as_ref().and_then(|it| it.threshold),
        ),
        (
            "normalized_abs_difference",
            normalized_abs_difference.as_ref().and_then(|it| it.threshold),
        ),
    ]
}
