//! Contexts: the pipeline, the run, the node and the cache key that executions and artifacts belong to.
//!
//! As TFX names them: `pipeline` by the pipeline, `pipeline_run` by the run's id, `node` by
//! `<pipeline>.<node>`, `execution_cache` by the key. Every execution and every artifact that it read or wrote
//! belongs to all of them. A run's parent is its pipeline; TFX leaves that out, and its clients allow it.

use artifact::ArtifactId;
use rusqlite::{Connection, OptionalExtension, Transaction};

use crate::error::Failure;
use crate::types::{TypeKind, put_type};

/// The context types.
pub(crate) const PIPELINE: &str = "pipeline";
pub(crate) const PIPELINE_RUN: &str = "pipeline_run";
pub(crate) const NODE: &str = "node";
pub(crate) const EXECUTION_CACHE: &str = "execution_cache";

/// Returns the name of a node's context.
pub(crate) fn node_name(pipeline: &str, node: &str) -> String {
    format!("{pipeline}.{node}")
}

/// Returns the number of a context, made if need be.
pub(crate) fn put_context(
    transaction: &Transaction<'_>,
    type_name: &str,
    name: &str,
    now_ms: i64,
) -> Result<i64, Failure> {
    let type_id = put_type(transaction, TypeKind::Context, type_name, [], None)?;
    if let Some(id) = find_context(transaction, type_name, name)? {
        return Ok(id);
    }
    let sql =
        "INSERT INTO Context (type_id, name, create_time_since_epoch, last_update_time_since_epoch)
               VALUES (?1, ?2, ?3, ?3)";
    transaction.execute(sql, (type_id, name, now_ms))?;
    Ok(transaction.last_insert_rowid())
}

/// Returns the number of a context, if it is there.
pub(crate) fn find_context(
    connection: &Connection,
    type_name: &str,
    name: &str,
) -> Result<Option<i64>, rusqlite::Error> {
    let sql = "SELECT c.id FROM Type t JOIN Context c ON c.type_id = t.id
               WHERE t.name = ?1 AND t.version IS NULL AND t.type_kind = ?2 AND c.name = ?3";
    let parameters = (type_name, TypeKind::Context as i64, name);
    connection.query_row(sql, parameters, |row| row.get(0)).optional()
}

/// Returns the number of a run's context, made if need be, below its pipeline.
pub(crate) fn put_run(
    transaction: &Transaction<'_>,
    pipeline: &str,
    run: &str,
    now_ms: i64,
) -> Result<(i64, i64), Failure> {
    let pipeline = put_context(transaction, PIPELINE, pipeline, now_ms)?;
    let run = put_context(transaction, PIPELINE_RUN, run, now_ms)?;
    let sql = "INSERT OR IGNORE INTO ParentContext (context_id, parent_context_id) VALUES (?1, ?2)";
    transaction.execute(sql, [run, pipeline])?;
    Ok((pipeline, run))
}

/// Says when a run last wrote something down.
pub(crate) fn touch(
    transaction: &Transaction<'_>,
    context: i64,
    now_ms: i64,
) -> Result<(), rusqlite::Error> {
    let sql = "UPDATE Context SET last_update_time_since_epoch = ?2 WHERE id = ?1";
    transaction.execute(sql, [context, now_ms]).map(drop)
}

/// Returns the contexts that an execution belongs to.
pub(crate) fn contexts_of(
    transaction: &Transaction<'_>,
    execution: i64,
) -> Result<Vec<i64>, rusqlite::Error> {
    let sql = "SELECT context_id FROM Association WHERE execution_id = ?1 ORDER BY id";
    transaction.prepare(sql)?.query_map([execution], |row| row.get(0))?.collect()
}

/// Makes an execution belong to contexts.
pub(crate) fn associate(
    transaction: &Transaction<'_>,
    contexts: &[i64],
    execution: i64,
) -> Result<(), rusqlite::Error> {
    let sql = "INSERT OR IGNORE INTO Association (context_id, execution_id) VALUES (?1, ?2)";
    let mut statement = transaction.prepare(sql)?;
    contexts.iter().try_for_each(|&context| statement.execute([context, execution]).map(drop))
}

/// Makes artifacts belong to contexts.
pub(crate) fn attribute(
    transaction: &Transaction<'_>,
    contexts: &[i64],
    artifacts: impl IntoIterator<Item = ArtifactId>,
) -> Result<(), rusqlite::Error> {
    let sql = "INSERT OR IGNORE INTO Attribution (context_id, artifact_id) VALUES (?1, ?2)";
    let mut statement = transaction.prepare(sql)?;
    for artifact in artifacts {
        for &context in contexts {
            statement.execute([context, artifact.0])?;
        }
    }
    Ok(())
}
