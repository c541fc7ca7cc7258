//! What a run would do, and why. Runs nothing, writes nothing.

use std::collections::BTreeMap;
use std::path::Path;

use artifact::{Answer, Artifact, Kind, Ledger, LedgerError};
use base::render_chain;

use crate::cache::{Lookup, Parts, look_up, why_not_cached};
use crate::pipeline::Pipeline;

/// What explaining needs besides the pipeline.
#[derive(Clone, Copy)]
pub struct ExplainOptions<'a> {
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
}

/// What is known about a node's outputs while explaining.
enum Known {
    Outputs(BTreeMap<String, Vec<Artifact>>),
    /// They depend on a node that would run.
    DependsOn(usize),
    /// There will be none; why.
    Never(String),
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
        let (verdict, reason, outputs) = explain_node(pipeline, index, &known, options)?;
        known.push(outputs);
        let component = node.component.name();
        explanations.push(Explanation { node: node.id.clone(), component, verdict, reason });
    }
    Ok(explanations)
}

fn explain_node(
    pipeline: &Pipeline,
    index: usize,
    known: &[Known],
    options: &ExplainOptions<'_>,
) -> Result<(Verdict, String, Known), LedgerError> {
    let node = &pipeline.nodes[index];
    let run = |reason: String| Ok((Verdict::Run, reason, Known::DependsOn(index)));
    let sources = node.inputs.values().map(|wire| wire.node).chain(node.gates.iter().copied());
    for source in sources {
        if let Known::Never(why) = &known[source] {
            return Ok((Verdict::Skip, why.clone(), Known::Never(why.clone())));
        }
    }
    if !options.use_cache && matches!(node.component.kind(), Kind::Executor(_)) {
        return run("the cache is off".to_owned());
    }
    if !node.cache {
        return run("cache = false".to_owned());
    }
    let mut inputs = BTreeMap::new();
    for (key, wire) in &node.inputs {
        match &known[wire.node] {
            Known::Outputs(outputs) => {
                let artifacts = outputs.get(wire.output).cloned().unwrap_or_default();
                let mut ports = node.component.inputs().iter();
                if artifacts.is_empty() && ports.any(|port| port.key == *key && port.required) {
                    let source = &pipeline.nodes[wire.node].id;
                    let why = format!("{source} finds nothing for the input `{key}`");
                    return Ok((Verdict::Skip, why.clone(), Known::Never(why)));
                }
                inputs.insert((*key).to_owned(), artifacts);
            }
            Known::DependsOn(other) => {
                let reason = format!("depends on {}, which runs", pipeline.nodes[*other].id);
                return Ok((Verdict::Depends, reason, Known::DependsOn(*other)));
            }
            Known::Never(_) => {}
        }
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
        return Ok((Verdict::LookUp, reason, Known::Outputs(found)));
    }
    let (parts, stamps) = match Parts::read(node, &inputs, options.base_dir) {
        Ok(parts) => parts,
        Err(error) => return run(format!("would fail: {}", render_chain(&error))),
    };
    if let Some(why) = stamps.why_always_run() {
        return run(why.to_owned());
    }
    match look_up(&pipeline.name, node, &parts.key(), options.base_dir, ledger)? {
        Lookup::Hit(hit) => {
            let outputs = match &hit.answer {
                Answer::No { reason, stop: true, .. } => {
                    Known::Never(format!("{} says no: {reason}", node.id))
                }
                _ => Known::Outputs(hit.outputs),
            };
            Ok((Verdict::Cached, format!("unchanged since run {}", hit.execution.run), outputs))
        }
        Lookup::Spoiled(why) => run(why),
        Lookup::Nothing => run(why_not_cached(pipeline, node, &parts, ledger)?),
    }
}
