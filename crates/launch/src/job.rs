//! A job: its workers started, watched, restarted and ended.

use std::fs::{self, File};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use base::{BoxError, IoError};
use program::{Ended, LineReader, Process, Program, Streams, last_lines};

use crate::cluster::{Strategy, Worker, workers};
use crate::{LaunchError, Metrics};

/// How often workers are looked at: a death is noticed within this.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// How many lines of a worker's standard error are shown when it fails.
const SHOWN_LINES: usize = 15;

/// How many warnings of a job are kept: a program that warns at each step says the same again.
const KEPT_WARNINGS: usize = 10;

/// Where a job's standard output and error go, below [`Job::run_dir`].
const LOGS: &str = "logs";

/// What to run.
#[derive(Clone, Debug)]
pub struct Job {
    /// The program that every worker runs.
    pub program: Program,
    /// The workers; one where there is none.
    pub strategy: Option<Strategy>,
    /// Where logs go, and other files of the job's own. It is made if need be.
    pub run_dir: PathBuf,
    /// The file that the program writes metrics to.
    pub metrics_path: PathBuf,
    /// What the job may take.
    pub limits: Limits,
}

/// What a job may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// How long all attempts together may take.
    pub timeout: Option<Duration>,
    /// How long workers have to end after SIGTERM, before they are killed.
    pub grace: Duration,
    /// How many times the job is started again after a worker died.
    pub max_restarts: u32,
}

/// Hears of a job, and may end it.
pub trait Watch {
    /// Called before each attempt, the first of which is 0; to empty what a dead one may have left half-written.
    ///
    /// # Errors
    ///
    /// Whatever makes the attempt futile.
    fn begins(&mut self, attempt: u32) -> Result<(), BoxError> {
        let _ = attempt;
        Ok(())
    }

    /// Called for each line of metrics.
    fn metrics(&mut self, metrics: &Metrics);

    /// Called when a worker died and the job starts again.
    fn restarts(&mut self, restart: &Restart) {
        let _ = restart;
    }

    /// Returns whether the job should end.
    fn is_cancelled(&self) -> bool;
}

/// A worker's death that the job survived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restart {
    /// Which worker.
    pub worker: String,
    /// How it ended.
    pub ended: String,
    /// The last step that was reported before.
    pub step: Option<u64>,
}

/// What a job that is done came to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Launched {
    /// The deaths on the way.
    pub restarts: Vec<Restart>,
    /// The last value of each metric.
    pub metrics: Metrics,
    /// What it warned of, the first ten.
    pub warnings: Vec<String>,
    /// How many lines of the metrics file are none.
    pub num_bad_lines: u64,
}

/// Runs a job to its end.
///
/// All workers run one program, with the variables of [`workers`], and `CUPOLA_ATTEMPT`, the number of the attempt.
/// What they print goes to `logs/<attempt>-<worker>.stdout` and `.stderr` below [`Job::run_dir`], beside what is there
/// from jobs before. When a worker ends with anything but exit code 0, the others are ended too, and all are started
/// again: where the program left off is for its own checkpoints to say.
///
/// # Errors
///
/// [`LaunchError::Worker`] when a worker dies and no restart is left, [`LaunchError::Timeout`],
/// [`LaunchError::Cancelled`]; [`LaunchError::Program`] when a worker does not start, [`LaunchError::Io`] when logs
/// cannot be written. No worker is left in any case.
pub fn launch(job: &Job, watch: &mut dyn Watch) -> Result<Launched, LaunchError> {
    let logs = job.run_dir.join(LOGS);
    fs::create_dir_all(&logs).map_err(IoError::at("create", &logs))?;
    let first_log = next_log(&logs)?;
    let began = Instant::now();
    let mut told = Told::behind(&job.metrics_path);
    for attempt in 0.. {
        watch.begins(attempt).map_err(LaunchError::Watch)?;
        let log = |worker: &str, stream: &str| {
            logs.join(format!("{:03}-{worker}.{stream}", first_log + attempt))
        };
        let death = attempt_once(job, attempt, &log, began, &mut told, watch)?;
        told.hear(watch, true)?;
        let Some((worker, ended)) = death else { return Ok(told.launched) };
        if attempt == job.limits.max_restarts {
            let log = log(&worker, "stderr");
            let stderr = last_lines(&log, SHOWN_LINES);
            let ended = ended.to_string();
            return Err(LaunchError::Worker { worker, ended, restarts: attempt, stderr, log });
        }
        let step = told.launched.metrics.step;
        let restart = Restart { worker, ended: ended.to_string(), step };
        watch.restarts(&restart);
        told.launched.restarts.push(restart);
    }
    unreachable!("attempts end with the last restart")
}

/// Runs all workers once; returns the one that died, if one did.
fn attempt_once(
    job: &Job,
    attempt: u32,
    log: &dyn Fn(&str, &str) -> PathBuf,
    began: Instant,
    told: &mut Told,
    watch: &mut dyn Watch,
) -> Result<Option<(String, Ended)>, LaunchError> {
    let addresses = free_addresses(job.strategy.map_or(0, Strategy::num_addresses))?;
    let mut running = Vec::new();
    for worker in workers(job.strategy, &addresses, attempt) {
        let process = start(job, &worker, attempt, log)?;
        running.push((worker, process));
    }
    loop {
        told.hear(watch, false)?;
        let mut dead = Vec::new();
        let mut is_done = true;
        for (worker, process) in &mut running {
            match process.ended()? {
                Some(ended) if ended.is_success() => {}
                Some(ended) => dead.push((worker.name.clone(), ended)),
                None => is_done &= !worker.decides,
            }
        }
        if !dead.is_empty() {
            end_all(&mut running, job.limits.grace)?;
            // One that was killed is the cause; those that fail because of it say so with an exit code.
            let cause = dead.iter().position(|(_, ended)| ended.code().is_none()).unwrap_or(0);
            return Ok(Some(dead.swap_remove(cause)));
        }
        if is_done {
            end_all(&mut running, job.limits.grace)?;
            return Ok(None);
        }
        if watch.is_cancelled() {
            end_all(&mut running, job.limits.grace)?;
            return Err(LaunchError::Cancelled);
        }
        if let Some(limit) = job.limits.timeout.filter(|limit| began.elapsed() >= *limit) {
            end_all(&mut running, job.limits.grace)?;
            let worker = running.last().map_or("", |(worker, _)| &worker.name);
            let log = log(worker, "stderr");
            let stderr = last_lines(&log, SHOWN_LINES);
            return Err(LaunchError::Timeout { limit, stderr, log });
        }
        std::thread::sleep(LOOK_EVERY);
    }
}

fn start(
    job: &Job,
    worker: &Worker,
    attempt: u32,
    log: &dyn Fn(&str, &str) -> PathBuf,
) -> Result<Process, LaunchError> {
    let mut program = job.program.clone();
    program.env.extend(worker.env.iter().cloned());
    program.env.push(("CUPOLA_ATTEMPT".to_owned(), attempt.to_string()));
    let open = |stream: &str| -> Result<Stdio, IoError> {
        let path = log(&worker.name, stream);
        Ok(File::create(&path).map_err(IoError::at("write", &path))?.into())
    };
    let streams = Streams::Logged { stdout: open("stdout")?, stderr: open("stderr")? };
    Ok(Process::start(&program, streams)?)
}

/// Asks all that still run to end, waits for them together, and kills those that do not.
fn end_all(running: &mut [(Worker, Process)], grace: Duration) -> Result<(), LaunchError> {
    running.iter().for_each(|(_, process)| process.terminate());
    let began = Instant::now();
    for (_, process) in running {
        if process.wait(grace.saturating_sub(began.elapsed()))?.is_none() {
            process.kill()?;
        }
    }
    Ok(())
}

/// Returns addresses of this machine at which nobody listens just now.
fn free_addresses(count: usize) -> Result<Vec<String>, LaunchError> {
    // All are held until all are there, so that no two are the same.
    let held: Result<Vec<_>, _> = (0..count).map(|_| TcpListener::bind("127.0.0.1:0")).collect();
    let held = held.map_err(LaunchError::NoPort)?;
    held.iter()
        .map(|listener| listener.local_addr().map(|address| address.to_string()))
        .collect::<Result<_, _>>()
        .map_err(LaunchError::NoPort)
}

/// Returns the first number that no log has.
fn next_log(logs: &Path) -> Result<u32, IoError> {
    let mut next = 0;
    for entry in fs::read_dir(logs).map_err(IoError::at("read", logs))? {
        let name = entry.map_err(IoError::at("read", logs))?.file_name();
        let number = name.to_str().and_then(|name| name.split_once('-')?.0.parse::<u32>().ok());
        next = next.max(number.map_or(0, |number| number.saturating_add(1)));
    }
    Ok(next)
}

/// What the program has told so far.
pub(crate) struct Told {
    lines: LineReader,
    pub(crate) launched: Launched,
}

impl Told {
    /// Returns what is to be told behind what a file of metrics has already.
    pub(crate) fn behind(metrics_path: &Path) -> Self {
        let known = fs::metadata(metrics_path).map_or(0, |metadata| metadata.len());
        Self { lines: LineReader::new(metrics_path, known), launched: Launched::default() }
    }

    /// Returns what is to be told of all that is in a file of metrics.
    pub(crate) fn all(metrics_path: &Path) -> Self {
        Self { lines: LineReader::new(metrics_path, 0), launched: Launched::default() }
    }

    /// Hands on what is new; at the end of an attempt a last line without its end, too.
    pub(crate) fn hear(&mut self, watch: &mut dyn Watch, is_end: bool) -> Result<(), LaunchError> {
        let mut lines = self.lines.lines()?;
        if is_end {
            lines.extend(self.lines.rest());
        }
        for line in lines.iter().filter(|line| !line.trim().is_empty()) {
            match Metrics::read(line) {
                Some(metrics) => {
                    self.launched.metrics.update(&metrics);
                    let warnings = &mut self.launched.warnings;
                    let has_room = warnings.len() < KEPT_WARNINGS;
                    warnings.extend(metrics.warning.clone().filter(|_| has_room));
                    watch.metrics(&metrics);
                }
                None => self.launched.num_bad_lines += 1,
            }
        }
        Ok(())
    }
}
