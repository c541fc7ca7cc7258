//! InfraValidator: a model is blessed if it loads and answers in the real server.

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use arrow::array::RecordBatch;
use arrow::compute::concat_batches;
use artifact::{
    Answer, CheckContext, Checked, Component, Executor, Input, Kind, Outcome, Output,
    OutputProperties, Problem, RunContext, types,
};
use base::{BoxError, IoError};
use dataflow::Source as _;
use dataset::Dataset;
use infra_validation::{
    LatencyLimits, Limits, Question, Report, Server, questions, validate, write_warmup,
};
use launch::Span;
use model::Predictor as _;
use program::{Program, last_lines};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};
use servable::Servable;
use text_model::TextModel;

use crate::ComponentError;
use crate::config::{read, schema_of, unreadable};
use crate::ports::required;
use crate::scoring::first_rows;
use crate::view::write;

const BLESSING: &str = "infra_blessing";
/// The empty file of a model that loads and answers, as TFX names it.
const BLESSED_FILE: &str = "INFRA_BLESSED";
/// The empty file of a model that does not.
const NOT_BLESSED_FILE: &str = "INFRA_NOT_BLESSED";
/// What was found.
const REPORT_FILE: &str = "infra_validation.json";
/// The model with requests to warm up with, as TFX names it.
pub(crate) const STAMPED_MODEL: &str = "stamped_model";
/// The custom property that says that there is one, as TFX names it.
pub(crate) const HAS_MODEL: &str = "has_model";

/// The name of the model in the server, as TFX has it.
const MODEL_NAME: &str = "infra-validation-model";

/// How much of the server's log is shown when a model is not blessed.
const SHOWN_LINES: usize = 15;

/// Starts this program's server with a model, asks it for predictions of real examples, and compares them with those made
/// without a server.
pub struct InfraValidator;

/// What a model has to do in a server.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct Config {
    /// The split of the examples that are sent; the first where not given.
    split: Option<String>,
    /// How many examples are sent, over REST and over gRPC each.
    #[schemars(range(min = 1, max = 1000))]
    num_examples: usize,
    /// How long the model may take from the start of the server until it is available.
    max_loading_time: Span,
    /// How long a request may take.
    request_timeout: Span,
    /// How often the server is started at the most. A model that does not load or answers something else is not tried again.
    #[schemars(range(min = 1, max = 100))]
    num_tries: u32,
    /// How far a prediction may be from the one made without a server: so many times the larger of 1 and that one's size.
    #[schemars(range(min = 0.0))]
    tolerance: f64,
    /// How long requests of one example may take, one after the other.
    latency: Latency,
    /// Whether the examples become requests that servers replay before they answer others: then the model that is pushed
    /// has them in `assets.extra/tf_serving_warmup_requests`.
    make_warmup: bool,
}

/// How long requests may take.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct Latency {
    /// How many requests are measured over each protocol.
    #[schemars(range(max = 100_000))]
    num_requests: usize,
    /// What half of them may take, such as `"5ms"`; anything where not given.
    p50: Option<Span>,
    /// What 99% of them may take; anything where not given.
    p99: Option<Span>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            split: None,
            num_examples: 10,
            // As TFX has it.
            max_loading_time: Span(Duration::from_secs(300)),
            request_timeout: Span(Duration::from_secs(10)),
            num_tries: 5,
            tolerance: 1e-6,
            latency: Latency::default(),
            make_warmup: true,
        }
    }
}

impl Default for Latency {
    fn default() -> Self {
        Self { num_requests: 100, p50: None, p99: None }
    }
}

impl Component for InfraValidator {
    fn name(&self) -> &'static str {
        "InfraValidator"
    }

    fn execution_type(&self) -> &'static str {
        "tfx.components.infra_validator.component.InfraValidator"
    }

    fn version(&self) -> u32 {
        1
    }

    fn description(&self) -> &'static str {
        "Blesses a model that loads and answers in the real server."
    }

    fn inputs(&self) -> &'static [Input] {
        const { &[Input::required("model", types::MODEL), Input::optional("examples", types::EXAMPLES)] }
    }

    fn outputs(&self) -> &'static [Output] {
        &[Output { key: BLESSING, artifact_type: types::INFRA_BLESSING }]
    }

    fn config_schema(&self) -> schemars::Schema {
        schema_of::<Config>()
    }

    fn check(&self, config: &Value, _context: &CheckContext<'_>) -> Checked {
        let mut checked = Checked::default();
        let config = match read::<Config>(config) {
            Ok(config) => config,
            Err(error) => return unreadable(&error),
        };
        let has_limits = config.latency.p50.is_some() || config.latency.p99.is_some();
        if has_limits && config.latency.num_requests == 0 {
            checked.problems.push(Problem {
                key: "latency.num_requests".to_owned(),
                offset: None,
                message: "0, expected at least 1 where there is a limit".to_owned(),
                hint: None,
            });
        }
        checked
    }

    fn kind(&self) -> Kind<'_> {
        Kind::Executor(self)
    }
}

impl Executor for InfraValidator {
    fn run(&self, context: &RunContext<'_>) -> Result<Outcome, BoxError> {
        let config: Config = read(context.config)?;
        let model = required(context, "model")?;
        let output = &context.outputs[BLESSING];
        let asked = match context.input("examples") {
            None => Vec::new(),
            // It answers with text, which has no offline value to compare with: it is enough that it loads.
            Some(_) if TextModel::is_in(&model.uri) => Vec::new(),
            Some(examples) => {
                let split = match &config.split {
                    Some(split) => split.clone(),
                    None => first_split(&examples.split_names(), &examples.uri)?,
                };
                ask(&model.uri, &examples.uri, &split, config.num_examples)?
            }
        };
        let mut candidate = model.uri.clone();
        if config.make_warmup && !asked.is_empty() {
            candidate = output.join(STAMPED_MODEL);
            base::copy_tree(&model.uri, &candidate)?;
            write_warmup(&candidate, MODEL_NAME, &asked)?;
        }
        let has_model = candidate != model.uri;

        context.progress.report(0, 1, "starting the server");
        let place = Place::new(output)?;
        let serving = place.0.join(MODEL_NAME);
        push::link_version(&candidate, &serving.join("1"))?;
        let server = Server {
            program: program(&serving)?,
            model: MODEL_NAME.to_owned(),
            log_dir: output.clone(),
        };
        let limits = Limits {
            loading: config.max_loading_time.0,
            request: config.request_timeout.0,
            num_tries: config.num_tries,
            tolerance: config.tolerance,
            latency: LatencyLimits {
                num_requests: config.latency.num_requests,
                p50: config.latency.p50.map(|span| span.0),
                p99: config.latency.p99.map(|span| span.0),
            },
        };
        let is_cancelled = || context.progress.is_cancelled();
        let report = match validate(&server, &asked, &limits, &is_cancelled) {
            Err(infra_validation::InfraError::Cancelled) => {
                return Err(ComponentError::Cancelled.into());
            }
            report => report?,
        };
        let out = server.log_dir.join("server.out");
        fs::remove_file(&out).map_err(IoError::at("remove", &out))?;

        let is_blessed = report.flaw().is_none();
        write(&output.join(REPORT_FILE), report_json(&report, is_blessed).to_string())?;
        write(&output.join(if is_blessed { BLESSED_FILE } else { NOT_BLESSED_FILE }), "")?;
        if !is_blessed && has_model {
            // Nobody is to push it by mistake.
            fs::remove_dir_all(&candidate).map_err(IoError::at("remove", &candidate))?;
        }
        let mut properties = OutputProperties::default();
        let custom = &mut properties.custom_properties;
        custom.insert("blessed".to_owned(), i64::from(is_blessed).into());
        custom.insert(HAS_MODEL.to_owned(), i64::from(is_blessed && has_model).into());
        custom.insert("current_model".to_owned(), model.uri.display().to_string().into());
        custom.insert("current_model_id".to_owned(), model.id.0.into());
        Ok(Outcome {
            properties: [(BLESSING, properties)].into(),
            summary: summary(&report),
            answer: answer(&report, &server.log_path()),
        })
    }
}

fn first_split(names: &[String], path: &Path) -> Result<String, ComponentError> {
    let first = names.first().cloned();
    first.ok_or_else(|| ComponentError::NoSplits { path: path.to_path_buf() })
}

/// Returns the first examples of a split as requests, with what the model says of them without a server.
fn ask(
    model: &Path,
    examples: &Path,
    split: &str,
    count: usize,
) -> Result<Vec<Question>, BoxError> {
    let servable = Servable::load(model)?;
    let needed: Vec<String> = servable.raw_inputs().iter().map(|raw| raw.name.clone()).collect();
    let dataset = Dataset::open(examples, &[split.to_owned()])?;
    let source = dataset.split(split)?.source()?;
    let mut batches: Vec<RecordBatch> = Vec::new();
    for partition in 0..source.num_partitions() {
        let num_rows: usize = batches.iter().map(RecordBatch::num_rows).sum();
        if num_rows == count {
            break;
        }
        batches.extend(first_rows(&source, partition, &needed, count - num_rows)?);
    }
    let Some(schema) = batches.first().map(RecordBatch::schema) else { return Ok(Vec::new()) };
    let batch = concat_batches(&schema, &batches);
    let batch = batch.map_err(|source| ComponentError::Scored { source })?;
    // One by one, as they are sent: sums of many rows together may differ in the last bits.
    let alone = (0..batch.num_rows()).map(|row| servable.predict(&batch.slice(row, 1)));
    let alone = alone.collect::<Result<Vec<_>, _>>()?;
    let Some(schema) = alone.first().map(RecordBatch::schema) else { return Ok(Vec::new()) };
    let predictions = concat_batches(&schema, &alone);
    let predictions = predictions.map_err(|source| ComponentError::Scored { source })?;
    Ok(questions(&batch, &predictions)?)
}

/// Returns this very program as a server of a model on a free port.
fn program(serving: &Path) -> Result<Program, BoxError> {
    let this = std::env::current_exe();
    let this = this.map_err(IoError::at("find", Path::new("this program")))?;
    let model = format!("{MODEL_NAME}={}", serving.display());
    let args = [
        "serve",
        "--model",
        &model,
        "--host",
        "127.0.0.1",
        "--port",
        "0",
        "--poll",
        "never",
        "--json",
    ];
    let command = std::iter::once(this.display().to_string());
    let command = command.chain(args.iter().map(|arg| (*arg).to_owned())).collect();
    // Tokens of servers that others ask are none of this one's.
    let env = vec![("CUPOLA_SERVE_TOKENS".to_owned(), String::new())];
    let dir = serving.parent().unwrap_or(serving).to_path_buf();
    Ok(Program { command, dir, env })
}

/// A folder that is there for a while.
struct Place(PathBuf);

impl Place {
    fn new(beside: &Path) -> Result<Self, IoError> {
        let beside = std::path::absolute(beside).map_err(IoError::at("read", beside))?;
        let dir = base::publish::temporary_beside(&beside);
        fs::create_dir_all(&dir).map_err(IoError::at("create", &dir))?;
        Ok(Self(dir))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

fn report_json(report: &Report, is_blessed: bool) -> Value {
    let tries = report.tries.iter().map(|once| {
        json!({
            "loading_ms": once.loading.map(milliseconds),
            "flaw": once.flaw.as_ref().map(ToString::to_string),
        })
    });
    let latencies = report.latencies.iter().map(|latency| {
        json!({
            "api": latency.api.to_string(),
            "num_requests": latency.num_requests,
            "p50_ms": milliseconds(latency.p50),
            "p99_ms": milliseconds(latency.p99),
        })
    });
    json!({
        "version": 1,
        "blessed": is_blessed,
        "num_examples": report.num_examples,
        "largest_difference": report.largest_difference,
        "tries": tries.collect::<Vec<_>>(),
        "latencies": latencies.collect::<Vec<_>>(),
    })
}

fn summary(report: &Report) -> String {
    let mut text = match report.flaw() {
        Some(flaw) => format!("not blessed: {flaw}"),
        None => "blessed".to_owned(),
    };
    if let Some(loading) = report.tries.last().and_then(|last| last.loading) {
        let _ = write!(text, "; available after {:.2} s", loading.as_secs_f64());
    }
    match report.num_examples {
        0 => text.push_str("; no examples, so it was not asked"),
        count if report.flaw().is_none() => {
            let _ = write!(text, "; {count} examples answered as without a server");
        }
        _ => {}
    }
    for latency in &report.latencies {
        let (p50, p99) = (milliseconds(latency.p50), milliseconds(latency.p99));
        let _ = write!(text, "; {} p50 {p50:.2} ms, p99 {p99:.2} ms", latency.api);
    }
    if report.tries.len() > 1 {
        let _ = write!(text, "; {} tries", report.tries.len());
    }
    text
}

fn answer(report: &Report, log: &Path) -> Answer {
    let Some(flaw) = report.flaw() else { return Answer::Yes };
    let said = last_lines(log, SHOWN_LINES);
    let lines: Vec<String> = said.lines().map(|line| format!("  {line}")).collect();
    Answer::No { reason: format!("not blessed: {flaw}"), details: lines.join("\n"), stop: false }
}
