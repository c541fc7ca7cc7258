//! SchemaGen: the schema that statistics suggest, or a curated one brought up to date with them.

use std::path::{Path, PathBuf};

use artifact::{
    CheckContext, Checked, Component, Executor, FeatureInfo, Input, Kind, Outcome, Output,
    RunContext, types,
};
use base::BoxError;
use formats::metadata::{DatasetFeatureStatistics, Schema};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use crate::config::{read, schema_with, take, with_key};
use crate::ports::{EXCLUDE_SPLITS, EXCLUDE_SPLITS_HELP, keep_splits, required};
use crate::view::{SCHEMA_FILE, read_statistics};
use crate::{ComponentError, curated, features};

/// The key of the curated schema, beside the stage's own keys.
const CURATED: &str = "curated";
const CURATED_HELP: &str = "A schema that people keep in a file. What it says is kept, and what the statistics \
                            have besides is added to it; without it the schema is inferred anew.";

/// How many names are listed in a summary.
const LISTED: usize = 5;

/// Infers a schema from the first split, relaxed to fit the others; or brings a curated one up to date.
pub struct SchemaGen;

/// A schema that people keep, and what may become of it.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Curated {
    /// The schema in text form (`schema.pbtxt`), relative to the pipeline file. The file itself never changes.
    schema_file: PathBuf,
    /// What the statistics may change.
    #[serde(default)]
    update: Update,
}

/// What statistics may change in a curated schema.
#[derive(Deserialize, JsonSchema, Default, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
enum Update {
    /// Features that the schema lacks are added; everything in it stays as it is.
    #[default]
    NewFeatures,
    /// Besides, what is in it is relaxed until it fits the statistics, so that no anomaly is left. It is never
    /// tightened.
    Relax,
}

/// What a configuration says.
struct Config {
    infer: schema::InferConfig,
    exclude_splits: Vec<String>,
    curated: Option<Curated>,
}

impl Config {
    fn read(config: &Value) -> Result<Self, ComponentError> {
        let mut rest = config.clone();
        let curated = take(CURATED, &mut rest)?;
        let exclude_splits = take(EXCLUDE_SPLITS, &mut rest)?;
        Ok(Self { infer: read(&rest)?, exclude_splits, curated })
    }
}

impl Component for SchemaGen {
    fn name(&self) -> &'static str {
        "SchemaGen"
    }

    fn execution_type(&self) -> &'static str {
        "tfx.components.schema_gen.component.SchemaGen"
    }

    fn version(&self) -> u32 {
        1
    }

    fn description(&self) -> &'static str {
        "Infers a schema from statistics, or adds to a curated one what it lacks."
    }

    fn inputs(&self) -> &'static [Input] {
        const { &[Input::required("statistics", types::EXAMPLE_STATISTICS)] }
    }

    fn outputs(&self) -> &'static [Output] {
        &[Output { key: "schema", artifact_type: types::SCHEMA }]
    }

    fn config_schema(&self) -> schemars::Schema {
        let schema =
            schema_with::<schema::InferConfig, Vec<String>>(EXCLUDE_SPLITS, EXCLUDE_SPLITS_HELP);
        with_key::<Curated>(schema, CURATED, CURATED_HELP)
    }

    fn check(&self, config: &Value, context: &CheckContext<'_>) -> Checked {
        let mut checked = Checked::default();
        let Ok(config) = Config::read(config) else { return checked };
        let found = context.inputs.get("statistics").cloned().flatten();
        let Some(curated) = config.curated else {
            checked.features.extend(found.map(|features| ("schema", features)));
            return checked;
        };
        let path = context.base_dir.join(curated.schema_file);
        let (schema, problems) = curated::check(&path, &format!("{CURATED}.schema_file"));
        checked.problems = problems;
        if let (Some(schema), Some(found)) = (schema, found) {
            let mut all = features::of_whole_schema(&schema);
            let is_new = |feature: &FeatureInfo| all.iter().all(|it| it.name != feature.name);
            let new: Vec<FeatureInfo> = found.into_iter().filter(is_new).collect();
            all.extend(new);
            checked.features.insert("schema", all);
        }
        checked
    }

    fn files(&self, config: &Value, base_dir: &Path) -> Result<Vec<PathBuf>, BoxError> {
        let curated = Config::read(config)?.curated;
        Ok(curated.map(|curated| base_dir.join(curated.schema_file)).into_iter().collect())
    }

    fn kind(&self) -> Kind<'_> {
        Kind::Executor(self)
    }
}

impl Executor for SchemaGen {
    fn run(&self, context: &RunContext<'_>) -> Result<Outcome, BoxError> {
        let config = Config::read(context.config)?;
        let artifact = required(context, "statistics")?;
        let names = keep_splits(artifact, &config.exclude_splits)?;
        let statistics = read_statistics(artifact)?;
        let kept = statistics.iter().filter(|(split, _)| names.contains(split));
        let datasets: Vec<_> =
            kept.map(|(_, list)| schema::default_slice(list)).collect::<Result<_, _>>()?;
        let (schema, what) = match &config.curated {
            None => (infer(&datasets, &config.infer)?, String::new()),
            Some(curated) => {
                let path = context.base_dir.join(&curated.schema_file);
                let before = schema::read_schema(&path)?;
                update(before, &datasets, &config.infer, curated.update)?
            }
        };
        let Some(schema) = schema else {
            return Err(ComponentError::NoSplits { path: artifact.uri.clone() }.into());
        };
        schema::write_schema(&context.outputs["schema"].join(SCHEMA_FILE), &schema)?;
        let splits = names.join(", ");
        Ok(Outcome {
            summary: format!("{} features, from {splits}{what}", schema.feature.len()),
            ..Outcome::default()
        })
    }
}

/// Returns the schema that statistics suggest, if there are any.
fn infer(
    datasets: &[&DatasetFeatureStatistics],
    config: &schema::InferConfig,
) -> Result<Option<Schema>, BoxError> {
    let Some((first, others)) = datasets.split_first() else { return Ok(None) };
    let mut schema = schema::infer_schema(first, config)?;
    for dataset in others {
        schema::update_schema(&mut schema, dataset, config)?;
    }
    Ok(Some(schema))
}

/// Brings a curated schema up to date; returns it and what became of it, in words.
fn update(
    before: Schema,
    datasets: &[&DatasetFeatureStatistics],
    config: &schema::InferConfig,
    update: Update,
) -> Result<(Option<Schema>, String), BoxError> {
    let Some(inferred) = infer(datasets, config)? else { return Ok((None, String::new())) };
    let mut schema = before.clone();
    if update == Update::Relax {
        for dataset in datasets {
            schema::update_schema(&mut schema, dataset, config)?;
        }
        let changes = schema::diff_schemas(&before, &schema);
        let shown = changes.iter().map(ToString::to_string).collect();
        return Ok((Some(schema), format!("; curated, {}", listed(shown, "changed"))));
    }
    let added = schema::add_features(&mut schema, &inferred);
    Ok((Some(schema), format!("; curated, {}", listed(added, "added"))))
}

/// Returns `nothing added`, or `3 added: a, b, c`.
fn listed(names: Vec<String>, what: &str) -> String {
    if names.is_empty() {
        return format!("nothing {what}");
    }
    let more = match names.len().saturating_sub(LISTED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let shown = names[..names.len().min(LISTED)].join(", ");
    format!("{} {what}: {shown}{more}", names.len())
}
