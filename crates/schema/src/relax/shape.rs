//! How many values an example has to have: a fixed shape, or a range for each level of nesting.

use formats::metadata::anomaly_info::{Reason, Type};
use formats::metadata::feature::ShapeType;
use formats::metadata::{Feature, FixedShape, ValueCount};

use super::reason;
use crate::infer::infer_value_counts;
use crate::view::FeatureView;

const NESTEDNESS: &str = "Mismatched value nest level";

/// Drops a shape that does not fit, and widens ranges of value counts.
///
/// A dropped shape is not replaced by value counts: they might not fit the data that the shape was for.
pub(super) fn relax(feature: &mut Feature, view: &FeatureView<'_>, reasons: &mut Vec<Reason>) {
    let levels = view.value_counts();
    match &mut feature.shape_type {
        None => {}
        Some(ShapeType::Shape(shape)) => {
            if let Some(why) = misfit(shape, view) {
                reasons.push(why);
                feature.shape_type = None;
            }
        }
        Some(ShapeType::ValueCount(value_count)) => match levels.as_slice() {
            [level] => relax_value_count(value_count, *level, ".", reasons),
            _ => {
                reasons.push(reason(
                    Type::ValueNestednessMismatch,
                    NESTEDNESS,
                    "This feature has a value_count, but the nestedness level of the feature > 1. For features with nestedness levels greater than 1, value_counts, not value_count, should be specified.",
                ));
                feature.shape_type = infer_value_counts(view);
            }
        },
        Some(ShapeType::ValueCounts(value_counts)) => {
            let value_counts = &mut value_counts.value_count;
            if value_counts.len() == levels.len() {
                for (index, (value_count, level)) in value_counts.iter_mut().zip(levels).enumerate()
                {
                    let place = format!(" at nestedness level {index}.");
                    relax_value_count(value_count, level, &place, reasons);
                }
            } else {
                reasons.push(reason(
                    Type::ValueNestednessMismatch,
                    NESTEDNESS,
                    "The values have a different nest level than expected. Value counts will not be checked.",
                ));
                feature.shape_type = infer_value_counts(view);
            }
        }
    }
}

fn relax_value_count(
    value_count: &mut ValueCount,
    (min, max): (i64, i64),
    place: &str,
    reasons: &mut Vec<Reason>,
) {
    if value_count.min.is_some_and(|limit| min < limit) {
        reasons.push(reason(
            Type::FeatureTypeLowNumberValues,
            "Missing values",
            format!("Some examples have fewer values than expected{place}"),
        ));
        value_count.min = (min > 0).then_some(min);
    }
    if value_count.max.is_some_and(|limit| max > limit) {
        reasons.push(reason(
            Type::FeatureTypeHighNumberValues,
            "Superfluous values",
            format!("Some examples have more values than expected{place}"),
        ));
        value_count.max = Some(max);
    }
}

fn misfit(shape: &FixedShape, view: &FeatureView<'_>) -> Option<Reason> {
    let levels = view.value_counts();
    let is_fixed = levels.iter().all(|&(min, max)| min == max && min > 0);
    let description = if !is_fixed || view.has_missing() {
        "The feature has a shape, but it's not always present (if the feature is nested, then it should always be present at each nested level) or its value lengths vary.".to_owned()
    } else {
        let product = |sizes: &mut dyn Iterator<Item = i64>| sizes.fold(1, i64::saturating_mul);
        let found = product(&mut levels.iter().map(|&(size, _)| size));
        let expected = product(&mut shape.dim.iter().map(|dim| dim.size()));
        if found == expected {
            return None;
        }
        format!(
            "The feature has fixed value length {found} but it's not compatible with the specified shape."
        )
    };
    Some(reason(Type::InvalidFeatureShape, "Feature shape dropped", description))
}
