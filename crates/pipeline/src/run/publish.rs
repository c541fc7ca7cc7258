//! A node's outputs: written where nobody looks, then put in place together with their rows.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use artifact::{Artifact, ExecutionId, NewArtifact, Outcome, Output, Properties};
use base::publish::{measure_tree, publish_dir};
use base::{IoError, digest_tree};

use crate::cache::{NUM_BYTES, NUM_FILES};
use crate::error::NodeError;
use crate::recover::{output_dir, remove_dir, remove_outputs, staging_dir};
use crate::run::execute::{Task, closing_properties};

/// Empty folders for a node's outputs; removed when dropped, with what was not published.
pub(super) struct Staging {
    dir: PathBuf,
    outputs: BTreeMap<String, PathBuf>,
}

impl Staging {
    pub(super) fn create(task: &Task<'_>, id: ExecutionId) -> Result<Self, IoError> {
        let root = task.options.root;
        let dir = staging_dir(root, &task.pipeline.name).join(id.to_string());
        // An execution that has just begun owns these places; the ledger may have lost what came before.
        remove_dir(&dir)?;
        remove_outputs(root, &task.node().id, id)?;
        let mut staging = Self { dir, outputs: BTreeMap::new() };
        for output in task.node().component.outputs() {
            let path = staging.dir.join(output.key);
            fs::create_dir_all(&path).map_err(IoError::at("create", &path))?;
            staging.outputs.insert(output.key.to_owned(), path);
        }
        Ok(staging)
    }

    /// Returns the folder of each output, by key.
    pub(super) fn dirs(&self) -> &BTreeMap<String, PathBuf> {
        &self.outputs
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        // What stays is removed at the end of the run, or when the next one begins.
        let _ = remove_dir(&self.dir);
    }
}

/// Publishes all outputs of a node; see `recover.rs` for why a crash at any moment does no harm.
pub(super) fn publish(
    task: &Task<'_>,
    id: ExecutionId,
    staging: &Staging,
    outcome: &Outcome,
) -> Result<BTreeMap<String, Vec<Artifact>>, NodeError> {
    let node = task.node();
    let ports = node.component.outputs();
    if let Some(unknown) =
        outcome.properties.keys().find(|key| ports.iter().all(|port| port.key != **key))
    {
        let (component, output) = (node.component.name(), (*unknown).to_owned());
        return Err(NodeError::UnknownOutput { component, output });
    }
    let mut outputs = Vec::new();
    for port in ports {
        outputs.push(describe(task, id, port, &staging.outputs[port.key], outcome)?);
    }
    for output in &outputs {
        publish_dir(&staging.outputs[output.key], &output.uri)?;
    }
    let closing = closing_properties(&outcome.summary, &outcome.answer);
    let options = task.options;
    let artifacts =
        options.ledger.complete_execution(id, &outputs, &closing, (options.now_ms)())?;
    let keys = outputs.iter().map(|output| output.key.to_owned());
    Ok(keys.zip(artifacts).map(|(key, artifact)| (key, vec![artifact])).collect())
}

fn describe(
    task: &Task<'_>,
    id: ExecutionId,
    port: &'static Output,
    staged: &Path,
    outcome: &Outcome,
) -> Result<NewArtifact<'static>, IoError> {
    let node = task.node();
    let (properties, mut custom_properties) = match outcome.properties.get(port.key) {
        Some(given) => (given.properties.clone(), given.custom_properties.clone()),
        None => (Properties::new(), Properties::new()),
    };
    let (num_files, num_bytes) = measure_tree(staged)?;
    let count = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    let pipeline = task.pipeline.name.as_str();
    let name = format!("{pipeline}:{}:{}:{}:0", task.options.run, node.id, port.key);
    for (key, value) in [
        (Artifact::DIGEST, digest_tree(staged)?.to_string().into()),
        (NUM_FILES, count(num_files).into()),
        (NUM_BYTES, count(num_bytes).into()),
        ("name", name.into()),
        ("producer_component", node.id.as_str().into()),
        ("pipeline_name", pipeline.into()),
    ] {
        custom_properties.insert(key.to_owned(), value);
    }
    Ok(NewArtifact {
        key: port.key,
        artifact_type: port.artifact_type,
        uri: output_dir(task.options.root, &node.id, port.key, id),
        properties,
        custom_properties,
    })
}
