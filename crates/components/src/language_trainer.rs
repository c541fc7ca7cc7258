//! LanguageTrainer: lists of token ids become a language model.

use std::fmt::Write as _;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use arrow::array::{Array, ArrayRef, AsArray, Int64Array, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Int64Type};
use artifact::{
    CheckContext, Checked, Component, Executor, FeatureKind, Input, Kind, Outcome, Output,
    OutputProperties, Problem, RunContext, types,
};
use base::BoxError;
use dataflow::{BatchIter, Source};
use dataset::Dataset;
use graph::Graph;
use language::WeightType;
use launch::{Job, Limits, Metrics, Strategy, Watch};
use loader::TokenShards;
use program::Program;
use serde_json::Value;
use text_model::TokenizerFiles;
use train_language::{Config, EngineConfig, LossPoint, Progress, torch};

use crate::ComponentError;
use crate::config::{read_with, schema_with};
use crate::ports::required;
use crate::run_dir::RunDir;
use crate::trainer::{
    MAX_WARNINGS, SPLITS, SPLITS_HELP, Splits, read_trainer, run_properties, tuned,
};
use crate::trainer_program::{keep_logs, told_restarts};
use crate::view::write;

/// The loss curve, one line per point.
const LOSS_FILE: &str = "loss.csv";

/// What is behind a feature's name in that of the column that says which packed tokens are of which document.
const SEGMENTS: &str = "_segment_ids";

/// How long the processes of a cancelled training have for a last checkpoint.
const GRACE: Duration = Duration::from_secs(120);

/// How many deaths of a process a training survives.
const MAX_RESTARTS: u32 = 3;

/// Trains a language model on the transformed examples' token ids, and writes it in the HuggingFace Llama layout.
pub struct LanguageTrainer;

impl Component for LanguageTrainer {
    fn name(&self) -> &'static str {
        "LanguageTrainer"
    }

    fn execution_type(&self) -> &'static str {
        "tfx.components.trainer.component.Trainer"
    }

    fn version(&self) -> u32 {
        2
    }

    fn description(&self) -> &'static str {
        "Trains a language model on lists of token ids, on the CPU or with PyTorch on GPUs."
    }

    fn inputs(&self) -> &'static [Input] {
        const {
            &[
                Input::required("transformed_examples", types::EXAMPLES),
                Input::optional("transform_graph", types::TRANSFORM_GRAPH),
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
        schema_with::<Config, Splits>(SPLITS, SPLITS_HELP)
    }

    fn check(&self, config: &Value, context: &CheckContext<'_>) -> Checked {
        let mut checked = Checked::default();
        let Ok((config, _)) = read_with::<Config, Splits>(SPLITS, config) else { return checked };
        let mut problem = |key: &str, message: String, hint: Option<String>| {
            checked.problems.push(Problem { key: key.to_owned(), offset: None, message, hint });
        };
        for found in train_language::check(&config) {
            problem(&found.key, found.message, found.hint);
        }
        let model = config.transformer();
        if let (Some(size), Some(boundary)) = (model.vocab_size, model.document_boundary)
            && boundary as usize >= size
        {
            let message = format!("{boundary}, expected less than `vocab_size`, {size}");
            problem("model.transformer.document_boundary", message, None);
        }
        let Some(Some(features)) = context.inputs.get("transform_graph") else { return checked };
        let (key, wanted) = ("model.transformer.tokens", &config.transformer().tokens);
        match features.iter().find(|feature| feature.name == *wanted) {
            None => {
                let names = features.iter().map(|feature| feature.name.as_str());
                let near =
                    base::nearest(wanted, names).map(|near| format!("did you mean `{near}`?"));
                problem(key, format!("no transformed feature `{wanted}`"), near);
            }
            Some(feature)
                if feature.is_list == Some(false) || feature.kind != Some(FeatureKind::Int) =>
            {
                let message = format!("`{wanted}` is no list of whole numbers");
                problem(key, message, Some("tokenize_bpe gives one".to_owned()));
            }
            Some(_) => {}
        }
        checked
    }

    fn kind(&self) -> Kind<'_> {
        Kind::Executor(self)
    }
}

impl Executor for LanguageTrainer {
    fn run(&self, context: &RunContext<'_>) -> Result<Outcome, BoxError> {
        let config = tuned(context)?;
        self.train(&RunContext { config: &config, ..*context })
    }
}

impl LanguageTrainer {
    fn train(&self, context: &RunContext<'_>) -> Result<Outcome, BoxError> {
        let (mut config, splits): (Config, Splits) = read_trainer(context)?;
        config.base_model = config.base_model.map(|path| context.base_dir.join(path));
        let vocab_size = vocab_size(&config, context)?;
        config.transformer_mut().vocab_size = Some(vocab_size);

        let examples = required(context, "transformed_examples")?;
        let dataset = Dataset::open(&examples.uri, &examples.split_names())?;
        let run_dir = RunDir::open(context, &[])?;
        let work = &run_dir.path;
        let mut num_tokens = 0;
        for (name, split) in [("train", &splits.train), ("eval", &splits.eval)] {
            let source = dataset.split(split)?.source()?;
            let written =
                write_tokens(&config, vocab_size, &source, &work.join("tokens").join(name))?;
            if name == "train" {
                num_tokens = written;
            }
        }
        let learnt = match config.transformer().engine {
            EngineConfig::Cpu => on_the_cpu(context, &config, work)?,
            EngineConfig::Torch => with_torch(context, &config, vocab_size, work)?,
        };
        let has_tokenizer = write_tokenizer(&config, context)?;
        let run = &context.outputs["model_run"];
        write(&run.join(LOSS_FILE), loss_csv(&learnt.history))?;
        keep_logs(work, run)?;
        run_dir.remove()?;

        let mut summary = format!("{} steps on {num_tokens} tokens", config.num_steps);
        let eval_loss = learnt.history.iter().rev().find_map(|point| point.eval_loss);
        if let Some(loss) = eval_loss {
            let _ = write!(summary, ", eval loss {loss:.4} (perplexity {:.2})", loss.exp());
        }
        if let Some(speed) = learnt.speed {
            let _ = write!(summary, ", {speed:.0} tokens/s");
        }
        if !has_tokenizer {
            summary.push_str("; no tokenizer file says how its tokens are made");
        }
        if learnt.rollbacks > 0 {
            let _ = write!(summary, "; went back to a checkpoint {} times", learnt.rollbacks);
        }
        for remark in &learnt.remarks {
            let _ = write!(summary, "; {remark}");
        }
        let loss = learnt.history.last().map(|point| ("loss", point.train_loss));
        let measured = loss.into_iter().chain(eval_loss.map(|loss| ("eval_loss", loss)));
        Ok(Outcome {
            properties: [
                ("model", OutputProperties::default()),
                ("model_run", run_properties(Some(config.num_steps), measured)),
            ]
            .into(),
            summary,
            ..Outcome::default()
        })
    }
}

/// What is known of a training besides its model.
struct Learnt {
    history: Vec<LossPoint>,
    /// How many times it went back to a checkpoint.
    rollbacks: u32,
    /// Its last speed, in tokens a second.
    speed: Option<f64>,
    /// What a person should know.
    remarks: Vec<String>,
}

fn on_the_cpu(context: &RunContext<'_>, config: &Config, work: &Path) -> Result<Learnt, BoxError> {
    let open = |name| TokenShards::open(&work.join("tokens").join(name)).map(Arc::new);
    let (train, eval) = (open("train")?, open("eval")?);
    let mut last_eval = None;
    let mut remarks = Vec::new();
    let observer = &mut |progress| {
        match progress {
            Progress::Step { step, num_steps, loss, eval_loss } => {
                last_eval = eval_loss.or(last_eval);
                let eval = last_eval.map_or(String::new(), |loss| format!(", eval loss {loss:.4}"));
                context.progress.report(step, num_steps, &format!("loss {loss:.4}{eval}"));
            }
            Progress::Resumed { step } => remarks.push(format!("went on from step {step}")),
            // One is enough of warnings that come again and again.
            Progress::Warning(warning) if remarks.len() < MAX_WARNINGS => remarks.push(warning),
            Progress::Warning(_) | Progress::RolledBack { .. } => {}
        }
        if context.progress.is_cancelled() {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    };
    let checkpoints = work.join("checkpoints");
    let trained = train_language::train(config, &train, Some(&eval), &checkpoints, observer)?;
    trained.model.save(&context.outputs["model"], WeightType::F32)?;
    Ok(Learnt { history: trained.history, rollbacks: trained.rollbacks, speed: None, remarks })
}

fn with_torch(
    context: &RunContext<'_>,
    config: &Config,
    vocab_size: usize,
    work: &Path,
) -> Result<Learnt, BoxError> {
    let model = config.transformer();
    let (train, eval) = (work.join("tokens").join("train"), work.join("tokens").join("eval"));
    let folders = torch::Folders {
        train_tokens: &train,
        eval_tokens: Some(&eval),
        run_dir: work,
        model_dir: &context.outputs["model"],
        tokenizer: None,
    };
    let arguments = torch::prepare(config, &model.shape(vocab_size), &folders)?;
    let python = model.python.clone().unwrap_or_else(|| PathBuf::from("python3"));
    let command = std::iter::once(python).chain(arguments);
    let job = Job {
        program: Program {
            command: command.map(|part| part.display().to_string()).collect(),
            dir: context.base_dir.to_path_buf(),
            env: Vec::new(),
        },
        strategy: model.processes.map(|processes| Strategy::Mirrored { processes }),
        run_dir: work.to_path_buf(),
        metrics_path: work.join(torch::METRICS_FILE),
        limits: Limits { timeout: None, grace: GRACE, max_restarts: MAX_RESTARTS },
    };
    let mut heard =
        Heard { context, num_steps: config.num_steps, history: Vec::new(), loss: f64::NAN };
    let launched = launch::launch(&job, &mut heard)?;
    let metrics = &launched.metrics;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "few")]
    let rollbacks = metrics.get("rollbacks").map_or(0, |count| count as u32);
    let speed = metrics.get("tokens_per_second");
    let warnings = launched.warnings.iter().take(MAX_WARNINGS).cloned();
    let remarks = told_restarts(&launched).into_iter().chain(warnings).collect();
    Ok(Learnt { history: heard.history, rollbacks, speed, remarks })
}

/// Shows what the program says, and keeps the loss curve.
struct Heard<'a> {
    context: &'a RunContext<'a>,
    num_steps: u64,
    history: Vec<LossPoint>,
    loss: f64,
}

impl Watch for Heard<'_> {
    fn metrics(&mut self, metrics: &Metrics) {
        let step = metrics.step.unwrap_or(0);
        if let Some(eval_loss) = metrics.get("eval_loss") {
            let point = LossPoint { step, train_loss: self.loss, eval_loss: Some(eval_loss) };
            self.history.push(point);
        }
        if let Some(loss) = metrics.get("loss") {
            self.loss = loss;
            let mut message = format!("loss {loss:.4}");
            if let Some(speed) = metrics.get("tokens_per_second") {
                let _ = write!(message, ", {speed:.0} tokens/s");
            }
            if let Some(share) = metrics.get("mfu") {
                let _ = write!(message, ", MFU {:.1}%", share * 100.0);
            }
            self.context.progress.report(step, self.num_steps, &message);
        }
    }

    fn is_cancelled(&self) -> bool {
        self.context.progress.is_cancelled()
    }
}

/// Puts what makes the tokens beside the model; returns whether there is a tokenizer file that does.
fn write_tokenizer(config: &Config, context: &RunContext<'_>) -> Result<bool, BoxError> {
    let Some(graph) = context.input("transform_graph") else { return Ok(false) };
    let (graph, model) = (Graph::load(&graph.uri)?, config.transformer());
    let files = TokenizerFiles::of_graph(&graph, &model.tokens, model.document_boundary)?;
    let Some(files) = files else { return Ok(false) };
    files.write(&context.outputs["model"], model.sequence_length)?;
    Ok(true)
}

/// Returns how many tokens the model knows: as many as the feature has, and the boundary.
fn vocab_size(config: &Config, context: &RunContext<'_>) -> Result<usize, BoxError> {
    let model = config.transformer();
    if let Some(size) = model.vocab_size {
        return Ok(size);
    }
    let mut known = None;
    if let Some(graph) = context.input("transform_graph") {
        let graph = Graph::load(&graph.uri)?;
        let output = graph.outputs().iter().find(|output| output.name == model.tokens);
        known = output.and_then(|output| output.num_buckets);
    }
    let known = known.and_then(|size| usize::try_from(size).ok());
    let with_boundary = model.document_boundary.map_or(0, |boundary| boundary as usize + 1);
    known.map(|size| size.max(with_boundary)).ok_or_else(|| {
        let problems = format!(
            "`model.transformer.vocab_size`: how many tokens `{}` can have is not known, expected a number here",
            model.tokens
        );
        ComponentError::Features { problems }.into()
    })
}

/// Writes a split's tokens, one example behind the other, and returns how many there are.
fn write_tokens(
    config: &Config,
    vocab_size: usize,
    source: &dyn Source,
    dir: &Path,
) -> Result<u64, BoxError> {
    let model = config.transformer();
    let mut columns = vec![model.tokens.clone()];
    let segments = format!("{}{SEGMENTS}", model.tokens);
    let is_packed = source.schema().column_with_name(&segments).is_some();
    columns.extend(is_packed.then(|| segments.clone()));
    let layout = match is_packed {
        true => Layout::Packed { segments: &segments },
        false => Layout::Documents { boundary: model.document_boundary },
    };
    let batches = (0..source.num_partitions()).flat_map(|partition| -> BatchIter<'_> {
        match source.read(partition, Some(&columns)) {
            Ok(batches) => batches,
            Err(error) => Box::new(std::iter::once(Err(error))),
        }
    });
    let mut failure = None;
    let mut tokens = batches
        .map_while(|batch| {
            let tokens = batch
                .and_then(|batch| tokens_of(&batch, &model.tokens, layout).map_err(BoxError::from));
            tokens.map_err(|error| failure = Some(error)).ok()
        })
        .flatten();
    let size = u32::try_from(vocab_size).map_err(|_| ComponentError::Features {
        problems: format!("{vocab_size} tokens, expected at most {}", u32::MAX),
    })?;
    let written =
        loader::write_token_shard(dir, "tokens", size, model.sequence_length, &mut tokens);
    drop(tokens);
    match failure {
        Some(error) => Err(error),
        None => Ok(written?),
    }
}

/// What the lists of a feature are.
#[derive(Clone, Copy)]
enum Layout<'a> {
    /// Documents, with a token to put behind each.
    Documents { boundary: Option<u32> },
    /// Blocks of documents, with a column that says which tokens are of which, 0 being none.
    Packed { segments: &'a str },
}

/// Returns the token ids of a batch's examples; missing lists have none.
fn tokens_of(
    batch: &RecordBatch,
    column: &str,
    layout: Layout<'_>,
) -> Result<Vec<u32>, ComponentError> {
    let lists = Lists::of(batch, column)?;
    let segments = match layout {
        Layout::Packed { segments } => Some(Lists::of(batch, segments)?),
        Layout::Documents { .. } => None,
    };
    let wrong = |what: String| ComponentError::Tokens { column: column.to_owned(), what };
    let mut tokens = Vec::new();
    for row in 0..batch.num_rows() {
        let Some(values) = lists.row(row)? else { continue };
        let segments =
            segments.as_ref().and_then(|lists| lists.row(row).transpose()).transpose()?;
        for (place, value) in values.iter().enumerate() {
            let is_filling = |of: &Int64Array| of.len() <= place || of.value(place) == 0;
            if segments.as_ref().is_some_and(is_filling) {
                continue;
            }
            let value = value.ok_or_else(|| wrong("a missing value in a list".to_owned()))?;
            tokens.push(u32::try_from(value).map_err(|_| wrong(format!("a value {value}")))?);
        }
        if let Layout::Documents { boundary } = layout {
            tokens.extend(boundary);
        }
    }
    Ok(tokens)
}

/// A column of lists of whole numbers, of one length or any.
struct Lists<'a> {
    column: &'a str,
    array: &'a ArrayRef,
}

impl<'a> Lists<'a> {
    fn of(batch: &'a RecordBatch, column: &'a str) -> Result<Self, ComponentError> {
        let wrong = |what: String| ComponentError::Tokens { column: column.to_owned(), what };
        let array = batch.column_by_name(column).ok_or_else(|| wrong("not there".to_owned()))?;
        match array.data_type() {
            DataType::List(_) | DataType::FixedSizeList(..) => Ok(Self { column, array }),
            other => Err(wrong(format!("values of type {other}"))),
        }
    }

    fn row(&self, row: usize) -> Result<Option<Int64Array>, ComponentError> {
        if self.array.is_null(row) {
            return Ok(None);
        }
        let values = match self.array.as_list_opt::<i32>() {
            Some(lists) => lists.value(row),
            None => self.array.as_fixed_size_list().value(row),
        };
        let values = cast(&values, &DataType::Int64).map_err(|error| ComponentError::Tokens {
            column: self.column.to_owned(),
            what: error.to_string(),
        })?;
        Ok(Some(values.as_primitive::<Int64Type>().clone()))
    }
}

fn loss_csv(history: &[LossPoint]) -> String {
    let mut text = String::from("step,train_loss,eval_loss\n");
    for point in history {
        let eval = point.eval_loss.map_or(String::new(), |loss| loss.to_string());
        let _ = writeln!(text, "{},{},{eval}", point.step, point.train_loss);
    }
    text
}
