//! A Python module with a `run_fn(fn_args)`, as TFX's Trainer takes it, as a command.

use std::path::Path;

use base::IoError;

use crate::LaunchError;

/// The program that calls `run_fn`.
const RUNNER: &str = include_str!("python/run_fn.py");
const RUNNER_FILE: &str = "cupola_run_fn.py";

/// Returns the command that calls a module's `run_fn`; the program for that is written into `dir`.
///
/// # Errors
///
/// [`LaunchError::Io`] when the disk refuses.
pub fn module_command(python: &str, module: &Path, dir: &Path) -> Result<Vec<String>, LaunchError> {
    let runner = dir.join(RUNNER_FILE);
    std::fs::write(&runner, RUNNER).map_err(IoError::at("write", &runner))?;
    Ok(vec![python.to_owned(), runner.display().to_string(), module.display().to_string()])
}
