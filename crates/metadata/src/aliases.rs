//! Names for versions: custom properties of a context for each model, and an execution for each change.
//!
//! The context is of type `cupola.model` and has the model's name. Its property `alias:NAME` is what the name stands for,
//! as JSON; the executions that belong to it are the history. Both change in one transaction.

use artifact::{
    Alias, AliasChange, AliasOutcome, ArtifactId, ExecutionId, ExpectedAlias, NewAlias,
    NewExecution, Properties, PropertyValue, RunState,
};
use rusqlite::Transaction;
use serde_json::{Value, json};

use crate::contexts::{associate, find_context, put_context, touch};
use crate::error::Failure;
use crate::properties::{Owner, PropertyReader, put_properties};
use crate::read::ExecutionReader;
use crate::{runs, write};

/// The type of the contexts.
const MODEL: &str = "cupola.model";
/// The type of the executions, as all that `cupola models` writes down.
const EXECUTION: &str = "cupola.models";
/// Their node.
const NODE: &str = "alias";
/// What they read.
const PUSHED_MODEL: &str = "pushed_model";
/// How properties begin.
const PREFIX: &str = "alias:";

/// Returns the names of a model's versions.
pub(crate) fn aliases(transaction: &Transaction<'_>, model: &str) -> Result<Vec<Alias>, Failure> {
    let Some(context) = find_context(transaction, MODEL, model)? else { return Ok(Vec::new()) };
    let (_, properties) = PropertyReader::new(transaction, Owner::Context)?.read(context)?;
    Ok(properties.iter().filter_map(|(name, value)| read(name, value)).collect())
}

/// Returns the changes of a model's names, newest first.
pub(crate) fn changes(
    transaction: &Transaction<'_>,
    model: &str,
) -> Result<Vec<AliasChange>, Failure> {
    let Some(context) = find_context(transaction, MODEL, model)? else { return Ok(Vec::new()) };
    let sql = "SELECT execution_id FROM Association WHERE context_id = ?1 ORDER BY id DESC";
    let ids: Vec<i64> = transaction
        .prepare(sql)?
        .query_map([context], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    let mut reader = ExecutionReader::new(transaction)?;
    let mut changes = Vec::new();
    for id in ids {
        let execution = reader.read(ExecutionId(id))?;
        let custom = &execution.custom_properties;
        let number = |name: &str| custom.get(name)?.as_str()?.parse().ok();
        let Some(name) = custom.get("alias").and_then(PropertyValue::as_str) else { continue };
        changes.push(AliasChange {
            name: name.to_owned(),
            from: number("from_version"),
            to: number("to_version"),
            run: execution.run,
            time_ms: execution.create_time_ms,
        });
    }
    Ok(changes)
}

/// Changes what a name stands for, if it stands for what is expected.
pub(crate) fn set(
    transaction: &Transaction<'_>,
    change: &NewAlias<'_>,
) -> Result<AliasOutcome, Failure> {
    let NewAlias { model, name, to, expected, pipeline, run, now_ms } = change.clone();
    let found = aliases(transaction, model)?.into_iter().find(|alias| alias.name == name);
    let from = found.as_ref().map(|alias| alias.version);
    if let ExpectedAlias::Exactly(expected) = expected
        && expected != from
    {
        return Ok(AliasOutcome::Moved(from));
    }
    if from == to.map(|(version, _)| version) {
        return Ok(AliasOutcome::Same);
    }
    let context = put_context(transaction, MODEL, model, now_ms)?;
    let mut custom =
        Properties::from([("alias".to_owned(), name.into()), ("model".to_owned(), model.into())]);
    // As text: numbers of versions may be larger than what is kept for integers elsewhere.
    let sides = [("from_version", from), ("to_version", to.map(|(version, _)| version))];
    for (side, version) in sides {
        custom.extend(version.map(|version| (side.to_owned(), version.to_string().into())));
    }
    let read = to.map(|(_, artifact)| artifact).or(found.map(|alias| alias.artifact));
    let inputs = read.map(|artifact| (PUSHED_MODEL.to_owned(), vec![artifact]));

    runs::begin_run(transaction, pipeline, run, now_ms)?;
    let execution = NewExecution {
        pipeline,
        run,
        node: NODE,
        type_name: EXECUTION,
        cache_key: None,
        properties: Properties::new(),
        custom_properties: custom,
        inputs: inputs.into_iter().collect(),
        now_ms,
    };
    let id = write::begin_execution(transaction, &execution)?;
    associate(transaction, &[context], id.0)?;
    write::complete_execution(transaction, id, &[], &Properties::new(), now_ms)?;
    runs::finish_run(transaction, pipeline, run, RunState::Complete, now_ms)?;

    let property = format!("{PREFIX}{name}");
    match to {
        Some((version, artifact)) => {
            let value =
                json!({ "version": version, "artifact": artifact, "since_ms": now_ms }).to_string();
            let properties = Properties::from([(property, value.into())]);
            put_properties(transaction, Owner::Context, context, &properties, true)?;
        }
        None => {
            let sql = "DELETE FROM ContextProperty
                       WHERE context_id = ?1 AND name = ?2 AND is_custom_property";
            transaction.execute(sql, (context, property))?;
        }
    }
    touch(transaction, context, now_ms)?;
    Ok(AliasOutcome::Changed(from))
}

/// Reads a property; nothing where it is none of ours.
fn read(name: &str, value: &PropertyValue) -> Option<Alias> {
    let stored: Value = serde_json::from_str(value.as_str()?).ok()?;
    Some(Alias {
        name: name.strip_prefix(PREFIX)?.to_owned(),
        version: stored["version"].as_u64()?,
        artifact: ArtifactId(stored["artifact"].as_i64()?),
        since_ms: stored["since_ms"].as_i64()?,
    })
}
