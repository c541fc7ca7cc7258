//! Constraints on a dataset as a whole: how many examples it has, absolutely and against the data before.

use formats::metadata::anomaly_info::{Reason, Type};
use formats::metadata::{DatasetConstraints, NumericValueComparator};

use crate::relax::{Context, reason};
use crate::text::six_digits;
use crate::view::DatasetView;

/// Returns why a dataset does not have the number of examples that it has to have.
///
/// `num_examples_version_comparator` compares versions of one span, which nobody hands in here.
pub(crate) fn dataset_reasons(
    constraints: &DatasetConstraints,
    dataset: &DatasetView<'_>,
    context: &Context<'_>,
) -> Vec<Reason> {
    let mut reasons = Vec::new();
    if let (Some(comparator), Some(previous)) =
        (&constraints.num_examples_drift_comparator, context.previous)
    {
        compare(comparator, dataset.num_examples, previous.num_examples, &mut reasons);
    }
    let num_examples = dataset.num_examples;
    if constraints.min_examples_count.is_some_and(|limit| num_examples < count(limit)) {
        reasons.push(reason(
            Type::DatasetLowNumExamples,
            "Low num examples in dataset.",
            format!("The dataset has {num_examples} examples, which is fewer than expected."),
        ));
    }
    if constraints.max_examples_count.is_some_and(|limit| num_examples > count(limit)) {
        reasons.push(reason(
            Type::DatasetHighNumExamples,
            "High num examples in dataset.",
            format!("The dataset has {num_examples} examples, which is more than expected."),
        ));
    }
    reasons
}

fn compare(
    comparator: &NumericValueComparator,
    num_examples: f64,
    num_before: f64,
    reasons: &mut Vec<Reason>,
) {
    // Nothing before makes any number of examples a high one.
    let ratio = if num_before > 0.0 { num_examples / num_before } else { f64::INFINITY };
    let described = |relation: &str, limit: f64| {
        format!(
            "The dataset has {num_examples} examples and the previous one {num_before}: {} times as many, {relation} the threshold {}",
            six_digits(ratio),
            six_digits(limit)
        )
    };
    if let Some(limit) = comparator.max_fraction_threshold.filter(|&limit| ratio > limit) {
        reasons.push(reason(
            Type::ComparatorHighNumExamples,
            "High num examples against the previous dataset",
            described("above", limit),
        ));
    }
    if let Some(limit) = comparator.min_fraction_threshold.filter(|&limit| ratio < limit) {
        reasons.push(reason(
            Type::ComparatorLowNumExamples,
            "Low num examples against the previous dataset",
            described("below", limit),
        ));
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^53")]
fn count(count: i64) -> f64 {
    count as f64
}
