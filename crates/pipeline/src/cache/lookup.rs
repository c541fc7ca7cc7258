//! Whether a node's outputs are there already, whole.

use std::collections::BTreeMap;
use std::path::Path;

use artifact::{
    Answer, Artifact, ArtifactState, Execution, Ledger, LedgerError, Properties, PropertyValue,
};
use base::publish::measure_tree;

use crate::SUMMARY;
use crate::cache::{ANSWER, NUM_BYTES, NUM_FILES, answer_from_text};
use crate::pipeline::Node;

/// What the cache has for a key.
pub(crate) enum Lookup {
    /// Outputs that can be used.
    Hit(Box<Hit>),
    /// Outputs that cannot be used any more, and why.
    Spoiled(String),
    /// Nothing.
    Nothing,
}

/// An execution that made, or took, the same outputs.
pub(crate) struct Hit {
    pub(crate) execution: Execution,
    pub(crate) outputs: BTreeMap<String, Vec<Artifact>>,
    pub(crate) summary: String,
    pub(crate) answer: Answer,
}

/// Looks for the newest execution with a key whose outputs are still whole.
pub(crate) fn look_up(
    pipeline: &str,
    node: &Node,
    key: &str,
    base_dir: &Path,
    ledger: &dyn Ledger,
) -> Result<Lookup, LedgerError> {
    let mut spoiled = None;
    for execution in ledger.executions_by_cache_key(key)? {
        // What another pipeline pushed to its own place is not pushed to ours.
        if execution.pipeline != pipeline {
            continue;
        }
        match usable(node, execution, base_dir, ledger)? {
            Ok(hit) => return Ok(Lookup::Hit(Box::new(hit))),
            Err(why) => spoiled = spoiled.or(Some(why)),
        }
    }
    Ok(spoiled.map_or(Lookup::Nothing, Lookup::Spoiled))
}

fn usable(
    node: &Node,
    execution: Execution,
    base_dir: &Path,
    ledger: &dyn Ledger,
) -> Result<Result<Hit, String>, LedgerError> {
    let mut outputs = BTreeMap::new();
    for port in node.component.outputs() {
        let Some(ids) = execution.outputs.get(port.key) else {
            return Ok(Err(format!("execution {} has no output `{}`", execution.id, port.key)));
        };
        let mut artifacts = Vec::new();
        for id in ids {
            let artifact = match ledger.artifact(*id) {
                Ok(artifact) => artifact,
                Err(LedgerError::NotFound { .. }) => {
                    return Ok(Err(format!("artifact {id} ({}) is gone from the store", port.key)));
                }
                Err(error) => return Err(error),
            };
            if let Some(why) = damage(&artifact) {
                return Ok(Err(format!("artifact {id} ({}) {why}", port.key)));
            }
            artifacts.push(artifact);
        }
        outputs.insert(port.key.to_owned(), artifacts);
    }
    if let Err(why) = node.component.verify_hit(&node.config, base_dir, &outputs) {
        return Ok(Err(why));
    }
    let text = |name: &str| execution.custom_properties.get(name).and_then(PropertyValue::as_str);
    let summary = text(SUMMARY).unwrap_or_default().to_owned();
    let answer = match text(ANSWER) {
        None => Answer::Yes,
        Some(stored) => match answer_from_text(stored) {
            Some(answer) => answer,
            None => return Ok(Err("its answer was written by a newer version".to_owned())),
        },
    };
    Ok(Ok(Hit { execution, outputs, summary, answer }))
}

/// Returns what is wrong with an artifact, as far as can be seen without reading it.
fn damage(artifact: &Artifact) -> Option<String> {
    if artifact.state != ArtifactState::Live {
        return Some("is no longer live".to_owned());
    }
    if !artifact.uri.is_dir() {
        return Some("is gone from disk".to_owned());
    }
    let Ok((files, bytes)) = measure_tree(&artifact.uri) else {
        return Some("cannot be read".to_owned());
    };
    let differs = |name: &str, found: u64| {
        let stored = number(&artifact.custom_properties, name);
        stored.is_some_and(|stored| u64::try_from(stored) != Ok(found))
    };
    (differs(NUM_FILES, files) || differs(NUM_BYTES, bytes))
        .then(|| "was changed on disk".to_owned())
}

fn number(properties: &Properties, name: &str) -> Option<i64> {
    properties.get(name).and_then(PropertyValue::as_int)
}
