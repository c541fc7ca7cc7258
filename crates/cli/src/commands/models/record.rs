//! Writes down a push that no pipeline made.

use std::collections::BTreeMap;
use std::path::Path;

use artifact::{
    Artifact, ExecutionState, Ledger, NewArtifact, NewExecution, Properties, RunState, types,
};
use base::{BoxError, digest_tree, publish};
use push::Pushed;
use serde_json::json;

use super::Push;
use crate::clock::{now_ms, run_id};

/// The key of what was pushed, before and after.
const PUSHED_MODEL: &str = "pushed_model";

/// Writes down that `source` was pushed once more: a run with one execution, whose folder says the same.
pub(super) fn record(
    what: &'static str,
    source: &Push,
    pushed: &Pushed,
    root: &Path,
    ledger: &dyn Ledger,
) -> Result<(), BoxError> {
    let run = run_id();
    let pipeline = source.pipeline.as_str();
    ledger.begin_run(pipeline, &run, now_ms())?;
    let execution = NewExecution {
        pipeline,
        run: &run,
        node: what,
        type_name: "cupola.models",
        cache_key: None,
        properties: Properties::new(),
        custom_properties: Properties::new(),
        inputs: BTreeMap::from([(PUSHED_MODEL.to_owned(), vec![source.artifact.id])]),
        now_ms: now_ms(),
    };
    let id = ledger.begin_execution(&execution)?;
    let folder = root.join(what).join(PUSHED_MODEL).join(id.to_string());
    let completed = publish_record(&folder, pushed).and_then(|digest| {
        let destination = pushed.dir.display().to_string();
        let custom_properties = Properties::from([
            ("pushed".to_owned(), 1.into()),
            ("pushed_destination".to_owned(), destination.into()),
            ("pushed_version".to_owned(), pushed.version.to_string().into()),
            ("name".to_owned(), format!("{pipeline}:{run}:{what}:{PUSHED_MODEL}:0").into()),
            (Artifact::DIGEST.to_owned(), digest.into()),
        ]);
        let output = NewArtifact {
            key: PUSHED_MODEL,
            artifact_type: types::PUSHED_MODEL,
            uri: folder.clone(),
            properties: Properties::new(),
            custom_properties,
        };
        ledger.complete_execution(id, &[output], &Properties::new(), now_ms())?;
        Ok(())
    });
    let state = match &completed {
        Ok(()) => RunState::Complete,
        Err(error) => {
            let (state, reason) = (ExecutionState::Failed, error.to_string());
            // The first error is the one to be told.
            let _ = ledger.abandon_execution(id, state, &reason, now_ms());
            RunState::Failed
        }
    };
    ledger.finish_run(pipeline, &run, state, now_ms())?;
    completed
}

/// Publishes the folder of the record and returns the digest of its content.
fn publish_record(folder: &Path, pushed: &Pushed) -> Result<String, BoxError> {
    let content = json!({
        "pushed": true,
        "destination": pushed.dir,
        "version": pushed.version,
    });
    let parent = folder.parent().unwrap_or(folder);
    std::fs::create_dir_all(parent).map_err(base::IoError::at("create", parent))?;
    let staged = publish::temporary_beside(folder);
    std::fs::create_dir(&staged).map_err(base::IoError::at("create", &staged))?;
    publish::write_file(&staged.join("pushed.json"), content.to_string().as_bytes())?;
    publish::publish_dir(&staged, folder)?;
    Ok(digest_tree(folder)?.to_string())
}
