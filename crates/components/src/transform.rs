//! Transform: feature expressions become a graph, and examples become transformed examples.

use std::path::{Path, PathBuf};

use arrow::array::RecordBatch;
use artifact::{
    CheckContext, Checked, Component, Executor, FeatureInfo, FeatureKind, ForeseeContext, Input,
    Kind, Outcome, Output, OutputProperties, Problem, RunContext, types,
};
use base::BoxError;
use dataflow::Source as _;
use dataset::{Dataset, ShardWriter};
use graph::{Shape, ValueType};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;
use transform::{
    ApplyGraph, Config, DeduplicateConfig, Deduplicator, InputFeature, InputKind, OutputFeature,
    TransformError, Transformed,
};

use crate::ComponentError;
use crate::config::{read, schema_with, take, with_key};
use crate::joined::{self, Joined};
use crate::ports::{keep_splits, required, split_properties};
use crate::transform_exports::{self, EXPORTS, EXPORTS_HELP, ExportAs};
use crate::transform_learn::Learnt;
use crate::transform_pack::{PACK, PACK_HELP, Pack};
use crate::view::SCHEMA_FILE;
use crate::{features, transform_learn, transform_outputs};

/// The key of the splits, beside the stage's own keys.
const SPLITS: &str = "splits";
const SPLITS_HELP: &str = "Which splits are learned from, and which are transformed.";

/// Learns the analyzers' values on one split, compiles the graph, and applies it to all.
pub struct Transform;

/// The key of whether features are written.
const MATERIALIZE: &str = "materialize";
const MATERIALIZE_HELP: &str = "Whether the transformed examples are written (the default); without them `transformed_examples` has no splits, and \
     the graph is what comes out.";

/// The key of whether statistics are made.
const STATISTICS: &str = "statistics";
const STATISTICS_HELP: &str = "Whether statistics are made (the default): of the raw examples that the analyzers see and of the features of all \
     that are transformed, and what in the features does not fit their schema: in the folder of the graph, \
     `pre_transform_feature_stats` and `post_transform_feature_stats`, as TFX has them.";

/// The key of what is left out.
const DEDUPLICATE: &str = "deduplicate";
const DEDUPLICATE_HELP: &str = "Leaves out examples that came before: those whose feature is the same, and nearly the same where \
     `similarity` says from where on. The first one stays, those of the first split first. Statistics are of all.";

/// A switch that is on unless it is turned off.
#[derive(Clone, Copy, Deserialize, JsonSchema)]
#[serde(transparent)]
struct On(bool);

impl Default for On {
    fn default() -> Self {
        Self(true)
    }
}

/// One name, or several.
#[derive(Clone, Deserialize, JsonSchema)]
#[serde(untagged)]
enum Names {
    One(String),
    Several(Vec<String>),
}

impl Names {
    fn list(&self) -> Vec<String> {
        match self {
            Self::One(name) => vec![name.clone()],
            Self::Several(names) => names.clone(),
        }
    }
}

/// Which splits are learned from, and which are transformed.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct Splits {
    /// The split, or the splits, whose examples the analyzers see.
    analyze: Names,
    /// The splits to transform; all where not given.
    transform: Vec<String>,
}

impl Default for Splits {
    fn default() -> Self {
        Self { analyze: Names::One("train".to_owned()), transform: Vec::new() }
    }
}

/// What a node's table says besides the stage's own keys.
struct Own {
    splits: Splits,
    exports: Vec<ExportAs>,
    materialize: bool,
    statistics: bool,
    pack: Option<Pack>,
    deduplicate: Option<DeduplicateConfig>,
}

/// Reads a configuration: the stage's, and the component's own.
fn read_config(config: &Value, base_dir: &Path) -> Result<(Config, Own), ComponentError> {
    let mut rest = config.clone();
    let own = Own {
        splits: take(SPLITS, &mut rest)?,
        exports: take(EXPORTS, &mut rest)?,
        materialize: take::<On>(MATERIALIZE, &mut rest)?.0,
        statistics: take::<On>(STATISTICS, &mut rest)?.0,
        pack: take(PACK, &mut rest)?,
        deduplicate: take(DEDUPLICATE, &mut rest)?,
    };
    let mut config: Config = read(&rest)?;
    config.base_dir = base_dir.to_path_buf();
    Ok((config, own))
}

impl Component for Transform {
    fn name(&self) -> &'static str {
        "Transform"
    }

    fn execution_type(&self) -> &'static str {
        "tfx.components.transform.component.Transform"
    }

    fn version(&self) -> u32 {
        2
    }

    fn description(&self) -> &'static str {
        "Learns and applies feature expressions."
    }

    fn inputs(&self) -> &'static [Input] {
        const {
            &[
                Input::required("examples", types::EXAMPLES),
                Input::required("schema", types::SCHEMA),
            ]
        }
    }

    fn outputs(&self) -> &'static [Output] {
        &[
            Output { key: "transform_graph", artifact_type: types::TRANSFORM_GRAPH },
            Output { key: "transformed_examples", artifact_type: types::EXAMPLES },
        ]
    }

    fn config_schema(&self) -> schemars::Schema {
        let schema = schema_with::<Config, Splits>(SPLITS, SPLITS_HELP);
        let schema = with_key::<Vec<ExportAs>>(schema, EXPORTS, EXPORTS_HELP);
        let schema = with_key::<bool>(schema, MATERIALIZE, MATERIALIZE_HELP);
        let schema = with_key::<bool>(schema, STATISTICS, STATISTICS_HELP);
        let schema = with_key::<DeduplicateConfig>(schema, DEDUPLICATE, DEDUPLICATE_HELP);
        with_key::<Pack>(schema, PACK, PACK_HELP)
    }

    fn check(&self, config: &Value, context: &CheckContext<'_>) -> Checked {
        let mut checked = Checked::default();
        let Ok((config, own)) = read_config(config, context.base_dir) else { return checked };
        let known = |input| context.inputs.get(input).cloned().flatten();
        let Some(inputs) = known("schema").or_else(|| known("examples")) else { return checked };
        // A feature that may be a list or not fits everywhere, as one of unknown type does.
        let known = |feature: FeatureInfo| match feature.is_list {
            Some(_) => feature,
            None => FeatureInfo { kind: None, ..feature },
        };
        let inputs: Vec<_> = inputs.into_iter().map(known).map(input_feature).collect();
        match transform::check(&config, &inputs) {
            Ok(outputs) => {
                checked.problems =
                    transform_exports::check(&config, &inputs, &own.exports, context.engine);
                if own.splits.analyze.list().is_empty() {
                    checked.problems.push(Problem {
                        key: "splits.analyze".to_owned(),
                        offset: None,
                        message: "there are no splits to learn from".to_owned(),
                        hint: None,
                    });
                }
                if let Some(deduplicate) = &own.deduplicate {
                    checked.problems.extend(check_deduplicate(deduplicate, &outputs));
                }
                let packed = own.pack.as_ref().map(|pack| {
                    let (problems, features) = pack.check(&outputs);
                    checked.problems.extend(problems);
                    features
                });
                let outputs: Vec<FeatureInfo> = outputs
                    .into_iter()
                    .map(|output| FeatureInfo {
                        name: output.name,
                        kind: output.value_type.map(value_kind),
                        is_list: Some(output.shape.is_many()),
                        num_buckets: output.num_buckets,
                        note: None,
                    })
                    .collect();
                checked.features.insert("transform_graph", outputs.clone());
                checked.features.insert("transformed_examples", packed.unwrap_or(outputs));
            }
            Err(problems) => {
                // Their names are known all the same, so that a label that is none of them is found too.
                let named = |name: &String| FeatureInfo {
                    name: name.clone(),
                    kind: None,
                    is_list: None,
                    num_buckets: None,
                    note: None,
                };
                let outputs: Vec<FeatureInfo> = config.features.keys().map(named).collect();
                checked.features.insert("transform_graph", outputs.clone());
                checked.features.insert("transformed_examples", outputs);
                checked.problems = problems
                    .into_iter()
                    .map(|problem| Problem {
                        key: problem.key,
                        offset: Some(problem.offset),
                        message: problem.message,
                        hint: problem.hint,
                    })
                    .collect();
            }
        }
        checked
    }

    fn files(&self, config: &Value, base_dir: &Path) -> Result<Vec<PathBuf>, BoxError> {
        Ok(transform::files(&read_config(config, base_dir)?.0))
    }

    fn kind(&self) -> Kind<'_> {
        Kind::Executor(self)
    }
}

impl Executor for Transform {
    fn run(&self, context: &RunContext<'_>) -> Result<Outcome, BoxError> {
        let (config, own) = read_config(context.config, context.base_dir)?;
        let examples = required(context, "examples")?;
        let artifacts = context.inputs.get("examples").map_or(&[][..], Vec::as_slice);
        let raw = schema::read_schema(&required(context, "schema")?.uri.join(SCHEMA_FILE))?;
        let names = match own.splits.transform.as_slice() {
            [] => keep_splits(examples, &[])?,
            names => names.to_vec(),
        };
        let datasets = joined::open_all(artifacts)?;
        let analyze = own.splits.analyze.list();
        let splits = joined::splits(&datasets, &analyze)?;
        let analyzed = Joined::open(&splits)?;
        let inputs = inputs_of(&raw, &analyzed.schema());
        let of = Learnt { artifacts, names: &analyze, splits: &splits, source: &analyzed };
        let (graph, from_before) = transform_learn::learn(&config, &inputs, &of, context)?;
        let graph_dir = &context.outputs["transform_graph"];
        graph.save(graph_dir)?;
        transform_exports::write(&graph, &own.exports, graph_dir)?;
        let transformed = transform_outputs::transformed_schema(&graph);
        transform_outputs::write_schemas(graph_dir, &raw, &transformed)?;

        let stage = ApplyGraph::new(graph);
        let materialized = if own.materialize { names.as_slice() } else { &[] };
        let mut packed = String::new();
        let mut deduplicator = own.deduplicate.clone().map(Deduplicator::new);
        let out_dir = &context.outputs["transformed_examples"];
        for (done, name) in materialized.iter().enumerate() {
            context.progress.report(done as u64, names.len() as u64, name);
            let splits = joined::splits(&datasets, std::slice::from_ref(name))?;
            let source = Joined::open(&splits)?;
            if let Some(pack) = &own.pack {
                let num_blocks =
                    pack.write(name, &source, &stage, out_dir, context, deduplicator.as_mut())?;
                packed.push_str(&format!(", {num_blocks} blocks of {name}"));
                continue;
            }
            let dir = Dataset::split_dir(out_dir, name);
            let mut writer = ShardWriter::create(&dir, "transformed_examples", stage.schema())?;
            dataflow::map(context.engine, &source, &stage, &mut |batch| {
                Ok(writer.write(&only_new(deduplicator.as_mut(), batch)?)?)
            })?;
            writer.close()?;
        }
        let left_out = deduplicator.map_or(String::new(), |deduplicator| {
            let (same, alike) = deduplicator.num_left_out();
            format!(", {same} duplicates and {alike} near-duplicates left out")
        });
        if own.statistics {
            let all = Joined::open(&joined::splits(&datasets, &names)?)?;
            let all = Transformed::new(&all, &stage);
            transform_outputs::write_statistics(context, &analyzed, &all, &transformed)?;
        }

        let num_features = stage.schema().fields().len();
        let learned_on = analyze.join(" and ");
        Ok(Outcome {
            properties: [
                ("transform_graph", OutputProperties::default()),
                ("transformed_examples", split_properties(examples, materialized)),
            ]
            .into(),
            summary: format!(
                "{num_features} features, learned on {learned_on}{from_before}{left_out}{packed}"
            ),
            ..Outcome::default()
        })
    }

    fn foresee(&self, context: &ForeseeContext<'_>) -> Result<Vec<String>, BoxError> {
        let (config, own) = read_config(context.config, context.base_dir)?;
        let of = |key: &str| context.inputs.get(key).map_or(&[][..], Vec::as_slice);
        let (Some(dir), Some(schema)) = (context.keep_dir, of("schema").first()) else {
            return Ok(Vec::new());
        };
        if context.replaced.contains("examples") {
            return Ok(Vec::new());
        }
        let raw = schema::read_schema(&schema.uri.join(SCHEMA_FILE))?;
        let (artifacts, names) = (of("examples"), own.splits.analyze.list());
        let datasets = joined::open_all(artifacts)?;
        let splits = joined::splits(&datasets, &names)?;
        let source = Joined::open(&splits)?;
        let inputs = inputs_of(&raw, &source.schema());
        let of = Learnt { artifacts, names: &names, splits: &splits, source: &source };
        let is_growing = context.growing.contains("examples");
        transform_learn::foresee(&config, &inputs, &of, dir, is_growing)
    }
}

/// Returns the rows of a batch that no batch before has.
pub(crate) fn only_new(
    deduplicator: Option<&mut Deduplicator>,
    batch: RecordBatch,
) -> Result<RecordBatch, TransformError> {
    match deduplicator {
        Some(deduplicator) => deduplicator.keep(&batch),
        None => Ok(batch),
    }
}

fn check_deduplicate(config: &DeduplicateConfig, outputs: &[OutputFeature]) -> Option<Problem> {
    let problem = |message: String, hint: Option<String>| {
        let key = format!("{DEDUPLICATE}.feature");
        Some(Problem { key, offset: None, message, hint })
    };
    let name = &config.feature;
    let Some(found) = outputs.iter().find(|output| output.name == *name) else {
        let near = base::nearest(name, outputs.iter().map(|output| output.name.as_str()));
        let hint = near.map(|near| format!("did you mean `{near}`?"));
        return problem(format!("there is no feature `{name}`"), hint);
    };
    let is_many = found.shape != Shape::One;
    match found.value_type {
        Some(ValueType::String) if !is_many => None,
        Some(ValueType::Int) if is_many => None,
        None => None,
        Some(_) => problem(format!("`{name}` is neither a text nor a list of integers"), None),
    }
}

/// Returns the features of a schema. What is a list, the data says better than a schema that may leave it open.
fn inputs_of(
    schema: &formats::metadata::Schema,
    columns: &arrow::datatypes::Schema,
) -> Vec<InputFeature> {
    let mut inputs: Vec<_> =
        features::of_whole_schema(schema).into_iter().map(input_feature).collect();
    for input in &mut inputs {
        if let Ok(column) = columns.field_with_name(&input.name) {
            input.shape = if column.data_type().is_list() { Shape::List } else { Shape::One };
        }
    }
    inputs
}

fn input_feature(feature: FeatureInfo) -> InputFeature {
    let feature_type = feature.kind.and_then(|kind| match kind {
        FeatureKind::Int => Some(InputKind::Int),
        FeatureKind::Float => Some(InputKind::Float),
        FeatureKind::Bytes => Some(InputKind::String),
        FeatureKind::Struct => None,
    });
    let shape = if feature.is_list == Some(true) { Shape::List } else { Shape::One };
    InputFeature { name: feature.name, feature_type, shape, note: feature.note }
}

fn value_kind(value_type: ValueType) -> FeatureKind {
    match value_type {
        ValueType::Int | ValueType::Bool => FeatureKind::Int,
        ValueType::Float => FeatureKind::Float,
        ValueType::String => FeatureKind::Bytes,
    }
}
