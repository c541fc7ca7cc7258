//! Pushes, as they were written down.

use std::path::{Path, PathBuf};

use artifact::{Artifact, Ledger, PropertyValue};
use base::BoxError;
use serde_json::{Value, json};

/// A push as it was written down, to one directory.
pub(super) struct Push {
    pub(super) artifact: Artifact,
    /// The serving directory, or the URL of one in a store.
    pub(super) directory: PathBuf,
    pub(super) version: u64,
    pub(super) pipeline: String,
    pub(super) run: String,
    pub(super) node: String,
    /// The model that was pushed; of a version that was pushed again, that version.
    pub(super) model: Option<i64>,
    /// Whether the version is there still; not known of a store.
    pub(super) is_there: Option<bool>,
}

/// Returns all pushes, newest first.
pub(super) fn pushes(ledger: &dyn Ledger) -> Result<Vec<Push>, BoxError> {
    let mut pushes = Vec::new();
    for artifact in ledger.artifacts(Some("PushedModel"), None)? {
        let places = places(&artifact);
        if places.is_empty() {
            continue;
        }
        let (mut pipeline, mut run, mut node, mut model) = Default::default();
        if let Some(execution) = ledger.producer(artifact.id)? {
            let inputs =
                ["model", "pushed_model"].iter().find_map(|key| execution.inputs.get(*key));
            model = inputs.and_then(|ids| ids.first()).map(|id| id.0);
            (pipeline, run, node) = (execution.pipeline, execution.run, execution.node);
        }
        for (place, version) in places {
            let place = PathBuf::from(place);
            let Some(directory) = place.parent() else { continue };
            pushes.push(Push {
                directory: resolved(directory),
                version,
                pipeline: String::clone(&pipeline),
                run: String::clone(&run),
                node: String::clone(&node),
                model,
                is_there: (!is_url(&place)).then(|| place.join(push::READY).is_file()),
                artifact: artifact.clone(),
            });
        }
    }
    Ok(pushes)
}

/// Returns the versions of a push, each with its number: of one that went to several places, all of them.
fn places(artifact: &Artifact) -> Vec<(String, u64)> {
    let text = |name: &str| artifact.custom_properties.get(name).and_then(PropertyValue::as_str);
    let destinations: Option<Vec<Value>> =
        text("pushed_destinations").and_then(|text| serde_json::from_str(text).ok());
    let Some(destinations) = destinations else {
        let place = text("pushed_destination").map(str::to_owned);
        let version = text("pushed_version").and_then(|version| version.parse().ok());
        return place.zip(version).into_iter().collect();
    };
    let is_directory = |kind: &Value| {
        kind.as_str().is_some_and(|kind| ["directory", "object_store", "server"].contains(&kind))
    };
    let placed = destinations
        .iter()
        .filter(|to| to["state"] == "placed" && is_directory(&to["kind"]))
        .filter_map(|to| Some((to["place"].as_str()?.to_owned(), to["version"].as_u64()?)));
    placed.collect()
}

/// Returns whether a directory is one of a store.
pub(super) fn is_url(path: &Path) -> bool {
    path.to_str().is_some_and(|path| path.contains("://"))
}

/// Returns a path as others that lead to the same place are returned.
pub(super) fn resolved(path: &Path) -> PathBuf {
    if is_url(path) {
        let url = path.to_string_lossy();
        return PathBuf::from(url.trim_end_matches('/'));
    }
    let absolute = || std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf());
    path.canonicalize().unwrap_or_else(|_| absolute())
}

pub(super) fn push_json(push: &Push) -> Value {
    json!({
        "artifact": push.artifact.id,
        "directory": push.directory,
        "version": push.version,
        "pushed_ms": push.artifact.create_time_ms,
        "pipeline": push.pipeline,
        "run": push.run,
        "node": push.node,
        "made_of": push.model,
        "is_there": push.is_there,
    })
}
