//! Evaluator: how good a model is, and whether it may be pushed.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;

use artifact::{
    Answer, Artifact, CheckContext, Checked, Component, Executor, FeatureKind, Input, Kind,
    Outcome, Output, OutputProperties, Problem, PropertyValue, RunContext, types,
};
use base::BoxError;
use dataflow::{Accumulator, Pass, Source};
use dataset::{Dataset, Split};
use evaluate::{
    Blessing, Config, EvaluatePass, Evaluation, Failure, Numbered, SliceSpec, validate,
};
use onnx::Runtime;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use crate::ComponentError;
use crate::config::{read_with, schema_with, take, with_key};
use crate::evaluated::Evaluated;
use crate::explanations::{EXPLANATIONS, EXPLANATIONS_HELP, Explanations};
use crate::ports::required;
use crate::samples::samples;
use crate::view::write;

/// The key of the splits, beside the stage's own keys.
const EXAMPLE_SPLITS: &str = "example_splits";
const EXAMPLE_SPLITS_HELP: &str = "The splits that the model is evaluated on, all together.";

/// What was measured.
const EVALUATION_FILE: &str = "evaluation.json";
/// The same as a page.
const PAGE_FILE: &str = "evaluation.html";
/// Which features the predictions come from.
const EXPLANATIONS_FILE: &str = "explanations.json";
/// The empty file of a model that may be pushed, as TFX names it.
const BLESSED_FILE: &str = "BLESSED";
/// The empty file of a model that may not.
const NOT_BLESSED_FILE: &str = "NOT_BLESSED";

/// The property of an evaluation that says what ran the candidate, where that was an ONNX model.
const ONNX_RUNTIME: &str = "onnx_runtime";

/// How many failures are shown when a model is not blessed.
const SHOWN: usize = 20;

/// Evaluates a model on raw examples, beside the latest blessed one, and blesses it if it is good enough.
///
/// A baseline that predicts something else than the candidate, or that cannot read the examples any more, is
/// not compared with; the summary says so.
pub struct Evaluator;

/// The splits that a model is evaluated on.
#[derive(Deserialize, JsonSchema)]
#[serde(transparent)]
struct ExampleSplits(Vec<String>);

impl Default for ExampleSplits {
    fn default() -> Self {
        Self(vec!["eval".to_owned()])
    }
}

impl Component for Evaluator {
    fn name(&self) -> &'static str {
        "Evaluator"
    }

    fn execution_type(&self) -> &'static str {
        "tfx.components.evaluator.component.Evaluator"
    }

    /// 5: tables of labels at a threshold.
    fn version(&self) -> u32 {
        5
    }

    fn description(&self) -> &'static str {
        "Measures a model, overall and by slices, and blesses it if it is good enough."
    }

    fn inputs(&self) -> &'static [Input] {
        const {
            &[
                Input::required("examples", types::EXAMPLES),
                Input::required("model", types::MODEL),
                Input::provided("baseline_model", types::MODEL, "LatestBlessedModel"),
            ]
        }
    }

    fn outputs(&self) -> &'static [Output] {
        &[
            Output { key: "evaluation", artifact_type: types::MODEL_EVALUATION },
            Output { key: "blessing", artifact_type: types::MODEL_BLESSING },
        ]
    }

    fn config_schema(&self) -> schemars::Schema {
        let schema = schema_with::<Config, ExampleSplits>(EXAMPLE_SPLITS, EXAMPLE_SPLITS_HELP);
        with_key::<Explanations>(schema, EXPLANATIONS, EXPLANATIONS_HELP)
    }

    fn check(&self, config: &Value, context: &CheckContext<'_>) -> Checked {
        let mut checked = Checked::default();
        let Ok((config, splits, _)) = read_all(config) else { return checked };
        let features = context.inputs.get("examples").cloned().flatten();
        let names: Option<Vec<String>> =
            features.as_ref().map(|features| features.iter().map(|f| f.name.clone()).collect());
        let problems = evaluate::check(&config, names.as_deref()).into_iter();
        checked.problems.extend(problems.map(|problem| Problem {
            key: problem.key,
            offset: None,
            message: problem.message,
            hint: problem.hint,
        }));
        for (place, spec) in config.slices.iter().enumerate() {
            let (names, key) = match spec {
                SliceSpec::Features(names) => (names, format!("slices.{place}")),
                SliceSpec::Values(spec) => (&spec.features, format!("slices.{place}.features")),
            };
            for (inner, name) in names.iter().enumerate() {
                let feature = features.iter().flatten().find(|feature| feature.name == *name);
                if feature.is_some_and(|feature| feature.kind == Some(FeatureKind::Struct)) {
                    checked.problems.push(Problem {
                        key: format!("{key}.{inner}"),
                        offset: None,
                        message: format!("`{name}` has nested features, expected numbers or text"),
                        hint: None,
                    });
                }
            }
        }
        if splits.0.is_empty() {
            checked.problems.push(Problem {
                key: EXAMPLE_SPLITS.to_owned(),
                offset: None,
                message: "[], expected at least one split".to_owned(),
                hint: None,
            });
        }
        checked
    }

    fn kind(&self) -> Kind<'_> {
        Kind::Executor(self)
    }

    /// What runs ONNX models of others is a matter of the environment, and two runtimes round differently.
    fn verify_hit(
        &self,
        _: &Value,
        _: &Path,
        outputs: &BTreeMap<String, Vec<Artifact>>,
    ) -> Result<(), String> {
        let evaluations = outputs.get("evaluation").into_iter().flatten();
        let before = evaluations.filter_map(|evaluation| {
            evaluation.custom_properties.get(ONNX_RUNTIME).and_then(PropertyValue::as_str)
        });
        for before in before {
            let now = Runtime::from_env().map_err(|error| error.to_string())?.to_string();
            if before != now {
                return Err(format!("the model was run by {before}, and now would be by {now}"));
            }
        }
        Ok(())
    }
}

impl Executor for Evaluator {
    fn run(&self, context: &RunContext<'_>) -> Result<Outcome, BoxError> {
        let (config, splits, explanations) = read_all(context.config)?;
        let examples = required(context, "examples")?;
        let model = required(context, "model")?;
        let candidate = Evaluated::load(&model.uri)?;
        let config = candidate.config(&config);
        let dataset = Dataset::open(&examples.uri, &splits.0)?;
        let baseline = match context.input("baseline_model") {
            Some(artifact) => Some(Baseline::load(artifact, &candidate, &dataset)?),
            None => None,
        };
        let compared = baseline.as_ref().and_then(Baseline::comparable);
        let evaluation =
            evaluate_splits(context, &config, &dataset, &candidate, compared.map(|(_, s)| s))?;
        evaluation.save(&context.outputs["evaluation"].join(EVALUATION_FILE))?;

        let blessing = validate(&evaluation, &config);
        let failures: Vec<String> = blessing.failures.iter().map(Failure::to_string).collect();
        let explained = match (&explanations, &candidate) {
            (Some(explanations), Evaluated::Servable(servable)) => {
                let found = explanations.survey(servable, &dataset, &config)?.to_json();
                let path = context.outputs["evaluation"].join(EXPLANATIONS_FILE);
                write(&path, format!("{found:#}\n"))?;
                Some(found)
            }
            _ => None,
        };
        let samples = match &candidate {
            Evaluated::Text(model) => samples(model, &dataset)?,
            Evaluated::Servable(_) => Vec::new(),
        };
        let page = report::EvaluationReport {
            title: context.node,
            candidate: "candidate",
            baseline: compared.map(|_| "latest blessed model"),
            evaluation: &evaluation.to_json(),
            explanations: explained.as_ref(),
            blessed: (!config.thresholds.is_empty()).then_some(blessing.blessed),
            failures: &failures,
            samples: &samples,
        };
        write(&context.outputs["evaluation"].join(PAGE_FILE), page.html())?;
        let file = if blessing.blessed { BLESSED_FILE } else { NOT_BLESSED_FILE };
        write(&context.outputs["blessing"].join(file), "")?;

        let mut summary = summary(&evaluation, &config, &blessing);
        if let Some(Baseline::NotComparable { reason }) = &baseline {
            let _ = write!(summary, "; not compared with the latest blessed model: {reason}");
        }
        if explanations.is_some() && explained.is_none() {
            summary.push_str("; not explained: it is a language model");
        }
        Ok(Outcome {
            properties: [
                ("evaluation", evaluation_properties(&candidate)),
                ("blessing", blessing_properties(context, &blessing, model, compared)),
            ]
            .into(),
            summary,
            answer: answer(&blessing),
        })
    }
}

/// Reads the stage's configuration and the component's own keys.
fn read_all(
    config: &Value,
) -> Result<(Config, ExampleSplits, Option<Explanations>), ComponentError> {
    let mut rest = config.clone();
    let explanations = take(EXPLANATIONS, &mut rest)?;
    let (config, splits) = read_with(EXAMPLE_SPLITS, &rest)?;
    Ok((config, splits, explanations))
}

/// The latest blessed model.
enum Baseline<'a> {
    Comparable { artifact: &'a Artifact, model: Evaluated },
    NotComparable { reason: String },
}

impl<'a> Baseline<'a> {
    fn load(
        artifact: &'a Artifact,
        candidate: &Evaluated,
        dataset: &Dataset,
    ) -> Result<Self, BoxError> {
        let model = Evaluated::load(&artifact.uri)?;
        Ok(match candidate.why_not_with(&model, dataset)? {
            Some(reason) => Self::NotComparable { reason },
            None => Self::Comparable { artifact, model },
        })
    }

    fn comparable(&self) -> Option<(&'a Artifact, &Evaluated)> {
        match self {
            Self::Comparable { artifact, model } => Some((artifact, model)),
            Self::NotComparable { .. } => None,
        }
    }
}

/// Scores and measures all examples of some splits, reading each once.
fn evaluate_splits(
    context: &RunContext<'_>,
    config: &Config,
    dataset: &Dataset,
    candidate: &Evaluated,
    baseline: Option<&Evaluated>,
) -> Result<Evaluation, BoxError> {
    let splits = dataset.splits();
    let sources = splits.iter().map(Split::source).collect::<Result<Vec<_>, _>>()?;
    let schemas: Vec<_> = sources.iter().map(Source::schema).collect();
    let columns = candidate.columns(&schemas, baseline.is_some());
    let pass = EvaluatePass::new(config, candidate.task(), columns.clone())?;
    let mut state = pass.start()?;
    let mut num_partitions = 0;
    for (done, (split, raw)) in splits.iter().zip(&sources).enumerate() {
        context.progress.report(done as u64, splits.len() as u64, &split.name);
        let scored = candidate.scored(raw, baseline, &columns);
        let found = match &columns.position {
            Some(position) if config.needs_positions() => {
                let numbered = Numbered::new(scored.as_ref(), position, num_partitions);
                dataflow::fold(context.engine, &numbered, &pass)?
            }
            _ => dataflow::fold(context.engine, scored.as_ref(), &pass)?,
        };
        num_partitions += raw.num_partitions();
        state.merge(found)?;
    }
    state.finish()
}

/// Says what ran an ONNX model: two runtimes round differently.
fn evaluation_properties(candidate: &Evaluated) -> OutputProperties {
    let mut output = OutputProperties::default();
    if let Evaluated::Servable(servable) = candidate
        && let Some(runtime) = servable.model().runtime()
    {
        output.custom_properties.insert(ONNX_RUNTIME.to_owned(), runtime.into());
    }
    output
}

fn blessing_properties(
    context: &RunContext<'_>,
    blessing: &Blessing,
    model: &Artifact,
    baseline: Option<(&Artifact, &Evaluated)>,
) -> OutputProperties {
    let mut output = OutputProperties::default();
    let custom = &mut output.custom_properties;
    custom.insert("blessed".to_owned(), i64::from(blessing.blessed).into());
    custom.insert("component_id".to_owned(), context.node.into());
    custom.insert("current_model".to_owned(), model.uri.display().to_string().into());
    custom.insert("current_model_id".to_owned(), model.id.0.into());
    if let Some((baseline, _)) = baseline {
        custom.insert("baseline_model".to_owned(), baseline.uri.display().to_string().into());
        custom.insert("baseline_model_id".to_owned(), baseline.id.0.into());
    }
    output
}

/// Returns `blessed: auc 0.9412 (baseline 0.9400) on 4994 examples`, with what was left out.
fn summary(evaluation: &Evaluation, config: &Config, blessing: &Blessing) -> String {
    let mut text = if blessing.blessed { "blessed" } else { "not blessed" }.to_owned();
    if let Some(overall) = evaluation.overall() {
        let asked: BTreeSet<&str> =
            config.thresholds.iter().map(|threshold| threshold.metric.as_str()).collect();
        let shown: Vec<String> = overall
            .metrics
            .iter()
            .filter(|(name, _)| {
                let is_usual =
                    ["auc", "root_mean_squared_error", "mean_squared_error", "perplexity"];
                if asked.is_empty() {
                    is_usual.contains(&name.as_str())
                } else {
                    asked.contains(name.as_str())
                }
            })
            .map(|(name, value)| {
                let baseline = overall.baseline.as_ref().and_then(|metrics| metrics.get(name));
                let baseline = baseline.map_or(String::new(), |b| format!(" (baseline {b:.4})"));
                format!("{name} {value:.4}{baseline}")
            })
            .collect();
        let separator = if shown.is_empty() { "" } else { ": " };
        let _ =
            write!(text, "{separator}{} on {} examples", shown.join(", "), overall.num_examples);
    }
    if evaluation.num_missing_labels > 0 {
        let _ = write!(text, "; {} without a label left out", evaluation.num_missing_labels);
    }
    if evaluation.num_small_slices > 0 {
        let _ = write!(text, "; {} small slices left out", evaluation.num_small_slices);
    }
    for cross in &evaluation.crowded {
        let _ = write!(text, "; too many slices by {}, left out", cross.join(" and "));
    }
    text
}

/// A model that is not blessed stops nothing: what is pushed asks for the blessing itself.
fn answer(blessing: &Blessing) -> Answer {
    let Some(first) = blessing.failures.first() else { return Answer::Yes };
    let more = match blessing.failures.len() {
        1 => String::new(),
        number => format!(", and {} more", number - 1),
    };
    Answer::No {
        reason: format!("not blessed: {first}{more}"),
        details: table(&blessing.failures),
        stop: false,
    }
}

/// Returns one line for each failure, in columns: metric, slice, number of examples, and what is wrong.
fn table(failures: &[Failure]) -> String {
    let rows: Vec<[String; 4]> = failures
        .iter()
        .take(SHOWN)
        .map(|failure| {
            let (slice, size) = match &failure.slice {
                Some((slice, size)) => (slice.clone(), format!("{size} examples")),
                None => (String::new(), String::new()),
            };
            let metric = failure.metric.clone().unwrap_or_default();
            [metric, slice, size, failure.reason.to_string()]
        })
        .collect();
    let width =
        |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths = [width(0), width(1), width(2)];
    let mut lines: Vec<String> = rows
        .iter()
        .map(|row| {
            let mut line = String::new();
            for (cell, width) in row.iter().zip(widths).filter(|(_, width)| *width > 0) {
                let _ = write!(line, "  {cell:width$}");
            }
            format!("{line}  {}", row[3])
        })
        .collect();
    if failures.len() > SHOWN {
        lines.push(format!("  and {} more", failures.len() - SHOWN));
    }
    lines.join("\n")
}
