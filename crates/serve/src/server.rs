//! The server: started, told to end, ended.

use std::io::{self, Write};
use std::net::{SocketAddr, TcpListener as StdListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use base::{Classify, ErrorKind};
use serde_json::json;
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::Semaphore;

use crate::app::App;
use crate::config::ServeConfig;
use crate::loader::Loader;
use crate::log::{Level, Log};
use crate::memory;
use crate::metrics::ServerMetrics;
use crate::net::{self, Certificates, Connections, TlsError};
use crate::registry::Registry;
use crate::trace::Tracing;

/// Why a server does not start.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each message names its fields")]
pub enum ServeError {
    /// Somebody else has the port, or it may not be had.
    #[error("cannot listen on {address}")]
    Listen { address: SocketAddr, source: io::Error },

    /// The certificate cannot be used.
    #[error(transparent)]
    Tls(#[from] TlsError),

    /// Two models of one name.
    #[error("model `{name}` stands twice")]
    Twice { name: String },

    /// Nothing to serve.
    #[error("no model is given, expected at least one")]
    NoModels,

    /// A name that no request could have.
    #[error("model name {name:?}: expected letters, digits and `.`, `_`, `-`")]
    Name { name: String },

    /// The system has no threads left.
    #[error("cannot start a thread")]
    Thread(#[source] io::Error),
}

impl Classify for ServeError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Listen { source, .. } => match source.kind() {
                io::ErrorKind::AddrInUse => ErrorKind::Conflict,
                io::ErrorKind::AddrNotAvailable => ErrorKind::Usage,
                _ => ErrorKind::Unavailable,
            },
            Self::Tls(error) => error.kind(),
            Self::Twice { .. } | Self::NoModels | Self::Name { .. } => ErrorKind::Usage,
            Self::Thread(_) => ErrorKind::Unavailable,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Listen { source, .. } if source.kind() == io::ErrorKind::AddrInUse => {
                Some("another process has this port; name another one with `--port`".to_owned())
            }
            Self::Listen { source, .. } if source.kind() == io::ErrorKind::PermissionDenied => {
                Some(
                    "ports below 1024 are for administrators; name another one with `--port`"
                        .to_owned(),
                )
            }
            _ => None,
        }
    }
}

/// A server that takes requests, until it is told to end or dropped.
pub struct Server {
    addresses: Vec<SocketAddr>,
    app: Arc<App>,
    connections: Arc<Connections>,
    runtime: Option<Runtime>,
    acceptors: Vec<tokio::task::JoinHandle<()>>,
}

impl Server {
    /// Listens, and begins to load the models; [`is_ready`](Self::is_ready) tells when all of them answer.
    ///
    /// The log is one JSON object a line. The clock gives milliseconds since 1970.
    ///
    /// # Errors
    ///
    /// [`ServeError`]. A model that cannot be loaded is none: it is logged, and tried again.
    pub fn start(
        config: &ServeConfig,
        loader: Arc<dyn Loader>,
        log: Box<dyn Write + Send>,
        clock: fn() -> i64,
    ) -> Result<Self, ServeError> {
        let start = Instant::now();
        memory::keep_little();
        check_names(config.models.iter().map(|model| model.name.as_str()).collect())?;
        let tls = config.tls.as_ref().map(Certificates::load).transpose()?.map(Arc::new);
        let mut listeners = Vec::with_capacity(config.addresses.len());
        for &address in &config.addresses {
            listeners
                .push(listen(address).map_err(|source| ServeError::Listen { address, source })?);
        }
        let metrics = ServerMetrics::default();
        let log = Log::new(log, clock, Arc::clone(&metrics.dropped_log_lines));
        let log = Arc::new(log.map_err(ServeError::Thread)?);

        let models = Registry::start(&config.models, loader, Arc::clone(&log), config.poll);
        let models = models.map_err(ServeError::Thread)?;
        let tracing = config.tracing.as_ref().map(|tracing| {
            Tracing::new(tracing, Arc::clone(&log), Arc::clone(&metrics.dropped_traces))
        });
        let tracing = tracing.transpose().map_err(ServeError::Thread)?;
        let tokens = config.tokens.iter().map(|token| blake3::hash(token.as_bytes())).collect();
        let app = Arc::new(App {
            models,
            limits: config.limits.clone(),
            tokens,
            metrics,
            log: Arc::clone(&log),
            log_requests: config.log_requests,
            allow_reload: config.allow_reload,
            tracing,
            is_draining: AtomicBool::new(false),
            date: ArcSwap::from_pointee(date(clock())),
            first_request: u64::from_le_bytes(first_bytes(blake3::hash(
                format!("{} {}", clock(), std::process::id()).as_bytes(),
            ))),
            num_requests: AtomicU64::new(0),
        });

        let mut builder = Builder::new_multi_thread();
        builder.enable_all().thread_name("serve");
        if let Some(threads) = config.threads {
            builder.worker_threads(threads.max(1));
        }
        let runtime = builder.build().map_err(ServeError::Thread)?;
        let connections = Arc::new(Connections::default());
        let permits = Arc::new(Semaphore::new(config.limits.max_connections));
        let (mut addresses, mut acceptors) = (Vec::new(), Vec::new());
        for (listener, &address) in listeners.into_iter().zip(&config.addresses) {
            let failed = |source| ServeError::Listen { address, source };
            addresses.push(listener.local_addr().map_err(failed)?);
            let _guard = runtime.enter();
            let listener = TcpListener::from_std(listener).map_err(failed)?;
            let (app, connections) = (Arc::clone(&app), Arc::clone(&connections));
            let (permits, tls) = (Arc::clone(&permits), tls.clone());
            acceptors.push(runtime.spawn(net::accept(listener, app, connections, permits, tls)));
        }
        runtime.spawn(keep_date(Arc::clone(&app)));
        if let Some(tls) = &tls {
            runtime.spawn(Arc::clone(tls).keep(Arc::clone(&log)));
        }
        let about = json!({
            "addresses": addresses.iter().map(SocketAddr::to_string).collect::<Vec<_>>(),
            "models": config.models.iter().map(|model| &model.name).collect::<Vec<_>>(),
            "tls": tls.is_some(),
            "tokens": config.tokens.len(),
            "milliseconds": start.elapsed().as_secs_f64() * 1e3,
        });
        log.say(Level::Info, "listening", about);
        Ok(Self { addresses, app, connections, runtime: Some(runtime), acceptors })
    }

    /// Returns where the server listens, in the order of the configuration.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// Returns whether every model answers.
    pub fn is_ready(&self) -> bool {
        self.app.is_ready()
    }

    /// Waits until every model answers; returns whether they do.
    pub fn wait_ready(&self, timeout: Duration) -> bool {
        let until = Instant::now() + timeout;
        while !self.is_ready() {
            if Instant::now() >= until {
                return false;
            }
            thread::sleep(Duration::from_millis(1));
        }
        true
    }

    /// Ends: takes no new connections, answers what was asked, and closes. Returns whether all was answered within the
    /// time that there is for it.
    pub fn shut_down(mut self) -> bool {
        self.drain()
    }

    fn drain(&mut self) -> bool {
        let Some(runtime) = self.runtime.take() else { return true };
        let app = Arc::clone(&self.app);
        app.log.say(Level::Info, "draining", json!({ "connections": self.connections.len() }));
        app.is_draining.store(true, Ordering::Release);
        app.models.changed();
        self.acceptors.drain(..).for_each(|acceptor| acceptor.abort());
        self.connections.wake_all();
        let until = Instant::now() + app.limits.drain_timeout;
        while self.connections.len() > 0 && Instant::now() < until {
            thread::sleep(Duration::from_millis(5));
            self.connections.wake_all();
        }
        let left = self.connections.len();
        runtime.shutdown_timeout(Duration::from_secs(1));
        app.models.end();
        if let Some(tracing) = &app.tracing {
            tracing.finish();
        }
        app.log.say(Level::Info, "ended", json!({ "cut_off_connections": left }));
        app.log.flush();
        left == 0
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.drain();
    }
}

/// Makes sure that models can be told apart, and asked for.
pub(crate) fn check_names(mut names: Vec<&str>) -> Result<(), ServeError> {
    if names.is_empty() {
        return Err(ServeError::NoModels);
    }
    let is_plain = |c: char| c.is_alphanumeric() || matches!(c, '.' | '_' | '-');
    let is_name = |name: &str| !name.is_empty() && name.chars().all(is_plain);
    if let Some(name) = names.iter().find(|name| !is_name(name)) {
        return Err(ServeError::Name { name: (*name).to_owned() });
    }
    names.sort_unstable();
    match names.windows(2).find(|pair| pair[0] == pair[1]) {
        Some(pair) => Err(ServeError::Twice { name: pair[0].to_owned() }),
        None => Ok(()),
    }
}

fn listen(address: SocketAddr) -> io::Result<StdListener> {
    // The standard library sets SO_REUSEADDR, so that a server can be started again at once.
    let listener = StdListener::bind(address)?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

/// Keeps the header `date` true.
async fn keep_date(app: Arc<App>) {
    let mut ticks = tokio::time::interval(Duration::from_millis(500));
    loop {
        ticks.tick().await;
        app.date.store(Arc::new(date(app.log.now_ms())));
    }
}

fn date(now_ms: i64) -> String {
    let now = jiff::Timestamp::from_millisecond(now_ms).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    now.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

fn first_bytes(digest: blake3::Hash) -> [u8; 8] {
    let mut bytes = [0; 8];
    bytes.copy_from_slice(&digest.as_bytes()[..8]);
    bytes
}
