//! Executions and artifacts into the store.

use std::collections::BTreeMap;

use artifact::{
    Artifact, ArtifactId, ArtifactState, ArtifactType, Execution, ExecutionId, ExecutionState,
    NewArtifact, NewExecution, Properties, PropertyType,
};
use indexmap::IndexSet;
use rusqlite::{OptionalExtension, Transaction};

use crate::contexts::{
    EXECUTION_CACHE, NODE, associate, attribute, contexts_of, node_name, put_context, put_run,
    touch,
};
use crate::error::{Failure, Refusal};
use crate::events::{Artifacts, EventType, put_events};
use crate::properties::{Owner, put_properties};
use crate::read::{ArtifactReader, ExecutionReader, state_name, state_of};
use crate::types::{TypeKind, put_execution_type, put_type, type_of};

/// Writes down a RUNNING execution.
pub(crate) fn begin_execution(
    transaction: &Transaction<'_>,
    execution: &NewExecution<'_>,
) -> Result<ExecutionId, Failure> {
    let (id, _) = put_execution(transaction, execution, ExecutionState::Running)?;
    Ok(ExecutionId(id))
}

/// Writes down a CACHED execution with the outputs of an earlier one.
///
/// Without a cache key it is a resolver, whose outputs are events of their own type, as TFX has it: found, not
/// written.
pub(crate) fn record_cached(
    transaction: &Transaction<'_>,
    execution: &NewExecution<'_>,
    outputs: &Artifacts,
    custom_properties: &Properties,
) -> Result<ExecutionId, Failure> {
    let (id, contexts) = put_execution(transaction, execution, ExecutionState::Cached)?;
    put_properties(transaction, Owner::Execution, id, custom_properties, true)?;
    let event_type = match execution.cache_key {
        Some(_) => EventType::Output,
        None => EventType::InternalOutput,
    };
    link(transaction, id, event_type, outputs, &contexts, execution.now_ms)?;
    Ok(ExecutionId(id))
}

fn put_execution(
    transaction: &Transaction<'_>,
    execution: &NewExecution<'_>,
    state: ExecutionState,
) -> Result<(i64, Vec<i64>), Failure> {
    let now_ms = execution.now_ms;
    let properties =
        execution.properties.iter().map(|(name, value)| (name.as_str(), type_of(value)));
    let type_id = put_execution_type(transaction, execution.type_name, properties)?;
    let sql = "INSERT INTO Execution
                 (type_id, last_known_state, create_time_since_epoch, last_update_time_since_epoch)
               VALUES (?1, ?2, ?3, ?3)";
    transaction.execute(sql, (type_id, state as i64, now_ms))?;
    let id = transaction.last_insert_rowid();
    put_properties(transaction, Owner::Execution, id, &execution.properties, false)?;
    put_properties(transaction, Owner::Execution, id, &execution.custom_properties, true)?;

    let (pipeline, run) = put_run(transaction, execution.pipeline, execution.run, now_ms)?;
    touch(transaction, run, now_ms)?;
    let node = node_name(execution.pipeline, execution.node);
    let mut contexts = vec![pipeline, run, put_context(transaction, NODE, &node, now_ms)?];
    if let Some(key) = execution.cache_key {
        contexts.push(put_context(transaction, EXECUTION_CACHE, key, now_ms)?);
    }
    associate(transaction, &contexts, id)?;
    link(transaction, id, EventType::Input, &execution.inputs, &contexts, now_ms)?;
    Ok((id, contexts))
}

/// Writes events, and makes the artifacts belong to the contexts of the execution.
fn link(
    transaction: &Transaction<'_>,
    execution: i64,
    event_type: EventType,
    artifacts: &Artifacts,
    contexts: &[i64],
    now_ms: i64,
) -> Result<(), Failure> {
    let distinct: IndexSet<ArtifactId> = artifacts.values().flatten().copied().collect();
    let mut exists = transaction.prepare("SELECT 1 FROM Artifact WHERE id = ?1")?;
    for id in &distinct {
        if !exists.exists([id.0])? {
            return Err(Failure::NotFound { what: "artifact", id: id.to_string() });
        }
    }
    put_events(transaction, execution, event_type, artifacts, now_ms)?;
    attribute(transaction, contexts, distinct)?;
    Ok(())
}

/// Makes a RUNNING execution COMPLETE, and its outputs LIVE.
pub(crate) fn complete_execution(
    transaction: &Transaction<'_>,
    id: ExecutionId,
    outputs: &[NewArtifact<'_>],
    custom_properties: &Properties,
    now_ms: i64,
) -> Result<Vec<Artifact>, Failure> {
    let execution = end(transaction, id, ExecutionState::Complete, custom_properties, now_ms)?;
    let mut by_key = Artifacts::new();
    let mut ids = Vec::new();
    for output in outputs {
        let index = by_key.get(output.key).map_or(0, Vec::len);
        // The name that TFX gives, which tells where it came from.
        let name = format!(
            "{}:{}:{}:{}:{index}",
            execution.pipeline, execution.run, execution.node, output.key
        );
        let artifact = put_artifact(transaction, output, &name, now_ms)?;
        by_key.entry(output.key.to_owned()).or_default().push(artifact);
        ids.push(artifact);
    }
    let contexts = contexts_of(transaction, id.0)?;
    link(transaction, id.0, EventType::Output, &by_key, &contexts, now_ms)?;
    let mut reader = ArtifactReader::new(transaction)?;
    ids.into_iter().map(|id| reader.read(id)).collect()
}

fn put_artifact(
    transaction: &Transaction<'_>,
    new: &NewArtifact<'_>,
    name: &str,
    now_ms: i64,
) -> Result<ArtifactId, Failure> {
    check_declared(new.artifact_type, &new.properties)?;
    let ArtifactType { name: type_name, properties, base } = new.artifact_type;
    let declared = properties.iter().copied();
    let type_id = put_type(transaction, TypeKind::Artifact, type_name, declared, *base)?;
    let uri = new.uri.to_str().ok_or_else(|| Refusal::UriNotText { uri: new.uri.clone() })?;
    // Names are unique within a type. A node that runs twice in one run keeps the first for its first outputs.
    let taken = "SELECT 1 FROM Artifact WHERE type_id = ?1 AND name = ?2";
    let name = match transaction.prepare(taken)?.exists((type_id, name))? {
        true => None,
        false => Some(name),
    };
    let sql = "INSERT INTO Artifact
                 (type_id, uri, state, name, create_time_since_epoch, last_update_time_since_epoch)
               VALUES (?1, ?2, ?3, ?4, ?5, ?5)";
    transaction.execute(sql, (type_id, uri, ArtifactState::Live as i64, name, now_ms))?;
    let id = transaction.last_insert_rowid();
    put_properties(transaction, Owner::Artifact, id, &new.properties, false)?;
    put_properties(transaction, Owner::Artifact, id, &new.custom_properties, true)?;
    Ok(ArtifactId(id))
}

fn check_declared(artifact_type: &ArtifactType, properties: &Properties) -> Result<(), Refusal> {
    let declared: BTreeMap<&str, PropertyType> = artifact_type.properties.iter().copied().collect();
    let undeclared = properties
        .iter()
        .find(|(name, value)| declared.get(name.as_str()) != Some(&type_of(value)));
    match undeclared {
        None => Ok(()),
        Some((property, _)) => Err(Refusal::UndeclaredProperty {
            type_name: artifact_type.name.to_owned(),
            property: property.clone(),
        }),
    }
}

/// Makes a RUNNING execution FAILED or CANCELED.
pub(crate) fn abandon_execution(
    transaction: &Transaction<'_>,
    id: ExecutionId,
    state: ExecutionState,
    reason: &str,
    now_ms: i64,
) -> Result<(), Failure> {
    let custom = Properties::from([(Execution::ERROR.to_owned(), reason.into())]);
    end(transaction, id, state, &custom, now_ms).map(drop)
}

/// Ends an execution that has not ended, and returns it.
fn end(
    transaction: &Transaction<'_>,
    id: ExecutionId,
    state: ExecutionState,
    custom_properties: &Properties,
    now_ms: i64,
) -> Result<Execution, Failure> {
    let sql = "SELECT last_known_state FROM Execution WHERE id = ?1";
    let found: Option<Option<i64>> =
        transaction.query_row(sql, [id.0], |row| row.get(0)).optional()?;
    let Some(found) = found else {
        return Err(Failure::NotFound { what: "execution", id: id.to_string() });
    };
    let found = state_of(found);
    if found != ExecutionState::Running {
        let refusal = Refusal::NotRunning { execution: id.0, found: state_name(found) };
        return Err(refusal.into());
    }
    let sql = "UPDATE Execution SET last_known_state = ?2, last_update_time_since_epoch = ?3 WHERE id = ?1";
    transaction.execute(sql, (id.0, state as i64, now_ms))?;
    put_properties(transaction, Owner::Execution, id.0, custom_properties, true)?;
    ExecutionReader::new(transaction)?.read(id)
}
