//! Tidying up after runs that ended without a word: killed, or the machine went down.
//!
//! The order in which a node is published makes this safe at every moment: (1) the ledger says that the
//! execution runs; (2) outputs are written below `.staging`; (3) each is synced and renamed to
//! `<root>/<node>/<output>/<execution>`; (4) the ledger makes the execution COMPLETE and its outputs LIVE, in
//! one step. Only (4) makes them count. An execution that is still RUNNING while nobody holds the pipeline's
//! lock did not get there: its folders go, and then it is written down as failed. Killed in here, the next run
//! finds the same and does it again.

use std::fs;
use std::path::{Path, PathBuf};

use artifact::{ExecutionId, ExecutionState, Ledger, RunState};
use base::IoError;

use crate::error::RunError;

/// What is written down about an execution that was interrupted.
const INTERRUPTED: &str = "interrupted: the process ended before the node did";

/// Returns the folder below which a pipeline's outputs are written.
pub(crate) fn staging_dir(root: &Path, pipeline: &str) -> PathBuf {
    root.join(".staging").join(pipeline)
}

/// Returns the folder in which a node keeps what saves it work.
pub(crate) fn keep_dir(root: &Path, pipeline: &str, node: &str) -> PathBuf {
    root.join(".kept").join(pipeline).join(node)
}

/// Returns the folder that an output becomes.
pub(crate) fn output_dir(root: &Path, node: &str, key: &str, execution: ExecutionId) -> PathBuf {
    root.join(node).join(key).join(execution.to_string())
}

/// Tidies up after dead runs of a pipeline. The caller holds the pipeline's lock and has not begun to run.
pub(crate) fn recover(
    root: &Path,
    pipeline: &str,
    ledger: &dyn Ledger,
    now_ms: i64,
) -> Result<(), RunError> {
    remove_dir(&staging_dir(root, pipeline))?;
    for execution in ledger.running_executions(pipeline)? {
        remove_outputs(root, &execution.node, execution.id)?;
        ledger.abandon_execution(execution.id, ExecutionState::Failed, INTERRUPTED, now_ms)?;
    }
    for run in ledger.runs(Some(pipeline))? {
        if run.state == RunState::Running {
            ledger.finish_run(pipeline, &run.id, RunState::Failed, now_ms)?;
        }
    }
    Ok(())
}

/// Removes what an execution that is not COMPLETE may have published.
pub(crate) fn remove_outputs(root: &Path, node: &str, id: ExecutionId) -> Result<(), IoError> {
    let dir = root.join(node);
    let entries = match fs::read_dir(&dir) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(IoError::at("read", &dir)(error)),
    };
    for entry in entries {
        let entry = entry.map_err(IoError::at("read", &dir))?;
        remove_dir(&entry.path().join(id.to_string()))?;
    }
    Ok(())
}

/// Removes a folder and what is in it; it need not be there.
pub(crate) fn remove_dir(path: &Path) -> Result<(), IoError> {
    match fs::remove_dir_all(path) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::NotADirectory => Ok(()),
        Err(error) => Err(IoError::at("remove", path)(error)),
    }
}
