//! A small pipeline's worth of calls.

use std::collections::BTreeMap;
use std::path::PathBuf;

use artifact::{
    Artifact, ArtifactId, ArtifactType, ExecutionId, Ledger, NewArtifact, NewExecution, Properties,
    types,
};

pub(crate) const EXAMPLE_GEN: &str = "tfx.components.example_gen.component.FileBasedExampleGen";
pub(crate) const TRAINER: &str = "tfx.components.trainer.component.Trainer";
pub(crate) const TRANSFORM: &str = "tfx.components.transform.component.Transform";
pub(crate) const RESOLVER: &str = "tfx.dsl.components.common.resolver.Resolver";

pub(crate) type Artifacts = BTreeMap<String, Vec<ArtifactId>>;

/// Returns artifacts by key.
pub(crate) fn by_key<'a>(lists: impl IntoIterator<Item = (&'a str, Vec<ArtifactId>)>) -> Artifacts {
    lists.into_iter().map(|(key, ids)| (key.to_owned(), ids)).collect()
}

/// Returns properties by name.
pub(crate) fn properties<'a, V: Into<artifact::PropertyValue>>(
    values: impl IntoIterator<Item = (&'a str, V)>,
) -> Properties {
    values.into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect()
}

/// An execution of node `node` of pipeline `taxi` in run `monday`, with a cache key of the node's name.
pub(crate) fn execution<'a>(
    node: &'a str,
    type_name: &'a str,
    inputs: Artifacts,
    now_ms: i64,
) -> NewExecution<'a> {
    NewExecution {
        pipeline: "taxi",
        run: "monday",
        node,
        type_name,
        cache_key: Some(node),
        properties: properties([("seed", "1")]),
        custom_properties: properties([("part", "of the key")]),
        inputs,
        now_ms,
    }
}

/// An output with a custom property.
pub(crate) fn output<'a>(
    key: &'a str,
    artifact_type: &'static ArtifactType,
    uri: &str,
) -> NewArtifact<'a> {
    NewArtifact {
        key,
        artifact_type,
        uri: PathBuf::from(uri),
        properties: Properties::new(),
        custom_properties: properties([(Artifact::DIGEST, uri)]),
    }
}

/// Examples with every declared property.
pub(crate) fn examples(uri: &str) -> NewArtifact<'static> {
    let mut examples = output("examples", types::EXAMPLES, uri);
    examples.properties = properties([("span", 7), ("version", 0)]);
    examples.properties.insert("split_names".to_owned(), r#"["train", "eval"]"#.into());
    examples
}

/// Begins an execution and completes it with one output.
pub(crate) fn complete(
    ledger: &dyn Ledger,
    new: &NewExecution<'_>,
    output: NewArtifact<'_>,
) -> (ExecutionId, ArtifactId) {
    let id = ledger.begin_execution(new).unwrap();
    let made =
        ledger.complete_execution(id, &[output], &Properties::new(), new.now_ms + 1).unwrap();
    (id, made[0].id)
}
