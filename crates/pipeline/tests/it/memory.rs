//! A ledger in memory: every call whole or not at all, and a place to interrupt before and after each.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use artifact::{
    Artifact, ArtifactId, ArtifactState, Execution, ExecutionId, ExecutionState, Ledger,
    LedgerError, NewArtifact, NewExecution, Properties, Run, RunState,
};
use base::{Classify, ErrorKind};

/// Everything that is written down.
#[derive(Clone, Default)]
pub(crate) struct State {
    runs: Vec<Run>,
    executions: Vec<(Execution, Option<String>)>,
    artifacts: Vec<(Artifact, String)>,
}

/// Called before (`false`) and after (`true`) each write, with its name.
type Hook = Box<dyn Fn(&str, bool, &State) + Send + Sync>;

/// A ledger in memory.
#[derive(Default)]
pub(crate) struct MemoryLedger {
    state: Mutex<State>,
    hook: Option<Hook>,
    /// Which writes fail: from, to (excluded).
    failing: Option<(usize, usize)>,
    num_writes: Mutex<usize>,
}

/// The disk is full, or so.
#[derive(Debug, thiserror::Error)]
#[error("the store refuses")]
pub(crate) struct Refused;

impl Classify for Refused {
    fn kind(&self) -> ErrorKind {
        ErrorKind::Unavailable
    }
}

impl MemoryLedger {
    pub(crate) fn new(state: State) -> Self {
        Self { state: Mutex::new(state), ..Self::default() }
    }

    pub(crate) fn with_hook(hook: impl Fn(&str, bool, &State) + Send + Sync + 'static) -> Self {
        Self { hook: Some(Box::new(hook)), ..Self::default() }
    }

    pub(crate) fn failing(from: usize, to: usize) -> Self {
        Self { failing: Some((from, to)), ..Self::default() }
    }

    pub(crate) fn state(&self) -> State {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn num_writes(&self) -> usize {
        *self.num_writes.lock().unwrap()
    }

    pub(crate) fn all_executions(&self) -> Vec<Execution> {
        self.state().executions.into_iter().map(|(execution, _)| execution).collect()
    }

    fn write<T>(
        &self,
        name: &str,
        change: impl FnOnce(&mut State) -> Result<T, LedgerError>,
    ) -> Result<T, LedgerError> {
        let mut state = self.state.lock().unwrap();
        let number = {
            let mut num_writes = self.num_writes.lock().unwrap();
            *num_writes += 1;
            *num_writes - 1
        };
        if self.failing.is_some_and(|(from, to)| (from..to).contains(&number)) {
            return Err(LedgerError::Store(Refused.into()));
        }
        if let Some(hook) = &self.hook {
            hook(name, false, &state);
        }
        let mut next = state.clone();
        let result = change(&mut next)?;
        *state = next;
        if let Some(hook) = &self.hook {
            hook(name, true, &state);
        }
        Ok(result)
    }
}

fn not_found(what: &'static str, id: impl ToString) -> LedgerError {
    LedgerError::NotFound { what, id: id.to_string(), ledger: "memory".to_owned() }
}

impl State {
    fn execution_mut(&mut self, id: ExecutionId) -> Result<&mut Execution, LedgerError> {
        let found = self.executions.iter_mut().map(|(execution, _)| execution).find(|e| e.id == id);
        found.ok_or_else(|| not_found("execution", id))
    }

    fn add(&mut self, new: &NewExecution<'_>, state: ExecutionState) -> ExecutionId {
        let id = ExecutionId(i64::try_from(self.executions.len()).unwrap() + 1);
        let execution = Execution {
            id,
            type_name: new.type_name.to_owned(),
            pipeline: new.pipeline.to_owned(),
            run: new.run.to_owned(),
            node: new.node.to_owned(),
            state,
            properties: new.properties.clone(),
            custom_properties: new.custom_properties.clone(),
            inputs: new.inputs.clone(),
            outputs: BTreeMap::new(),
            create_time_ms: new.now_ms,
            last_update_time_ms: new.now_ms,
        };
        self.executions.push((execution, new.cache_key.map(str::to_owned)));
        id
    }
}

impl Ledger for MemoryLedger {
    fn begin_run(&self, pipeline: &str, run: &str, now_ms: i64) -> Result<(), LedgerError> {
        self.write("begin_run", |state| {
            assert!(state.runs.iter().all(|other| other.id != run), "run {run} was there before");
            state.runs.push(Run {
                id: run.to_owned(),
                pipeline: pipeline.to_owned(),
                state: RunState::Running,
                create_time_ms: now_ms,
                last_update_time_ms: now_ms,
            });
            Ok(())
        })
    }

    fn finish_run(
        &self,
        _pipeline: &str,
        run: &str,
        new: RunState,
        now_ms: i64,
    ) -> Result<(), LedgerError> {
        self.write("finish_run", |state| {
            let found = state.runs.iter_mut().find(|other| other.id == run);
            let found = found.ok_or_else(|| not_found("run", run))?;
            found.state = new;
            found.last_update_time_ms = now_ms;
            Ok(())
        })
    }

    fn begin_execution(&self, new: &NewExecution<'_>) -> Result<ExecutionId, LedgerError> {
        self.write("begin_execution", |state| Ok(state.add(new, ExecutionState::Running)))
    }

    fn complete_execution(
        &self,
        id: ExecutionId,
        outputs: &[NewArtifact<'_>],
        custom_properties: &Properties,
        now_ms: i64,
    ) -> Result<Vec<Artifact>, LedgerError> {
        self.write("complete_execution", |state| {
            let mut made = Vec::new();
            for output in outputs {
                assert!(output.uri.is_dir(), "{} is not in its place", output.uri.display());
                let artifact = Artifact {
                    id: ArtifactId(i64::try_from(state.artifacts.len()).unwrap() + 1),
                    type_name: output.artifact_type.name.to_owned(),
                    uri: output.uri.clone(),
                    state: ArtifactState::Live,
                    properties: output.properties.clone(),
                    custom_properties: output.custom_properties.clone(),
                    create_time_ms: now_ms,
                };
                let pipeline = state.execution_mut(id)?.pipeline.clone();
                state.artifacts.push((artifact.clone(), pipeline));
                state.execution_mut(id)?.outputs.insert(output.key.to_owned(), vec![artifact.id]);
                made.push(artifact);
            }
            let execution = state.execution_mut(id)?;
            assert_eq!(execution.state, ExecutionState::Running);
            execution.state = ExecutionState::Complete;
            execution.custom_properties.extend(custom_properties.clone());
            execution.last_update_time_ms = now_ms;
            Ok(made)
        })
    }

    fn abandon_execution(
        &self,
        id: ExecutionId,
        new: ExecutionState,
        reason: &str,
        now_ms: i64,
    ) -> Result<(), LedgerError> {
        self.write("abandon_execution", |state| {
            let execution = state.execution_mut(id)?;
            assert_eq!(execution.state, ExecutionState::Running);
            execution.state = new;
            execution.custom_properties.insert(pipeline::ERROR.to_owned(), reason.into());
            execution.last_update_time_ms = now_ms;
            Ok(())
        })
    }

    fn record_cached(
        &self,
        new: &NewExecution<'_>,
        outputs: &BTreeMap<String, Vec<ArtifactId>>,
        custom_properties: &Properties,
    ) -> Result<ExecutionId, LedgerError> {
        self.write("record_cached", |state| {
            let id = state.add(new, ExecutionState::Cached);
            let execution = state.execution_mut(id)?;
            execution.outputs = outputs.clone();
            execution.custom_properties.extend(custom_properties.clone());
            Ok(id)
        })
    }

    fn executions_by_cache_key(&self, key: &str) -> Result<Vec<Execution>, LedgerError> {
        let done = [ExecutionState::Complete, ExecutionState::Cached];
        let executions = self.state().executions.into_iter().rev();
        let found = executions.filter(|(execution, own)| {
            own.as_deref() == Some(key) && done.contains(&execution.state)
        });
        Ok(found.map(|(execution, _)| execution).collect())
    }

    fn executions_of_node(
        &self,
        pipeline: &str,
        node: &str,
    ) -> Result<Vec<Execution>, LedgerError> {
        let executions = self.all_executions().into_iter().rev();
        Ok(executions.filter(|e| e.pipeline == pipeline && e.node == node).collect())
    }

    fn executions_of_run(&self, run: &str) -> Result<Vec<Execution>, LedgerError> {
        Ok(self.all_executions().into_iter().filter(|e| e.run == run).collect())
    }

    fn running_executions(&self, pipeline: &str) -> Result<Vec<Execution>, LedgerError> {
        let running = |e: &Execution| e.pipeline == pipeline && e.state == ExecutionState::Running;
        Ok(self.all_executions().into_iter().filter(running).collect())
    }

    fn execution(&self, id: ExecutionId) -> Result<Execution, LedgerError> {
        let found = self.all_executions().into_iter().find(|e| e.id == id);
        found.ok_or_else(|| not_found("execution", id))
    }

    fn runs(&self, pipeline: Option<&str>) -> Result<Vec<Run>, LedgerError> {
        let runs = self.state().runs.into_iter().rev();
        Ok(runs.filter(|run| pipeline.is_none_or(|name| run.pipeline == name)).collect())
    }

    fn artifact(&self, id: ArtifactId) -> Result<Artifact, LedgerError> {
        let found = self.state().artifacts.into_iter().find(|(artifact, _)| artifact.id == id);
        found.map(|(artifact, _)| artifact).ok_or_else(|| not_found("artifact", id))
    }

    fn artifacts(
        &self,
        type_name: Option<&str>,
        pipeline: Option<&str>,
    ) -> Result<Vec<Artifact>, LedgerError> {
        let artifacts = self.state().artifacts.into_iter().rev();
        let found = artifacts.filter(|(artifact, own)| {
            type_name.is_none_or(|name| artifact.type_name == name)
                && pipeline.is_none_or(|name| own == name)
        });
        Ok(found.map(|(artifact, _)| artifact).collect())
    }

    fn producer(&self, id: ArtifactId) -> Result<Option<Execution>, LedgerError> {
        let wrote = |e: &Execution| {
            e.state == ExecutionState::Complete
                && e.outputs.values().flatten().any(|out| *out == id)
        };
        Ok(self.all_executions().into_iter().find(wrote))
    }

    fn consumers(&self, id: ArtifactId) -> Result<Vec<Execution>, LedgerError> {
        let reads = |e: &Execution| e.inputs.values().flatten().any(|input| *input == id);
        Ok(self.all_executions().into_iter().filter(reads).collect())
    }
}
