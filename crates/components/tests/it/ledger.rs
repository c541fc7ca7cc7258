//! A ledger in memory, as resolvers see it.

use std::collections::BTreeMap;

use artifact::{
    Artifact, ArtifactId, Execution, ExecutionId, ExecutionState, Ledger, LedgerError, NewArtifact,
    NewExecution, Properties, Run, RunState,
};

/// Artifacts of one pipeline, newest first, and the nodes that made them; a resolver asks for nothing else.
pub(crate) struct Artifacts {
    artifacts: Vec<Artifact>,
    producers: BTreeMap<i64, &'static str>,
}

impl Artifacts {
    pub(crate) fn new(artifacts: Vec<Artifact>) -> Self {
        Self { artifacts, producers: BTreeMap::new() }
    }

    pub(crate) fn made_by(mut self, id: i64, node: &'static str) -> Self {
        self.producers.insert(id, node);
        self
    }
}

impl Ledger for Artifacts {
    fn artifacts(
        &self,
        type_name: Option<&str>,
        pipeline: Option<&str>,
    ) -> Result<Vec<Artifact>, LedgerError> {
        assert_eq!(pipeline, Some("taxi"));
        let mut found = self.artifacts.clone();
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

    fn producer(&self, id: ArtifactId) -> Result<Option<Execution>, LedgerError> {
        Ok(self.producers.get(&id.0).map(|node| Execution {
            id: ExecutionId(id.0),
            type_name: String::new(),
            pipeline: "taxi".to_owned(),
            run: String::new(),
            node: (*node).to_owned(),
            state: ExecutionState::Complete,
            properties: Properties::new(),
            custom_properties: Properties::new(),
            inputs: BTreeMap::new(),
            outputs: BTreeMap::new(),
            create_time_ms: 0,
            last_update_time_ms: 0,
        }))
    }

    fn consumers(&self, _: ArtifactId) -> Result<Vec<Execution>, LedgerError> {
        unreachable!()
    }
}
