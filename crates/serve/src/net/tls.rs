//! TLS, with a certificate and key from files.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use base::{Classify, ErrorKind, IoError};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::TlsAcceptor;

use crate::config::TlsConfig;

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

/// Returns what greets clients.
pub(crate) fn acceptor(config: &TlsConfig) -> Result<TlsAcceptor, TlsError> {
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
