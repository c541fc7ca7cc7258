//! Distances to the data before, and to the data in serving.

use formats::metadata::anomaly_info::{Reason, Type};
use formats::metadata::drift_skew_info::{Measurement, measurement};
use formats::metadata::{Feature, FeatureComparator, histogram_selection};

use super::{Context, Outcome, reason};
use crate::compare::{jensen_shannon_divergence, l_infinity_distance, normalized_abs_difference};
use crate::text::six_digits;
use crate::view::{DatasetView, FeatureView};

/// The names of the two sides of a comparison.
struct Sides {
    control: &'static str,
    treatment: &'static str,
}

/// Compares a feature with itself in the other datasets, as its comparators ask.
///
/// Every distance that can be measured is recorded, however small. Without a control dataset nothing is
/// compared; a control dataset that lacks the feature is a reason of its own. The comparators stay as they
/// are: an update is never given other datasets.
pub(super) fn compare(
    feature: &Feature,
    view: &FeatureView<'_>,
    context: &Context<'_>,
    outcome: &mut Outcome,
) {
    if let (Some(comparator), Some(previous)) = (&feature.drift_comparator, context.previous) {
        let sides = Sides { control: "previous", treatment: "current" };
        outcome.drift = measure(comparator, view, previous, &sides, &mut outcome.reasons);
    }
    if let (Some(comparator), Some(serving)) = (&feature.skew_comparator, context.serving) {
        let sides = Sides { control: "serving", treatment: "training" };
        outcome.skew = measure(comparator, view, serving, &sides, &mut outcome.reasons);
    }
}

fn measure(
    comparator: &FeatureComparator,
    view: &FeatureView<'_>,
    control: &DatasetView<'_>,
    sides: &Sides,
    reasons: &mut Vec<Reason>,
) -> Vec<Measurement> {
    let linf = comparator.infinity_norm.as_ref().and_then(|norm| norm.threshold);
    let nad = comparator.normalized_abs_difference.as_ref().and_then(|nad| nad.threshold);
    let divergence = comparator.jensen_shannon_divergence.as_ref();
    let jsd = divergence.and_then(|divergence| divergence.threshold);
    if linf.is_none() && nad.is_none() && jsd.is_none() {
        return Vec::new();
    }
    let Some(control) = control.get(&view.path) else {
        reasons.push(reason(
            Type::ComparatorControlDataMissing,
            &format!("{} data missing", sides.control),
            format!("The {} data has no such feature to compare with", sides.control),
        ));
        return Vec::new();
    };

    let mut measurements = Vec::new();
    let mut record = |kind: measurement::Type, value: f64, threshold: f64| {
        measurements.push(Measurement {
            r#type: Some(kind.into()),
            value: Some(value),
            threshold: Some(threshold),
        });
        value > threshold
    };
    if let Some(limit) = linf {
        let (value, distance) = l_infinity_distance(&view.values(), &control.values());
        if record(measurement::Type::LInfty, distance, limit) {
            let name = "Linfty distance";
            let kind = Type::ComparatorLInftyHigh;
            reasons.push(too_far(kind, name, sides, (distance, limit), Some(value)));
        }
    }
    if let Some(limit) = nad {
        let (value, distance) = normalized_abs_difference(&view.values(), &control.values());
        if record(measurement::Type::NormalizedAbsoluteDifference, distance, limit) {
            let name = "normalized absolute difference";
            let kind = Type::ComparatorNormalizedAbsoluteDifferenceHigh;
            reasons.push(too_far(kind, name, sides, (distance, limit), Some(value)));
        }
    }
    if let Some(limit) = jsd {
        let source = divergence
            .and_then(|divergence| divergence.source.as_ref())
            .map_or(histogram_selection::Type::Default, |source| source.r#type());
        if let Some(distance) = jensen_shannon_divergence(view, control, source)
            && record(measurement::Type::JensenShannonDivergence, distance, limit)
        {
            let name = "approximate Jensen-Shannon divergence";
            let kind = Type::ComparatorJensenShannonDivergenceHigh;
            reasons.push(too_far(kind, name, sides, (distance, limit), None));
        }
    }
    measurements
}

fn too_far(
    kind: Type,
    name: &str,
    Sides { control, treatment }: &Sides,
    (distance, limit): (f64, f64),
    farthest: Option<&str>,
) -> Reason {
    let (distance, limit) = (six_digits(distance), six_digits(limit));
    let ending = match farthest {
        Some(value) => format!(". The feature value with maximum difference is: {value}"),
        None => ".".to_owned(),
    };
    reason(
        kind,
        &format!("High {name} between {treatment} and {control}"),
        format!(
            "The {name} between {treatment} and {control} is {distance} (up to six significant digits), above the threshold {limit}{ending}"
        ),
    )
}
