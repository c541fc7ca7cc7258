//! How often a feature has to be there, in all examples or in its group, and how many distinct values it has to have.

use formats::metadata::Feature;
use formats::metadata::anomaly_info::{Reason, Type};
use formats::metadata::feature::PresenceConstraints;

use super::reason;
use crate::domain::single;
use crate::text::six_digits;
use crate::view::FeatureView;

const SHORT: &str = "Column dropped";
/// The fraction of a feature that was once everywhere and no longer is; clearly below 1, however few
/// examples lack it.
const ALMOST_EVERYWHERE: f64 = 0.9999;

/// Lowers the fraction and the count of examples that have to have a feature.
pub(super) fn relax(feature: &mut Feature, view: &FeatureView<'_>, reasons: &mut Vec<Reason>) {
    let presence = match &mut feature.presence_constraints {
        None => return,
        Some(PresenceConstraints::GroupPresence(presence)) => {
            if presence.required() && view.path.len() > 1 && view.num_missing() != 0.0 {
                presence.required = Some(false);
                reasons.push(missing_somewhere("in its group", view));
            }
            return;
        }
        Some(PresenceConstraints::Presence(presence)) => presence,
    };
    #[expect(clippy::cast_possible_truncation, reason = "weighted counts are rounded down")]
    let num_present = view.num_present() as i64;
    if let Some(expected) = presence.min_count.filter(|&expected| num_present < expected) {
        presence.min_count = Some(num_present);
        reasons.push(reason(
            Type::FeatureTypeLowNumberPresent,
            SHORT,
            format!(
                "The feature was present in fewer examples than expected: minimum count = {expected}, actual = {num_present}"
            ),
        ));
    }
    let (Some(expected), Some(fraction)) = (presence.min_fraction, view.fraction_present()) else {
        return;
    };
    if fraction < expected {
        presence.min_fraction = Some(fraction);
        reasons.push(reason(
            Type::FeatureTypeLowFractionPresent,
            SHORT,
            format!(
                "The feature was present in fewer examples than expected: minimum fraction = {:.6}, actual = {fraction:.6}",
                single(expected)
            ),
        ));
    }
    if presence.min_fraction() >= 1.0 && view.num_missing() != 0.0 {
        presence.min_fraction = Some(ALMOST_EVERYWHERE);
        reasons.push(missing_somewhere("everywhere", view));
    }
}

fn missing_somewhere(place: &str, view: &FeatureView<'_>) -> Reason {
    let missing = six_digits(view.num_missing());
    reason(
        Type::FeatureTypeLowFractionPresent,
        SHORT,
        format!("The feature was expected {place}, but was missing in {missing} examples."),
    )
}

/// Widens the number of distinct values that a feature has to have. A limit that is not set is none.
pub(super) fn relax_unique(
    feature: &mut Feature,
    view: &FeatureView<'_>,
    reasons: &mut Vec<Reason>,
) {
    let Some(constraints) = &mut feature.unique_constraints else { return };
    let Some(num_unique) = view.num_unique() else {
        reasons.push(reason(
            Type::FeatureTypeNoUnique,
            "No unique values",
            "UniqueConstraints specified for the feature, but unique values were not counted (i.e., feature is not string or categorical).",
        ));
        feature.unique_constraints = None;
        return;
    };
    let num_unique = i64::try_from(num_unique).unwrap_or(i64::MAX);
    if let Some(limit) = constraints.min.filter(|&limit| num_unique < limit) {
        reasons.push(reason(
            Type::FeatureTypeLowUnique,
            "Low number of unique values",
            format!("Expected at least {limit} unique values but found only {num_unique}."),
        ));
        constraints.min = Some(num_unique);
    }
    if let Some(limit) = constraints.max.filter(|&limit| num_unique > limit) {
        reasons.push(reason(
            Type::FeatureTypeHighUnique,
            "High number of unique values",
            format!("Expected no more than {limit} unique values but found {num_unique}."),
        ));
        constraints.max = Some(num_unique);
    }
}
