//! Constraints on a dataset as a whole: how many examples it has, absolutely, against the data before and
//! against the version before.

use formats::metadata::anomaly_info::{Reason, Type};
use formats::metadata::{DatasetConstraints, NumericValueComparator};

use crate::relax::{Context, reason};
use crate::text::six_digits;
use crate::view::DatasetView;

/// Relaxes constraints so that they allow a dataset; returns one reason for each edit.
pub(crate) fn relax_dataset(
    constraints: &mut DatasetConstraints,
    dataset: &DatasetView<'_>,
    context: &Context<'_>,
) -> Vec<Reason> {
    let mut reasons = Vec::new();
    let num_examples = dataset.num_examples;
    for (comparator, control, name) in [
        (&mut constraints.num_examples_drift_comparator, context.previous, "previous span"),
        (
            &mut constraints.num_examples_version_comparator,
            context.previous_version,
            "previous version",
        ),
    ] {
        if let (Some(comparator), Some(control)) = (comparator, control) {
            compare(comparator, num_examples, (control.num_examples, name), &mut reasons);
        }
    }
    let shown = six_digits(num_examples);
    if let Some(limit) = &mut constraints.min_examples_count
        && num_examples < count(*limit)
    {
        *limit = whole(num_examples.floor());
        reasons.push(reason(
            Type::DatasetLowNumExamples,
            "Low num examples in dataset.",
            format!("The dataset has {shown} examples, which is fewer than expected."),
        ));
    }
    if let Some(limit) = &mut constraints.max_examples_count
        && num_examples > count(*limit)
    {
        *limit = whole(num_examples.ceil());
        reasons.push(reason(
            Type::DatasetHighNumExamples,
            "High num examples in dataset.",
            format!("The dataset has {shown} examples, which is more than expected."),
        ));
    }
    reasons
}

/// Returns how many times as many examples there are, unless there were none before.
pub(crate) fn ratio(num_examples: f64, num_before: f64) -> Option<f64> {
    (num_before > 0.0).then(|| num_examples / num_before)
}

fn compare(
    comparator: &mut NumericValueComparator,
    num_examples: f64,
    (num_before, control): (f64, &str),
    reasons: &mut Vec<Reason>,
) {
    let Some(ratio) = ratio(num_examples, num_before) else {
        // Nothing before makes any number of examples a high one.
        if comparator.max_fraction_threshold.take().is_some() {
            reasons.push(reason(
                Type::ComparatorHighNumExamples,
                &format!(
                    "High num examples in current dataset versus the {control}, which has 0."
                ),
                format!(
                    "The {control} has 0 examples, so there is a high number of examples in the current dataset versus the {control}."
                ),
            ));
        }
        return;
    };
    let described = |side: &str, limit: f64| {
        format!(
            "The ratio of num examples in the current dataset versus the {control} is {} (up to six significant digits), which is {side} the threshold {}.",
            six_digits(ratio),
            six_digits(limit)
        )
    };
    if let Some(limit) = comparator.max_fraction_threshold.filter(|&limit| ratio > limit) {
        comparator.max_fraction_threshold = Some(ratio);
        reasons.push(reason(
            Type::ComparatorHighNumExamples,
            &format!("High num examples in current dataset versus the {control}."),
            described("above", limit),
        ));
    }
    if let Some(limit) = comparator.min_fraction_threshold.filter(|&limit| ratio < limit) {
        comparator.min_fraction_threshold = Some(ratio);
        reasons.push(reason(
            Type::ComparatorLowNumExamples,
            &format!("Low num examples in current dataset versus the {control}."),
            described("below", limit),
        ));
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^53")]
fn count(count: i64) -> f64 {
    count as f64
}

#[expect(clippy::cast_possible_truncation, reason = "a whole number, and the cast saturates")]
fn whole(count: f64) -> i64 {
    count as i64
}
