//! What is served, where, and within which limits.

mod completions;
mod file;
mod folder;
mod tracing;
mod units;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

pub use crate::batcher::BatchConfig;
pub use completions::CompletionLimits;
pub use file::{ConfigError, parse_time, read_tokens};
pub use folder::models_in;
pub use tracing::TracingConfig;

/// What is served, where, and within which limits.
#[derive(Clone, Debug, PartialEq)]
pub struct ServeConfig {
    /// Where requests are taken. Every address speaks every protocol: HTTP/1.1 and HTTP/2, REST and gRPC.
    pub addresses: Vec<SocketAddr>,
    /// The models, each under its own name.
    pub models: Vec<ModelConfig>,
    /// How often folders are looked at for versions; once, at the start, where there is no time.
    pub poll: Option<Duration>,
    /// The files of a certificate and its key; then only TLS is spoken.
    pub tls: Option<TlsConfig>,
    /// Bearer tokens, one of which has to come with each request but those for health; none for everybody.
    pub tokens: Vec<String>,
    /// What a request may be.
    pub limits: Limits,
    /// Whether every request is a line of the log, and not only failures of the server.
    pub log_requests: bool,
    /// Where traces are sent; without it, nothing is traced.
    pub tracing: Option<TracingConfig>,
    /// Whether clients may say which models are served, by TensorFlow Serving's `HandleReloadConfigRequest`. Whoever may
    /// ask for predictions may then have any folder loaded that the server can read.
    pub allow_reload: bool,
    /// How many threads serve the network; one for each core where it is not said.
    pub threads: Option<usize>,
}

/// A certificate in files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsConfig {
    /// The chain of certificates, as PEM, the server's first.
    pub certificates: PathBuf,
    /// The key, as PEM.
    pub key: PathBuf,
}

/// One model.
#[derive(Clone, Debug, PartialEq)]
pub struct ModelConfig {
    /// The name under which clients ask for it.
    pub name: String,
    /// The serving directory: a folder for each version, named by its number.
    pub dir: PathBuf,
    /// Which versions are loaded.
    pub policy: VersionPolicy,
    /// Names for versions.
    pub labels: BTreeMap<String, u64>,
    /// How requests are put together.
    pub batching: BatchConfig,
    /// Another version that takes part in the traffic.
    pub challenger: Option<ChallengerConfig>,
    /// Where sampled requests are written.
    pub request_log: Option<RequestLogConfig>,
    /// Of a language model, how much is generated at a time.
    pub completions: CompletionLimits,
}

impl ModelConfig {
    /// Returns a model of which the newest version is served.
    pub fn new(name: impl Into<String>, dir: impl Into<PathBuf>) -> Self {
        Self {
            name: name.into(),
            dir: dir.into(),
            policy: VersionPolicy::default(),
            labels: BTreeMap::new(),
            batching: BatchConfig::default(),
            challenger: None,
            request_log: None,
            completions: CompletionLimits::default(),
        }
    }
}

/// Which versions are loaded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VersionPolicy {
    /// As many as this, the newest.
    Latest(usize),
    /// All that are there.
    All,
    /// Just these.
    Specific(Vec<u64>),
}

impl Default for VersionPolicy {
    fn default() -> Self {
        Self::Latest(1)
    }
}

impl VersionPolicy {
    /// Returns which of the versions that are there are to be loaded; both ascend.
    pub(crate) fn select(&self, found: &[u64]) -> Vec<u64> {
        match self {
            Self::Latest(count) => found[found.len().saturating_sub(*count)..].to_vec(),
            Self::All => found.to_vec(),
            Self::Specific(wanted) => {
                found.iter().copied().filter(|number| wanted.contains(number)).collect()
            }
        }
    }
}

/// A version, by what it is called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VersionChoice {
    /// The newest that is available.
    Newest,
    /// The version of this number.
    Number(u64),
    /// The version that has this label.
    Label(String),
}

/// A version that takes part in the traffic of requests that name no version.
#[derive(Clone, Debug, PartialEq)]
pub struct ChallengerConfig {
    /// Which version. The champion is the newest other one.
    pub version: VersionChoice,
    /// The share of requests that it takes part in, 0 to 1.
    pub share: f64,
    /// Whether its answers are only compared, and the champion's given.
    pub is_shadow: bool,
    /// Up to which distance predictions count as equal.
    pub tolerance: f32,
}

/// Where sampled requests are written.
#[derive(Clone, Debug, PartialEq)]
pub struct RequestLogConfig {
    /// The folder; within, one for each piece of the log.
    pub dir: PathBuf,
    /// The share of requests that is written, 0 to 1.
    pub share: f64,
    /// Whether the answers stand beside the features.
    pub has_predictions: bool,
    /// After how many rows a piece is finished.
    pub max_rows: u64,
    /// After which time it is.
    pub max_age: Duration,
}

/// What a request may be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The largest body of a request, before and after it is decompressed.
    pub max_request_bytes: usize,
    /// The largest head of a request.
    pub max_head_bytes: usize,
    /// The most rows of a request.
    pub max_rows: usize,
    /// The most connections; others wait to be accepted.
    pub max_connections: usize,
    /// The most requests of one HTTP/2 connection at a time.
    pub max_streams: u32,
    /// How long a client may take to send a request.
    pub read_timeout: Duration,
    /// How long a client may take to take what it asked for.
    pub write_timeout: Duration,
    /// How long a request may take, unless it says so itself.
    pub request_timeout: Duration,
    /// How long a connection may be idle.
    pub idle_timeout: Duration,
    /// How long requests may go on once the server is told to end.
    pub drain_timeout: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_request_bytes: 16 << 20,
            max_head_bytes: 16 << 10,
            max_rows: 100_000,
            max_connections: 4096,
            max_streams: 256,
            read_timeout: Duration::from_secs(30),
            write_timeout: Duration::from_secs(30),
            request_timeout: Duration::from_secs(30),
            idle_timeout: Duration::from_secs(120),
            drain_timeout: Duration::from_secs(30),
        }
    }
}

impl Default for ServeConfig {
    /// Returns a server of no models on TensorFlow Serving's ports of the loopback address.
    fn default() -> Self {
        let loopback = |port| SocketAddr::from(([127, 0, 0, 1], port));
        Self {
            addresses: vec![loopback(8501), loopback(8500)],
            models: Vec::new(),
            poll: Some(Duration::from_secs(1)),
            tls: None,
            tokens: Vec::new(),
            limits: Limits::default(),
            log_requests: false,
            tracing: None,
            allow_reload: false,
            threads: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn policies_select_what_they_say() {
        let found = [1, 2, 5, 9];
        assert_eq!(VersionPolicy::default().select(&found), [9]);
        assert_eq!(VersionPolicy::Latest(2).select(&found), [5, 9]);
        assert_eq!(VersionPolicy::Latest(9).select(&found), found);
        assert_eq!(VersionPolicy::Latest(1).select(&[]), [0; 0]);
        assert_eq!(VersionPolicy::All.select(&found), found);
        assert_eq!(VersionPolicy::Specific(vec![9, 2, 7]).select(&found), [2, 9]);
    }
}
