//! What can be said about a configuration before any example is read.

use base::nearest;

use crate::metrics;
use crate::{Bound, Config, SampleConfig, SliceSpec, Threshold, ThresholdSlices};

/// How many examples a sample may have.
const MAX_SAMPLE: u32 = 1000;

/// How many tables of classes or labels there may be.
const MAX_TABLES: usize = 100;

/// One thing wrong with a configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The option, with dots between the levels and places in lists, such as `thresholds.0.metric`.
    pub key: String,
    /// What was found and what was expected.
    pub message: String,
    /// What to do about it, when that is fairly sure.
    pub hint: Option<String>,
}

/// Returns all that is wrong with a configuration, given the raw features where they are known.
pub fn check(config: &Config, features: Option<&[String]>) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (key, spec) in config.slice_specs() {
        problems.extend(check_slices(&key, &spec, features));
    }
    for (place, name) in config.metrics.iter().flatten().enumerate() {
        if name != metrics::FAIRNESS {
            problems.extend(check_metric(format!("metrics.{place}"), name, features));
        }
    }
    if config.metrics.as_ref().is_some_and(Vec::is_empty) {
        problems.push(problem("metrics".to_owned(), "[], expected at least one metric".to_owned()));
    }
    for (place, threshold) in config.thresholds.iter().enumerate() {
        problems.extend(check_threshold(&format!("thresholds.{place}"), threshold, features));
    }
    if let Some(name) = &config.example_weight {
        problems.extend(check_feature("example_weight".to_owned(), name, features));
    }
    if let Some(name) = &config.query_key {
        problems.extend(check_feature("query_key".to_owned(), name, features));
    }
    for (class, weight) in &config.class_weights {
        let key = || format!("class_weights.{class}");
        if class.parse::<usize>().is_err() {
            problems.push(problem(
                key(),
                format!("`{class}`, expected the id of a class, such as `0`"),
            ));
        }
        if !weight.is_finite() || *weight < 0.0 {
            problems.push(problem(key(), format!("{weight}, expected a number from 0")));
        }
    }
    for (place, cross) in config.cross_slices.iter().enumerate() {
        if cross.slices.is_empty() {
            let key = format!("cross_slices.{place}.slices");
            problems.push(problem(key, "[], expected at least one".to_owned()));
        }
    }
    if let Some(intervals) = &config.confidence_intervals {
        if !(2..=1000).contains(&intervals.num_replicates) {
            let message = format!("{}, expected 2 to 1000", intervals.num_replicates);
            problems.push(problem("confidence_intervals.num_replicates".to_owned(), message));
        }
        if !(intervals.level > 0.0 && intervals.level < 1.0) {
            let message = format!("{}, expected a number between 0 and 1", intervals.level);
            problems.push(problem("confidence_intervals.level".to_owned(), message));
        }
    }
    let threshold = config.classification_threshold;
    problems.extend(check_ratio("classification_threshold".to_owned(), threshold));
    for (place, threshold) in config.confusion_thresholds.iter().enumerate() {
        problems.extend(check_ratio(format!("confusion_thresholds.{place}"), *threshold));
    }
    if config.confusion_thresholds.len() > MAX_TABLES {
        let message =
            format!("{}, expected at most {MAX_TABLES}", config.confusion_thresholds.len());
        problems.push(problem("confusion_thresholds".to_owned(), message));
    }
    for (place, sample) in config.samples.iter().enumerate() {
        problems.extend(check_sample(&format!("samples.{place}"), sample, features));
    }
    problems
}

fn check_threshold(key: &str, threshold: &Threshold, features: Option<&[String]>) -> Vec<Problem> {
    let mut problems = Vec::new();
    problems.extend(check_metric(format!("{key}.metric"), &threshold.metric, features));
    let given = Bound::ALL.map(|bound| (bound, threshold.bound(bound)));
    for (bound, value) in given {
        let Some(value) = value else { continue };
        if !value.is_finite() {
            let message = format!("{value}, expected a finite number");
            problems.push(problem(format!("{key}.{}", bound.key()), message));
        }
        let spec = metrics::parse(&threshold.metric).ok();
        let of_examples = spec.as_ref().is_some_and(|spec| spec.metric.ignores_predictions());
        if bound.is_change() && of_examples {
            let message = format!(
                "`{}` is about the examples alone: it is the same for candidate and baseline",
                threshold.metric
            );
            problems.push(problem(format!("{key}.{}", bound.key()), message));
        }
        if bound.is_change() && spec.is_some_and(|spec| spec.metric.is_comparison()) {
            let message = format!(
                "`{}` compares candidate and baseline itself: the baseline has no such metric",
                threshold.metric
            );
            problems.push(problem(format!("{key}.{}", bound.key()), message));
        }
    }
    if given.iter().all(|(_, value)| value.is_none()) {
        problems.push(Problem {
            key: key.to_owned(),
            message: format!("no bound for `{}`, expected at least one", threshold.metric),
            hint: Some("such as `lower_bound = 0.7` or `min_change = -0.01`".to_owned()),
        });
    }
    for pair in given.chunks(2) {
        if let [(lower, Some(low)), (upper, Some(high))] = pair
            && low > high
        {
            let message =
                format!("{low} is above `{}`, which is {high}: nothing is between", upper.key());
            problems.push(problem(format!("{key}.{}", lower.key()), message));
        }
    }
    if let ThresholdSlices::Features(slices) = &threshold.slices
        && slices.is_empty()
    {
        problems.push(Problem {
            key: format!("{key}.slices"),
            message: "[], expected at least one cross of features".to_owned(),
            hint: Some("all examples together are `[[]]` or \"overall\"".to_owned()),
        });
    }
    problems
}

fn check_metric(key: String, name: &str, features: Option<&[String]>) -> Option<Problem> {
    match metrics::parse(name) {
        Ok(spec) => check_feature(key, spec.feature.as_deref()?, features),
        Err(error) => Some(Problem { key, message: error.message, hint: error.hint }),
    }
}

fn check_sample(
    key: &str,
    sample: &SampleConfig,
    features: Option<&[String]>,
) -> impl Iterator<Item = Problem> {
    let of_feature = check_feature(format!("{key}.feature"), &sample.feature, features);
    let of_size = (!(1..=MAX_SAMPLE).contains(&sample.size)).then(|| {
        problem(format!("{key}.size"), format!("{}, expected 1 to {MAX_SAMPLE}", sample.size))
    });
    let threshold = sample.threshold.and_then(|at| check_ratio(format!("{key}.threshold"), at));
    [of_feature, of_size, threshold].into_iter().flatten()
}

fn check_ratio(key: String, ratio: f64) -> Option<Problem> {
    let is_one = (0.0..=1.0).contains(&ratio);
    (!is_one).then(|| problem(key, format!("{ratio}, expected a number between 0 and 1")))
}

fn check_slices(key: &str, spec: &SliceSpec, features: Option<&[String]>) -> Vec<Problem> {
    let mut problems = Vec::new();
    let (names, key, values) = match spec {
        SliceSpec::Features(names) => (names, key.to_owned(), Vec::new()),
        SliceSpec::Values(spec) => {
            (&spec.features, format!("{key}.features"), spec.values.keys().collect())
        }
    };
    for (place, name) in names.iter().enumerate() {
        let key = format!("{key}.{place}");
        if names[..place].contains(name) || values.contains(&name) {
            problems.push(problem(key, format!("`{name}` comes twice")));
        } else {
            problems.extend(check_feature(key, name, features));
        }
    }
    let place = key.trim_end_matches(".features");
    for name in values {
        let inner =
            if place.ends_with("against") || place.ends_with("baseline") { "" } else { ".values" };
        problems.extend(check_feature(format!("{place}{inner}.{name}"), name, features));
    }
    problems
}

fn check_feature(key: String, name: &str, features: Option<&[String]>) -> Option<Problem> {
    let features = features.filter(|features| !features.iter().any(|found| found == name))?;
    let names = features.iter().map(String::as_str);
    Some(Problem {
        key,
        message: format!("no feature `{name}`, expected one of {}", list(names.clone())),
        hint: nearest(name, names).map(|name| format!("did you mean `{name}`?")),
    })
}

fn problem(key: String, message: String) -> Problem {
    Problem { key, message, hint: None }
}

fn list<'a>(names: impl Iterator<Item = &'a str>) -> String {
    names.map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests;
