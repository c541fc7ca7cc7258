//! What can be said about a configuration before any example is read.

use base::nearest;

use crate::metrics;
use crate::{Bound, Config, Threshold, ThresholdSlices};

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
    for (place, cross) in config.slices.iter().enumerate() {
        problems.extend(check_cross(&format!("slices.{place}"), cross, features));
    }
    for (place, name) in config.metrics.iter().flatten().enumerate() {
        problems.extend(check_metric(format!("metrics.{place}"), name));
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
    let threshold = config.classification_threshold;
    if !(0.0..=1.0).contains(&threshold) {
        let message = format!("{threshold}, expected a number between 0 and 1");
        problems.push(problem("classification_threshold".to_owned(), message));
    }
    problems
}

fn check_threshold(key: &str, threshold: &Threshold, features: Option<&[String]>) -> Vec<Problem> {
    let mut problems = Vec::new();
    problems.extend(check_metric(format!("{key}.metric"), &threshold.metric));
    let given = Bound::ALL.map(|bound| (bound, threshold.bound(bound)));
    for (bound, value) in given {
        let Some(value) = value else { continue };
        if !value.is_finite() {
            let message = format!("{value}, expected a finite number");
            problems.push(problem(format!("{key}.{}", bound.key()), message));
        }
        let of_examples =
            metrics::find(&threshold.metric).is_some_and(metrics::Metric::ignores_predictions);
        if bound.is_change() && of_examples {
            let message = format!(
                "`{}` is about the examples alone: it is the same for candidate and baseline",
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
    if let ThresholdSlices::Features(crosses) = &threshold.slices {
        if crosses.is_empty() {
            problems.push(Problem {
                key: format!("{key}.slices"),
                message: "[], expected at least one cross of features".to_owned(),
                hint: Some("all examples together are `[[]]` or \"overall\"".to_owned()),
            });
        }
        for (place, cross) in crosses.iter().enumerate() {
            problems.extend(check_cross(&format!("{key}.slices.{place}"), cross, features));
        }
    }
    problems
}

fn check_metric(key: String, name: &str) -> Option<Problem> {
    if metrics::find(name).is_some() {
        return None;
    }
    let message = format!("no metric `{name}`, expected one of {}", list(metrics::metric_names()));
    Some(Problem { key, message, hint: metrics::suggestion(name) })
}

fn check_cross(key: &str, cross: &[String], features: Option<&[String]>) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (place, name) in cross.iter().enumerate() {
        let key = format!("{key}.{place}");
        if cross[..place].contains(name) {
            problems.push(problem(key, format!("`{name}` comes twice")));
        } else {
            problems.extend(check_feature(key, name, features));
        }
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
