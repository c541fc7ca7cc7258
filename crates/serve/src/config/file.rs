//! The server's file: TOML, every key known, every mistake with its line.

use std::collections::BTreeMap;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use base::{Classify, ErrorKind, IoError};
use serde::Deserialize;

use super::completions::CompletionsTable;
use super::units::{Bytes, Time};
use super::{
    BatchConfig, ChallengerConfig, Limits, ModelConfig, RequestLogConfig, ServeConfig, TlsConfig,
    TracingConfig, VersionChoice, VersionPolicy,
};

/// Why a server's file is not one.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each message names its fields")]
pub enum ConfigError {
    /// The file could not be read.
    #[error(transparent)]
    Io(#[from] IoError),

    /// Not TOML, an unknown key, or a value of another type.
    #[error("{}: {source}", .path.display())]
    Syntax { path: PathBuf, source: Box<toml::de::Error> },

    /// A number out of its range.
    #[error("{}: `{key}`: found {found}, expected {expected}", .path.display())]
    Range { path: PathBuf, key: String, found: String, expected: &'static str },

    /// A variable of the environment that is none.
    #[error("`{name}`: found {found:?}, expected {expected}")]
    Environment { name: String, found: String, expected: &'static str },

    /// No model.
    #[error("{}: no models, expected a table `[models.NAME]` with `dir`", .path.display())]
    NoModels { path: PathBuf },
}

impl Classify for ConfigError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Io(error) => error.kind(),
            Self::Syntax { .. }
            | Self::Range { .. }
            | Self::Environment { .. }
            | Self::NoModels { .. } => ErrorKind::Usage,
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    addresses: Option<Vec<SocketAddr>>,
    poll: Option<Time>,
    token_file: Option<PathBuf>,
    tls: Option<Tls>,
    #[serde(default)]
    limits: LimitsTable,
    #[serde(default)]
    log_requests: bool,
    tracing: Option<Tracing>,
    #[serde(default)]
    allow_reload: bool,
    threads: Option<usize>,
    #[serde(default)]
    models: BTreeMap<String, Model>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Tls {
    certificates: PathBuf,
    key: PathBuf,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Tracing {
    endpoint: String,
    share: Option<f64>,
    service: Option<String>,
    #[serde(default)]
    headers: BTreeMap<String, String>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct LimitsTable {
    max_request_bytes: Option<Bytes>,
    max_head_bytes: Option<Bytes>,
    max_rows: Option<usize>,
    max_connections: Option<usize>,
    max_streams: Option<u32>,
    read_timeout: Option<Time>,
    write_timeout: Option<Time>,
    request_timeout: Option<Time>,
    idle_timeout: Option<Time>,
    drain_timeout: Option<Time>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Model {
    dir: PathBuf,
    versions: Option<Versions>,
    #[serde(default)]
    labels: BTreeMap<String, u64>,
    #[serde(default)]
    batching: Batching,
    challenger: Option<Challenger>,
    request_log: Option<RequestLog>,
    #[serde(default)]
    completions: CompletionsTable,
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "expected \"all\", { latest = N } or a list of numbers")]
enum Versions {
    All(AllVersions),
    Latest(Latest),
    Specific(Vec<u64>),
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum AllVersions {
    All,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Latest {
    latest: usize,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Batching {
    max_batch_rows: Option<usize>,
    batch_timeout: Option<Time>,
    max_queued_requests: Option<usize>,
    max_concurrency: Option<usize>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Challenger {
    version: Choice,
    share: f64,
    #[serde(default)]
    shadow: bool,
    tolerance: Option<f32>,
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "expected a number, a label, or \"newest\"")]
enum Choice {
    Number(u64),
    Name(String),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RequestLog {
    dir: PathBuf,
    share: f64,
    #[serde(default)]
    predictions: bool,
    max_rows: Option<u64>,
    max_age: Option<Time>,
}

impl ServeConfig {
    /// Reads a server's file. Relative paths in it begin at its folder.
    ///
    /// # Errors
    ///
    /// [`ConfigError`], with the place in the file.
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        let text = fs::read_to_string(path).map_err(IoError::at("read", path))?;
        Self::parse(path, &text)
    }

    fn parse(path: &Path, text: &str) -> Result<Self, ConfigError> {
        let file: File = toml::from_str(text).map_err(|source| ConfigError::Syntax {
            path: path.to_path_buf(),
            source: Box::new(source),
        })?;
        let base = path.parent().unwrap_or(Path::new(""));
        let context = Context { path, base };
        if file.models.is_empty() {
            return Err(ConfigError::NoModels { path: path.to_path_buf() });
        }
        let defaults = Self::default();
        let models = file.models.into_iter().map(|(name, model)| context.model(name, model));
        let tokens = match file.token_file {
            None => Vec::new(),
            Some(file) => read_tokens(&base.join(file))?,
        };
        let at_base = |tls: Tls| TlsConfig {
            certificates: base.join(tls.certificates),
            key: base.join(tls.key),
        };
        if let Some(0) = file.threads {
            return Err(context.range("threads", 0, "at least 1"));
        }
        Ok(Self {
            addresses: file.addresses.unwrap_or(defaults.addresses),
            models: models.collect::<Result<_, _>>()?,
            poll: file.poll.map_or(defaults.poll, |poll| Some(poll.0)),
            tls: file.tls.map(at_base),
            tokens,
            limits: file.limits.limits(),
            log_requests: file.log_requests,
            tracing: file.tracing.map(|tracing| context.tracing(tracing)).transpose()?,
            allow_reload: file.allow_reload,
            threads: file.threads,
        })
    }
}

/// Reads bearer tokens, one a line; empty lines and what begins with `#` are none.
///
/// # Errors
///
/// [`IoError`] when the file cannot be read.
pub fn read_tokens(path: &Path) -> Result<Vec<String>, IoError> {
    let text = fs::read_to_string(path).map_err(IoError::at("read", path))?;
    let lines =
        text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    Ok(lines.map(str::to_owned).collect())
}

/// Reads a time such as `30s` or `250ms`; nothing where it is none.
pub fn parse_time(text: &str) -> Option<std::time::Duration> {
    Time::parse(text).map(|time| time.0)
}

impl LimitsTable {
    fn limits(self) -> Limits {
        let Limits {
            max_request_bytes,
            max_head_bytes,
            max_rows,
            max_connections,
            max_streams,
            read_timeout,
            write_timeout,
            request_timeout,
            idle_timeout,
            drain_timeout,
        } = Limits::default();
        let bytes = |given: Option<Bytes>, default| given.map_or(default, |bytes| bytes.0);
        let time = |given: Option<Time>, default| given.map_or(default, |time| time.0);
        Limits {
            // Places in texts are numbers of 31 bits.
            max_request_bytes: bytes(self.max_request_bytes, max_request_bytes).min(1 << 30),
            max_head_bytes: bytes(self.max_head_bytes, max_head_bytes),
            max_rows: self.max_rows.unwrap_or(max_rows),
            max_connections: self.max_connections.unwrap_or(max_connections),
            max_streams: self.max_streams.unwrap_or(max_streams),
            read_timeout: time(self.read_timeout, read_timeout),
            write_timeout: time(self.write_timeout, write_timeout),
            request_timeout: time(self.request_timeout, request_timeout),
            idle_timeout: time(self.idle_timeout, idle_timeout),
            drain_timeout: time(self.drain_timeout, drain_timeout),
        }
    }
}

/// The file that is read, for messages and relative paths.
struct Context<'a> {
    path: &'a Path,
    base: &'a Path,
}

impl Context<'_> {
    fn range(&self, key: &str, found: impl ToString, expected: &'static str) -> ConfigError {
        let (path, found) = (self.path.to_path_buf(), found.to_string());
        ConfigError::Range { path, key: key.to_owned(), found, expected }
    }

    fn share(&self, key: &str, share: f64) -> Result<f64, ConfigError> {
        if (0.0..=1.0).contains(&share) {
            return Ok(share);
        }
        Err(self.range(key, share, "a share from 0 to 1"))
    }

    fn tracing(&self, tracing: Tracing) -> Result<TracingConfig, ConfigError> {
        let expected = "a URL such as `http://localhost:4318`";
        let wrong = || self.range("tracing.endpoint", &tracing.endpoint, expected);
        let mut config = TracingConfig::new(&tracing.endpoint).ok_or_else(wrong)?;
        if let Some(share) = tracing.share {
            config.share = self.share("tracing.share", share)?;
        }
        config.service = tracing.service.unwrap_or(config.service);
        config.headers = tracing.headers.into_iter().collect();
        Ok(config)
    }

    fn model(&self, name: String, model: Model) -> Result<ModelConfig, ConfigError> {
        let key = |rest: &str| format!("models.{name}.{rest}");
        let policy = match model.versions {
            None => VersionPolicy::default(),
            Some(Versions::All(AllVersions::All)) => VersionPolicy::All,
            Some(Versions::Latest(Latest { latest: 0 })) => {
                return Err(self.range(&key("versions.latest"), 0, "at least 1"));
            }
            Some(Versions::Latest(Latest { latest })) => VersionPolicy::Latest(latest),
            Some(Versions::Specific(numbers)) => VersionPolicy::Specific(numbers),
        };
        let default = BatchConfig::default();
        let batching = BatchConfig {
            max_batch_rows: model.batching.max_batch_rows.unwrap_or(default.max_batch_rows),
            batch_timeout: model.batching.batch_timeout.map_or(default.batch_timeout, |t| t.0),
            max_queued_requests: model
                .batching
                .max_queued_requests
                .unwrap_or(default.max_queued_requests),
            max_concurrency: model.batching.max_concurrency.unwrap_or(default.max_concurrency),
        };
        if batching.max_concurrency == 0 || batching.max_batch_rows == 0 {
            return Err(self.range(&key("batching"), 0, "at least 1 row and 1 computation"));
        }
        let challenger = match model.challenger {
            None => None,
            Some(challenger) => Some(ChallengerConfig {
                version: match challenger.version {
                    Choice::Number(number) => VersionChoice::Number(number),
                    Choice::Name(name) if name == "newest" => VersionChoice::Newest,
                    Choice::Name(label) => VersionChoice::Label(label),
                },
                share: self.share(&key("challenger.share"), challenger.share)?,
                is_shadow: challenger.shadow,
                tolerance: challenger.tolerance.unwrap_or(1e-6),
            }),
        };
        let request_log = match model.request_log {
            None => None,
            Some(log) => Some(RequestLogConfig {
                dir: self.base.join(log.dir),
                share: self.share(&key("request_log.share"), log.share)?,
                has_predictions: log.predictions,
                max_rows: log.max_rows.unwrap_or(1_000_000),
                max_age: log.max_age.map_or(std::time::Duration::from_secs(3600), |time| time.0),
            }),
        };
        let completions = model
            .completions
            .limits()
            .ok_or_else(|| self.range(&key("completions.max_concurrency"), 0, "1 to 1048576"))?;
        Ok(ModelConfig {
            completions,
            dir: self.base.join(model.dir),
            policy,
            labels: model.labels,
            batching,
            challenger,
            request_log,
            name,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(text: &str) -> String {
        match ServeConfig::parse(Path::new("etc/serve.toml"), text) {
            Ok(config) => format!("{:?}", config.models),
            Err(error) => base::BoxError::from(error).to_string(),
        }
    }

    #[test]
    fn a_full_file_is_read() {
        let text = r#"
            addresses = ["0.0.0.0:8501"]
            poll = "5s"
            log_requests = true
            tracing = { endpoint = "http://collector:4318", share = 0.5, headers = { x = "y" } }
            [tls]
            certificates = "chain.pem"
            key = "/keys/key.pem"
            [limits]
            max_request_bytes = "1MiB"
            request_timeout = "2s"
            [models.taxi]
            dir = "serving/taxi"
            versions = { latest = 2 }
            labels = { stable = 3 }
            batching = { batch_timeout = "2ms", max_concurrency = 1 }
            challenger = { version = "newest", share = 0.1, shadow = true }
            request_log = { dir = "log", share = 0.01 }
        "#;
        let config = ServeConfig::parse(Path::new("etc/serve.toml"), text).unwrap();
        assert_eq!(config.addresses, ["0.0.0.0:8501".parse().unwrap()]);
        assert_eq!(config.limits.max_request_bytes, 1 << 20);
        assert_eq!(config.tls.unwrap().certificates, Path::new("etc/chain.pem"));
        let tracing = config.tracing.unwrap();
        assert_eq!(
            (tracing.endpoint.as_str(), tracing.share),
            ("http://collector:4318/v1/traces", 0.5)
        );
        let [model] = config.models.as_slice() else { panic!("one model") };
        assert_eq!(model.dir, Path::new("etc/serving/taxi"));
        assert_eq!(model.policy, VersionPolicy::Latest(2));
        assert_eq!(model.batching.max_concurrency, 1);
        assert!(model.challenger.as_ref().unwrap().is_shadow);
    }

    #[test]
    fn mistakes_are_said_with_their_place() {
        assert!(said("").contains("no models, expected a table `[models.NAME]`"));
        let unknown = said("[models.taxi]\ndir = \"a\"\nversion = 3\n");
        assert!(unknown.contains("line 3") && unknown.contains("unknown field"), "{unknown}");
        let share =
            said("[models.taxi]\ndir = \"a\"\nrequest_log = { dir = \"b\", share = 2.0 }\n");
        assert_eq!(
            share,
            "etc/serve.toml: `models.taxi.request_log.share`: found 2, expected a share from 0 to 1"
        );
        let zero = said("[models.taxi]\ndir = \"a\"\nversions = { latest = 0 }\n");
        assert!(zero.ends_with("`models.taxi.versions.latest`: found 0, expected at least 1"));
        let url = said("tracing = { endpoint = \"collector\" }\n[models.taxi]\ndir = \"a\"\n");
        assert!(url.ends_with(
            "`tracing.endpoint`: found collector, expected a URL such as `http://localhost:4318`"
        ));
        let time = said("poll = \"5\"\n[models.taxi]\ndir = \"a\"\n");
        assert!(time.contains("expected a time such as"), "{time}");
    }
}
