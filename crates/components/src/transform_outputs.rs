//! What a transform leaves besides the graph and the examples: schemas, statistics and what is odd about them.

use std::path::{Path, PathBuf};

use artifact::RunContext;
use base::{BoxError, IoError};
use dataflow::Source;
use formats::Message;
use formats::metadata::feature::{DomainInfo, ShapeType};
use formats::metadata::fixed_shape::Dim;
use formats::metadata::{Feature, FeatureType, FixedShape, IntDomain, Schema, ValueCount};
use graph::{Graph, GraphOutput, ListOp, Op, Shape, ValueType};

use crate::view::{ANOMALIES_FILE, SCHEMA_FILE, STATISTICS_FILE, write};

/// The folders of schemas within that of the graph, as TFX names them.
const RAW: &str = "metadata";
const TRANSFORMED: &str = "transformed_metadata";

/// The folders of statistics there.
const BEFORE: &str = "pre_transform_feature_stats";
const AFTER: &str = "post_transform_feature_stats";

/// Returns the schema of the features that a graph makes: their types, how many values they have, and for ids the least
/// and the greatest; how many tokens their vocabularies have.
///
/// Presence is not said: what is missing in the data may be missing in the features.
pub(crate) fn transformed_schema(graph: &Graph) -> Schema {
    let outputs = graph.outputs().iter().zip(graph.output_nodes());
    let feature = |(output, node): (&GraphOutput, &graph::NodeId)| {
        let mut feature = feature_of(output);
        if let Some((name, num_tokens)) = vocabulary_of(graph, *node) {
            let annotation = feature.annotation.get_or_insert_default();
            annotation.comment.push(format!("vocabulary `{name}` of {num_tokens} tokens"));
        }
        feature
    };
    Schema { feature: outputs.map(feature).collect(), ..Schema::default() }
}

fn feature_of(output: &GraphOutput) -> Feature {
    let feature_type = match output.value_type {
        ValueType::Int | ValueType::Bool => FeatureType::Int,
        ValueType::Float => FeatureType::Float,
        ValueType::String => FeatureType::Bytes,
    };
    let domain = match (output.num_buckets, output.value_type) {
        (Some(num_buckets), _) => Some(IntDomain {
            min: Some(output.least_id.unwrap_or(0)),
            max: Some(i64::try_from(num_buckets).unwrap_or(i64::MAX) - 1),
            is_categorical: Some(true),
            ..IntDomain::default()
        }),
        (None, ValueType::Bool) => Some(IntDomain {
            min: Some(0),
            max: Some(1),
            is_categorical: Some(true),
            ..IntDomain::default()
        }),
        _ => None,
    };
    let size = |length: u32| FixedShape {
        dim: vec![Dim { size: Some(i64::from(length)), ..Dim::default() }],
    };
    let shape = match output.shape {
        Shape::One => ShapeType::ValueCount(ValueCount { min: Some(1), max: Some(1) }),
        Shape::List => ShapeType::ValueCount(ValueCount { min: Some(0), max: None }),
        Shape::Vector(length) => ShapeType::Shape(size(length)),
    };
    Feature {
        name: Some(output.name.clone()),
        r#type: Some(feature_type.into()),
        domain_info: domain.map(DomainInfo::IntDomain),
        presence_constraints: None,
        shape_type: Some(shape),
        ..Feature::default()
    }
}

/// Returns the vocabulary whose ids an output is, if it is one, and how many tokens it has.
fn vocabulary_of(graph: &Graph, node: graph::NodeId) -> Option<(String, usize)> {
    let mut node = &graph.nodes()[node.index()];
    loop {
        let vocabulary = match &node.op {
            Op::Lookup { vocabulary, .. }
            | Op::OfList(ListOp::BytePairs { vocabulary } | ListOp::WordPieces { vocabulary }) => {
                vocabulary
            }
            Op::OfList(
                ListOp::Pad { .. }
                | ListOp::Slice { .. }
                | ListOp::Get { .. }
                | ListOp::Distinct
                | ListOp::Sort,
            )
            | Op::Coalesce => {
                node = &graph.nodes()[node.operands[0].index()];
                continue;
            }
            _ => return None,
        };
        let (name, tokens) = graph.vocabularies().nth(vocabulary.index())?;
        return Some((name.to_owned(), tokens.len()));
    }
}

/// Writes both schemas into the folder of the graph, where TFX has them.
pub(crate) fn write_schemas(
    dir: &Path,
    raw: &Schema,
    transformed: &Schema,
) -> Result<(), BoxError> {
    for (name, schema) in [(RAW, raw), (TRANSFORMED, transformed)] {
        let dir = dir.join(name);
        std::fs::create_dir_all(&dir).map_err(IoError::at("create", &dir))?;
        schema::write_schema(&dir.join(SCHEMA_FILE), schema)?;
    }
    Ok(())
}

/// Writes statistics of the raw examples that were learned from and of the features of all that were transformed, the
/// schema of these, and what in them does not fit it, into the folder of the graph.
pub(crate) fn write_statistics(
    context: &RunContext<'_>,
    analyzed: &dyn Source,
    transformed: &dyn Source,
    schema: &Schema,
) -> Result<(), BoxError> {
    let dir = |name: &str| -> Result<PathBuf, BoxError> {
        let dir = context.outputs["transform_graph"].join(name);
        std::fs::create_dir_all(&dir).map_err(IoError::at("create", &dir))?;
        Ok(dir)
    };
    let config = statistics::Config::default();
    let of = |source: &dyn Source| {
        statistics::generate(schema::ALL_EXAMPLES, source, context.engine, &config)
    };
    let before = of(analyzed)?;
    write(&dir(BEFORE)?.join(STATISTICS_FILE), before.encode_to_vec())?;
    let after = of(transformed)?;
    let dir = dir(AFTER)?;
    write(&dir.join(STATISTICS_FILE), after.encode_to_vec())?;
    schema::write_schema(&dir.join(SCHEMA_FILE), schema)?;
    if let Some(all) = after.datasets.first() {
        let anomalies = schema::validate_statistics(all, schema, &Default::default())?;
        write(&dir.join(ANOMALIES_FILE), anomalies.encode_to_vec())?;
    }
    Ok(())
}
