//! ExampleDiff: examples compared with those of a baseline, pair by pair.

use artifact::{
    CheckContext, Checked, Component, Executor, FeatureInfo, FeatureKind, Input, Kind, Outcome,
    Output, OutputProperties, Problem, RunContext, types,
};
use base::{BoxError, nearest};
use dataset::Dataset;
use example_diff::{Config, Examples, diff_examples};
use serde_json::Value;

use crate::config::{read_with, schema_with};
use crate::pairs::{self, Pair, split_pairs};
use crate::ports::{required, split_names};
use crate::view::{make_pair_dir, write};

/// The key of the pairs of splits, beside the stage's own keys.
const INCLUDE_SPLIT_PAIRS: &str = "include_split_pairs";
const INCLUDE_SPLIT_PAIRS_HELP: &str = "The pairs of splits that are compared, that of the baseline second: \
                                        `[[\"train\", \"train\"]]`. Without it, each with each: an example may have \
                                        gone to another split.";

/// What was counted.
const DIFF_FILE: &str = "example_diff.json";
/// The pairs that were kept, one a line.
const SAMPLE_FILE: &str = "sample_pairs.jsonl";

/// How many features are named in a summary.
const LISTED: usize = 3;

/// Joins examples with those of a baseline by identifier features, and compares every other feature of each pair:
/// what is served with what was trained on, or today's data with yesterday's.
///
/// Without a baseline nothing is compared.
pub struct ExampleDiff;

impl Component for ExampleDiff {
    fn name(&self) -> &'static str {
        "ExampleDiff"
    }

    fn execution_type(&self) -> &'static str {
        "tfx.components.example_diff.component.ExampleDiff"
    }

    fn version(&self) -> u32 {
        1
    }

    fn description(&self) -> &'static str {
        "Compares examples with those of a baseline that have the same identifiers."
    }

    fn inputs(&self) -> &'static [Input] {
        const {
            &[
                Input::required("examples", types::EXAMPLES),
                Input::provided("baseline_examples", types::EXAMPLES, "LatestExamples"),
            ]
        }
    }

    fn outputs(&self) -> &'static [Output] {
        &[Output { key: "example_diff_result", artifact_type: types::EXAMPLES_DIFF }]
    }

    fn config_schema(&self) -> schemars::Schema {
        schema_with::<Config, Vec<Pair>>(INCLUDE_SPLIT_PAIRS, INCLUDE_SPLIT_PAIRS_HELP)
    }

    fn check(&self, config: &Value, context: &CheckContext<'_>) -> Checked {
        let mut checked = Checked::default();
        let Ok((config, _)) = read_with::<Config, Vec<Pair>>(INCLUDE_SPLIT_PAIRS, config) else {
            return checked;
        };
        let known = |input: &str| context.inputs.get(input).cloned().flatten();
        let sides = [known("examples"), known("baseline_examples")];
        checked.problems = check_features(&config, [sides[0].as_deref(), sides[1].as_deref()]);
        checked
    }

    fn kind(&self) -> Kind<'_> {
        Kind::Executor(self)
    }
}

/// Returns what is wrong with the features of a configuration, given those of the examples and of the baseline where
/// they are known.
fn check_features(config: &Config, sides: [Option<&[FeatureInfo]>; 2]) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut add = |key: String, message: String, hint: Option<String>| {
        problems.push(Problem { key, offset: None, message, hint });
    };
    if config.identifier_features.is_empty() {
        let message = "[], expected at least one feature that tells examples apart".to_owned();
        add("identifier_features".to_owned(), message, None);
    }
    if config.float_round_ndigits.is_some_and(|digits| digits > 17) {
        let message = "more digits than floats have, expected at most 17".to_owned();
        add("float_round_ndigits".to_owned(), message, None);
    }
    let near = |name: &str, side: &[FeatureInfo]| {
        let near = nearest(name, side.iter().map(|feature| feature.name.as_str()));
        near.map(|near| format!("did you mean `{near}`?"))
    };
    let find = |name: &str, side: Option<&[FeatureInfo]>| {
        side.and_then(|side| side.iter().find(|feature| feature.name == *name).cloned())
    };
    for (place, name) in config.identifier_features.iter().enumerate() {
        let key = format!("identifier_features.{place}");
        for (side, of) in sides.iter().zip(["", " among those of the baseline"]) {
            let Some(side) = side else { continue };
            if find(name, Some(side)).is_none() {
                add(key.clone(), format!("no feature `{name}`{of}"), near(name, side));
            }
        }
        let kinds = sides.map(|side| find(name, side).and_then(|feature| feature.kind));
        if kinds.contains(&Some(FeatureKind::Struct)) {
            let message = format!("`{name}` has nested features, expected numbers or text");
            add(key, message, None);
        } else if let [Some(own), Some(other)] = kinds
            && own != other
        {
            let message = format!(
                "`{name}` is {} here and {} in the baseline, so that no examples make a pair",
                shown(own),
                shown(other)
            );
            add(key, message, None);
        }
    }
    let lists = [
        ("ignore_features", &config.ignore_features),
        ("confusion_features", &config.confusion_features),
    ];
    for (list, names) in lists {
        for (place, name) in names.iter().enumerate() {
            // A feature that only one side has can be ignored and counted.
            let (Some(own), other) = (sides[0], sides[1].unwrap_or_default()) else { continue };
            if find(name, Some(own)).is_none() && find(name, Some(other)).is_none() {
                add(format!("{list}.{place}"), format!("no feature `{name}`"), near(name, own));
            }
        }
    }
    problems
}

fn shown(kind: FeatureKind) -> &'static str {
    match kind {
        FeatureKind::Int => "INT",
        FeatureKind::Float => "FLOAT",
        FeatureKind::Bytes => "BYTES",
        FeatureKind::Struct => "STRUCT",
    }
}

impl Executor for ExampleDiff {
    fn run(&self, context: &RunContext<'_>) -> Result<Outcome, BoxError> {
        let (config, include): (Config, Vec<Pair>) =
            read_with(INCLUDE_SPLIT_PAIRS, context.config)?;
        let artifact = required(context, "examples")?;
        let Some(baseline) = context.input("baseline_examples") else {
            return Ok(Outcome {
                properties: [("example_diff_result", properties(&[]))].into(),
                summary: "nothing was compared: there are no earlier examples".to_owned(),
                ..Outcome::default()
            });
        };
        let pairs = split_pairs(artifact, baseline, &include, pairs::Default::All)?;
        let examples = Dataset::open(&artifact.uri, &artifact.split_names())?;
        let before = Dataset::open(&baseline.uri, &baseline.split_names())?;
        let mut summaries = Vec::new();
        for (done, pair) in pairs.iter().enumerate() {
            let name = pairs::name(pair);
            context.progress.report(done as u64, pairs.len() as u64, &name);
            let test = examples.split(&pair[0])?.source()?;
            let base = before.split(&pair[1])?.source()?;
            let diff = diff_examples(
                &Examples { source: &test, num_examples: test.num_rows() },
                &Examples { source: &base, num_examples: base.num_rows() },
                &config,
                context.engine,
            )?;
            let dir = make_pair_dir(&context.outputs["example_diff_result"], &name)?;
            write(&dir.join(DIFF_FILE), diff.to_json())?;
            write(&dir.join(SAMPLE_FILE), diff.sample_to_json_lines())?;
            summaries.push(format!("{name}: {}", summary(&diff)));
        }
        let names: Vec<String> = pairs.iter().map(pairs::name).collect();
        Ok(Outcome {
            properties: [("example_diff_result", properties(&names))].into(),
            summary: summaries.join("; "),
            ..Outcome::default()
        })
    }
}

/// As in TFX, the artifact type declares no properties.
fn properties(pairs: &[String]) -> OutputProperties {
    let mut output = OutputProperties::default();
    output.custom_properties.insert("split_names".to_owned(), split_names(pairs));
    output
}

/// Returns `12 of 9800 pairs differ (fare 10, tips 3)`.
fn summary(diff: &example_diff::ExampleDiff) -> String {
    let stats = &diff.match_stats;
    let mut text = format!("{} of {} pairs differ", diff.num_skewed_pairs, diff.num_compared_pairs);
    let mut features: Vec<_> =
        diff.features.iter().filter(|feature| feature.diff_count() > 0).collect();
    features.sort_by_key(|feature| std::cmp::Reverse(feature.diff_count()));
    if !features.is_empty() {
        let shown: Vec<String> = features
            .iter()
            .take(LISTED)
            .map(|feature| format!("{} {}", feature.feature_name, feature.diff_count()))
            .collect();
        let more = features.len().saturating_sub(LISTED);
        let more = if more == 0 { String::new() } else { format!(" and {more} more") };
        text.push_str(&format!(" ({}{more})", shown.join(", ")));
    }
    for (count, what) in [
        (stats.duplicate_id_count, "identifiers are not unique"),
        (stats.base_missing_id_count + stats.test_missing_id_count, "examples have no identifier"),
    ] {
        if count > 0 {
            text.push_str(&format!(", {count} {what}"));
        }
    }
    text
}
