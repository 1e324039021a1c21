//! TLS by files: a certificate and its key, in PEM.

use crate::config::{TlsFiles, UiError};
use std::path::Path;
use std::sync::Arc;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::aws_lc_rs::default_provider;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};

/// Reads the files.
///
/// # Errors
/// When a file cannot be read, holds nothing of what it should, or the two do not belong together.
pub(crate) fn acceptor(files: &TlsFiles) -> Result<TlsAcceptor, UiError> {
    let certificates: Result<Vec<_>, _> =
        CertificateDer::pem_file_iter(&files.certificates).and_then(|all| all.collect());
    let certificates = certificates.map_err(|error| wrong(&files.certificates, error))?;
    if certificates.is_empty() {
        return Err(wrong(&files.certificates, "it holds no certificate"));
    }
    let key = PrivateKeyDer::from_pem_file(&files.key).map_err(|error| wrong(&files.key, error))?;
    let config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| wrong(&files.key, error))?
        .with_no_client_auth()
        .with_single_cert(certificates, key)
        .map_err(|error| wrong(&files.key, error))?;
    Ok(TlsAcceptor::from(Arc::new(config)))
}

fn wrong(file: &Path, why: impl std::fmt::Display) -> UiError {
    UiError::Tls { file: file.display().to_string(), why: why.to_string() }
}
