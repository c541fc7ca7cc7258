//! Runs a whole process and says what it took.

use std::io::Read;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use wait4::Wait4;

use crate::Failure;

/// What a process took.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Usage {
    /// From its start to its end.
    pub(crate) wall: Duration,
    /// Of all processors, in its own code and in the system.
    pub(crate) cpu: Duration,
    /// The most memory that it held, in bytes.
    pub(crate) peak_memory: u64,
}

/// Runs a command to its end, and returns what it took.
///
/// # Errors
///
/// When it cannot be started or does not succeed.
pub(crate) fn run(command: &mut Command) -> Result<Usage, Failure> {
    Ok(run_with_output(command)?.0)
}

/// Runs a command to its end, and returns what it took and printed.
///
/// # Errors
///
/// When it cannot be started or does not succeed.
pub(crate) fn run_with_output(command: &mut Command) -> Result<(Usage, String), Failure> {
    command.stdin(Stdio::null()).stdout(Stdio::piped());
    let start = Instant::now();
    let mut child = command.spawn().map_err(|error| format!("{command:?}: {error}"))?;
    let mut printed = String::new();
    if let Some(mut stdout) = child.stdout.take() {
        stdout.read_to_string(&mut printed)?;
    }
    let ended = child.wait4()?;
    let wall = start.elapsed();
    if !ended.status.success() {
        return Err(format!("{command:?} ended with {}", ended.status).into());
    }
    let cpu = ended.rusage.utime + ended.rusage.stime;
    Ok((Usage { wall, cpu, peak_memory: ended.rusage.maxrss }, printed))
}

/// Returns the one in the middle, by time on the clock.
pub(crate) fn median(mut usages: Vec<Usage>) -> Result<Usage, Failure> {
    usages.sort_unstable();
    usages.get(usages.len() / 2).copied().ok_or_else(|| "nothing was measured".into())
}
