//! Which node is next: those that are ready, as many at a time as may be.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::Ordering;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use artifact::{Answer, Artifact};

use crate::pipeline::Pipeline;
use crate::report::{NodeResult, NodeState};
use crate::run::RunOptions;
use crate::run::execute::{Task, execute};

/// Why nodes are not begun once the user stopped the run.
const STOPPED: &str = "the run was stopped";

/// As much as the main thread of a process has.
const STACK_BYTES: usize = 8 << 20;

/// A node that has ended, with the artifacts that others read.
pub(super) struct Done {
    pub(super) result: NodeResult,
    pub(super) outputs: BTreeMap<String, Vec<Artifact>>,
}

/// What can be done about a node.
enum Turn {
    Wait,
    Run(BTreeMap<String, Vec<Artifact>>),
    Skip(String),
}

/// Runs all nodes and returns their results in the pipeline's order.
pub(super) fn schedule(
    pipeline: &Pipeline,
    options: &RunOptions<'_>,
    began_ms: i64,
) -> Vec<NodeResult> {
    let count = pipeline.nodes.len();
    let mut done: Vec<Option<Done>> = (0..count).map(|_| None).collect();
    let mut is_running = vec![false; count];
    let (sender, receiver) = mpsc::channel();
    thread::scope(|scope| {
        loop {
            // Nodes come after what they depend on, so that one pass skips all that has to be skipped.
            for index in 0..count {
                if is_running[index] || done[index].is_some() {
                    continue;
                }
                let num_running = is_running.iter().filter(|running| **running).count();
                match turn(pipeline, index, &done, options) {
                    Turn::Wait => {}
                    Turn::Skip(why) => {
                        let skipped = skip(pipeline, index, why);
                        options.observer.node_finished(&skipped.result);
                        done[index] = Some(skipped);
                    }
                    Turn::Run(_) if num_running >= options.max_parallel_nodes.get() => {}
                    Turn::Run(inputs) => {
                        is_running[index] = true;
                        let task = Task { pipeline, index, inputs, options, began_ms };
                        let sender = sender.clone();
                        let work = move || {
                            let done = catch_unwind(AssertUnwindSafe(|| {
                                let done = execute(&task);
                                task.options.observer.node_finished(&done.result);
                                done
                            }));
                            // The receiver lives until every node has been heard of.
                            let _ = sender.send((index, done));
                        };
                        let name = pipeline.nodes[index].id.clone();
                        thread::Builder::new()
                            .name(name)
                            .stack_size(STACK_BYTES)
                            .spawn_scoped(scope, work)
                            .expect("the machine has a thread for each node that may run");
                    }
                }
            }
            if !is_running.contains(&true) {
                break;
            }
            let Ok((index, ended)) = receiver.recv() else { break };
            is_running[index] = false;
            // What components do wrong is caught earlier; this is a bug of the runner, the ledger or the observer.
            done[index] = Some(ended.unwrap_or_else(|panic| resume_unwind(panic)));
        }
    });
    let results = done.into_iter().enumerate();
    let results = results
        .map(|(index, done)| done.unwrap_or_else(|| skip(pipeline, index, STOPPED.to_owned())));
    results.map(|done| done.result).collect()
}

fn turn(
    pipeline: &Pipeline,
    index: usize,
    done: &[Option<Done>],
    options: &RunOptions<'_>,
) -> Turn {
    let node = &pipeline.nodes[index];
    let sources = node.inputs.values().map(|wire| wire.node).chain(node.gates.iter().copied());
    let mut is_ready = true;
    for source in sources {
        match &done[source] {
            None => is_ready = false,
            Some(ended) => {
                if let Some(why) = holds_back(&ended.result) {
                    return Turn::Skip(why);
                }
            }
        }
    }
    if options.cancel.load(Ordering::Relaxed) {
        return Turn::Skip(STOPPED.to_owned());
    }
    if !is_ready {
        return Turn::Wait;
    }
    let mut inputs = BTreeMap::new();
    for (key, wire) in &node.inputs {
        let outputs = done[wire.node].as_ref().and_then(|ended| ended.outputs.get(wire.output));
        let artifacts = outputs.cloned().unwrap_or_default();
        let is_required =
            node.component.inputs().iter().any(|port| port.key == *key && port.required);
        if artifacts.is_empty() && is_required {
            let source = &pipeline.nodes[wire.node].id;
            return Turn::Skip(format!("{source} found nothing for the input `{key}`"));
        }
        inputs.insert((*key).to_owned(), artifacts);
    }
    Turn::Run(inputs)
}

/// Returns why nodes that depend on this one must not run, if so.
fn holds_back(result: &NodeResult) -> Option<String> {
    let node = &result.node;
    match (result.state, &result.answer) {
        (NodeState::Failed, _) => Some(format!("{node} failed")),
        (NodeState::Cancelled, _) => Some(STOPPED.to_owned()),
        // What kept the other from running keeps this one too.
        (NodeState::Skipped, _) => Some(result.reason.clone()),
        (_, Answer::No { reason, stop: true, .. }) => Some(format!("{node} says no: {reason}")),
        _ => None,
    }
}

fn skip(pipeline: &Pipeline, index: usize, why: String) -> Done {
    let node = &pipeline.nodes[index];
    let result = NodeResult {
        node: node.id.clone(),
        component: node.component.name(),
        state: NodeState::Skipped,
        summary: why.clone(),
        reason: why,
        answer: Answer::Yes,
        error: None,
        duration: Duration::ZERO,
        execution: None,
        outputs: BTreeMap::new(),
    };
    Done { result, outputs: BTreeMap::new() }
}
