//! What a user says about a program that trains.

use std::path::{Path, PathBuf};
use std::time::Duration;

use model::Task;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::manifest::misfit;
use crate::{ClusterConfig, LaunchError, Limits, Span, Strategy};

/// Trains with a program of the user's.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// A program of one's own that trains, with its arguments, such as `["python", "train.py"]`, in the folder of the
    /// pipeline file. The variable `CUPOLA_FN_ARGS` names a JSON file that tells it all; it writes its model to the
    /// `serving_model_dir` named there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub command: Option<Vec<String>>,
    /// A Python file with a function `run_fn(fn_args)`, as TFX's Trainer takes it, instead of a command.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub module: Option<String>,
    /// The Python that runs `module`.
    #[serde(default = "default_python")]
    pub python: String,
    /// Patterns of the files whose content the model depends on. Without it: the `module` or the files that `command`
    /// names, and the Python files beside them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub files: Option<Vec<String>>,
    /// The transformed feature that the program's model predicts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// What the program's model predicts about the label.
    #[serde(default)]
    pub task: TaskConfig,
    /// How many classes the label can be, for `task = "multi_class_classification"`. Without it: as many as its expression
    /// says, as `vocabulary` and `bucketize` do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 2, max = 65536))]
    pub num_classes: Option<usize>,
    /// The transformed feature that examples of one query have in common, for `task = "ranking"`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub query: Option<String>,
    /// The transformed features that the model reads. Without it: all but the label and the query.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub features: Option<Vec<String>>,
    /// How many steps to train, as the program is told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub num_steps: Option<u64>,
    /// How many steps to measure, as the program is told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub eval_steps: Option<u64>,
    /// Hyperparameters, as the program is told.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub hyperparameters: Map<String, Value>,
    /// Whatever else the program is to be told.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub custom_config: Map<String, Value>,
    /// How many processes train together, such as `{ multi_worker = { workers = 2 } }`. Without it: one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub strategy: Option<Strategy>,
    /// The Kubernetes cluster that the processes run on. Without it: this machine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kubernetes: Option<ClusterConfig>,
    /// How long the training may take, such as `"2h"`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<Span>,
    /// How long the program has to end by itself when the run is stopped, before it is killed.
    #[serde(default = "default_grace_period")]
    pub grace_period: Span,
    /// How many times the program is started again when it dies. Without it: never, and 3 times with a `strategy`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_restarts: Option<u32>,
}

/// What a model predicts about the label.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TaskConfig {
    /// The probability that a label of 0 or 1 is 1.
    #[default]
    BinaryClassification,
    /// The probability of each class that the label, an id from 0, can be.
    MultiClassClassification,
    /// The probability that each item of the label, a vector of 0 and 1, is 1.
    MultiLabelClassification,
    /// The expected value of the label.
    Regression,
    /// A score by which the examples of one query are put in order.
    Ranking,
}

impl TaskConfig {
    /// Returns the task with its numbers, or `None` where they are not known.
    pub fn with_width(self, num_classes: Option<usize>, num_labels: Option<usize>) -> Option<Task> {
        Some(match self {
            Self::BinaryClassification => Task::BinaryClassification,
            Self::MultiClassClassification => {
                Task::MultiClassClassification { num_classes: num_classes? }
            }
            Self::MultiLabelClassification => {
                Task::MultiLabelClassification { num_labels: num_labels? }
            }
            Self::Regression => Task::Regression,
            Self::Ranking => Task::Ranking,
        })
    }
}

impl Config {
    /// Returns what a job may take.
    pub fn limits(&self) -> Limits {
        let default = if self.strategy.is_some() { 3 } else { 0 };
        Limits {
            timeout: self.timeout.map(|span| span.0),
            grace: self.grace_period.0,
            max_restarts: self.max_restarts.unwrap_or(default),
        }
    }
}

/// A mistake in a configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The key.
    pub key: String,
    /// What was found and what was expected.
    pub message: String,
    /// What to do.
    pub hint: Option<String>,
}

/// Checks a configuration against the features, by name, that there are; unknown where `None`.
pub fn check(config: &Config, features: Option<&[String]>, base_dir: &Path) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut add = |key: &str, message: String, hint: Option<String>| {
        problems.push(Problem { key: key.to_owned(), message, hint });
    };
    if config.command.is_some() && config.module.is_some() {
        add("module", "`command` is there too, expected one of the two".to_owned(), None);
    }
    if let Some(module) = &config.module
        && !base_dir.join(module).is_file()
    {
        add("module", format!("there is no file `{module}`"), None);
    }
    let is_ranking = config.task == TaskConfig::Ranking;
    if is_ranking && config.query.is_none() {
        let what =
            "missing, expected the transformed feature that examples of one query have in common";
        add("query", what.to_owned(), None);
    }
    if !is_ranking && config.query.is_some() {
        add("query", "it is for `task = \"ranking\"` alone".to_owned(), None);
    }
    if config.num_classes.is_some() && config.task != TaskConfig::MultiClassClassification {
        let message = "it is for `task = \"multi_class_classification\"` alone";
        add("num_classes", message.to_owned(), None);
    }
    let named = config.label.iter().map(|label| ("label".to_owned(), label));
    let named = named.chain(config.query.iter().map(|query| ("query".to_owned(), query)));
    let inputs = config.features.iter().flatten().enumerate();
    let named = named.chain(inputs.map(|(index, name)| (format!("features.{index}"), name)));
    for (key, name) in named {
        let Some(features) = features else { continue };
        if !features.contains(name) {
            let near = base::nearest(name, features.iter().map(String::as_str));
            let hint = near.map(|near| format!("did you mean `{near}`?"));
            add(&key, format!("there is no transformed feature `{name}`"), hint);
        }
    }
    if let Some(cluster) = &config.kubernetes {
        if let Some(reason) = misfit(cluster.kind(config.strategy), config.strategy) {
            add("kubernetes.kind", reason.to_owned(), None);
        }
        if !Path::new(&cluster.volume.path).is_absolute() {
            let message = format!("{:?}, expected an absolute path", cluster.volume.path);
            add("kubernetes.volume.path", message, None);
        }
    }
    match &config.label {
        None => add(
            "label",
            "missing, expected the transformed feature that the program's model predicts"
                .to_owned(),
            None,
        ),
        Some(label) if config.features.iter().flatten().any(|name| name == label) => {
            add("features", format!("`{label}` is the label"), None);
        }
        Some(_) => {}
    }
    problems
}

/// Returns the mistakes in the lengths of time of a configuration, which does not read because of them.
pub fn check_spans(config: &Value) -> Vec<Problem> {
    let keys = ["timeout", "grace_period"];
    let texts = keys.iter().filter_map(|key| Some((key, config.get(key)?.as_str()?)));
    let problem = |(key, text): (&&str, &str)| {
        let message = Span::try_from(text.to_owned()).err()?;
        Some(Problem { key: (*key).to_owned(), message, hint: None })
    };
    texts.filter_map(problem).collect()
}

/// Returns the files of the user's code, whose content the model depends on; sorted.
///
/// # Errors
///
/// [`LaunchError::NoCode`] when a file that must be there is not, [`LaunchError::Pattern`].
pub fn code_files(config: &Config, base_dir: &Path) -> Result<Vec<PathBuf>, LaunchError> {
    let mut files = Vec::new();
    if let Some(patterns) = &config.files {
        for pattern in patterns {
            let full = base_dir.join(pattern).display().to_string();
            let bad = |_| LaunchError::Pattern { pattern: pattern.clone() };
            let found: Vec<PathBuf> =
                glob::glob(&full).map_err(bad)?.flatten().filter(|path| path.is_file()).collect();
            if found.is_empty() {
                return Err(LaunchError::NoCode { key: "files", path: base_dir.join(pattern) });
            }
            files.extend(found);
        }
    } else if let Some(module) = &config.module {
        let path = base_dir.join(module);
        if !path.is_file() {
            return Err(LaunchError::NoCode { key: "module", path });
        }
        files.extend(with_siblings(&path));
    } else {
        // A program on the search path is the machine's, not the user's code.
        let command = config.command.iter().flatten().enumerate();
        let named = command.filter(|(index, word)| *index > 0 || word.contains('/'));
        for path in named.map(|(_, word)| base_dir.join(word)).filter(|path| path.is_file()) {
            files.extend(with_siblings(&path));
        }
    }
    files.sort();
    files.dedup();
    Ok(files)
}

/// Returns a file and, of a Python file, those beside it, which it may import.
fn with_siblings(path: &Path) -> Vec<PathBuf> {
    let is_python = |path: &Path| path.extension().is_some_and(|extension| extension == "py");
    let mut files = vec![path.to_path_buf()];
    if is_python(path) {
        let entries = path.parent().and_then(|dir| std::fs::read_dir(dir).ok());
        let beside = entries.into_iter().flatten().flatten().map(|entry| entry.path());
        files.extend(beside.filter(|path| is_python(path) && path.is_file()));
    }
    files
}

fn default_python() -> String {
    "python3".to_owned()
}

fn default_grace_period() -> Span {
    Span(Duration::from_secs(30))
}
