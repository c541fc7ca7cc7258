//! Trials of a Tuner: each is a run of the trainer in a folder of its own, and a look at what it gave.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use artifact::{Outcome, Progress, PropertyValue, RunContext};
use base::{BoxError, IoError};
use dataflow::Accumulator;
use dataset::Dataset;
use evaluate::{EvaluatePass, Evaluation};
use model::Predictor;
use serde_json::Value;
use servable::Servable;
use tune::{Finished, Kept, Score, Trial, TuneError, Work};

use crate::ComponentError;
use crate::config::{read_with, take};
use crate::ports::required;
use crate::run_dir::RunDir;
use crate::scoring::{ScoredFeatures, added_columns};
use crate::trainer::{SPLITS, Splits, is_program, read_program, with_hyperparameters};
use crate::tuner::{Objective, Parts};

/// The outputs of a trial.
const OUTPUTS: [&str; 2] = ["model", "model_run"];

/// Why a search ended before its end.
#[derive(Debug)]
enum Ended {
    Cancelled,
    Failed(TuneError),
}

impl From<TuneError> for Ended {
    fn from(error: TuneError) -> Self {
        Self::Failed(error)
    }
}

/// Runs all trials; those that an interrupted run finished are not run again.
pub(crate) fn run(
    context: &RunContext<'_>,
    parts: &Parts,
    code: &[PathBuf],
    version: u32,
) -> Result<Vec<Finished>, BoxError> {
    let run_dir = RunDir::open(context, code)?;
    // What other versions found is another thing.
    let version = format!("{version}.{}", parts.tuned.component().version());
    let kept = Kept::at(&run_dir.path.join(format!("finished-{version}")));
    let trials = Trials {
        context,
        parts,
        dir: run_dir.path.join(format!("running-{version}")),
        total: num_trials(parts),
        done: AtomicU64::new(0),
    };
    let work = Work {
        kept: Some(&kept),
        run: &|trial| trials.run(trial),
        finished: &|finished| trials.told(finished),
    };
    let finished = match tune::search(&parts.search, parts.objective.direction, &work) {
        Ok(finished) => finished,
        Err(Ended::Cancelled) => return Err(ComponentError::Cancelled.into()),
        Err(Ended::Failed(error)) => return Err(error.into()),
    };
    // Where nothing was found, the next run tries the same again.
    tune::best(&finished, parts.objective.direction)?;
    run_dir.remove()?;
    Ok(finished)
}

/// Returns how many trials there will be, for showing how far it is; 0 where the space or the search decide.
fn num_trials(parts: &Parts) -> u64 {
    match &parts.search.search {
        tune::SearchConfig::Random(random) => random.trials,
        tune::SearchConfig::Tpe(tpe) => tpe.trials,
        _ => 0,
    }
}

/// Returns a trainer's configuration with another number of steps, where there is one.
pub(crate) fn with_steps(trainer: &Value, steps: Option<u64>) -> Value {
    let Some(steps) = steps else { return trainer.clone() };
    let mut trainer = trainer.clone();
    if let Some(trees) = trainer.pointer_mut("/model/boosted_trees").and_then(Value::as_object_mut)
    {
        trees.insert("num_trees".to_owned(), steps.into());
    } else if let Some(table) = trainer.as_object_mut() {
        table.remove("epochs");
        table.insert("num_steps".to_owned(), steps.into());
    }
    trainer
}

struct Trials<'a> {
    context: &'a RunContext<'a>,
    parts: &'a Parts,
    dir: PathBuf,
    total: u64,
    done: AtomicU64,
}

impl Trials<'_> {
    fn run(&self, trial: &Trial) -> Result<Score, Ended> {
        match self.score(trial) {
            Ok(score) => Ok(Score::Known(score)),
            Err(_) if self.context.progress.is_cancelled() => Err(Ended::Cancelled),
            Err(error) => Ok(Score::Failed(error.to_string())),
        }
    }

    fn told(&self, finished: &Finished) {
        let done = self.done.fetch_add(1, Ordering::Relaxed) + 1;
        let (name, number) = (self.parts.objective.name(), finished.trial.number);
        let message = match finished.score.known() {
            Some(score) => format!("trial {number}: {name} {score:.4}"),
            None => format!("trial {number} failed"),
        };
        self.context.progress.report(done, self.total.max(done), &message);
    }

    /// Trains and returns what the objective is.
    fn score(&self, trial: &Trial) -> Result<f64, BoxError> {
        let dir = self.dir.join(format!("{:06}", trial.number));
        let outputs: BTreeMap<String, PathBuf> =
            OUTPUTS.iter().map(|name| ((*name).to_owned(), dir.join(name))).collect();
        for output in outputs.values() {
            // Of a run that was killed.
            if output.exists() {
                fs::remove_dir_all(output).map_err(IoError::at("remove", output))?;
            }
            fs::create_dir_all(output).map_err(IoError::at("create", output))?;
        }
        let trainer = with_steps(&self.parts.trainer, trial.steps);
        let config = with_hyperparameters(&trainer, &trial.values);
        let keep_dir = dir.join("keep");
        let progress = Quiet(self.context.progress);
        let context = RunContext {
            config: &config,
            outputs: &outputs,
            keep_dir: Some(&keep_dir),
            progress: &progress,
            ..*self.context
        };
        let outcome = self.parts.tuned.executor().run(&context)?;
        let objective = &self.parts.objective;
        let score = match &objective.metric {
            Some(metric) => evaluate(&context, metric, &outputs["model"])?,
            None => reported(objective, &outcome)?,
        };
        fs::remove_dir_all(&dir).map_err(IoError::at("remove", &dir))?;
        Ok(score)
    }
}

/// Passes on that the run was cancelled, and does not show every step of every trial.
struct Quiet<'a>(&'a dyn Progress);

impl Progress for Quiet<'_> {
    fn report(&self, _done: u64, _total: u64, _message: &str) {}

    fn is_cancelled(&self) -> bool {
        self.0.is_cancelled()
    }
}

/// Returns a metric that the training itself reported.
fn reported(objective: &Objective, outcome: &Outcome) -> Result<f64, ComponentError> {
    let run = outcome.properties.get("model_run").map(|output| &output.custom_properties);
    let found = run.and_then(|run| run.get(&format!("metric_{}", objective.name())));
    match found {
        Some(PropertyValue::Double(score)) => Ok(*score),
        _ => Err(ComponentError::NotReported {
            metric: objective.name().to_owned(),
            reported: run
                .into_iter()
                .flatten()
                .filter_map(|(name, _)| name.strip_prefix("metric_").map(str::to_owned))
                .collect(),
        }),
    }
}

/// Measures a model on the transformed examples of the split that measures.
fn evaluate(context: &RunContext<'_>, metric: &str, model: &Path) -> Result<f64, BoxError> {
    let mut config = context.config.clone();
    let splits: Splits = take(SPLITS, &mut config)?;
    let examples = required(context, "transformed_examples")?;
    let dataset = Dataset::open(&examples.uri, std::slice::from_ref(&splits.eval))?;
    let source = dataset.split(&splits.eval)?.source()?;
    let servable = Servable::load(model)?;
    let columns = added_columns(&[dataflow::Source::schema(&source)], false);
    let mut evaluation =
        evaluate::Config { metrics: Some(vec![metric.to_owned()]), ..evaluate::Config::default() };
    if is_program(context.config) {
        evaluation.query_key = read_program(context.config)?.0.query;
    } else {
        let (built_in, _): (train::Config, Splits) = read_with(SPLITS, context.config)?;
        evaluation.example_weight = built_in.example_weight;
        evaluation.query_key = built_in.ranking.map(|ranking| ranking.query);
    }
    let pass = EvaluatePass::new(&evaluation, servable.signature().task, columns.clone())?;
    let scored = ScoredFeatures::new(&source, &servable, &columns);
    let state = dataflow::fold(context.engine, &scored, &pass)?;
    let found: Evaluation = state.finish()?;
    let overall = found.overall();
    let value = overall.and_then(|slice| slice.metrics.get(metric).copied());
    value.ok_or_else(|| {
        let reported = overall.into_iter().flat_map(|s| s.metrics.keys().cloned()).collect();
        ComponentError::NotReported { metric: metric.to_owned(), reported }.into()
    })
}
