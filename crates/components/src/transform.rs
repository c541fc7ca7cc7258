//! Transform: feature expressions become a graph, and examples become transformed examples.

use std::path::{Path, PathBuf};

use artifact::{
    CheckContext, Checked, Component, Executor, FeatureInfo, FeatureKind, Input, Kind, Outcome,
    Output, OutputProperties, Problem, RunContext, types,
};
use base::{BoxError, DigestBuilder};
use dataflow::Source as _;
use dataset::{Dataset, ShardWriter, Split, SplitFiles};
use graph::{Graph, Shape, ValueType};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;
use transform::{AnalyzeOptions, ApplyGraph, Config, FolderStore, InputFeature, InputKind, Shard};

use crate::ComponentError;
use crate::config::{read, schema_with, take, with_key};
use crate::features;
use crate::ports::{keep_splits, required, split_properties};
use crate::transform_exports::{self, EXPORTS, EXPORTS_HELP, ExportAs};
use crate::view::SCHEMA_FILE;

/// The key of the splits, beside the stage's own keys.
const SPLITS: &str = "splits";
const SPLITS_HELP: &str = "Which splits are learned from, and which are transformed.";

/// How much is kept of what was learned of shards.
const MAX_KEPT_BYTES: u64 = 1 << 30;

/// Learns the analyzers' values on one split, compiles the graph, and applies it to all.
pub struct Transform;

/// Which splits are learned from, and which are transformed.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct Splits {
    /// The split whose examples the analyzers see.
    analyze: String,
    /// The splits to transform; all where not given.
    transform: Vec<String>,
}

impl Default for Splits {
    fn default() -> Self {
        Self { analyze: "train".to_owned(), transform: Vec::new() }
    }
}

/// Reads a configuration: the stage's, the splits, and what the graph is exported as.
fn read_config(config: &Value) -> Result<(Config, Splits, Vec<ExportAs>), ComponentError> {
    let mut rest = config.clone();
    let splits = take(SPLITS, &mut rest)?;
    let exports = take(EXPORTS, &mut rest)?;
    Ok((read(&rest)?, splits, exports))
}

impl Component for Transform {
    fn name(&self) -> &'static str {
        "Transform"
    }

    fn execution_type(&self) -> &'static str {
        "tfx.components.transform.component.Transform"
    }

    fn version(&self) -> u32 {
        1
    }

    fn description(&self) -> &'static str {
        "Learns and applies feature expressions."
    }

    fn inputs(&self) -> &'static [Input] {
        &[
            Input {
                key: "examples",
                artifact_type: types::EXAMPLES,
                required: true,
                default_provider: None,
            },
            Input {
                key: "schema",
                artifact_type: types::SCHEMA,
                required: true,
                default_provider: None,
            },
        ]
    }

    fn outputs(&self) -> &'static [Output] {
        &[
            Output { key: "transform_graph", artifact_type: types::TRANSFORM_GRAPH },
            Output { key: "transformed_examples", artifact_type: types::EXAMPLES },
        ]
    }

    fn config_schema(&self) -> schemars::Schema {
        let schema = schema_with::<Config, Splits>(SPLITS, SPLITS_HELP);
        with_key::<Vec<ExportAs>>(schema, EXPORTS, EXPORTS_HELP)
    }

    fn check(&self, config: &Value, context: &CheckContext<'_>) -> Checked {
        let mut checked = Checked::default();
        let Ok((mut config, _, exports)) = read_config(config) else { return checked };
        config.base_dir = context.base_dir.to_path_buf();
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
                    transform_exports::check(&config, &inputs, &exports, context.engine);
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
                checked.features.insert("transformed_examples", outputs);
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
        let (mut config, _, _) = read_config(config)?;
        config.base_dir = base_dir.to_path_buf();
        Ok(transform::files(&config))
    }

    fn kind(&self) -> Kind<'_> {
        Kind::Executor(self)
    }
}

impl Executor for Transform {
    fn run(&self, context: &RunContext<'_>) -> Result<Outcome, BoxError> {
        let (mut config, splits, exports) = read_config(context.config)?;
        config.base_dir = context.base_dir.to_path_buf();
        let examples = required(context, "examples")?;
        let schema = schema::read_schema(&required(context, "schema")?.uri.join(SCHEMA_FILE))?;
        let mut inputs: Vec<_> =
            features::of_whole_schema(&schema).into_iter().map(input_feature).collect();
        let names = match splits.transform.as_slice() {
            [] => keep_splits(examples, &[])?,
            names => names.to_vec(),
        };
        let dataset = Dataset::open(&examples.uri, &examples.split_names())?;

        let split = dataset.split(&splits.analyze)?;
        let analyzed = split.source()?;
        // What is a list, the data says better than a schema that may leave it open.
        let columns = analyzed.schema();
        for input in &mut inputs {
            if let Ok(column) = columns.field_with_name(&input.name) {
                input.shape = if column.data_type().is_list() { Shape::List } else { Shape::One };
            }
        }
        let (graph, from_before) = learn(&config, &inputs, split, &analyzed, context)?;
        let graph_dir = &context.outputs["transform_graph"];
        graph.save(graph_dir)?;
        transform_exports::write(&graph, &exports, graph_dir)?;

        let stage = ApplyGraph::new(graph);
        let out_dir = &context.outputs["transformed_examples"];
        for (done, name) in names.iter().enumerate() {
            context.progress.report(done as u64, names.len() as u64, name);
            let source = dataset.split(name)?.source()?;
            let dir = Dataset::split_dir(out_dir, name);
            let mut writer = ShardWriter::create(&dir, "transformed_examples", stage.schema())?;
            dataflow::map(context.engine, &source, &stage, &mut |batch| Ok(writer.write(&batch)?))?;
            writer.close()?;
        }

        let num_features = stage.schema().fields().len();
        Ok(Outcome {
            properties: [
                ("transform_graph", OutputProperties::default()),
                ("transformed_examples", split_properties(examples, &names)),
            ]
            .into(),
            summary: format!("{num_features} features, learned on {}{from_before}", splits.analyze),
            ..Outcome::default()
        })
    }
}

/// Returns the graph, and what people should know about how much of it was learned before.
///
/// What is learned of each shard is kept in the node's folder under the digest of the shard's content and of all else that
/// it depends on, so that only new shards are read.
fn learn(
    config: &Config,
    inputs: &[InputFeature],
    split: &Split,
    source: &SplitFiles,
    context: &RunContext<'_>,
) -> Result<(Graph, String), BoxError> {
    let Some(dir) = context.keep_dir else {
        let graph = transform::analyze(config, inputs, source, context.engine)?;
        return Ok((graph, String::new()));
    };
    let store = FolderStore::open(dir, context.now_ms)?;
    let shards = shards(split, source)?;
    let options =
        AnalyzeOptions { shards: &shards, cache: Some(&store), ..AnalyzeOptions::default() };
    let analyzed = transform::analyze_with(config, inputs, source, context.engine, &options)?;
    store.prune(MAX_KEPT_BYTES)?;
    // Later passes depend on what all shards taught the first.
    let from_before = match analyzed.passes.first() {
        Some(pass) if pass.num_cached > 0 => {
            format!(", {} of {} shards known from before", pass.num_cached, pass.num_shards)
        }
        _ => String::new(),
    };
    Ok((analyzed.graph, from_before))
}

/// Returns the shards of a split with digests of their content.
fn shards(split: &Split, source: &SplitFiles) -> Result<Vec<Shard>, BoxError> {
    let digests = split.shards.iter().map(|path| base::digest_file(path));
    let digests: Vec<base::Digest> = digests.collect::<Result<_, _>>()?;
    let SplitFiles::Parquet(files) = source else {
        // Partitions of records do not tell their files.
        let all = digests.iter().fold(DigestBuilder::default(), |builder, digest| {
            builder.part("shard", digest.to_string().as_bytes())
        });
        let digest = all.finish().to_string();
        return Ok(vec![Shard { digest, partitions: 0..source.num_partitions() }]);
    };
    let file_of_partition: Vec<usize> = files.file_of_partition().collect();
    let mut start = 0;
    let shard = |(file, digest): (usize, &base::Digest)| {
        let end = start + file_of_partition.iter().filter(|found| **found == file).count();
        let partitions = start..end;
        start = end;
        Shard { digest: digest.to_string(), partitions }
    };
    Ok(digests.iter().enumerate().map(shard).collect())
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
