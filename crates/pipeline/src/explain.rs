//! What a run would do, and why. Runs nothing, writes nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use artifact::{
    Answer, Artifact, ArtifactState, ExecutionState, ForeseeContext, Kind, Ledger, LedgerError,
};
use base::render_chain;

use crate::cache::{Lookup, Parts, look_up, why_not_cached};
use crate::pipeline::{Node, Pipeline};
use crate::recover::keep_dir;

/// What explaining needs besides the pipeline.
#[derive(Clone, Copy)]
pub struct ExplainOptions<'a> {
    /// Where outputs would be written, as for a run.
    pub root: &'a Path,
    /// Where relative paths in the file start: its folder.
    pub base_dir: &'a Path,
    /// The ledger; `None` while there is none, because nothing has been run.
    pub ledger: Option<&'a dyn Ledger>,
    /// As for a run.
    pub use_cache: bool,
}

/// What a run would do with a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It would do its work.
    Run,
    /// Its outputs would be taken from the cache.
    Cached,
    /// It would be known only once another node has run.
    Depends,
    /// It would look for its outputs in the ledger, as in every run.
    LookUp,
    /// It would not be run.
    Skip,
}

/// What a run would do with a node, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// The node's id.
    pub node: String,
    /// The component's name.
    pub component: &'static str,
    /// What a run would do.
    pub verdict: Verdict,
    /// Why, one line.
    pub reason: String,
    /// What the node would take from what it kept of earlier runs, and what it would do anew, a line each.
    pub details: Vec<String>,
}

/// What is known about a node's outputs while explaining.
enum Known {
    Outputs(BTreeMap<String, Vec<Artifact>>),
    /// They depend on a node that would run.
    DependsOn {
        node: usize,
        now: BTreeMap<String, Vec<Artifact>>,
        will: Will,
    },
    /// There will be none; why.
    Never(String),
}

/// What becomes of the outputs that are there now.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Will {
    /// Others take their place.
    BeReplaced,
    /// Newer ones are found beside them.
    Grow,
}

/// Inputs by what becomes of them.
#[derive(Default)]
struct Changing {
    replaced: BTreeSet<&'static str>,
    growing: BTreeSet<&'static str>,
}

/// Returns for each node, in the pipeline's order, what a run would do with it and why.
///
/// # Errors
///
/// [`LedgerError`].
pub fn explain(
    pipeline: &Pipeline,
    options: &ExplainOptions<'_>,
) -> Result<Vec<Explanation>, LedgerError> {
    let mut known: Vec<Known> = Vec::new();
    let mut explanations = Vec::new();
    for (index, node) in pipeline.nodes.iter().enumerate() {
        let Explained { verdict, reason, details, outputs } =
            explain_node(pipeline, index, &known, options)?;
        known.push(outputs);
        let (node, component) = (node.id.clone(), node.component.name());
        explanations.push(Explanation { node, component, verdict, reason, details });
    }
    Ok(explanations)
}

/// What is said of a node, and of its outputs.
struct Explained {
    verdict: Verdict,
    reason: String,
    details: Vec<String>,
    outputs: Known,
}

impl Explained {
    fn new(verdict: Verdict, reason: String, outputs: Known) -> Self {
        Self { verdict, reason, details: Vec::new(), outputs }
    }

    fn never(why: String) -> Self {
        Self::new(Verdict::Skip, why.clone(), Known::Never(why))
    }
}

fn explain_node(
    pipeline: &Pipeline,
    index: usize,
    known: &[Known],
    options: &ExplainOptions<'_>,
) -> Result<Explained, LedgerError> {
    let node = &pipeline.nodes[index];
    let run = |reason: String| -> Result<Explained, LedgerError> {
        let now = last_outputs(pipeline, index, options.ledger)?;
        let outputs = Known::DependsOn { node: index, now, will: Will::BeReplaced };
        Ok(Explained::new(Verdict::Run, reason, outputs))
    };
    let sources = node.inputs.values().map(|wire| wire.node).chain(node.gates.iter().copied());
    for source in sources {
        if let Known::Never(why) = &known[source] {
            return Ok(Explained::never(why.clone()));
        }
    }
    if !options.use_cache && matches!(node.component.kind(), Kind::Executor(_)) {
        return run("the cache is off".to_owned());
    }
    if !node.cache {
        return run("cache = false".to_owned());
    }
    let mut inputs = BTreeMap::new();
    let mut waits_for = None;
    let mut changing = Changing::default();
    for (key, wire) in &node.inputs {
        let outputs = match &known[wire.node] {
            Known::Outputs(outputs) => outputs,
            Known::DependsOn { node, now, will } => {
                waits_for = waits_for.or(Some(*node));
                match will {
                    Will::BeReplaced => changing.replaced.insert(*key),
                    Will::Grow => changing.growing.insert(*key),
                };
                now
            }
            Known::Never(_) => continue,
        };
        let artifacts = outputs.get(wire.output).cloned().unwrap_or_default();
        let mut ports = node.component.inputs().iter();
        let is_required = ports.any(|port| port.key == *key && port.required);
        if waits_for.is_none() && artifacts.is_empty() && is_required {
            let source = &pipeline.nodes[wire.node].id;
            return Ok(Explained::never(format!("{source} finds nothing for the input `{key}`")));
        }
        inputs.insert((*key).to_owned(), artifacts);
    }
    if let Some(other) = waits_for {
        return wait(pipeline, index, other, &inputs, &changing, options);
    }
    let Some(ledger) = options.ledger else { return run("never run".to_owned()) };
    if let Kind::Resolver(resolver) = node.component.kind() {
        let found = resolver.resolve(&node.config, &pipeline.name, &inputs, ledger)?;
        let ids: Vec<_> =
            found.values().flatten().map(|artifact| artifact.id.to_string()).collect();
        let reason = match ids.as_slice() {
            [] => "looked up in every run; finds nothing".to_owned(),
            ids => format!("looked up in every run; finds artifact {}", ids.join(", ")),
        };
        return Ok(Explained::new(Verdict::LookUp, reason, Known::Outputs(found)));
    }
    let (parts, stamps) = match Parts::read(node, &inputs, options.base_dir) {
        Ok(parts) => parts,
        Err(error) => return run(format!("would fail: {}", render_chain(&error))),
    };
    let foreseen = |reason: String| {
        let details = foresee(pipeline, index, &inputs, &changing, options);
        Ok(Explained { details, ..run(reason)? })
    };
    if let Some(why) = stamps.why_always_run() {
        return foreseen(why.to_owned());
    }
    match look_up(&pipeline.name, node, &parts.key(), options.base_dir, ledger)? {
        Lookup::Hit(hit) => {
            let outputs = match &hit.answer {
                Answer::No { reason, stop: true, .. } => {
                    Known::Never(format!("{} says no: {reason}", node.id))
                }
                _ => Known::Outputs(hit.outputs),
            };
            let reason = format!("unchanged since run {}", hit.execution.run);
            Ok(Explained::new(Verdict::Cached, reason, outputs))
        }
        Lookup::Spoiled(why) => foreseen(why),
        Lookup::Nothing => foreseen(why_not_cached(pipeline, node, &parts, ledger)?),
    }
}

/// Tells of a node whose inputs another one has yet to make.
fn wait(
    pipeline: &Pipeline,
    index: usize,
    other: usize,
    inputs: &BTreeMap<String, Vec<Artifact>>,
    changing: &Changing,
    options: &ExplainOptions<'_>,
) -> Result<Explained, LedgerError> {
    let node = &pipeline.nodes[index];
    let mut details = Vec::new();
    let mut will = Will::Grow;
    let now = match (node.component.kind(), options.ledger) {
        (Kind::Resolver(resolver), Some(ledger)) if has_required(node, inputs) => {
            let found = resolver.resolve(&node.config, &pipeline.name, inputs, ledger)?;
            resolver.still_found(&node.config, found)
        }
        (Kind::Resolver(_), _) => BTreeMap::new(),
        (Kind::Executor(_), ledger) => {
            details = foresee(pipeline, index, inputs, changing, options);
            will = Will::BeReplaced;
            last_outputs(pipeline, index, ledger)?
        }
    };
    let reason = format!("depends on {}, which runs", pipeline.nodes[other].id);
    let outputs = Known::DependsOn { node: other, now, will };
    Ok(Explained { verdict: Verdict::Depends, reason, details, outputs })
}

/// Returns what a node says that it would take from what it kept.
fn foresee(
    pipeline: &Pipeline,
    index: usize,
    inputs: &BTreeMap<String, Vec<Artifact>>,
    changing: &Changing,
    options: &ExplainOptions<'_>,
) -> Vec<String> {
    let node = &pipeline.nodes[index];
    let Kind::Executor(executor) = node.component.kind() else { return Vec::new() };
    if !has_required(node, inputs) {
        return Vec::new();
    }
    let kept = keep_dir(options.root, &pipeline.name, &node.id);
    let context = ForeseeContext {
        config: &node.config,
        base_dir: options.base_dir,
        inputs,
        replaced: &changing.replaced,
        growing: &changing.growing,
        keep_dir: Some(&kept),
    };
    executor
        .foresee(&context)
        .unwrap_or_else(|error| vec![format!("what is kept cannot be told: {error}")])
}

/// Returns whether there is something behind all inputs that a node cannot do without.
fn has_required(node: &Node, inputs: &BTreeMap<String, Vec<Artifact>>) -> bool {
    let is_there = |key: &str| inputs.get(key).is_some_and(|artifacts| !artifacts.is_empty());
    node.component.inputs().iter().all(|port| !port.required || is_there(port.key))
}

/// Returns what is there of a node's outputs from the last time that it was done.
fn last_outputs(
    pipeline: &Pipeline,
    index: usize,
    ledger: Option<&dyn Ledger>,
) -> Result<BTreeMap<String, Vec<Artifact>>, LedgerError> {
    let Some(ledger) = ledger else { return Ok(BTreeMap::new()) };
    let history = ledger.executions_of_node(&pipeline.name, &pipeline.nodes[index].id)?;
    let last = history.into_iter().find(|execution| {
        matches!(execution.state, ExecutionState::Complete | ExecutionState::Cached)
    });
    let mut outputs = BTreeMap::new();
    for (key, ids) in last.into_iter().flat_map(|execution| execution.outputs) {
        let mut artifacts = Vec::with_capacity(ids.len());
        for id in ids {
            let artifact = ledger.artifact(id)?;
            if artifact.state == ArtifactState::Live && artifact.uri.is_dir() {
                artifacts.push(artifact);
            }
        }
        outputs.insert(key, artifacts);
    }
    Ok(outputs)
}
