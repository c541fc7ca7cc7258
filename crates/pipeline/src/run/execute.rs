//! One node: from the cache, from the ledger, or by its component.

use std::any::Any;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};

use artifact::{
    Answer, Artifact, ArtifactId, ExecutionId, ExecutionState, Executor, Kind, NewExecution,
    Outcome, Progress, Properties, PropertyValue, Resolver, RunContext,
};
use base::render_chain;
use serde_json::Value;

use crate::SUMMARY;
use crate::cache::{
    ANSWER, FileStamps, Hit, Lookup, PARTS, Parts, answer_to_text, look_up, parts_to_text,
    why_not_cached,
};
use crate::error::NodeError;
use crate::pipeline::{Node, Pipeline};
use crate::recover::{keep_dir, remove_outputs};
use crate::report::{NodeResult, NodeState};
use crate::run::publish::{Staging, publish};
use crate::run::schedule::Done;
use crate::run::{RunOptions, between};

/// A node and what it works with.
pub(super) struct Task<'a> {
    pub(super) pipeline: &'a Pipeline,
    pub(super) index: usize,
    pub(super) inputs: BTreeMap<String, Vec<Artifact>>,
    pub(super) options: &'a RunOptions<'a>,
    pub(super) began_ms: i64,
}

/// What a node came to, while it may still fail.
#[derive(Default)]
struct Work {
    summary: String,
    reason: String,
    answer: Answer,
    is_cached: bool,
    execution: Option<ExecutionId>,
    outputs: BTreeMap<String, Vec<Artifact>>,
}

/// Does a node, whatever happens.
pub(super) fn execute(task: &Task<'_>) -> Done {
    let node = task.node();
    let began_ms = (task.options.now_ms)();
    task.options.observer.node_started(&node.id);
    let mut work = Work::default();
    let ended = match node.component.kind() {
        Kind::Executor(executor) => task.run_executor(executor, &mut work),
        Kind::Resolver(resolver) => task.run_resolver(resolver, &mut work),
    };
    let (state, error) = match ended {
        Ok(()) if work.is_cached => (NodeState::Cached, None),
        Ok(()) => (NodeState::Executed, None),
        Err(NodeError::Cancelled) => (NodeState::Cancelled, Some(NodeError::Cancelled)),
        Err(error) => (NodeState::Failed, Some(error)),
    };
    if let Some(error) = &error {
        work.summary = render_chain(error);
        work.answer = Answer::Yes;
        work.outputs.clear();
    }
    let ids = work.outputs.iter().map(|(key, artifacts)| (key.clone(), ids(artifacts)));
    let result = NodeResult {
        node: node.id.clone(),
        component: node.component.name(),
        state,
        summary: work.summary,
        reason: work.reason,
        answer: work.answer,
        error,
        duration: between(began_ms, (task.options.now_ms)()),
        execution: work.execution,
        outputs: ids.collect(),
    };
    Done { result, outputs: work.outputs }
}

impl Task<'_> {
    pub(super) fn node(&self) -> &Node {
        &self.pipeline.nodes[self.index]
    }

    fn run_executor(&self, executor: &dyn Executor, work: &mut Work) -> Result<(), NodeError> {
        let options = self.options;
        let (parts, stamps) = match Parts::read(self.node(), &self.inputs, options.base_dir) {
            Ok(parts) => parts,
            Err(error) => return Err(self.fail_before_run(error, work)),
        };
        let key = parts.key();
        work.reason = if !options.use_cache {
            "the cache is off".to_owned()
        } else if !self.node().cache {
            "cache = false".to_owned()
        } else if let Some(why) = stamps.why_always_run() {
            why.to_owned()
        } else {
            let ledger = options.ledger;
            match look_up(&self.pipeline.name, self.node(), &key, options.base_dir, ledger)? {
                Lookup::Hit(hit) => return self.take(*hit, &key, &parts, work),
                Lookup::Spoiled(why) => why,
                Lookup::Nothing => why_not_cached(self.pipeline, self.node(), &parts, ledger)?,
            }
        };
        let begun = self.new_execution(Some(&key), Some(&parts));
        let id = options.ledger.begin_execution(&begun)?;
        work.execution = Some(id);
        self.run_and_publish(executor, id, &stamps, work).map_err(|error| self.abandon(id, error))
    }

    /// Uses what is there: the same artifacts, and the same answer.
    fn take(&self, hit: Hit, key: &str, parts: &Parts, work: &mut Work) -> Result<(), NodeError> {
        let outputs = hit.outputs.iter().map(|(key, artifacts)| (key.clone(), ids(artifacts)));
        let outputs: BTreeMap<String, Vec<ArtifactId>> = outputs.collect();
        let kept = closing_properties(&hit.summary, &hit.answer);
        let execution = self.new_execution(Some(key), Some(parts));
        work.execution = Some(self.options.ledger.record_cached(&execution, &outputs, &kept)?);
        work.reason = format!("unchanged since run {}", hit.execution.run);
        work.is_cached = true;
        work.summary = hit.summary;
        work.answer = hit.answer;
        work.outputs = hit.outputs;
        Ok(())
    }

    fn run_and_publish(
        &self,
        executor: &dyn Executor,
        id: ExecutionId,
        stamps: &FileStamps,
        work: &mut Work,
    ) -> Result<(), NodeError> {
        let staging = Staging::create(self, id)?;
        let outcome = self.call(executor, &staging)?;
        if let Some(path) = stamps.changed(self.node(), self.options.base_dir)? {
            return Err(NodeError::FileChanged { path });
        }
        work.outputs = publish(self, id, &staging, &outcome)?;
        work.summary = outcome.summary;
        work.answer = outcome.answer;
        Ok(())
    }

    fn call(&self, executor: &dyn Executor, staging: &Staging) -> Result<Outcome, NodeError> {
        let node = self.node();
        let listener = Listener { task: self, was_told: AtomicBool::new(false) };
        let kept = (self.options.use_cache && node.cache)
            .then(|| keep_dir(self.options.root, &self.pipeline.name, &node.id));
        let context = RunContext {
            node: &node.id,
            config: &node.config,
            base_dir: self.options.base_dir,
            inputs: &self.inputs,
            outputs: staging.dirs(),
            keep_dir: kept.as_deref(),
            engine: self.options.engine,
            progress: &listener,
            now_ms: self.began_ms,
        };
        let outcome = self.guard(|| executor.run(&context).map_err(NodeError::Component));
        let is_cancelled = self.options.cancel.load(Ordering::Relaxed);
        match outcome {
            // An error after the user stopped the run is most likely about that; a panic is not.
            Err(NodeError::Component(_)) if is_cancelled => Err(NodeError::Cancelled),
            // It was told to stop and ended without an error: nobody knows how far it got.
            Ok(_) if listener.was_told.load(Ordering::Relaxed) => Err(NodeError::Cancelled),
            outcome => outcome,
        }
    }

    fn run_resolver(&self, resolver: &dyn Resolver, work: &mut Work) -> Result<(), NodeError> {
        let options = self.options;
        work.reason = "looked up in every run".to_owned();
        let (config, name) = (&self.node().config, &self.pipeline.name);
        let resolve = || Ok(resolver.resolve(config, name, &self.inputs, options.ledger)?);
        let mut found = match self.guard(resolve) {
            Ok(found) => found,
            Err(error) => return Err(self.fail_before_run(error, work)),
        };
        found.retain(|_, artifacts| !artifacts.is_empty());
        let begun = self.new_execution(None, None);
        if found.is_empty() {
            work.summary = "found nothing".to_owned();
            let id = options.ledger.begin_execution(&begun)?;
            work.execution = Some(id);
            let closing = closing_properties(&work.summary, &Answer::Yes);
            let now_ms = (options.now_ms)();
            let completed = options.ledger.complete_execution(id, &[], &closing, now_ms);
            completed.map_err(|error| self.abandon(id, error.into()))?;
        } else {
            work.summary = found_summary(&found);
            let outputs = found.iter().map(|(key, artifacts)| (key.clone(), ids(artifacts)));
            let closing = closing_properties(&work.summary, &Answer::Yes);
            let id = options.ledger.record_cached(&begun, &outputs.collect(), &closing)?;
            work.execution = Some(id);
        }
        work.outputs = found;
        Ok(())
    }

    /// Calls a component; its panic is an error of the node and not the end of the run.
    fn guard<T>(&self, call: impl FnOnce() -> Result<T, NodeError>) -> Result<T, NodeError> {
        catch_unwind(AssertUnwindSafe(call)).unwrap_or_else(|panic| {
            let component = self.node().component.name();
            Err(NodeError::Panicked { component, message: panic_message(panic.as_ref()) })
        })
    }

    fn new_execution<'t>(
        &'t self,
        key: Option<&'t str>,
        parts: Option<&Parts>,
    ) -> NewExecution<'t> {
        let node = self.node();
        let mut custom_properties = Properties::new();
        if let Some(parts) = parts {
            custom_properties.insert(PARTS.to_owned(), parts_to_text(parts).into());
        }
        NewExecution {
            pipeline: &self.pipeline.name,
            run: self.options.run,
            node: &node.id,
            type_name: node.component.execution_type(),
            cache_key: key,
            properties: config_properties(&node.config),
            custom_properties,
            inputs: self
                .inputs
                .iter()
                .map(|(key, artifacts)| (key.clone(), ids(artifacts)))
                .collect(),
            now_ms: (self.options.now_ms)(),
        }
    }

    /// Writes down a node that failed before there was anything to run.
    fn fail_before_run(&self, error: NodeError, work: &mut Work) -> NodeError {
        match self.options.ledger.begin_execution(&self.new_execution(None, None)) {
            Ok(id) => {
                work.execution = Some(id);
                self.abandon(id, error)
            }
            Err(_) => error,
        }
    }

    /// Takes back what the node may have published and writes down why it did not work.
    ///
    /// Where that fails too, the execution stays RUNNING and the next run tidies up; the first error is the one
    /// to be told.
    fn abandon(&self, id: ExecutionId, error: NodeError) -> NodeError {
        let options = self.options;
        let state = match error {
            NodeError::Cancelled => ExecutionState::Canceled,
            _ => ExecutionState::Failed,
        };
        if remove_outputs(options.root, &self.node().id, id).is_ok() {
            let reason = render_chain(&error);
            let _ = options.ledger.abandon_execution(id, state, &reason, (options.now_ms)());
        }
        error
    }
}

/// Hands progress on, and remembers whether the node was told to stop.
struct Listener<'a> {
    task: &'a Task<'a>,
    was_told: AtomicBool,
}

impl Progress for Listener<'_> {
    fn report(&self, done: u64, total: u64, message: &str) {
        self.task.options.observer.node_progress(&self.task.node().id, done, total, message);
    }

    fn is_cancelled(&self) -> bool {
        let is_cancelled = self.task.options.cancel.load(Ordering::Relaxed);
        if is_cancelled {
            self.was_told.store(true, Ordering::Relaxed);
        }
        is_cancelled
    }
}

/// Returns what is written down when an execution is done.
pub(super) fn closing_properties(summary: &str, answer: &Answer) -> Properties {
    let mut properties = Properties::from([(SUMMARY.to_owned(), summary.into())]);
    if let Some(text) = answer_to_text(answer) {
        properties.insert(ANSWER.to_owned(), text.into());
    }
    properties
}

fn ids(artifacts: &[Artifact]) -> Vec<ArtifactId> {
    artifacts.iter().map(|artifact| artifact.id).collect()
}

fn found_summary(found: &BTreeMap<String, Vec<Artifact>>) -> String {
    let all = found.values().flatten();
    let names: Vec<_> =
        all.map(|artifact| format!("{} {}", artifact.type_name, artifact.id)).collect();
    format!("found {}", names.join(", "))
}

fn panic_message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "no message".to_owned())
}

/// Returns the node's own keys as properties of its execution.
fn config_properties(config: &Value) -> Properties {
    let keys = config.as_object().into_iter().flatten();
    keys.map(|(key, value)| (key.clone(), property(value))).collect()
}

fn property(value: &Value) -> PropertyValue {
    match value {
        Value::String(text) => text.as_str().into(),
        other => other.to_string().into(),
    }
}
