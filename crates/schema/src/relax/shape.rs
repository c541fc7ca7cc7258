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
            [level] => relax_value_count(value_count, *level, "", reasons),
            levels => {
                reasons.push(reason(
                    Type::ValueNestednessMismatch,
                    NESTEDNESS,
                    format!(
                        "The values are nested {} levels deep, but the schema has a value_count for one level",
                        levels.len()
                    ),
                ));
                feature.shape_type = infer_value_counts(view);
            }
        },
        Some(ShapeType::ValueCounts(value_counts)) => {
            let value_counts = &mut value_counts.value_count;
            if value_counts.len() == levels.len() {
                for (index, (value_count, level)) in value_counts.iter_mut().zip(levels).enumerate()
                {
                    let place = format!(" at nestedness level {index}");
                    relax_value_count(value_count, level, &place, reasons);
                }
            } else {
                reasons.push(reason(
                    Type::ValueNestednessMismatch,
                    NESTEDNESS,
                    format!(
                        "The values are nested {} levels deep, but the schema has value_counts for {}",
                        levels.len(),
                        value_counts.len()
                    ),
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
    if let Some(limit) = value_count.min.filter(|&limit| min < limit) {
        reasons.push(reason(
            Type::FeatureTypeLowNumberValues,
            "Missing values",
            format!("The smallest number of values in an example is {min}{place}, expected at least {limit}"),
        ));
        value_count.min = (min > 0).then_some(min);
    }
    if let Some(limit) = value_count.max.filter(|&limit| max > limit) {
        reasons.push(reason(
            Type::FeatureTypeHighNumberValues,
            "Superfluous values",
            format!("The largest number of values in an example is {max}{place}, expected at most {limit}"),
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
        format!("Every example has {found} values, but the shape is for {expected}")
    };
    Some(reason(Type::InvalidFeatureShape, "Feature shape dropped", description))
}
