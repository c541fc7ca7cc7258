//! `kubectl`, the user's own.

use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use base::IoError;
use program::{Process, Program, Streams, last_lines};
use serde_json::Value;

use crate::KubernetesError;

/// How long is waited between two looks at a program that runs.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// How long a program that was asked to end has for it.
const GRACE: Duration = Duration::from_secs(2);

/// How many lines of what it said are shown.
const SHOWN_LINES: usize = 8;

/// The largest output that is read.
const MAX_OUTPUT_BYTES: u64 = 16 << 20;

/// `kubectl` under one context of the user's configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kubectl {
    /// The program, such as `kubectl`.
    pub program: String,
    /// The context: which cluster, as whom.
    pub context: String,
    /// The namespace; the context's own where it is not said.
    pub namespace: Option<String>,
    /// How long a call may take, beside what it waits for.
    pub timeout: Duration,
}

impl Kubectl {
    /// Makes the cluster's objects what the manifest says; what is like that already stays.
    ///
    /// # Errors
    ///
    /// [`KubernetesError`], with the last that `kubectl` said.
    pub fn apply(
        &self,
        manifest: &Path,
        is_cancelled: &dyn Fn() -> bool,
    ) -> Result<String, KubernetesError> {
        if !manifest.is_file() {
            return Err(KubernetesError::NoManifest { path: manifest.to_path_buf() });
        }
        let path = std::path::absolute(manifest).map_err(IoError::at("read", manifest))?;
        let path = path.display().to_string();
        self.run(&["apply", "-f", &path], self.timeout, is_cancelled)
    }

    /// Waits until an object, such as `inferenceservice/taxi`, has a condition, such as `Ready`.
    ///
    /// # Errors
    ///
    /// [`KubernetesError`], as when it has not within `limit`.
    pub fn wait(
        &self,
        object: &str,
        condition: &str,
        limit: Duration,
        is_cancelled: &dyn Fn() -> bool,
    ) -> Result<String, KubernetesError> {
        let condition = format!("--for=condition={condition}");
        let timeout = format!("--timeout={}s", limit.as_secs().max(1));
        let all = limit.saturating_add(self.timeout);
        self.run(&["wait", object, &condition, &timeout], all, is_cancelled)
    }

    /// Returns an object, such as `job/taxi`, as the cluster has it; nothing where there is none.
    ///
    /// # Errors
    ///
    /// [`KubernetesError`].
    pub fn get(
        &self,
        object: &str,
        is_cancelled: &dyn Fn() -> bool,
    ) -> Result<Option<Value>, KubernetesError> {
        let args = ["get", object, "--ignore-not-found", "--output=json"];
        let said = self.run(&args, self.timeout, is_cancelled)?;
        if said.trim().is_empty() {
            return Ok(None);
        }
        let bad = |source| KubernetesError::NotJson { object: object.to_owned(), source };
        serde_json::from_str(&said).map(Some).map_err(bad)
    }

    /// Removes an object with all that belongs to it; one that is not there is no error.
    ///
    /// # Errors
    ///
    /// [`KubernetesError`].
    pub fn delete(&self, object: &str) -> Result<(), KubernetesError> {
        let args = ["delete", object, "--ignore-not-found", "--wait=true"];
        self.run(&args, self.timeout, &|| false).map(drop)
    }

    /// Returns the last lines that the pods with a label, such as `app=taxi`, printed.
    ///
    /// # Errors
    ///
    /// [`KubernetesError`].
    pub fn logs(&self, label: &str, lines: usize) -> Result<String, KubernetesError> {
        let (selector, tail) = (format!("--selector={label}"), format!("--tail={lines}"));
        let args = ["logs", &selector, &tail, "--prefix=true", "--ignore-errors=true"];
        self.run(&args, self.timeout, &|| false)
    }

    fn run(
        &self,
        args: &[&str],
        limit: Duration,
        is_cancelled: &dyn Fn() -> bool,
    ) -> Result<String, KubernetesError> {
        let here = std::env::temp_dir();
        let dir = tempfile::Builder::new().prefix("cupola-").tempdir_in(&here);
        let dir = dir.map_err(IoError::at("create a folder in", &here))?;
        let (out, err) = (dir.path().join("out"), dir.path().join("err"));
        let create = |path: &Path| File::create(path).map_err(IoError::at("write", path));
        let mut command = vec![self.program.clone(), format!("--context={}", self.context)];
        command.extend(self.namespace.iter().map(|namespace| format!("--namespace={namespace}")));
        command.extend(args.iter().map(|arg| (*arg).to_owned()));
        let program = Program { command, dir: dir.path().to_path_buf(), env: Vec::new() };
        let (stdout, stderr) = (Stdio::from(create(&out)?), Stdio::from(create(&err)?));
        let mut process = Process::start(&program, Streams::Logged { stdout, stderr })?;

        let verb = args.first().copied().unwrap_or_default().to_owned();
        let said = |path: &Path| last_lines(path, SHOWN_LINES);
        let began = Instant::now();
        loop {
            if let Some(ended) = process.wait(LOOK_EVERY)? {
                return if ended.is_success() {
                    let mut text = String::new();
                    let file = File::open(&out).map_err(IoError::at("read", &out))?;
                    file.take(MAX_OUTPUT_BYTES)
                        .read_to_string(&mut text)
                        .map_err(IoError::at("read", &out))?;
                    Ok(text)
                } else {
                    let said = said(&err);
                    Err(KubernetesError::Refused { verb, ended: ended.to_string(), said })
                };
            }
            if is_cancelled() {
                process.end(GRACE)?;
                return Err(KubernetesError::Cancelled);
            }
            if began.elapsed() >= limit {
                process.end(GRACE)?;
                return Err(KubernetesError::Slow { verb, limit, said: said(&err) });
            }
        }
    }
}
