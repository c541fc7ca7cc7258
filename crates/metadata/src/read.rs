//! Executions and artifacts out of the store.

use std::path::PathBuf;

use artifact::{Artifact, ArtifactId, ArtifactState, Execution, ExecutionId, ExecutionState};
use rusqlite::{Connection, OptionalExtension, Params, Statement, Transaction};

use crate::contexts::{EXECUTION_CACHE, NODE, PIPELINE, PIPELINE_RUN, find_context, node_name};
use crate::error::Failure;
use crate::events::{EventReader, READS, WRITES};
use crate::properties::{Owner, PropertyReader};
use crate::types::TypeKind;

/// Returns the state for a number of ML Metadata's; numbers that it may add later are not known.
pub(crate) fn state_of(number: Option<i64>) -> ExecutionState {
    match number {
        Some(1) => ExecutionState::New,
        Some(2) => ExecutionState::Running,
        Some(3) => ExecutionState::Complete,
        Some(4) => ExecutionState::Failed,
        Some(5) => ExecutionState::Cached,
        Some(6) => ExecutionState::Canceled,
        _ => ExecutionState::Unknown,
    }
}

/// Returns ML Metadata's name of a state.
pub(crate) fn state_name(state: ExecutionState) -> &'static str {
    match state {
        ExecutionState::Unknown => "UNKNOWN",
        ExecutionState::New => "NEW",
        ExecutionState::Running => "RUNNING",
        ExecutionState::Complete => "COMPLETE",
        ExecutionState::Failed => "FAILED",
        ExecutionState::Cached => "CACHED",
        ExecutionState::Canceled => "CANCELED",
    }
}

fn artifact_state_of(number: Option<i64>) -> ArtifactState {
    match number {
        Some(1) => ArtifactState::Pending,
        Some(2) => ArtifactState::Live,
        Some(3) => ArtifactState::MarkedForDeletion,
        Some(4) => ArtifactState::Deleted,
        Some(5) => ArtifactState::Abandoned,
        Some(6) => ArtifactState::Reference,
        _ => ArtifactState::Unknown,
    }
}

/// Reads executions one by one, with prepared statements.
pub(crate) struct ExecutionReader<'a> {
    execution: Statement<'a>,
    contexts: Statement<'a>,
    properties: PropertyReader<'a>,
    events: EventReader<'a>,
}

impl<'a> ExecutionReader<'a> {
    pub(crate) fn new(connection: &'a Connection) -> Result<Self, rusqlite::Error> {
        Ok(Self {
            execution: connection.prepare(
                "SELECT t.name, e.last_known_state, e.create_time_since_epoch, e.last_update_time_since_epoch
                 FROM Execution e JOIN Type t ON t.id = e.type_id WHERE e.id = ?1",
            )?,
            contexts: connection.prepare(
                "SELECT t.name, c.name FROM Association a
                 JOIN Context c ON c.id = a.context_id JOIN Type t ON t.id = c.type_id
                 WHERE a.execution_id = ?1 ORDER BY a.id",
            )?,
            properties: PropertyReader::new(connection, Owner::Execution)?,
            events: EventReader::new(connection)?,
        })
    }

    /// Returns an execution. Of one that belongs to no pipeline, run or node, that name is empty.
    pub(crate) fn read(&mut self, id: ExecutionId) -> Result<Execution, Failure> {
        let found = self.execution.query_row([id.0], |row| {
            Ok((row.get(0)?, state_of(row.get(1)?), row.get(2)?, row.get(3)?))
        });
        let Some((type_name, state, create_time_ms, last_update_time_ms)) = found.optional()?
        else {
            return Err(Failure::NotFound { what: "execution", id: id.to_string() });
        };
        let (mut pipeline, mut run, mut node) = (String::new(), String::new(), String::new());
        let mut rows = self.contexts.query([id.0])?;
        while let Some(row) = rows.next()? {
            let target = match row.get::<_, String>(0)?.as_str() {
                PIPELINE => &mut pipeline,
                PIPELINE_RUN => &mut run,
                NODE => &mut node,
                _ => continue,
            };
            *target = row.get(1)?;
        }
        if let Some(stripped) = node.strip_prefix(&node_name(&pipeline, "")) {
            node = stripped.to_owned();
        }
        let (properties, custom_properties) = self.properties.read(id.0)?;
        let (inputs, outputs) = self.events.read(id.0)?;
        Ok(Execution {
            id,
            type_name,
            pipeline,
            run,
            node,
            state,
            properties,
            custom_properties,
            inputs,
            outputs,
            create_time_ms,
            last_update_time_ms,
        })
    }
}

/// Reads artifacts one by one, with prepared statements.
pub(crate) struct ArtifactReader<'a> {
    artifact: Statement<'a>,
    properties: PropertyReader<'a>,
}

impl<'a> ArtifactReader<'a> {
    pub(crate) fn new(connection: &'a Connection) -> Result<Self, rusqlite::Error> {
        Ok(Self {
            artifact: connection.prepare(
                "SELECT t.name, a.uri, a.state, a.create_time_since_epoch
                 FROM Artifact a JOIN Type t ON t.id = a.type_id WHERE a.id = ?1",
            )?,
            properties: PropertyReader::new(connection, Owner::Artifact)?,
        })
    }

    /// Returns an artifact.
    pub(crate) fn read(&mut self, id: ArtifactId) -> Result<Artifact, Failure> {
        let found = self.artifact.query_row([id.0], |row| {
            let uri: Option<String> = row.get(1)?;
            Ok((row.get(0)?, uri, artifact_state_of(row.get(2)?), row.get(3)?))
        });
        let Some((type_name, uri, state, create_time_ms)) = found.optional()? else {
            return Err(Failure::NotFound { what: "artifact", id: id.to_string() });
        };
        let (properties, custom_properties) = self.properties.read(id.0)?;
        let uri = PathBuf::from(uri.unwrap_or_default());
        Ok(Artifact { id, type_name, uri, state, properties, custom_properties, create_time_ms })
    }
}

/// Returns the executions that a query gives the numbers of.
fn executions(
    transaction: &Transaction<'_>,
    sql: &str,
    parameters: impl Params,
) -> Result<Vec<Execution>, Failure> {
    let ids: Vec<i64> = {
        let mut statement = transaction.prepare(sql)?;
        statement.query_map(parameters, |row| row.get(0))?.collect::<Result<_, _>>()?
    };
    let mut reader = ExecutionReader::new(transaction)?;
    ids.into_iter().map(|id| reader.read(ExecutionId(id))).collect()
}

/// Returns the COMPLETE and CACHED executions with a cache key, newest first.
pub(crate) fn executions_by_cache_key(
    transaction: &Transaction<'_>,
    key: &str,
) -> Result<Vec<Execution>, Failure> {
    let Some(context) = find_context(transaction, EXECUTION_CACHE, key)? else {
        return Ok(Vec::new());
    };
    let sql = "SELECT e.id FROM Association a JOIN Execution e ON e.id = a.execution_id
               WHERE a.context_id = ?1 AND e.last_known_state IN (?2, ?3) ORDER BY e.id DESC";
    let states = [ExecutionState::Complete as i64, ExecutionState::Cached as i64];
    executions(transaction, sql, [context, states[0], states[1]])
}

/// Returns the executions of a node, newest first.
pub(crate) fn executions_of_node(
    transaction: &Transaction<'_>,
    pipeline: &str,
    node: &str,
) -> Result<Vec<Execution>, Failure> {
    // The pipeline is asked for too: node `c` of `a.b` and node `b.c` of `a` have contexts of one name.
    let name = node_name(pipeline, node);
    let found =
        (find_context(transaction, NODE, &name)?, find_context(transaction, PIPELINE, pipeline)?);
    let (Some(node), Some(pipeline)) = found else { return Ok(Vec::new()) };
    let sql = "SELECT n.execution_id FROM Association n JOIN Association p ON p.execution_id = n.execution_id
               WHERE n.context_id = ?1 AND p.context_id = ?2 ORDER BY n.execution_id DESC";
    executions(transaction, sql, [node, pipeline])
}

/// Returns the executions of a run, in the order in which they began.
pub(crate) fn executions_of_run(
    transaction: &Transaction<'_>,
    run: &str,
) -> Result<Vec<Execution>, Failure> {
    let Some(run) = find_context(transaction, PIPELINE_RUN, run)? else { return Ok(Vec::new()) };
    let sql = "SELECT execution_id FROM Association WHERE context_id = ?1 ORDER BY execution_id";
    executions(transaction, sql, [run])
}

/// Returns the RUNNING executions of a pipeline.
pub(crate) fn running_executions(
    transaction: &Transaction<'_>,
    pipeline: &str,
) -> Result<Vec<Execution>, Failure> {
    let Some(pipeline) = find_context(transaction, PIPELINE, pipeline)? else {
        return Ok(Vec::new());
    };
    let sql = "SELECT e.id FROM Association a JOIN Execution e ON e.id = a.execution_id
               WHERE a.context_id = ?1 AND e.last_known_state = ?2 ORDER BY e.id";
    executions(transaction, sql, [pipeline, ExecutionState::Running as i64])
}

/// Returns the execution that wrote an artifact.
pub(crate) fn producer(
    transaction: &Transaction<'_>,
    id: ArtifactId,
) -> Result<Option<Execution>, Failure> {
    let sql = format!(
        "SELECT e.id FROM Event v JOIN Execution e ON e.id = v.execution_id
         WHERE v.artifact_id = ?1 AND v.type IN {WRITES} AND e.last_known_state IS NOT ?2
         ORDER BY e.id LIMIT 1"
    );
    Ok(executions(transaction, &sql, [id.0, ExecutionState::Cached as i64])?.pop())
}

/// Returns the executions that read an artifact, in the order in which they began.
pub(crate) fn consumers(
    transaction: &Transaction<'_>,
    id: ArtifactId,
) -> Result<Vec<Execution>, Failure> {
    let sql = format!(
        "SELECT DISTINCT execution_id FROM Event WHERE artifact_id = ?1 AND type IN {READS}
         ORDER BY execution_id"
    );
    executions(transaction, &sql, [id.0])
}

/// Returns LIVE artifacts, newest first; of one type and pipeline, or of all.
pub(crate) fn artifacts(
    transaction: &Transaction<'_>,
    type_name: Option<&str>,
    pipeline: Option<&str>,
) -> Result<Vec<Artifact>, Failure> {
    let pipeline = match pipeline {
        None => None,
        Some(name) => match find_context(transaction, PIPELINE, name)? {
            Some(id) => Some(id),
            None => return Ok(Vec::new()),
        },
    };
    let sql = "SELECT a.id FROM Artifact a JOIN Type t ON t.id = a.type_id
               WHERE a.state = ?1 AND (?2 IS NULL OR t.name = ?2 AND t.type_kind = ?3)
                 AND (?4 IS NULL OR EXISTS
                      (SELECT 1 FROM Attribution b WHERE b.context_id = ?4 AND b.artifact_id = a.id))
               ORDER BY a.id DESC";
    let parameters = (ArtifactState::Live as i64, type_name, TypeKind::Artifact as i64, pipeline);
    let ids: Vec<i64> = {
        let mut statement = transaction.prepare(sql)?;
        statement.query_map(parameters, |row| row.get(0))?.collect::<Result<_, _>>()?
    };
    let mut reader = ArtifactReader::new(transaction)?;
    ids.into_iter().map(|id| reader.read(ArtifactId(id))).collect()
}
