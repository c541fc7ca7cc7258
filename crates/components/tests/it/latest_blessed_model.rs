//! Which model is the baseline.

use std::collections::BTreeMap;

use artifact::{
    Artifact, ArtifactId, Component, Execution, ExecutionId, ExecutionState, Kind, Ledger,
    LedgerError, NewArtifact, NewExecution, Properties, Run, RunState,
};
use components::LatestBlessedModel;
use tempfile::TempDir;

use crate::scene::artifact;

/// Artifacts of one pipeline, newest first; a resolver asks for nothing else.
struct Artifacts(Vec<Artifact>);

impl Ledger for Artifacts {
    fn artifacts(
        &self,
        type_name: Option<&str>,
        pipeline: Option<&str>,
    ) -> Result<Vec<Artifact>, LedgerError> {
        assert_eq!(pipeline, Some("taxi"));
        let mut found = self.0.clone();
        found.retain(|artifact| type_name.is_none_or(|name| artifact.type_name == name));
        Ok(found)
    }

    fn begin_run(&self, _: &str, _: &str, _: i64) -> Result<(), LedgerError> {
        unreachable!()
    }

    fn finish_run(&self, _: &str, _: &str, _: RunState, _: i64) -> Result<(), LedgerError> {
        unreachable!()
    }

    fn begin_execution(&self, _: &NewExecution<'_>) -> Result<ExecutionId, LedgerError> {
        unreachable!()
    }

    fn complete_execution(
        &self,
        _: ExecutionId,
        _: &[NewArtifact<'_>],
        _: &Properties,
        _: i64,
    ) -> Result<Vec<Artifact>, LedgerError> {
        unreachable!()
    }

    fn abandon_execution(
        &self,
        _: ExecutionId,
        _: ExecutionState,
        _: &str,
        _: i64,
    ) -> Result<(), LedgerError> {
        unreachable!()
    }

    fn record_cached(
        &self,
        _: &NewExecution<'_>,
        _: &BTreeMap<String, Vec<ArtifactId>>,
        _: &Properties,
    ) -> Result<ExecutionId, LedgerError> {
        unreachable!()
    }

    fn executions_by_cache_key(&self, _: &str) -> Result<Vec<Execution>, LedgerError> {
        unreachable!()
    }

    fn executions_of_node(&self, _: &str, _: &str) -> Result<Vec<Execution>, LedgerError> {
        unreachable!()
    }

    fn executions_of_run(&self, _: &str) -> Result<Vec<Execution>, LedgerError> {
        unreachable!()
    }

    fn running_executions(&self, _: &str) -> Result<Vec<Execution>, LedgerError> {
        unreachable!()
    }

    fn execution(&self, _: ExecutionId) -> Result<Execution, LedgerError> {
        unreachable!()
    }

    fn runs(&self, _: Option<&str>) -> Result<Vec<Run>, LedgerError> {
        unreachable!()
    }

    fn artifact(&self, _: ArtifactId) -> Result<Artifact, LedgerError> {
        unreachable!()
    }

    fn producer(&self, _: ArtifactId) -> Result<Option<Execution>, LedgerError> {
        unreachable!()
    }

    fn consumers(&self, _: ArtifactId) -> Result<Vec<Execution>, LedgerError> {
        unreachable!()
    }
}

fn model(dir: &TempDir, id: i64, digest: &str) -> Artifact {
    let uri = dir.path().join(id.to_string());
    std::fs::create_dir_all(&uri).unwrap();
    let mut model = artifact(id, "Model", uri);
    model.custom_properties.insert(Artifact::DIGEST.to_owned(), digest.into());
    model
}

fn blessing(id: i64, of: i64, blessed: i64) -> Artifact {
    let mut blessing = artifact(id, "ModelBlessing", "nowhere".into());
    blessing.custom_properties.insert("blessed".to_owned(), blessed.into());
    blessing.custom_properties.insert("current_model_id".to_owned(), of.into());
    blessing
}

/// Returns the number of the model that is found for a candidate.
fn resolve(candidate: &Artifact, artifacts: Vec<Artifact>) -> Option<i64> {
    let Kind::Resolver(resolver) = LatestBlessedModel.kind() else { panic!() };
    let inputs = BTreeMap::from([("model".to_owned(), vec![candidate.clone()])]);
    let found = resolver.resolve("taxi", &inputs, &Artifacts(artifacts)).unwrap();
    found["baseline_model"].first().map(|model| model.id.0)
}

#[test]
fn the_newest_blessed_model_is_found_and_never_the_candidate() {
    let dir = tempfile::tempdir().unwrap();
    let (first, second, third) = (model(&dir, 1, "a"), model(&dir, 2, "b"), model(&dir, 3, "c"));
    let candidate = model(&dir, 9, "d");
    assert_eq!(resolve(&candidate, vec![]), None);
    assert_eq!(resolve(&candidate, vec![first.clone()]), None);
    let ledger = vec![
        blessing(13, 3, 0),
        blessing(12, 2, 1),
        blessing(11, 1, 1),
        third,
        second.clone(),
        first,
    ];
    assert_eq!(resolve(&candidate, ledger.clone()), Some(2));
    // The candidate again, under another number.
    assert_eq!(resolve(&model(&dir, 8, "b"), ledger.clone()), Some(1));
    // A model whose folder is gone.
    std::fs::remove_dir(&second.uri).unwrap();
    assert_eq!(resolve(&candidate, ledger), Some(1));
}
