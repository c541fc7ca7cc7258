//! The server as a process: started, waited for, ended.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use base::IoError;
use client::Client;
use program::{Process, Program, Streams};
use serde_json::Value;

use crate::InfraError;
use crate::ask::shortened;
use crate::flaw::Flaw;

/// How often it is looked whether the server has come further.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// How long it has to end when it is not needed any more.
const GRACE: Duration = Duration::from_secs(2);

/// A server that can be started.
#[derive(Clone, Debug)]
pub struct Server {
    /// The program, which serves one model on a free port of the loopback address and prints, as JSON on standard output,
    /// where: `{"serving": {"urls": ["http://127.0.0.1:1234"]}}`.
    pub program: Program,
    /// The model's name in requests.
    pub model: String,
    /// A folder for what it prints: `server.out` and `server.log`, of several tries one behind the other.
    pub log_dir: PathBuf,
}

impl Server {
    /// Returns where the server's standard error is kept.
    pub fn log_path(&self) -> PathBuf {
        self.log_dir.join("server.log")
    }
}

/// A server that runs, and ends with this value.
pub(crate) struct Running<'a> {
    server: &'a Server,
    process: Process,
    out: PathBuf,
    began: Instant,
}

impl<'a> Running<'a> {
    /// Starts the server; it is not waited for.
    pub(crate) fn start(server: &'a Server) -> Result<Self, InfraError> {
        let out = server.log_dir.join("server.out");
        let log = server.log_path();
        let stdout = File::create(&out).map_err(IoError::at("write", &out))?;
        let stderr = File::options().create(true).append(true).open(&log);
        let stderr = stderr.map_err(IoError::at("write", &log))?;
        let streams = Streams::Logged { stdout: stdout.into(), stderr: Stdio::from(stderr) };
        let process = Process::start(&server.program, streams).map_err(InfraError::Program)?;
        Ok(Self { server, process, out, began: Instant::now() })
    }

    /// Waits until the server listens and its model is available; returns its URL and how long that took.
    ///
    /// # Errors
    ///
    /// The inner one is what is wrong with the candidate.
    pub(crate) fn wait(
        &mut self,
        client: &Client,
        limit: Duration,
        is_cancelled: &dyn Fn() -> bool,
    ) -> Result<Result<(String, Duration), Flaw>, InfraError> {
        let mut url = None;
        let mut state = "the server does not say where it listens".to_owned();
        loop {
            if let Some(flaw) = self.died()? {
                return Ok(Err(flaw));
            }
            if is_cancelled() {
                return Err(InfraError::Cancelled);
            }
            if url.is_none() {
                url = url_in(&self.out)?;
            }
            if let Some(url) = &url {
                match self.look(client, url) {
                    Look::Available => return Ok(Ok((url.clone(), self.began.elapsed()))),
                    Look::Failed(flaw) => return Ok(Err(flaw)),
                    Look::Other(said) => state = said,
                }
            }
            if self.began.elapsed() >= limit {
                return Ok(Err(Flaw::NotReady { limit, state }));
            }
            std::thread::sleep(LOOK_EVERY);
        }
    }

    /// Returns how the server ended, if it did.
    pub(crate) fn died(&mut self) -> Result<Option<Flaw>, InfraError> {
        let ended = self.process.ended().map_err(InfraError::Program)?;
        Ok(ended.map(|ended| Flaw::Died { ended: ended.to_string() }))
    }

    /// Ends the server.
    pub(crate) fn end(mut self) -> Result<(), InfraError> {
        self.process.end(GRACE).map(drop).map_err(InfraError::Program)
    }

    fn look(&self, client: &Client, url: &str) -> Look {
        let answer = client.get(&format!("{url}/v1/models/{}", self.server.model), &[]);
        let answer = match answer {
            Ok(answer) => answer,
            Err(error) => return Look::Other(error.to_string()),
        };
        let text = answer.text();
        let said = || format!("status {}: {}", answer.status, shortened(&text));
        let Ok(body) = serde_json::from_slice::<Value>(&answer.body) else {
            return Look::Other(said());
        };
        let Some(version) = body["model_version_status"].get(0) else {
            return Look::Other(said());
        };
        match version["state"].as_str() {
            Some("AVAILABLE") => Look::Available,
            Some("END") => {
                let message = version["status"]["error_message"].as_str().unwrap_or_default();
                Look::Failed(Flaw::NotLoaded { message: message.to_owned() })
            }
            Some(state) => Look::Other(format!("its state is {state}")),
            None => Look::Other(said()),
        }
    }
}

/// What a server says of its model.
enum Look {
    Available,
    Failed(Flaw),
    Other(String),
}

/// Returns the first URL that the server printed, once it has.
fn url_in(path: &Path) -> Result<Option<String>, IoError> {
    let text = fs::read(path).map_err(IoError::at("read", path))?;
    let said: Option<Value> = serde_json::from_slice(&text).ok();
    let url = said.as_ref().and_then(|said| said["serving"]["urls"][0].as_str());
    Ok(url.map(str::to_owned))
}
