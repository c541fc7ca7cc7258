//! What can be said about a configuration before any example is read.

mod values;

use std::collections::BTreeSet;

use base::nearest;
use model::{Combiner, FeatureKind, FeatureSpec, Task};

use crate::{CombinerConfig, Config, ModelConfig, TaskConfig};

pub(crate) use values::check_values;

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
    /// Anything else.
    Other,
}

/// How many values of a feature an example has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Count {
    /// At most one.
    One,
    /// A vector of so many.
    Vector(usize),
    /// Any number.
    List,
    /// Many, and whether it is a fixed number is not known yet.
    Many,
}

/// A transformed feature that a model could read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Available {
    /// The feature's name.
    pub name: String,
    /// Its values.
    pub kind: ValueKind,
    /// How many of them an example has.
    pub count: Count,
    /// How many categories it has, if its values are ids from 0; a vocabulary's size is known only after the
    /// examples were analyzed.
    pub num_buckets: Option<usize>,
}

/// What a model reads and predicts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// The features, in order.
    pub features: Vec<FeatureSpec>,
    /// The task, with the number of its classes or labels.
    pub task: Task,
}

/// Returns all that is wrong with a configuration, given the transformed features that there will be.
pub fn check(config: &Config, available: &[Available]) -> Vec<Problem> {
    let mut problems = check_values(config);
    problems.extend(check_label(config, available));
    problems.extend(check_others(config, available));
    match &config.features {
        Some(names) => problems.extend(check_names(config, names, available)),
        None => problems.extend(check_all(config, available)),
    }
    problems
}

/// Returns what a model of this configuration reads, in order, and predicts: integers with a number of buckets
/// are categories, all other numbers quantities.
///
/// # Errors
///
/// As [`check`], with at least one problem; what is not known before the run has to be known here.
pub fn plan(config: &Config, available: &[Available]) -> Result<Plan, Vec<Problem>> {
    let mut problems = check(config, available);
    if !problems.is_empty() {
        return Err(problems);
    }
    let read = available.iter().filter(|feature| is_read(config, feature));
    let features = read.filter_map(|feature| match spec(config, feature) {
        Some(spec) => Some(spec),
        None => {
            problems.push(not_read(feature, ""));
            None
        }
    });
    let features = features.collect();
    let label = available.iter().find(|feature| feature.name == config.model.label());
    match label.and_then(|label| task(config, label)) {
        Some(task) if problems.is_empty() => Ok(Plan { features, task }),
        Some(_) => Err(problems),
        None => {
            let message = "the number of classes is not known, expected it here".to_owned();
            problems.push(Problem { key: "num_classes".to_owned(), message, hint: None });
            Err(problems)
        }
    }
}

/// Returns whether a feature is one that the model reads.
fn is_read(config: &Config, feature: &Available) -> bool {
    match &config.features {
        Some(names) => names.contains(&feature.name),
        None => !is_about(config, &feature.name),
    }
}

/// Returns whether a feature says something about the example, and is nothing to predict it from.
fn is_about(config: &Config, name: &str) -> bool {
    name == config.model.label()
        || config.example_weight.as_deref() == Some(name)
        || config.ranking.as_ref().is_some_and(|ranking| ranking.query == name)
}

/// Returns how a model reads a feature, or `None` when it cannot.
fn spec(config: &Config, feature: &Available) -> Option<FeatureSpec> {
    let combiner = match config.combiner {
        CombinerConfig::Mean => Combiner::Mean,
        CombinerConfig::Sum => Combiner::Sum,
    };
    let num_buckets = feature.num_buckets.filter(|_| feature.kind == ValueKind::Int);
    let kind = match (feature.count, num_buckets) {
        (Count::One, Some(num_buckets)) => FeatureKind::Categorical { num_buckets },
        (Count::One, None) => FeatureKind::Numeric,
        (_, Some(num_buckets)) => FeatureKind::Categories { num_buckets, combiner },
        (Count::Vector(width), None) => FeatureKind::Vector { width },
        (Count::List | Count::Many, None) => return None,
    };
    Some(FeatureSpec { name: feature.name.clone(), kind })
}

/// Returns the task with its numbers, or `None` when they are not known.
fn task(config: &Config, label: &Available) -> Option<Task> {
    Some(match config.model.task() {
        TaskConfig::BinaryClassification => Task::BinaryClassification,
        TaskConfig::Regression => Task::Regression,
        TaskConfig::Ranking => Task::Ranking,
        TaskConfig::MultiClassClassification => Task::MultiClassClassification {
            num_classes: config.num_classes.or(label.num_buckets)?,
        },
        TaskConfig::MultiLabelClassification => match label.count {
            Count::Vector(num_labels) => Task::MultiLabelClassification { num_labels },
            _ => return None,
        },
    })
}

fn check_label(config: &Config, available: &[Available]) -> Option<Problem> {
    let label = config.model.label();
    let key = format!("{}.label", config.model.key());
    let Some(feature) = available.iter().find(|feature| feature.name == label) else {
        return Some(unknown(key, label, available));
    };
    let is_number = matches!(feature.kind, ValueKind::Int | ValueKind::Float);
    let (is_good, expected, hint) = match config.model.task() {
        TaskConfig::BinaryClassification => (
            is_number && feature.count == Count::One,
            "numbers 0 and 1",
            Some("make it a comparison, such as `tips > fare * 0.2`"),
        ),
        TaskConfig::MultiClassClassification => (
            feature.kind == ValueKind::Int && feature.count == Count::One,
            "ids from 0",
            Some("make ids of it with `vocabulary` or `bucketize`"),
        ),
        TaskConfig::MultiLabelClassification => (
            is_number && matches!(feature.count, Count::Vector(_) | Count::Many),
            "vectors of 0 and 1",
            Some("make it a vector, such as with `multi_hot`"),
        ),
        TaskConfig::Regression => (is_number && feature.count == Count::One, "numbers", None),
        TaskConfig::Ranking => {
            (is_number && feature.count == Count::One, "numbers of at least 0", None)
        }
    };
    if is_good {
        return None;
    }
    let message = format!("`{label}` has {}, expected {expected}", values(feature));
    Some(Problem { key, message, hint: hint.map(str::to_owned) })
}

/// Checks the features that say something about an example, and what goes with the task.
fn check_others(config: &Config, available: &[Available]) -> Vec<Problem> {
    let mut problems = Vec::new();
    let find = |name: &str| available.iter().find(|feature| feature.name == name);
    if let Some(name) = &config.example_weight {
        let key = || "example_weight".to_owned();
        match find(name) {
            None => problems.push(unknown(key(), name, available)),
            Some(feature) => {
                let is_number = matches!(feature.kind, ValueKind::Int | ValueKind::Float);
                if !is_number || feature.count != Count::One {
                    let message = format!("`{name}` has {}, expected numbers", values(feature));
                    problems.push(Problem { key: key(), message, hint: None });
                }
            }
        }
    }
    if let Some(ranking) = &config.ranking {
        let (key, name) = (|| "ranking.query".to_owned(), &ranking.query);
        match find(name) {
            None => problems.push(unknown(key(), name, available)),
            Some(feature) => {
                let is_key = matches!(feature.kind, ValueKind::Int | ValueKind::Bytes);
                if !is_key || feature.count != Count::One {
                    let message =
                        format!("`{name}` has {}, expected integers or text", values(feature));
                    problems.push(Problem { key: key(), message, hint: None });
                }
            }
        }
    }
    if let ModelConfig::TwoTower(model) = &config.model {
        let key = || "model.two_tower.query_features".to_owned();
        let mut is_whole = true;
        for name in &model.query_features {
            match find(name) {
                None => {
                    is_whole = false;
                    problems.push(unknown(key(), name, available));
                }
                Some(feature) if !is_read(config, feature) => {
                    is_whole = false;
                    let message = format!("`{name}` is none of the features that the model reads");
                    problems.push(Problem { key: key(), message, hint: None });
                }
                Some(_) => {}
            }
        }
        let num_read = available.iter().filter(|feature| is_read(config, feature)).count();
        let distinct = model.query_features.iter().collect::<BTreeSet<_>>().len();
        if is_whole
            && (distinct != model.query_features.len() || distinct == 0 || distinct >= num_read)
        {
            let message = "expected some features of the query, each once, and others of the item";
            problems.push(Problem { key: key(), message: message.to_owned(), hint: None });
        }
    }
    problems
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
        if is_about(config, name) {
            let what = match name {
                name if name == config.model.label() => "label",
                name if config.example_weight.as_ref() == Some(name) => "example's weight",
                _ => "query",
            };
            let message = format!("`{name}` is the {what}, expected features to predict it from");
            problems.push(Problem { key, message, hint: None });
            continue;
        }
        match available.iter().find(|feature| feature.name == *name) {
            None => problems.push(unknown(key, name, available)),
            Some(feature) => problems.extend(check_feature(config, feature, "")),
        }
    }
    problems
}

/// Checks the features of a model that reads all but the label.
fn check_all(config: &Config, available: &[Available]) -> Vec<Problem> {
    let mut others = available.iter().filter(|feature| !is_about(config, &feature.name)).peekable();
    if others.peek().is_none() {
        let message = "no transformed feature besides the label, expected at least one".to_owned();
        return vec![Problem { key: "features".to_owned(), message, hint: None }];
    }
    others
        .filter_map(|feature| {
            check_feature(config, feature, ", or list the `features` to read without it")
        })
        .collect()
}

fn check_feature(config: &Config, feature: &Available, otherwise: &str) -> Option<Problem> {
    let is_number = matches!(feature.kind, ValueKind::Int | ValueKind::Float);
    if !is_number || (spec(config, feature).is_none() && feature.count != Count::Many) {
        return Some(not_read(feature, otherwise));
    }
    let is_trees = matches!(config.model, ModelConfig::BoostedTrees(_));
    if is_trees && feature.num_buckets.is_some() && feature.count != Count::One {
        return Some(Problem {
            key: "features".to_owned(),
            message: format!(
                "`{}` has {}, expected at most one category per example for trees",
                feature.name,
                values(feature)
            ),
            hint: Some(format!("make a vector of it with `multi_hot`{otherwise}")),
        });
    }
    None
}

/// Returns the problem of a feature that no model reads.
fn not_read(feature: &Available, otherwise: &str) -> Problem {
    let hint = match feature.kind {
        ValueKind::Bytes => {
            format!("make ids of it with `vocabulary` or `hash_strings`{otherwise}")
        }
        ValueKind::Int | ValueKind::Float => {
            format!("make vectors of one length of it with `list_pad`{otherwise}")
        }
        ValueKind::Other => format!("make one number per example of it{otherwise}"),
    };
    Problem {
        key: "features".to_owned(),
        message: format!("`{}` has {}, expected numbers", feature.name, values(feature)),
        hint: Some(hint),
    }
}

fn unknown(key: String, name: &str, available: &[Available]) -> Problem {
    let names = available.iter().map(|feature| feature.name.as_str());
    let hint = nearest(name, names.clone()).map(|name| format!("did you mean `{name}`?"));
    let listed: Vec<_> = names.map(|name| format!("`{name}`")).collect();
    let message = format!("no transformed feature `{name}`, expected one of {}", listed.join(", "));
    Problem { key, message, hint }
}

fn values(feature: &Available) -> &'static str {
    match (feature.kind, feature.count) {
        (ValueKind::Int, Count::One) => "integers",
        (ValueKind::Float, Count::One) => "floating-point numbers",
        (ValueKind::Int, _) => "lists of integers",
        (ValueKind::Float, _) => "lists of floating-point numbers",
        (ValueKind::Bytes, _) => "text",
        (ValueKind::Other, _) => "several values or none that a model reads",
    }
}
