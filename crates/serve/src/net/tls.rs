//! TLS, with a certificate and key from files, which are read again when they have changed.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use arc_swap::ArcSwap;
use base::{BoxError, Classify, ErrorKind, IoError};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use serde_json::json;
use tokio_rustls::TlsAcceptor;

use crate::config::TlsConfig;
use crate::log::{Level, Log};

/// Why TLS cannot be spoken.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each message names its fields")]
pub enum TlsError {
    /// A file could not be read.
    #[error(transparent)]
    Io(#[from] IoError),

    /// A file holds no certificate or key.
    #[error("{}: found no {expected} in it, expected PEM", .path.display())]
    Pem { path: PathBuf, expected: &'static str },

    /// The certificate and the key do not belong together, or are not supported.
    #[error("{}: cannot be used with the key beside it", .path.display())]
    Certificate { path: PathBuf, source: rustls::Error },
}

impl Classify for TlsError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Io(error) => error.kind(),
            Self::Pem { .. } | Self::Certificate { .. } => ErrorKind::Usage,
        }
    }
}

/// How often it is looked whether the files have changed.
const BETWEEN_LOOKS: Duration = Duration::from_secs(1);

/// A certificate and its key, as they were last read.
pub(crate) struct Certificates {
    config: TlsConfig,
    acceptor: ArcSwap<TlsAcceptor>,
    looks: Option<Vec<Look>>,
}

/// What a file looks like from outside.
type Look = (u64, SystemTime);

impl Certificates {
    /// Reads the files.
    pub(crate) fn load(config: &TlsConfig) -> Result<Self, TlsError> {
        // What changes while it is read looks different later, and is read again.
        let looks = looks(config);
        let acceptor = ArcSwap::from_pointee(acceptor(config)?);
        Ok(Self { config: config.clone(), acceptor, looks })
    }

    /// Returns what greets clients.
    pub(crate) fn acceptor(&self) -> Arc<TlsAcceptor> {
        self.acceptor.load_full()
    }

    /// Reads the files whenever they have changed. What cannot be used, such as a certificate whose key is not there yet,
    /// is said, and the ones before go on.
    pub(crate) async fn keep(self: Arc<Self>, log: Arc<Log>) {
        let mut seen = self.looks.clone();
        let mut ticks = tokio::time::interval(BETWEEN_LOOKS);
        loop {
            ticks.tick().await;
            let now = looks(&self.config);
            if now == seen {
                continue;
            }
            seen = now;
            match tokio::task::block_in_place(|| acceptor(&self.config)) {
                Ok(acceptor) => {
                    self.acceptor.store(Arc::new(acceptor));
                    let about = json!({ "certificates": self.config.certificates });
                    log.say(Level::Info, "certificates_changed", about);
                }
                Err(error) => log.failed("certificates_unusable", "", &BoxError::from(error)),
            }
        }
    }
}

/// Returns what the files look like; nothing where one of them is not there.
fn looks(config: &TlsConfig) -> Option<Vec<Look>> {
    let look = |path: &PathBuf| {
        let metadata = std::fs::metadata(path).ok()?;
        Some((metadata.len(), metadata.modified().ok()?))
    };
    [&config.certificates, &config.key].into_iter().map(look).collect()
}

/// Returns what greets clients.
fn acceptor(config: &TlsConfig) -> Result<TlsAcceptor, TlsError> {
    let read = |path: &Path| std::fs::read(path).map_err(IoError::at("read", path));
    let pem = |path: &Path, expected| TlsError::Pem { path: path.to_path_buf(), expected };
    let certificates = read(&config.certificates)?;
    let certificates = CertificateDer::pem_slice_iter(&certificates).collect::<Result<Vec<_>, _>>();
    let certificates = certificates.ok().filter(|certificates| !certificates.is_empty());
    let certificates = certificates.ok_or_else(|| pem(&config.certificates, "certificate"))?;
    let key = PrivateKeyDer::from_pem_slice(&read(&config.key)?);
    let key = key.map_err(|_| pem(&config.key, "key"))?;
    let unusable = |source| TlsError::Certificate { path: config.certificates.clone(), source };
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut server = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(unusable)?
        .with_no_client_auth()
        .with_single_cert(certificates, key)
        .map_err(unusable)?;
    server.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(server)))
}
