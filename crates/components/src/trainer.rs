//! Trainer: transformed examples become a model with the graph in front of it.

use std::fmt::Write as _;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use artifact::{
    CheckContext, Checked, Component, Executor, FeatureInfo, FeatureKind, Input, Kind, Outcome,
    Output, OutputProperties, Problem, PropertyValue, RunContext, types,
};
use base::BoxError;
use dataset::Dataset;
use graph::{Graph, GraphOutput, Shape, ValueType};
use schemars::JsonSchema;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use servable::Servable;
use train::{Available, Checkpoints, Config, Count, LossPoint, Options, Trained, ValueKind};

use crate::ComponentError;
use crate::config::{read, read_with, schema_of, schema_with, take, with_key};
use crate::ports::required;
use crate::trainer_program::{self, OnnxConfig};
use crate::view::write;

/// The key of the splits, beside the stage's own keys.
pub(crate) const SPLITS: &str = "splits";
pub(crate) const SPLITS_HELP: &str = "Which split is trained on, and which one measures the loss.";

/// The key of how an ONNX model goes with the features.
const ONNX: &str = "onnx";
const ONNX_HELP: &str = "Of an ONNX model that the program writes: which features its inputs are, and which output is \
     the prediction, where their names do not tell.";

/// The loss curve, one line per point.
const LOSS_FILE: &str = "loss.csv";

/// Where checkpoints go, below the folder that outlives runs.
const CHECKPOINTS: &str = "checkpoints";

/// How many warnings are told.
pub(crate) const MAX_WARNINGS: usize = 3;

/// Trains a built-in model, or lets a program of the user's train one, and writes it as a servable: graph, model and
/// signature.
pub struct Trainer;

/// Which split is trained on, and which one measures the loss.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Splits {
    /// The split to train on.
    pub(crate) train: String,
    /// The split whose loss is measured, and decides about stopping early.
    pub(crate) eval: String,
}

impl Default for Splits {
    fn default() -> Self {
        Self { train: "train".to_owned(), eval: "eval".to_owned() }
    }
}

impl Component for Trainer {
    fn name(&self) -> &'static str {
        "Trainer"
    }

    fn execution_type(&self) -> &'static str {
        "tfx.components.trainer.component.Trainer"
    }

    /// 2: another order of the examples for a seed, and gradients computed in another order. 3: the loader's order, in
    /// which the last batch of an epoch may be smaller.
    fn version(&self) -> u32 {
        3
    }

    fn description(&self) -> &'static str {
        "Trains a model on transformed examples: a built-in one, `model`, or with a program of one's own, `command` or `module`."
    }

    fn inputs(&self) -> &'static [Input] {
        const {
            &[
                Input::required("transformed_examples", types::EXAMPLES),
                Input::required("transform_graph", types::TRANSFORM_GRAPH),
                Input::optional("base_model", types::MODEL),
                Input::optional("schema", types::SCHEMA),
                Input::optional("hyperparameters", types::HYPER_PARAMETERS),
            ]
        }
    }

    fn outputs(&self) -> &'static [Output] {
        &[
            Output { key: "model", artifact_type: types::MODEL },
            Output { key: "model_run", artifact_type: types::MODEL_RUN },
        ]
    }

    fn config_schema(&self) -> schemars::Schema {
        let mut schema = schema_with::<Config, Splits>(SPLITS, SPLITS_HELP);
        let program = schema_of::<launch::Config>().to_value();
        let own = schema.ensure_object();
        // Either a model or a program: the check says which, where there is neither or both.
        own.remove("required");
        for place in ["properties", "$defs"] {
            let theirs = program.get(place).and_then(Value::as_object);
            let table = own.entry(place).or_insert_with(|| Value::Object(Default::default()));
            if let (Some(theirs), Value::Object(table)) = (theirs, table) {
                for (key, value) in theirs {
                    table.entry(key).or_insert_with(|| value.clone());
                }
            }
        }
        with_key::<OnnxConfig>(schema, ONNX, ONNX_HELP)
    }

    fn check(&self, config: &Value, context: &CheckContext<'_>) -> Checked {
        let mut checked = Checked::default();
        if let Some(problem) = other_keys(config) {
            checked.problems.push(problem);
            return checked;
        }
        let features = context.inputs.get("transform_graph").cloned().flatten();
        if is_program(config) {
            let names: Option<Vec<String>> =
                features.map(|features| features.into_iter().map(|f| f.name).collect());
            let found = match read_program(config) {
                Ok((config, _, _)) => launch::check(&config, names.as_deref(), context.base_dir),
                Err(_) => launch::check_spans(config),
            };
            checked.problems = found
                .into_iter()
                .map(|problem| Problem {
                    offset: None,
                    message: format!("`{}`: {}", problem.key, problem.message),
                    key: problem.key,
                    hint: problem.hint,
                })
                .collect();
            return checked;
        }
        let Ok((config, _)) = read_with::<Config, Splits>(SPLITS, config) else { return checked };
        let Some(features) = features else { return checked };
        let available: Vec<_> = features.iter().map(available_before).collect();
        checked.problems = train::check(&config, &available)
            .into_iter()
            .map(|problem| Problem {
                key: problem.key,
                offset: None,
                message: problem.message,
                hint: problem.hint,
            })
            .collect();
        checked
    }

    fn files(&self, config: &Value, base_dir: &Path) -> Result<Vec<PathBuf>, BoxError> {
        if !is_program(config) {
            return Ok(Vec::new());
        }
        Ok(launch::code_files(&read_program(config)?.0, base_dir)?)
    }

    fn kind(&self) -> Kind<'_> {
        Kind::Executor(self)
    }
}

impl Executor for Trainer {
    fn run(&self, context: &RunContext<'_>) -> Result<Outcome, BoxError> {
        let config = tuned(context)?;
        self.train(&RunContext { config: &config, ..*context })
    }
}

/// Returns a trainer's configuration with the hyperparameters that a search found, if they are wired.
pub(crate) fn tuned(context: &RunContext<'_>) -> Result<Value, BoxError> {
    let Some(artifact) = context.input("hyperparameters") else {
        return Ok(context.config.clone());
    };
    let values = tune::read_hyperparameters(&artifact.uri)?;
    Ok(with_hyperparameters(context.config, &values))
}

/// Reads the configuration of a model that is trained in the process.
pub(crate) fn read_trainer<Stage: DeserializeOwned>(
    context: &RunContext<'_>,
) -> Result<(Stage, Splits), ComponentError> {
    match read_with(SPLITS, context.config) {
        // The file was checked, and the hyperparameters were not.
        Err(ComponentError::Config(source)) if context.input("hyperparameters").is_some() => {
            Err(ComponentError::Hyperparameters { source })
        }
        read => read,
    }
}

impl Trainer {
    fn train(&self, context: &RunContext<'_>) -> Result<Outcome, BoxError> {
        if is_program(context.config) {
            let (config, splits, onnx) = read_program(context.config)?;
            return trainer_program::run(context, &config, &splits, &onnx);
        }
        let (config, splits): (Config, Splits) = read_trainer(context)?;
        let graph = Graph::load(&required(context, "transform_graph")?.uri)?;
        let examples = required(context, "transformed_examples")?;
        let dataset = Dataset::open(&examples.uri, &examples.split_names())?;

        let available: Vec<_> = graph.outputs().iter().map(available).collect();
        let plan = train::plan(&config, &available).map_err(first_problem)?;
        let base =
            context.input("base_model").map(|model| Servable::load(&model.uri)).transpose()?;
        let base_model = base.as_ref().map(|base| {
            base.model()
                .built_in()
                .ok_or(ComponentError::ForeignBase { found: base.model().describe() })
        });
        let dir = context.keep_dir.map(|dir| dir.join(CHECKPOINTS));
        let dir = dir.filter(|_| config.checkpoint_every_steps.is_some());
        let content = match (&dir, examples.digest()) {
            (None, _) => String::new(),
            (Some(_), Some(digest)) => digest.to_owned(),
            (Some(_), None) => base::digest_tree(&examples.uri)?.to_string(),
        };
        let content = format!("{content} {} {}", splits.train, splits.eval);
        let options = Options {
            base_model: base_model.transpose()?,
            checkpoints: dir.as_deref().map(|dir| Checkpoints { dir, examples: &content }),
            num_threads: None,
        };
        let metric = config.early_stopping.as_ref().map(|stopping| stopping.metric.name());
        let mut warnings: Vec<String> = Vec::new();
        let train_source = Arc::new(dataset.split(&splits.train)?.source()?);
        let eval_source = Arc::new(dataset.split(&splits.eval)?.source()?);
        let observer = &mut |step: train::Progress| {
            let mut message = format!("loss {:.4}", step.loss);
            if let Some(loss) = step.eval_loss {
                let _ = write!(message, ", eval loss {loss:.4}");
            }
            if let (Some(metric), Some(value)) =
                (metric.filter(|name| *name != "loss"), step.eval_metric)
            {
                let _ = write!(message, ", {metric} {value:.4}");
            }
            // One is enough of warnings that come again and again.
            warnings.extend(step.warning.filter(|_| warnings.len() < MAX_WARNINGS));
            context.progress.report(step.step, step.num_steps, &message);
            if context.progress.is_cancelled() {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        };
        let trained = train::train(&config, &plan, train_source, eval_source, options, observer)?;

        Servable::save(&context.outputs["model"], &graph, &trained.model)?;
        let measured = measured(&trained, metric);
        let measured = measured.iter().map(|(name, value)| (name.as_str(), *value));
        write(&context.outputs["model_run"].join(LOSS_FILE), loss_csv(&trained.history, metric))?;
        Ok(Outcome {
            properties: [
                ("model", OutputProperties::default()),
                ("model_run", run_properties(Some(trained.steps), measured)),
            ]
            .into(),
            summary: summary(&trained, &warnings),
            ..Outcome::default()
        })
    }
}

/// Returns a Trainer's configuration with other hyperparameters: those of a program are told to it, those of a built-in
/// model are keys of the configuration, with dots between the levels.
pub(crate) fn with_hyperparameters(config: &Value, values: &Map<String, Value>) -> Value {
    let mut config = config.clone();
    if is_program(&config) {
        if let Some(config) = config.as_object_mut() {
            let told = config.entry("hyperparameters").or_insert_with(|| Map::new().into());
            if let Some(told) = told.as_object_mut() {
                told.extend(values.clone());
            }
        }
        return config;
    }
    for (key, value) in values {
        set(&mut config, key, value);
    }
    config
}

/// Sets a value by its key, with dots between the levels; tables that are not there are made.
fn set(table: &mut Value, key: &str, value: &Value) {
    if !table.is_object() {
        *table = Map::new().into();
    }
    let Some(table) = table.as_object_mut() else { return };
    match key.split_once('.') {
        None => {
            table.insert(key.to_owned(), value.clone());
        }
        Some((first, rest)) => set(table.entry(first).or_insert(Value::Null), rest, value),
    }
}

/// Returns whether a configuration is of a program.
pub(crate) fn is_program(config: &Value) -> bool {
    config.get("command").is_some() || config.get("module").is_some()
}

/// Reads the configuration of a program.
pub(crate) fn read_program(
    config: &Value,
) -> Result<(launch::Config, Splits, OnnxConfig), ComponentError> {
    let mut config = config.clone();
    let splits = take(SPLITS, &mut config)?;
    let onnx = take(ONNX, &mut config)?;
    Ok((read(&config)?, splits, onnx))
}

/// Says where a configuration is of neither a built-in model nor a program, or of both.
fn other_keys(config: &Value) -> Option<Problem> {
    let of = |schema: schemars::Schema| {
        let properties = schema.get("properties").and_then(Value::as_object).cloned();
        properties.unwrap_or_default()
    };
    let (built_in, mut program) = (of(schema_of::<Config>()), of(schema_of::<launch::Config>()));
    program.insert(ONNX.to_owned(), Value::Null);
    let problem = |key: &str, message: String, hint: Option<&str>| {
        let hint = hint.map(ToOwned::to_owned);
        Some(Problem { key: key.to_owned(), offset: None, message, hint })
    };
    let is_program = is_program(config);
    if !is_program && config.get("model").is_none() {
        let message = "no model, expected a built-in `model`, or a program that trains one: `command` or `module`";
        let hint = "`model = { wide_and_deep = { label = \"...\" } }`";
        return problem("", message.to_owned(), Some(hint));
    }
    let (own, others) = if is_program { (&program, &built_in) } else { (&built_in, &program) };
    let keys = config.as_object().into_iter().flatten().map(|(key, _)| key);
    let mut strange = keys.filter(|key| !own.contains_key(*key) && others.contains_key(*key));
    let key = strange.next()?;
    if is_program {
        let message =
            format!("`{key}` is for built-in models, and this one is trained by a program");
        problem(key, message, Some("`hyperparameters` and `custom_config` tell the program"))
    } else {
        let message = format!("`{key}` is for programs, and this model is a built-in one");
        problem(key, message, None)
    }
}

fn summary(trained: &Trained, warnings: &[String]) -> String {
    let last = trained.history.iter().rev().find_map(|point| point.eval_loss);
    let mut text = format!("{} steps", trained.steps);
    if let Some(loss) = last {
        let _ = write!(text, ", eval loss {loss:.4}");
    }
    if trained.stopped_early {
        let _ = write!(text, ", stopped early, best at step {}", trained.best_step);
    }
    if trained.num_missing_labels > 0 {
        let _ = write!(text, "; {} examples without a label skipped", trained.num_missing_labels);
    }
    if trained.resumed_step > 0 {
        let _ = write!(text, "; went on from step {}", trained.resumed_step);
    }
    for warning in warnings {
        let _ = write!(text, "; {warning}");
    }
    text
}

/// Returns the properties of a training's run: how many steps were made, and what was measured.
pub(crate) fn run_properties<'a>(
    steps: Option<u64>,
    measured: impl IntoIterator<Item = (&'a str, f64)>,
) -> OutputProperties {
    let mut output = OutputProperties::default();
    for (name, value) in measured.into_iter().filter(|(_, value)| value.is_finite()) {
        output.custom_properties.insert(format!("metric_{name}"), PropertyValue::Double(value));
    }
    if let Some(steps) = steps.and_then(|steps| i64::try_from(steps).ok()) {
        output.custom_properties.insert("steps".to_owned(), steps.into());
    }
    output
}

/// Returns what was measured, by the names that programs' metrics have; at the point whose weights were kept.
fn measured(trained: &Trained, metric: Option<&str>) -> Vec<(String, f64)> {
    let kept = trained.history.iter().rev().find(|point| point.step <= trained.best_step);
    let Some(point) = kept else { return Vec::new() };
    let metric = metric.filter(|name| *name != "loss");
    let values = [
        Some(("loss".to_owned(), point.train_loss)),
        point.eval_loss.map(|loss| ("eval_loss".to_owned(), loss)),
        metric.zip(point.eval_metric).map(|(name, value)| (format!("eval_{name}"), value)),
    ];
    values.into_iter().flatten().collect()
}

/// `metric` is what decided about stopping early; the loss has its column anyway.
fn loss_csv(history: &[LossPoint], metric: Option<&str>) -> String {
    let metric = metric.filter(|name| *name != "loss");
    let mut text = String::from("step,train_loss,eval_loss");
    if let Some(metric) = metric {
        let _ = write!(text, ",eval_{metric}");
    }
    text.push('\n');
    let cell = |value: Option<f64>| value.map_or(String::new(), |value| value.to_string());
    for point in history {
        let _ = write!(text, "{},{},{}", point.step, point.train_loss, cell(point.eval_loss));
        if metric.is_some() {
            let _ = write!(text, ",{}", cell(point.eval_metric));
        }
        text.push('\n');
    }
    text
}

/// A vocabulary's size is not known before the data was analyzed.
fn available_before(feature: &FeatureInfo) -> Available {
    let kind = match feature.kind {
        Some(FeatureKind::Int) => ValueKind::Int,
        Some(FeatureKind::Bytes) => ValueKind::Bytes,
        Some(FeatureKind::Struct) => ValueKind::Other,
        Some(FeatureKind::Float) | None => ValueKind::Float,
    };
    // Whether many values are a vector is not known either.
    let count = if feature.is_list == Some(true) { Count::Many } else { Count::One };
    let num_buckets = feature.num_buckets.and_then(|n| usize::try_from(n).ok());
    Available { name: feature.name.clone(), kind, count, num_buckets }
}

fn available(output: &GraphOutput) -> Available {
    let kind = match output.value_type {
        ValueType::Int | ValueType::Bool => ValueKind::Int,
        ValueType::Float => ValueKind::Float,
        ValueType::String => ValueKind::Bytes,
    };
    let count = match output.shape {
        Shape::One => Count::One,
        Shape::List => Count::List,
        Shape::Vector(length) => Count::Vector(length as usize),
    };
    let num_buckets = output.num_buckets.and_then(|n| usize::try_from(n).ok());
    Available { name: output.name.clone(), kind, count, num_buckets }
}

/// The check before the run could not see vocabularies' sizes; what it could not see is told here.
fn first_problem(problems: Vec<train::Problem>) -> ComponentError {
    let texts: Vec<_> =
        problems.into_iter().map(|p| format!("`{}`: {}", p.key, p.message)).collect();
    ComponentError::Features { problems: texts.join("; ") }
}
