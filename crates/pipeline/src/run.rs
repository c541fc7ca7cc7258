//! The runner: ready nodes in parallel, each after all that it reads.

mod execute;
mod publish;
mod schedule;

use std::fs;
use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use artifact::{Ledger, RunState};
use base::IoError;
use dataflow::Engine;

use crate::error::RunError;
use crate::lock::Lock;
use crate::pipeline::Pipeline;
use crate::recover::{recover, remove_dir, staging_dir};
use crate::report::{Observer, RunReport};

/// What a run needs besides the pipeline.
#[derive(Clone, Copy)]
pub struct RunOptions<'a> {
    /// The folder for artifacts; made if need be. Artifacts are written down with this path before theirs, so
    /// give an absolute one.
    pub root: &'a Path,
    /// Where relative paths in the file start: its folder. Components write down what they made from it, so give
    /// an absolute one.
    pub base_dir: &'a Path,
    /// A name for this run that no other run has.
    pub run: &'a str,
    /// Where runs, executions and artifacts are written down.
    pub ledger: &'a dyn Ledger,
    /// For folds and maps. It should stop when `cancel` becomes true.
    pub engine: &'a dyn Engine,
    /// Hears how the run goes.
    pub observer: &'a dyn Observer,
    /// When this becomes true, nodes at work are asked to stop and no others begin.
    pub cancel: &'a AtomicBool,
    /// Whether what is there already is taken; otherwise everything is done again.
    pub use_cache: bool,
    /// How many nodes run at the same time.
    pub max_parallel_nodes: NonZeroUsize,
    /// The clock, in milliseconds since 1970.
    pub now_ms: &'a (dyn Fn() -> i64 + Sync),
}

/// Runs a pipeline. What a node does wrong is in the report; the nodes that do not depend on it go on.
///
/// First tidies up after runs that were killed. Whatever happens, an artifact is there whole, with its row in the
/// ledger, or not at all; run again to go on where this one stopped.
///
/// # Errors
///
/// [`RunError`] when the run could not begin: it is running already, or root or ledger cannot be used. When all
/// nodes did their work but the end of the run could not be written down, that too.
pub fn run(pipeline: &Pipeline, options: &RunOptions<'_>) -> Result<RunReport, RunError> {
    let began_ms = (options.now_ms)();
    fs::create_dir_all(options.root).map_err(IoError::at("create", options.root))?;
    let lock = Lock::acquire(options.root, &pipeline.name, options.run)?;
    recover(options.root, &pipeline.name, options.ledger, began_ms)?;
    options.ledger.begin_run(&pipeline.name, options.run, began_ms)?;

    let nodes = schedule::schedule(pipeline, options, began_ms);
    let state = RunReport::state_of(&nodes, options.cancel.load(Ordering::Relaxed));

    // Leftovers take nothing but room: the next run removes them.
    let _ = remove_dir(&staging_dir(options.root, &pipeline.name));
    let ended_ms = (options.now_ms)();
    let finished = options.ledger.finish_run(&pipeline.name, options.run, state, ended_ms);
    drop(lock);
    // A disk that is full fails nodes first; their errors say more, and the next run tidies up.
    if state != RunState::Failed {
        finished?;
    }
    Ok(RunReport {
        run: options.run.to_owned(),
        pipeline: pipeline.name.clone(),
        state,
        nodes,
        duration: between(began_ms, ended_ms),
    })
}

fn between(began_ms: i64, ended_ms: i64) -> Duration {
    Duration::from_millis(u64::try_from(ended_ms - began_ms).unwrap_or(0))
}
