//! `cupola artifacts`: what was made.

use artifact::{Artifact, ArtifactId, Ledger, Properties};
use base::BoxError;
use serde_json::{Map, Value, json};

use crate::args::{ArtifactsCommand, Global};
use crate::commands::runs::execution_json;
use crate::error::Outcome;
use crate::output::{print, print_json, shown, table, time};
use crate::root::open_ledger;

/// Runs one of the `artifacts` commands.
pub(crate) fn artifacts(command: &ArtifactsCommand, global: &Global) -> Result<Outcome, BoxError> {
    match command {
        ArtifactsCommand::List { root, type_name, pipeline, limit } => {
            let (_, ledger) = open_ledger(root.root.as_deref())?;
            let mut artifacts = ledger.artifacts(type_name.as_deref(), pipeline.as_deref())?;
            artifacts.truncate(*limit);
            list(&artifacts, global)?;
        }
        ArtifactsCommand::Show { artifact, root } => {
            let (_, ledger) = open_ledger(root.root.as_deref())?;
            show(&ledger.artifact(ArtifactId(*artifact))?, &ledger, global)?;
        }
    }
    Ok(Outcome::Done)
}

fn list(artifacts: &[Artifact], global: &Global) -> Result<(), BoxError> {
    if global.json {
        return print_json("artifacts", artifacts.iter().map(artifact_json).collect());
    }
    let rows = artifacts
        .iter()
        .map(|artifact| {
            vec![
                artifact.id.to_string(),
                artifact.type_name.clone(),
                time(artifact.create_time_ms),
                artifact.digest().unwrap_or("").chars().take(12).collect(),
                shown(&artifact.uri).display().to_string(),
            ]
        })
        .collect();
    print(&table(&["id", "type", "made", "content", "where"], rows, &[0]))
}

fn show(artifact: &Artifact, ledger: &dyn Ledger, global: &Global) -> Result<(), BoxError> {
    let producer = ledger.producer(artifact.id)?;
    let consumers = ledger.consumers(artifact.id)?;
    if global.json {
        let mut object = artifact_json(artifact);
        object["producer"] = producer.as_ref().map_or(Value::Null, execution_json);
        object["consumers"] = consumers.iter().map(execution_json).collect();
        return print_json("artifact", object);
    }
    let mut rows = vec![
        vec!["type".to_owned(), artifact.type_name.clone()],
        vec!["where".to_owned(), shown(&artifact.uri).display().to_string()],
        vec!["made".to_owned(), time(artifact.create_time_ms)],
    ];
    if let Some(execution) = &producer {
        rows.push(vec!["by".to_owned(), format!("`{}` in run {}", execution.node, execution.run)]);
    }
    let mut readers: Vec<_> = consumers.iter().map(|e| format!("`{}`", e.node)).collect();
    readers.sort_unstable();
    readers.dedup();
    if !readers.is_empty() {
        rows.push(vec!["read by".to_owned(), readers.join(", ")]);
    }
    for (name, value) in artifact.properties.iter().chain(&artifact.custom_properties) {
        rows.push(vec![name.clone(), value.to_string()]);
    }
    print(&table(&["artifact", &artifact.id.to_string()], rows, &[]))
}

/// Returns an artifact as `--json` shows it.
pub(crate) fn artifact_json(artifact: &Artifact) -> Value {
    json!({
        "id": artifact.id,
        "type": artifact.type_name,
        "uri": artifact.uri,
        "digest": artifact.digest(),
        "made_ms": artifact.create_time_ms,
        "properties": properties_json(&artifact.properties),
        "custom_properties": properties_json(&artifact.custom_properties),
    })
}

fn properties_json(properties: &Properties) -> Value {
    let values = properties.iter().map(|(name, value)| {
        let value = match value {
            artifact::PropertyValue::Int(number) => json!(number),
            artifact::PropertyValue::Double(number) => json!(number),
            artifact::PropertyValue::String(text) => json!(text),
        };
        (name.clone(), value)
    });
    Value::Object(values.collect::<Map<_, _>>())
}
