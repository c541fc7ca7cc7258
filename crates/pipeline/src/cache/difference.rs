//! What changed since a node was last done.

use artifact::{Execution, ExecutionState, Ledger, LedgerError, PropertyValue};
use serde_json::Value;

use crate::cache::{PARTS, Parts, parts_from_text};
use crate::pipeline::{Node, Pipeline};

/// How many changes are told; the others are counted.
const TOLD: usize = 4;

/// The longest value that is told.
const VALUE_CHARS: usize = 30;

/// Returns why a node that is not in the cache has to run: what changed since it was last done.
pub(crate) fn why_not_cached(
    pipeline: &Pipeline,
    node: &Node,
    parts: &Parts,
    ledger: &dyn Ledger,
) -> Result<String, LedgerError> {
    let history = ledger.executions_of_node(&pipeline.name, &node.id)?;
    let is_done = |execution: &&Execution| {
        matches!(execution.state, ExecutionState::Complete | ExecutionState::Cached)
    };
    let last_parts = history.iter().filter(is_done).find_map(parts_of);
    let Some(last) = last_parts else {
        return Ok(match history.first().map(|execution| execution.state) {
            None => "never run".to_owned(),
            Some(ExecutionState::Failed) => "failed the last time".to_owned(),
            Some(ExecutionState::Canceled) => "was stopped the last time".to_owned(),
            Some(_) => "never finished".to_owned(),
        });
    };
    let mut changes = changes(node, pipeline, &last, parts);
    if changes.is_empty() {
        return Ok("not in the cache".to_owned());
    }
    if changes.len() > TOLD {
        let more = changes.len() - TOLD;
        changes.truncate(TOLD);
        changes.push(format!("and {more} more"));
    }
    Ok(changes.join(", "))
}

fn parts_of(execution: &Execution) -> Option<Parts> {
    let text = execution.custom_properties.get(PARTS).and_then(PropertyValue::as_str)?;
    parts_from_text(text)
}

fn changes(node: &Node, pipeline: &Pipeline, old: &Parts, new: &Parts) -> Vec<String> {
    let mut changes = Vec::new();
    if old.component != new.component {
        changes.push(format!("component {} -> {}", old.component, new.component));
    } else if old.version != new.version {
        changes.push(format!("component version {} -> {}", old.version, new.version));
    }
    for key in union(old.parameters.keys(), new.parameters.keys()) {
        difference(key, old.parameters.get(key), new.parameters.get(key), &mut changes);
    }
    for key in union(old.files.keys(), new.files.keys()) {
        match (old.files.get(key), new.files.get(key)) {
            (Some(old), Some(new)) if old != new => changes.push(format!("file {key} changed")),
            (Some(_), None) => changes.push(format!("file {key} is gone")),
            (None, Some(_)) => changes.push(format!("file {key} is new")),
            _ => {}
        }
    }
    for key in union(old.inputs.keys(), new.inputs.keys()) {
        let none = Vec::new();
        let was = old.inputs.get(key).unwrap_or(&none);
        let is = new.inputs.get(key).unwrap_or(&none);
        if was == is {
            continue;
        }
        let wire = node.inputs.get(key.as_str());
        let from = wire.map_or(String::new(), |w| format!(" (from {})", pipeline.nodes[w.node].id));
        changes.push(match (was.is_empty(), is.is_empty()) {
            (true, false) => format!("input `{key}`{from} was not there before"),
            (false, true) => format!("input `{key}`{from} is no longer there"),
            _ => format!("input `{key}` changed{from}"),
        });
    }
    changes
}

fn union<'a>(
    old: impl Iterator<Item = &'a String>,
    new: impl Iterator<Item = &'a String>,
) -> Vec<&'a String> {
    let mut keys: Vec<&String> = old.chain(new).collect();
    keys.sort_unstable();
    keys.dedup();
    keys
}

/// Goes down into tables, so that the very key that changed is named.
fn difference(path: &str, old: Option<&Value>, new: Option<&Value>, changes: &mut Vec<String>) {
    match (old, new) {
        (Some(old), Some(new)) if old == new && same_order(old, new) => {}
        (Some(Value::Object(old)), Some(Value::Object(new))) => {
            let before = changes.len();
            for key in union(old.keys(), new.keys()) {
                difference(&format!("{path}.{key}"), old.get(key), new.get(key), changes);
            }
            if changes.len() == before {
                changes.push(format!("the order in `{path}` changed"));
            }
        }
        (Some(old), Some(new)) => changes.push(match (short(old), short(new)) {
            (Some(old), Some(new)) => format!("parameter `{path}` changed from {old} to {new}"),
            _ => format!("parameter `{path}` changed"),
        }),
        (Some(_), None) => changes.push(format!("parameter `{path}` is no longer set")),
        (None, Some(new)) => changes.push(match short(new) {
            Some(new) => format!("parameter `{path}` was set to {new}"),
            None => format!("parameter `{path}` was set"),
        }),
        (None, None) => {}
    }
}

/// Equality of tables does not look at order; the cache key does.
fn same_order(old: &Value, new: &Value) -> bool {
    let (old, new) = (old.to_string(), new.to_string());
    old == new
}

fn short(value: &Value) -> Option<String> {
    let text = value.to_string();
    (!value.is_object() && text.chars().count() <= VALUE_CHARS).then_some(text)
}
