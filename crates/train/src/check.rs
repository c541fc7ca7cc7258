//! What can be said about a configuration before any example is read.

use std::collections::BTreeSet;

use base::nearest;
use model::{FeatureKind, FeatureSpec};

use crate::{Config, ModelConfig, TaskConfig};

/// One thing wrong with a configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The option, with dots between the levels, such as `model.linear.label`.
    pub key: String,
    /// What was found and what was expected.
    pub message: String,
    /// What to do about it, when that is fairly sure.
    pub hint: Option<String>,
}

/// The values of a transformed feature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ValueKind {
    /// Integers or booleans.
    Int,
    /// Floating-point numbers.
    Float,
    /// Text or bytes.
    Bytes,
    /// Anything else, such as lists.
    Other,
}

/// A transformed feature that a model could read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Available {
    /// The feature's name.
    pub name: String,
    /// Its values.
    pub kind: ValueKind,
    /// How many categories it has, if its values are ids from 0; a vocabulary's size is known only after the
    /// examples were analyzed.
    pub num_buckets: Option<usize>,
}

/// Returns all that is wrong with a configuration, given the transformed features that there will be.
pub fn check(config: &Config, available: &[Available]) -> Vec<Problem> {
    let mut problems = check_values(config);
    problems.extend(check_label(config, available));
    match &config.features {
        Some(names) => problems.extend(check_names(config, names, available)),
        None => problems.extend(check_all(config, available)),
    }
    problems
}

/// Returns the features that a model of this configuration reads, in order: integers with a number of buckets
/// are categorical, all other numbers numeric.
///
/// # Errors
///
/// As [`check`], with at least one problem.
pub fn feature_specs(
    config: &Config,
    available: &[Available],
) -> Result<Vec<FeatureSpec>, Vec<Problem>> {
    let problems = check(config, available);
    if !problems.is_empty() {
        return Err(problems);
    }
    let is_read = |feature: &&Available| match &config.features {
        Some(names) => names.contains(&feature.name),
        None => feature.name != config.model.label(),
    };
    let spec = |feature: &Available| FeatureSpec {
        name: feature.name.clone(),
        kind: match (feature.kind, feature.num_buckets) {
            (ValueKind::Int, Some(num_buckets)) => FeatureKind::Categorical { num_buckets },
            _ => FeatureKind::Numeric,
        },
    };
    Ok(available.iter().filter(is_read).map(spec).collect())
}

/// Returns the options whose values make no sense by themselves.
pub(crate) fn check_values(config: &Config) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut require = |is_good: bool, key: &str, found: String, expected: &str| {
        if !is_good {
            let message = format!("{found}, expected {expected}");
            problems.push(Problem { key: key.to_owned(), message, hint: None });
        }
    };
    let at_least_1 = "at least 1";
    let rate = config.learning_rate;
    require(
        (1..=1 << 20).contains(&config.batch_size),
        "batch_size",
        config.batch_size.to_string(),
        "between 1 and 1048576",
    );
    require(
        rate > 0.0 && rate.is_finite(),
        "learning_rate",
        rate.to_string(),
        "a finite number above 0",
    );
    require(config.eval_every_steps > 0, "eval_every_steps", "0".to_owned(), at_least_1);
    require(config.num_steps != Some(0), "num_steps", "0".to_owned(), at_least_1);
    require(config.epochs != Some(0), "epochs", "0".to_owned(), at_least_1);
    if let Some(stopping) = &config.early_stopping {
        require(stopping.patience > 0, "early_stopping.patience", "0".to_owned(), at_least_1);
        require(
            stopping.min_delta >= 0.0 && stopping.min_delta.is_finite(),
            "early_stopping.min_delta",
            stopping.min_delta.to_string(),
            "a finite number of at least 0",
        );
    }
    if let ModelConfig::WideAndDeep(model) = &config.model {
        for width in &model.hidden {
            require(
                (1..=8192).contains(width),
                "model.wide_and_deep.hidden",
                width.to_string(),
                "widths between 1 and 8192",
            );
        }
        let dimension = model.embedding_dimension.unwrap_or(1);
        require(
            (1..=4096).contains(&dimension),
            "model.wide_and_deep.embedding_dimension",
            dimension.to_string(),
            "between 1 and 4096",
        );
    }
    if config.features.as_ref().is_some_and(Vec::is_empty) {
        require(false, "features", "[]".to_owned(), "at least one feature");
    }
    problems
}

fn check_label(config: &Config, available: &[Available]) -> Option<Problem> {
    let label = config.model.label();
    let key = format!("{}.label", config.model.key());
    let Some(feature) = available.iter().find(|feature| feature.name == label) else {
        return Some(unknown(key, label, available));
    };
    if matches!(feature.kind, ValueKind::Int | ValueKind::Float) {
        return None;
    }
    let (expected, hint) = match config.model.task() {
        TaskConfig::BinaryClassification => (
            "numbers 0 and 1",
            Some("make it a comparison, such as `tips > fare * 0.2`".to_owned()),
        ),
        TaskConfig::Regression => ("numbers", None),
    };
    let message = format!("`{label}` has {}, expected {expected}", values(feature.kind));
    Some(Problem { key, message, hint })
}

/// Checks features that were listed.
fn check_names(config: &Config, names: &[String], available: &[Available]) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut seen = BTreeSet::new();
    for name in names {
        let key = "features".to_owned();
        if !seen.insert(name) {
            let message = format!("`{name}` comes twice");
            problems.push(Problem { key, message, hint: None });
            continue;
        }
        if name == config.model.label() {
            let message = format!("`{name}` is the label, expected features to predict it from");
            problems.push(Problem { key, message, hint: None });
            continue;
        }
        match available.iter().find(|feature| feature.name == *name) {
            None => problems.push(unknown(key, name, available)),
            Some(feature) => problems.extend(check_feature(feature, "")),
        }
    }
    problems
}

/// Checks the features of a model that reads all but the label.
fn check_all(config: &Config, available: &[Available]) -> Vec<Problem> {
    let label = config.model.label();
    let mut others = available.iter().filter(|feature| feature.name != label).peekable();
    if others.peek().is_none() {
        let message = "no transformed feature besides the label, expected at least one".to_owned();
        return vec![Problem { key: "features".to_owned(), message, hint: None }];
    }
    others
        .filter_map(|feature| check_feature(feature, ", or list the `features` to read without it"))
        .collect()
}

fn check_feature(feature: &Available, otherwise: &str) -> Option<Problem> {
    let hint = match feature.kind {
        ValueKind::Int | ValueKind::Float => return None,
        ValueKind::Bytes => {
            format!("make ids of it with `vocabulary` or `hash_strings`{otherwise}")
        }
        ValueKind::Other => format!("make one number per example of it{otherwise}"),
    };
    Some(Problem {
        key: "features".to_owned(),
        message: format!("`{}` has {}, expected numbers", feature.name, values(feature.kind)),
        hint: Some(hint),
    })
}

fn unknown(key: String, name: &str, available: &[Available]) -> Problem {
    let names = available.iter().map(|feature| feature.name.as_str());
    let hint = nearest(name, names.clone()).map(|name| format!("did you mean `{name}`?"));
    let listed: Vec<_> = names.map(|name| format!("`{name}`")).collect();
    let message = format!("no transformed feature `{name}`, expected one of {}", listed.join(", "));
    Problem { key, message, hint }
}

fn values(kind: ValueKind) -> &'static str {
    match kind {
        ValueKind::Int => "integers",
        ValueKind::Float => "floating-point numbers",
        ValueKind::Bytes => "text",
        ValueKind::Other => "several values or none that a model reads",
    }
}
