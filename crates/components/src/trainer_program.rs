//! Trainer with a program of the user's: told everything in a JSON file, watched, and its model taken over.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use artifact::{Outcome, OutputProperties, RunContext};
use base::{BoxError, IoError};
use dataset::Dataset;
use graph::{Graph, GraphOutput, Shape, ValueType};
use launch::{FeatureArg, FnArgs, Job, Launched, Metrics, Restart, TaskConfig, Watch};
use model::foreign::{Feature, OnnxOptions, Wrote, describe, detect};
use model::{FeatureKind, FeatureSpec, Model, Task};
use program::Program;
use schemars::JsonSchema;
use serde::Deserialize;
use servable::Servable;

use crate::ComponentError;
use crate::ports::required;
use crate::run_dir::{RunDir, absolute};
use crate::trainer::{MAX_WARNINGS, Splits, run_properties};
use crate::view::SCHEMA_FILE;

/// The keys of a run's folder.
const FN_ARGS_FILE: &str = "fn_args.json";
const METRICS_FILE: &str = "metrics.jsonl";
const LOGS: &str = "logs";
const SERVING: &str = "serving_model";
const MODEL_RUN: &str = "model_run";
const CHECKPOINTS: &str = "checkpoints";

/// How the inputs and outputs of an ONNX model go with the features.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct OnnxConfig {
    /// Each input with its features, in order. Without it: features with the inputs' names, or for a single input all
    /// of them.
    inputs: Option<BTreeMap<String, Vec<String>>>,
    /// The output that is the prediction. Without it: `prediction`, or the only one of floats.
    prediction: Option<String>,
}

/// Trains with a program.
pub(crate) fn run(
    context: &RunContext<'_>,
    config: &launch::Config,
    splits: &Splits,
    onnx: &OnnxConfig,
) -> Result<Outcome, BoxError> {
    let graph = Graph::load(&required(context, "transform_graph")?.uri)?;
    let features = features(&graph, config)?;
    let label = config.label.clone().unwrap_or_default();
    let task = task(&graph, config, &label)?;
    let run_dir = RunDir::open(context, &launch::code_files(config, context.base_dir)?)?;
    let fn_args = fn_args(context, config, splits, &graph, &run_dir.path, (&label, task))?;
    let base_dir = absolute(context.base_dir)?;
    let args_path = run_dir.path.join(FN_ARGS_FILE);
    fn_args.save(&args_path)?;

    let command = match (&config.command, &config.module) {
        (None, Some(module)) => {
            launch::module_command(&config.python, &base_dir.join(module), &run_dir.path)?
        }
        (command, _) => command.clone().unwrap_or_default(),
    };
    let env = vec![("CUPOLA_FN_ARGS".to_owned(), args_path.display().to_string())];
    let job = Job {
        program: Program { command, dir: base_dir, env },
        strategy: config.strategy,
        run_dir: run_dir.path.clone(),
        metrics_path: fn_args.metrics_path.clone(),
        limits: config.limits(),
    };
    let mut watcher = Watcher {
        context,
        serving: &fn_args.serving_model_dir,
        total: config.num_steps.unwrap_or(0),
        last: Metrics::default(),
    };
    let launched = match &config.kubernetes {
        None => launch::launch(&job, &mut watcher),
        Some(cluster) => {
            // The folder is that of one content: so a run that was cut off finds its job again.
            let name = format!("cupola-{}", run_dir.id());
            launch::launch_on_cluster(&job, cluster, &name, &job.program.dir, &mut watcher)
        }
    };
    let launched = match launched {
        Err(launch::LaunchError::Cancelled) => return Err(ComponentError::Cancelled.into()),
        launched => launched?,
    };

    let written = &fn_args.serving_model_dir;
    save_model(context, config, onnx, &graph, &features, (&label, task), written)?;
    let run = &context.outputs["model_run"];
    if fn_args.model_run_dir.is_dir() {
        base::copy_tree(&fn_args.model_run_dir, run)?;
    }
    keep_logs(&run_dir.path, run)?;
    if fn_args.metrics_path.is_file() {
        let to = run.join(METRICS_FILE);
        fs::copy(&fn_args.metrics_path, &to).map_err(IoError::at("write", &to))?;
    }
    run_dir.remove()?;
    Ok(Outcome {
        properties: [("model", OutputProperties::default()), ("model_run", properties(&launched))]
            .into(),
        summary: summary(&launched),
        ..Outcome::default()
    })
}

/// Takes over what the program wrote.
fn save_model(
    context: &RunContext<'_>,
    config: &launch::Config,
    onnx: &OnnxConfig,
    graph: &Graph,
    features: &[Feature],
    (label, task): (&str, Task),
    written: &Path,
) -> Result<(), BoxError> {
    let output = &context.outputs["model"];
    let wrote = detect(written)?;
    if wrote == Wrote::BuiltIn {
        let model = Model::load(written)?;
        let signature = model.signature();
        if signature.label != label || signature.task != task {
            let problems = format!(
                "the model predicts {} of `{}`, expected {task} of `{label}`",
                signature.task, signature.label
            );
            return Err(ComponentError::Features { problems }.into());
        }
        Servable::save(output, graph, &model)?;
        return Ok(());
    }
    let options = OnnxOptions { inputs: onnx.inputs.clone(), prediction: onnx.prediction.clone() };
    let description = describe(written, &wrote, features, label, task, &options, &config.python)?;
    Servable::save_foreign(output, graph, &description, written)?;
    Ok(())
}

/// Returns what the model predicts about the label.
fn task(graph: &Graph, config: &launch::Config, label: &str) -> Result<Task, ComponentError> {
    let wrong = |problems: String| Err(ComponentError::Features { problems });
    let Some(output) = graph.outputs().iter().find(|output| output.name == label) else {
        return wrong(format!("`label`: there is no transformed feature `{label}`"));
    };
    let of_label = output.num_buckets.and_then(|count| usize::try_from(count).ok());
    let num_labels = match output.shape {
        Shape::Vector(length) => usize::try_from(length).ok(),
        Shape::One | Shape::List => None,
    };
    let is_one =
        |name: &str| graph.outputs().iter().any(|o| o.name == name && o.shape == Shape::One);
    let mut ones = config.query.iter().map(|query| ("query", query.as_str())).collect::<Vec<_>>();
    if config.task != TaskConfig::MultiLabelClassification {
        ones.push(("label", label));
    }
    if let Some((key, name)) = ones.into_iter().find(|(_, name)| !is_one(name)) {
        return wrong(format!("`{key}`: `{name}` has many values in each example, expected one"));
    }
    match config.task.with_width(config.num_classes.or(of_label), num_labels) {
        Some(task) => Ok(task),
        None if config.task == TaskConfig::MultiClassClassification => {
            wrong("`num_classes`: not known, expected it here".to_owned())
        }
        None => {
            wrong(format!("`label`: `{label}` is no vector of one length, expected one of 0 and 1"))
        }
    }
}

/// Returns the features that the model reads, in the order of the configuration or else of the graph.
fn features(graph: &Graph, config: &launch::Config) -> Result<Vec<Feature>, ComponentError> {
    let is_read = |output: &&GraphOutput| {
        Some(&output.name) != config.label.as_ref() && Some(&output.name) != config.query.as_ref()
    };
    let outputs: Vec<&GraphOutput> = match &config.features {
        None => graph.outputs().iter().filter(is_read).collect(),
        Some(names) => names
            .iter()
            .map(|name| {
                let found = graph.outputs().iter().find(|output| output.name == *name);
                found.ok_or_else(|| ComponentError::Features {
                    problems: format!("`features`: there is no transformed feature `{name}`"),
                })
            })
            .collect::<Result<_, _>>()?,
    };
    Ok(outputs.into_iter().map(feature).collect())
}

fn feature(output: &GraphOutput) -> Feature {
    let kind = match output.num_buckets.and_then(|count| usize::try_from(count).ok()) {
        Some(num_buckets) => FeatureKind::Categorical { num_buckets },
        None => FeatureKind::Numeric,
    };
    Feature {
        spec: FeatureSpec { name: output.name.clone(), kind },
        width: match output.shape {
            Shape::One => Some(1),
            Shape::Vector(length) => usize::try_from(length).ok(),
            Shape::List => None,
        },
        is_text: output.value_type == ValueType::String,
    }
}

fn fn_args(
    context: &RunContext<'_>,
    config: &launch::Config,
    splits: &Splits,
    graph: &Graph,
    run_dir: &Path,
    (label, task): (&str, Task),
) -> Result<FnArgs, BoxError> {
    let examples = required(context, "transformed_examples")?;
    let dataset = Dataset::open(&examples.uri, &examples.split_names())?;
    let root = absolute(&examples.uri)?;
    let mut num_examples = BTreeMap::new();
    let mut files = Vec::new();
    for name in [&splits.train, &splits.eval] {
        let source = dataset.split(name)?.source()?;
        num_examples.insert(name.clone(), source.num_rows());
        files.push(vec![Dataset::split_dir(&root, name).join("*").display().to_string()]);
    }
    let eval_files = files.pop().unwrap_or_default();
    let train_files = files.pop().unwrap_or_default();
    let names: Vec<String> =
        features(graph, config)?.into_iter().map(|feature| feature.spec.name).collect();
    let feature_arg = |name: &String| {
        let output = graph.outputs().iter().find(|output| output.name == *name)?;
        Some(FeatureArg {
            name: name.clone(),
            value_type: match output.value_type {
                ValueType::Int => "int",
                ValueType::Float => "float",
                ValueType::String => "bytes",
                ValueType::Bool => "bool",
            },
            is_list: output.shape.is_many(),
            num_buckets: output.num_buckets,
        })
    };
    let path_of = |key: &str| context.input(key).map(|artifact| absolute(&artifact.uri));
    let base_model = path_of("base_model").transpose()?.map(|dir| base_model_dir(&dir));
    let schema = path_of("schema").transpose()?.map(|dir| dir.join(SCHEMA_FILE));
    let make = |name: &str| -> Result<PathBuf, IoError> {
        let dir = run_dir.join(name);
        fs::create_dir_all(&dir).map_err(IoError::at("create", &dir))?;
        Ok(dir)
    };
    Ok(FnArgs {
        working_dir: absolute(context.base_dir)?,
        train_files,
        eval_files,
        data_format: "parquet",
        train_steps: config.num_steps,
        eval_steps: config.eval_steps,
        num_examples,
        schema_path: schema,
        transform_graph_path: path_of("transform_graph").transpose()?,
        features: names.iter().filter_map(feature_arg).collect(),
        label: label.to_owned(),
        task: task.to_string(),
        num_classes: match task {
            Task::MultiClassClassification { num_classes } => Some(num_classes),
            _ => None,
        },
        query: config.query.clone(),
        serving_model_dir: make(SERVING)?,
        model_run_dir: make(MODEL_RUN)?,
        checkpoint_dir: make(CHECKPOINTS)?,
        metrics_path: run_dir.join(METRICS_FILE),
        base_model,
        hyperparameters: config.hyperparameters.clone(),
        custom_config: config.custom_config.clone(),
    })
}

/// Returns where a model's own files are: of a foreign one what its training wrote.
fn base_model_dir(servable: &Path) -> PathBuf {
    let model = servable.join("model");
    let files = model.join("files");
    if files.is_dir() { files } else { model }
}

/// Shows how far the program is.
struct Watcher<'a> {
    context: &'a RunContext<'a>,
    serving: &'a Path,
    total: u64,
    last: Metrics,
}

impl Watch for Watcher<'_> {
    fn begins(&mut self, _attempt: u32) -> Result<(), BoxError> {
        // A model that is half there is none.
        if self.serving.exists() {
            fs::remove_dir_all(self.serving).map_err(IoError::at("remove", self.serving))?;
        }
        fs::create_dir_all(self.serving).map_err(IoError::at("create", self.serving))?;
        Ok(())
    }

    fn metrics(&mut self, metrics: &Metrics) {
        self.last.update(metrics);
        let step = self.last.step.unwrap_or(0);
        self.context.progress.report(step, self.total.max(step), &self.last.describe());
    }

    fn restarts(&mut self, restart: &Restart) {
        let step = self.last.step.unwrap_or(0);
        let message = format!("{} ended with {}, starting again", restart.worker, restart.ended);
        self.context.progress.report(step, self.total.max(step), &message);
    }

    fn is_cancelled(&self) -> bool {
        self.context.progress.is_cancelled()
    }
}

/// Keeps what the processes of a job in `run_dir` wrote, with a run.
pub(crate) fn keep_logs(run_dir: &Path, run: &Path) -> Result<(), BoxError> {
    let logs = run_dir.join(LOGS);
    if logs.is_dir() {
        base::copy_tree(&logs, &run.join(LOGS))?;
    }
    Ok(())
}

fn properties(launched: &Launched) -> OutputProperties {
    let metrics = &launched.metrics;
    let measured = metrics.values.iter().map(|(name, value)| (name.as_str(), *value));
    let mut output = run_properties(metrics.step, measured);
    let restarts = i64::try_from(launched.restarts.len()).unwrap_or(i64::MAX);
    output.custom_properties.insert("restarts".to_owned(), restarts.into());
    output
}

/// Returns why a job was started again, if it was.
pub(crate) fn told_restarts(launched: &Launched) -> Option<String> {
    let last = launched.restarts.last()?;
    let times = match launched.restarts.len() {
        1 => "once".to_owned(),
        count => format!("{count} times"),
    };
    let mut text = format!("started again {times}: {} ended with {}", last.worker, last.ended);
    if let Some(step) = last.step {
        let _ = write!(text, " behind step {step}");
    }
    Some(text)
}

fn summary(launched: &Launched) -> String {
    let mut text = match launched.metrics.step {
        Some(step) => format!("{step} steps"),
        None => "trained".to_owned(),
    };
    let metrics = launched.metrics.describe();
    if !metrics.is_empty() {
        let _ = write!(text, ", {metrics}");
    }
    if let Some(restarts) = told_restarts(launched) {
        let _ = write!(text, "; {restarts}");
    }
    for warning in launched.warnings.iter().take(MAX_WARNINGS) {
        let _ = write!(text, "; {warning}");
    }
    if launched.num_bad_lines > 0 {
        let _ = write!(text, "; {} lines of metrics are no JSON objects", launched.num_bad_lines);
    }
    text
}
