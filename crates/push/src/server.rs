//! A server that runs: it takes the version, or keeps the one before.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use client::{Client, Proxies};
use serde_json::Value;

use crate::webhook::pause;
use crate::{PushError, Pushed, push, withdraw};

/// The largest answer that is read.
const MAX_ANSWER_BYTES: usize = 1 << 20;

/// Until when a question has to be answered.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);

const LOOK_EVERY: Duration = Duration::from_millis(50);

/// A server that watches a serving directory.
#[derive(Clone, PartialEq, Eq)]
pub struct RunningServer {
    /// The serving directory that it watches, as it is reached from here.
    pub directory: PathBuf,
    /// Where it answers TensorFlow Serving's REST requests, such as `http://127.0.0.1:8501`.
    pub url: String,
    /// The model's name there.
    pub model: String,
    /// The bearer token that it wants.
    pub token: Option<String>,
    /// How long it may take until the version answers.
    pub timeout: Duration,
}

/// Makes a model's folder the newest version of a directory that a server watches, and waits until it answers there.
///
/// When the server cannot load it, or does not in time, the version is taken away again: the server goes on with the one
/// before, and so does one that starts later. A version that was there before is left.
///
/// # Errors
///
/// [`PushError::NotTaken`] with the server's reason, or as [`push`].
pub(crate) fn push_to_server(
    model_dir: &Path,
    server: &RunningServer,
    now_seconds: u64,
    is_cancelled: &dyn Fn() -> bool,
) -> Result<Pushed, PushError> {
    let client = Client::new(REQUEST_TIMEOUT, MAX_ANSWER_BYTES, Proxies::for_url(&server.url))?;
    let asked = Asked { client, server };
    let pushed = push(model_dir, &server.directory, now_seconds)?;
    let failed = match asked.wait(pushed.version, is_cancelled) {
        Ok(()) => return Ok(pushed),
        Err(failed) => failed,
    };
    if pushed.is_new {
        withdraw(&pushed.dir)?;
    }
    Err(match failed {
        NotThere::Cancelled => PushError::Cancelled,
        NotThere::Reason(reason) => PushError::NotTaken {
            url: server.url.clone(),
            version: pushed.version,
            reason,
            goes_on: asked.available().filter(|version| *version != pushed.version),
            is_withdrawn: pushed.is_new,
        },
    })
}

/// Why a version does not answer.
enum NotThere {
    Cancelled,
    Reason(String),
}

struct Asked<'a> {
    client: Client,
    server: &'a RunningServer,
}

impl Asked<'_> {
    fn wait(&self, version: u64, is_cancelled: &dyn Fn() -> bool) -> Result<(), NotThere> {
        let path = format!("/v1/models/{}/versions/{version}", self.server.model);
        let began = Instant::now();
        loop {
            // One that has not looked at its folder yet does not know the version; one that restarts does not answer.
            let last = match self.status(&path) {
                Err(reason) => reason,
                Ok((401 | 403, text)) => {
                    return Err(NotThere::Reason(format!("the server wants a token: {text}")));
                }
                Ok((200, text)) => match state(&text) {
                    Some((state, _)) if state == "AVAILABLE" => return Ok(()),
                    Some((state, reason)) if state == "END" => {
                        let reason = if reason.is_empty() { "it was unloaded" } else { &reason };
                        return Err(NotThere::Reason(reason.to_owned()));
                    }
                    Some((state, _)) => format!("its state is {state}"),
                    None => format!("an answer that is none of a model server's: {text}"),
                },
                Ok((status, text)) => format!("status {status}: {text}"),
            };
            if began.elapsed() >= self.server.timeout {
                let seconds = self.server.timeout.as_secs_f64();
                return Err(NotThere::Reason(format!("not available within {seconds} s: {last}")));
            }
            pause(LOOK_EVERY, is_cancelled).map_err(|_| NotThere::Cancelled)?;
        }
    }

    /// Returns the version that answers, if one does.
    fn available(&self) -> Option<u64> {
        let (_, text) = self.status(&format!("/v1/models/{}", self.server.model)).ok()?;
        let body: Value = serde_json::from_str(&text).ok()?;
        let versions = body["model_version_status"].as_array()?;
        let version = versions.iter().find(|version| version["state"] == "AVAILABLE")?;
        version["version"].as_str()?.parse().ok()
    }

    fn status(&self, path: &str) -> Result<(u16, String), String> {
        let url = format!("{}{path}", self.server.url.trim_end_matches('/'));
        let token = self.server.token.as_ref().map(|token| format!("Bearer {token}"));
        let headers: Vec<_> = token.iter().map(|token| ("authorization", token.as_str())).collect();
        let answer = self.client.get(&url, &headers).map_err(|error| error.to_string())?;
        Ok((answer.status, answer.text()))
    }
}

/// Returns the state of the only version of an answer, with the reason where it failed.
fn state(text: &str) -> Option<(String, String)> {
    let body: Value = serde_json::from_str(text).ok()?;
    let version = body["model_version_status"].get(0)?;
    let reason = version["status"]["error_message"].as_str().unwrap_or_default();
    Some((version["state"].as_str()?.to_owned(), reason.to_owned()))
}
