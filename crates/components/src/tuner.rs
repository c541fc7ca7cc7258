//! Tuner: a search for the hyperparameters of a trainer.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use artifact::{
    CheckContext, Checked, Component, Executor, Input, Kind, Outcome, Output, OutputProperties,
    PropertyValue, RunContext, types,
};
use base::BoxError;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value};
use tune::{BEST_FILE, Config, Direction, Finished, RESULTS_FILE};

use crate::config::{read, with_key};
use crate::language_trainer::LanguageTrainer;
use crate::trainer::{Trainer, is_program, read_program};
use crate::tuner_check;
use crate::tuner_trials;
use crate::view::write;
use crate::{ComponentError, config};

/// The key of what is to be reached.
pub(crate) const OBJECTIVE: &str = "objective";
const OBJECTIVE_HELP: &str =
    "What is to be reached, such as `{ metric = \"auc\", direction = \"max\" }`.";

/// The property with the table of the trials; one that is larger than this is in the artifact alone.
const MAX_TABLE_BYTES: usize = 64 << 10;

/// Tries hyperparameters of a trainer and gives the best ones to the Trainer or LanguageTrainer.
pub struct Tuner;

/// What is to be reached: a metric of the Evaluator, measured on the split `eval` of the transformed examples, or one that
/// the training itself reports.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Objective {
    /// A metric of the Evaluator, such as `auc` or `recall@0.3` (docs/evaluation.md lists all).
    #[serde(default)]
    pub(crate) metric: Option<String>,
    /// A metric that the training reports, instead: of a built-in model and of a language model `loss`, `eval_loss` or, such
    /// as `eval_auc`, that of `early_stopping`; of a program the last value of any that it writes.
    #[serde(default)]
    pub(crate) reported: Option<String>,
    /// Whether higher values are better, or lower ones.
    pub(crate) direction: Direction,
}

/// The trainer whose hyperparameters are searched for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tuned {
    Trainer,
    LanguageTrainer,
}

impl Tuned {
    pub(crate) const ALL: [Self; 2] = [Self::Trainer, Self::LanguageTrainer];

    /// Returns the key of its table.
    pub(crate) fn key(self) -> &'static str {
        match self {
            Self::Trainer => "trainer",
            Self::LanguageTrainer => "language_trainer",
        }
    }

    fn help(self) -> &'static str {
        match self {
            Self::Trainer => {
                "The trainer whose hyperparameters are searched for: the keys of a Trainer's table."
            }
            Self::LanguageTrainer => {
                "The trainer of language models, instead: the keys of a LanguageTrainer's table."
            }
        }
    }

    pub(crate) fn component(self) -> &'static dyn Component {
        match self {
            Self::Trainer => &Trainer,
            Self::LanguageTrainer => &LanguageTrainer,
        }
    }

    pub(crate) fn executor(self) -> &'static dyn Executor {
        match self {
            Self::Trainer => &Trainer,
            Self::LanguageTrainer => &LanguageTrainer,
        }
    }
}

/// What a Tuner's table says.
pub(crate) struct Parts {
    pub(crate) search: Config,
    pub(crate) objective: Objective,
    pub(crate) tuned: Tuned,
    pub(crate) trainer: Value,
}

impl Parts {
    pub(crate) fn read(config: &Value) -> Result<Self, ComponentError> {
        let mut config = config.clone();
        let mut take = |key: &str| config.as_object_mut().and_then(|table| table.remove(key));
        let none = || Value::Object(Map::new());
        let objective = take(OBJECTIVE).unwrap_or_else(none);
        let found = Tuned::ALL.map(|tuned| take(tuned.key()).map(|trainer| (tuned, trainer)));
        let found = found.into_iter().flatten().next_back();
        let (tuned, trainer) = found.unwrap_or_else(|| (Tuned::Trainer, none()));
        Ok(Self { search: read(&config)?, objective: read(&objective)?, tuned, trainer })
    }
}

impl Component for Tuner {
    fn name(&self) -> &'static str {
        "Tuner"
    }

    fn execution_type(&self) -> &'static str {
        "tfx.components.tuner.component.Tuner"
    }

    fn version(&self) -> u32 {
        1
    }

    fn description(&self) -> &'static str {
        "Searches for the hyperparameters of a trainer: random, grid, TPE, successive halving or Hyperband."
    }

    fn inputs(&self) -> &'static [Input] {
        const {
            &[
                Input::required("transformed_examples", types::EXAMPLES),
                Input::required("transform_graph", types::TRANSFORM_GRAPH),
                Input::optional("base_model", types::MODEL),
                Input::optional("schema", types::SCHEMA),
            ]
        }
    }

    fn outputs(&self) -> &'static [Output] {
        &[
            Output { key: "best_hyperparameters", artifact_type: types::HYPER_PARAMETERS },
            Output { key: "tuner_results", artifact_type: types::TUNER_RESULTS },
        ]
    }

    fn config_schema(&self) -> schemars::Schema {
        let mut schema =
            with_key::<Objective>(config::schema_of::<Config>(), OBJECTIVE, OBJECTIVE_HELP);
        for tuned in Tuned::ALL {
            let mut trainer = tuned.component().config_schema();
            trainer.insert("description".to_owned(), tuned.help().into());
            trainer.remove("$schema");
            trainer.remove("title");
            // What it refers to is looked for at the root.
            let definitions = trainer.remove("$defs");
            let own = schema.ensure_object();
            let trainer = Map::from_iter([(tuned.key().to_owned(), trainer.to_value())]);
            let definitions = definitions.and_then(|found| found.as_object().cloned());
            for (place, added) in
                [("properties", trainer), ("$defs", definitions.unwrap_or_default())]
            {
                let table = own.entry(place).or_insert_with(|| Map::new().into());
                if let Some(table) = table.as_object_mut() {
                    table.extend(added);
                }
            }
        }
        if let Some(required) = schema.get_mut("required").and_then(Value::as_array_mut) {
            required.push(OBJECTIVE.into());
        }
        schema
    }

    fn check(&self, config: &Value, context: &CheckContext<'_>) -> Checked {
        Checked { problems: tuner_check::check(config, context), ..Checked::default() }
    }

    fn files(&self, config: &Value, base_dir: &Path) -> Result<Vec<PathBuf>, BoxError> {
        match config.get(Tuned::Trainer.key()) {
            Some(trainer) if is_program(trainer) => {
                Ok(launch::code_files(&read_program(trainer)?.0, base_dir)?)
            }
            _ => Ok(Vec::new()),
        }
    }

    fn kind(&self) -> Kind<'_> {
        Kind::Executor(self)
    }
}

impl Executor for Tuner {
    fn run(&self, context: &RunContext<'_>) -> Result<Outcome, BoxError> {
        let parts = Parts::read(context.config)?;
        let code = self.files(context.config, context.base_dir)?;
        let finished = tuner_trials::run(context, &parts, &code, self.version())?;
        let best = tune::best(&finished, parts.objective.direction)?;
        let hyperparameters = tune::hyperparameters_json(&parts.search, &best.trial.values)?;
        let results = tune::results_json(&finished);
        let pretty = |value: &Value| format!("{value:#}\n");
        write(&context.outputs["best_hyperparameters"].join(BEST_FILE), pretty(&hyperparameters))?;
        write(&context.outputs["tuner_results"].join(RESULTS_FILE), pretty(&results))?;
        Ok(Outcome {
            properties: [
                ("best_hyperparameters", best_properties(best)),
                ("tuner_results", results_properties(&finished, best, &parts, &results)),
            ]
            .into(),
            summary: summary(&finished, best, &parts.objective),
            ..Outcome::default()
        })
    }
}

impl Objective {
    /// Returns the name of the metric.
    pub(crate) fn name(&self) -> &str {
        self.metric.as_deref().or(self.reported.as_deref()).unwrap_or_default()
    }
}

fn best_properties(best: &Finished) -> OutputProperties {
    let mut output = OutputProperties::default();
    for (name, value) in &best.trial.values {
        output.custom_properties.insert(name.clone(), property(value));
    }
    if let Some(score) = best.score.known() {
        output.custom_properties.insert("score".to_owned(), PropertyValue::Double(score));
    }
    output
}

fn property(value: &Value) -> PropertyValue {
    match value {
        Value::String(text) => text.as_str().into(),
        Value::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(number), _) => number.into(),
            (None, Some(number)) => PropertyValue::Double(number),
            (None, None) => number.to_string().into(),
        },
        other => other.to_string().into(),
    }
}

fn results_properties(
    finished: &[Finished],
    best: &Finished,
    parts: &Parts,
    results: &Value,
) -> OutputProperties {
    let mut output = OutputProperties::default();
    let mut add = |name: &str, value: PropertyValue| {
        output.custom_properties.insert(name.to_owned(), value);
    };
    let count = |count: usize| i64::try_from(count).unwrap_or(i64::MAX).into();
    let num_failed = finished.iter().filter(|finished| finished.score.known().is_none()).count();
    add("objective", parts.objective.name().into());
    add("num_trials", count(finished.len()));
    add("num_failed", count(num_failed));
    add("best_trial", i64::try_from(best.trial.number).unwrap_or(i64::MAX).into());
    if let Some(score) = best.score.known() {
        add("best_score", PropertyValue::Double(score));
    }
    let table = results.to_string();
    if table.len() <= MAX_TABLE_BYTES {
        add("trials", table.into());
    }
    output
}

/// Returns `20 trials, best auc 0.9412 in trial 13: batch_size 64, learning_rate 0.01`.
fn summary(finished: &[Finished], best: &Finished, objective: &Objective) -> String {
    let mut text = format!("{} trials", finished.len());
    let failed: Vec<_> =
        finished.iter().filter(|finished| finished.score.known().is_none()).collect();
    if let Some(score) = best.score.known() {
        let (name, number) = (objective.name(), best.trial.number);
        let _ = write!(text, ", best {name} {score:.4} in trial {number}");
    }
    let values = best.trial.values.iter().map(|(name, value)| match value {
        Value::String(text) => format!("{name} {text}"),
        other => format!("{name} {other}"),
    });
    let _ = write!(text, ": {}", values.collect::<Vec<_>>().join(", "));
    if let Some(Finished { trial, score: tune::Score::Failed(failure) }) = failed.first() {
        let failure = failure.split_whitespace().collect::<Vec<_>>().join(" ");
        let _ = write!(text, "; {} failed, such as {}: {failure}", failed.len(), trial.number);
    }
    text
}
