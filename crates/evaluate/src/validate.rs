//! Whether a model is good enough: an evaluation held against thresholds.

use std::collections::BTreeMap;
use std::fmt;

use crate::evaluation::{Evaluation, SliceResult};
use crate::finish::one_slice;
use crate::{Bound, Config, NamedSlices, SliceSpec, Threshold, ThresholdSlices, metrics};

/// Whether a model is good enough to be pushed, and if not, why.
#[derive(Clone, Debug, PartialEq)]
pub struct Blessing {
    /// Whether every threshold holds, and there is at least one.
    pub blessed: bool,
    /// Everything that does not hold, in the order of thresholds, then of slices, then of bounds.
    pub failures: Vec<Failure>,
}

/// One thing that keeps a model from being blessed. As text: `auc, overall: 0.81 is less than 0.85 (..)`.
#[derive(Clone, Debug, PartialEq)]
pub struct Failure {
    /// The place of the threshold in the configuration; none when it is not about one of them.
    pub threshold: Option<usize>,
    /// The metric of the threshold.
    pub metric: Option<String>,
    /// The slice as people read it, and how many examples it has.
    pub slice: Option<(String, u64)>,
    /// What is wrong.
    pub reason: FailureReason,
}

/// Why a threshold does not hold.
#[derive(Clone, Debug, PartialEq)]
pub enum FailureReason {
    /// There are no thresholds, and a model that nothing is asked of is not blessed.
    NoThresholds,
    /// No example has a label, so that nothing was measured.
    NoExamples,
    /// There is no such slice: the values are missing, or every slice is too small.
    MissingSlices {
        /// The slices that were asked for.
        slices: SliceSpec,
    },
    /// There are more slices by these features than are evaluated.
    CrowdedSlices {
        /// The cross of features.
        features: Vec<String>,
    },
    /// The evaluation does not have the metric, of the candidate or of the baseline.
    MissingMetric,
    /// The metric is not defined for these examples.
    NotANumber,
    /// The metric of the baseline is not defined for these examples, and so the change is not.
    BaselineNotANumber {
        /// The bound that needs it.
        bound: Bound,
    },
    /// The metric of the baseline is 0, and so there is no relative change.
    ZeroBaseline {
        /// The bound that needs it.
        bound: Bound,
    },
    /// A bound does not hold.
    OutOfBounds {
        /// The bound.
        bound: Bound,
        /// What was asked for.
        limit: f64,
        /// The metric, or its change.
        found: f64,
        /// For changes: the metric of the baseline and of the candidate.
        from_to: Option<(f64, f64)>,
    },
}

/// Holds an evaluation against the thresholds of a configuration.
///
/// Bounds are inclusive. A metric that is NaN never passes, nor does a change that is, nor a relative change
/// against a baseline of 0; without a baseline, changes do not bind, nor do metrics that compare the two. A
/// threshold against another slice looks at the difference of the metrics, and a change is then the candidate's
/// difference minus the baseline's. A threshold on slices that were not
/// computed, because there are none or too many, does not hold; slices that are too small are passed over as
/// long as there is another one by the same features.
///
/// # Source
///
/// The reference's rules, with two differences: thresholds on changes alone bless a first model (there, the
/// first model is then never blessed and so never a baseline), and a metric that is NaN fails even when only
/// its change is asked for and there is no baseline.
pub fn validate(evaluation: &Evaluation, config: &Config) -> Blessing {
    let mut failures = Vec::new();
    let fail = |reason| Failure { threshold: None, metric: None, slice: None, reason };
    if config.thresholds.is_empty() {
        failures.push(fail(FailureReason::NoThresholds));
    }
    if evaluation.overall().is_none_or(|overall| overall.num_examples == 0) {
        failures.push(fail(FailureReason::NoExamples));
    } else {
        for (place, threshold) in config.thresholds.iter().enumerate() {
            check_slices(evaluation, threshold, &mut |slice, reason| {
                failures.push(Failure {
                    threshold: Some(place),
                    metric: Some(threshold.metric.clone()),
                    slice: slice.map(|slice| (slice.name(), slice.num_examples)),
                    reason,
                });
            });
        }
    }
    Blessing { blessed: failures.is_empty(), failures }
}

type Fail<'a> = dyn FnMut(Option<&SliceResult>, FailureReason) + 'a;

/// Checks one threshold on every slice that it is for.
fn check_slices(evaluation: &Evaluation, threshold: &Threshold, fail: &mut Fail<'_>) {
    let spec = metrics::parse(&threshold.metric).ok();
    if !evaluation.has_baseline && spec.is_some_and(|spec| spec.metric.is_comparison()) {
        return;
    }
    let against = threshold.against.as_ref().map(one_slice);
    let other = match &against {
        None => None,
        Some(spec) => {
            let other = evaluation.slices.iter().find(|slice| spec.has(&slice.key));
            let Some(other) = other else {
                return fail(None, missing(evaluation, spec));
            };
            Some(other)
        }
    };
    let is_other = |slice: &SliceResult| other.is_some_and(|other| other.key == slice.key);
    match &threshold.slices {
        ThresholdSlices::Named(NamedSlices::Overall) => {
            evaluation.overall().into_iter().for_each(|slice| check(slice, other, threshold, fail));
        }
        ThresholdSlices::Named(NamedSlices::All) => {
            for slice in evaluation.slices.iter().filter(|slice| !is_other(slice)) {
                check(slice, other, threshold, fail);
            }
            for features in &evaluation.crowded {
                fail(None, FailureReason::CrowdedSlices { features: features.clone() });
            }
        }
        ThresholdSlices::Features(specs) => {
            for spec in specs {
                let mut is_missing = true;
                for slice in evaluation.slices.iter().filter(|slice| spec.has(&slice.key)) {
                    is_missing = false;
                    if !is_other(slice) {
                        check(slice, other, threshold, fail);
                    }
                }
                if is_missing || evaluation.crowded.contains(&spec.features()) {
                    fail(None, missing(evaluation, spec));
                }
            }
        }
    }
}

/// Returns why there are no such slices.
fn missing(evaluation: &Evaluation, slices: &SliceSpec) -> FailureReason {
    let features = slices.features();
    if evaluation.crowded.contains(&features) {
        FailureReason::CrowdedSlices { features }
    } else {
        FailureReason::MissingSlices { slices: slices.clone() }
    }
}

/// Checks one threshold on one slice, or on its difference to another one.
fn check(
    slice: &SliceResult,
    other: Option<&SliceResult>,
    threshold: &Threshold,
    fail: &mut Fail<'_>,
) {
    let value_of = |metrics: &BTreeMap<String, f64>| metrics.get(&threshold.metric).copied();
    let Some(mut value) = value_of(&slice.metrics) else {
        return fail(Some(slice), FailureReason::MissingMetric);
    };
    if let Some(other) = other {
        let Some(of_other) = value_of(&other.metrics) else {
            return fail(Some(other), FailureReason::MissingMetric);
        };
        if of_other.is_nan() {
            return fail(Some(other), FailureReason::NotANumber);
        }
        if !value.is_nan() {
            value -= of_other;
        }
    }
    if value.is_nan() {
        return fail(Some(slice), FailureReason::NotANumber);
    }
    for bound in Bound::ALL {
        let Some(limit) = threshold.bound(bound) else { continue };
        if !bound.is_change() {
            if !holds(bound, limit, value) {
                let from_to = None;
                let reason = FailureReason::OutOfBounds { bound, limit, found: value, from_to };
                fail(Some(slice), reason);
            }
            continue;
        }
        let Some(baseline) = &slice.baseline else { continue };
        let Some(mut baseline) = value_of(baseline) else {
            return fail(Some(slice), FailureReason::MissingMetric);
        };
        if let Some(other) = other {
            let Some(of_other) = other.baseline.as_ref().and_then(value_of) else {
                return fail(Some(other), FailureReason::MissingMetric);
            };
            baseline -= of_other;
        }
        if let Some(reason) = change_failure(bound, limit, baseline, value) {
            fail(Some(slice), reason);
        }
    }
}

fn change_failure(bound: Bound, limit: f64, baseline: f64, value: f64) -> Option<FailureReason> {
    if baseline.is_nan() {
        return Some(FailureReason::BaselineNotANumber { bound });
    }
    let mut found = value - baseline;
    if matches!(bound, Bound::MinRelativeChange | Bound::MaxRelativeChange) {
        if baseline == 0.0 {
            return Some(FailureReason::ZeroBaseline { bound });
        }
        found /= baseline;
    }
    let from_to = Some((baseline, value));
    (!holds(bound, limit, found)).then_some(FailureReason::OutOfBounds {
        bound,
        limit,
        found,
        from_to,
    })
}

/// Returns whether a value keeps a bound; NaN keeps none.
fn holds(bound: Bound, limit: f64, found: f64) -> bool {
    if bound.is_lower() { found >= limit } else { found <= limit }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.metric, &self.slice) {
            (Some(metric), Some((slice, _))) => write!(f, "{metric}, {slice}: {}", self.reason),
            (Some(metric), None) => write!(f, "{metric}: {}", self.reason),
            (None, _) => self.reason.fmt(f),
        }
    }
}

impl fmt::Display for FailureReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoThresholds => f.write_str(
                "there are no thresholds, and a model that nothing is asked of is not blessed",
            ),
            Self::NoExamples => f.write_str("no example has a label"),
            Self::MissingSlices { slices } => match slices.values() {
                None => write!(f, "no slice by {} was computed", Features(&slices.features())),
                Some(_) => write!(f, "no slice `{slices}` was computed"),
            },
            Self::CrowdedSlices { features } => {
                write!(f, "there are too many slices by {} to evaluate", Features(features))
            }
            Self::MissingMetric => f.write_str("the metric was not computed"),
            Self::NotANumber => f.write_str("not defined for these examples (NaN)"),
            Self::BaselineNotANumber { bound } => write!(
                f,
                "not defined for the baseline (NaN), and so there is no change (`{}`)",
                bound.key()
            ),
            Self::ZeroBaseline { bound } => write!(
                f,
                "0 for the baseline, and so there is no relative change (`{}`)",
                bound.key()
            ),
            Self::OutOfBounds { bound, limit, found, from_to } => {
                let word = if bound.is_lower() { "less" } else { "greater" };
                let found = shown(*found, *limit);
                match from_to {
                    None => write!(f, "{found} is {word} than {limit} (`{}`)", bound.key()),
                    Some((from, to)) => write!(
                        f,
                        "the change from {} to {}, {found}, is {word} than {limit} (`{}`)",
                        rounded(*from),
                        rounded(*to),
                        bound.key()
                    ),
                }
            }
        }
    }
}

struct Features<'a>(&'a [String]);

impl fmt::Display for Features<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, name) in self.0.iter().enumerate() {
            let separator = if place == 0 { "" } else { ", " };
            write!(f, "{separator}`{name}`")?;
        }
        Ok(())
    }
}

/// Returns a number with four decimals, or all of them where those would hide on which side of a limit it is.
fn shown(found: f64, limit: f64) -> String {
    let text = rounded(found);
    let is_told_apart = text
        .parse::<f64>()
        .is_ok_and(|rounded| rounded.partial_cmp(&limit) == found.partial_cmp(&limit));
    if is_told_apart { text } else { found.to_string() }
}

fn rounded(value: f64) -> String {
    format!("{value:.4}")
}

#[cfg(test)]
mod tests;
