//! The server's certificate, read from files and read anew when these change.

use super::{
    authorities::{Authorities, verifier},
    client_certificates::AnyCertificate,
    connection::TlsListener,
    self_made::Making,
};
use crate::config::Config;
use axum_server::tls_rustls::RustlsConfig;
use rustls::{
    ServerConfig,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, PrivateKeyDer, pem, pem::PemObject},
    server::VerifierBuilderError,
};
use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, SystemTime},
};

/// Why TLS cannot be had; each text names the file.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read, or is not what it must be.
    #[error("the file {file} is no PEM file with what is needed: {source}")]
    File {
        /// The file.
        file: PathBuf,
        /// What is wrong.
        source: pem::Error,
    },
    /// The certificate and the key are not for one another, or not for a server.
    #[error("the certificate {file} and its key cannot be used: {source}")]
    Pair {
        /// The certificate's file.
        file: PathBuf,
        /// What is wrong.
        source: rustls::Error,
    },
    /// The authorities cannot be used.
    #[error("the authorities in {file} cannot be used: {source}")]
    Authorities {
        /// Their file.
        file: PathBuf,
        /// What is wrong.
        source: VerifierBuilderError,
    },
    /// No certificate can be made.
    #[error("no certificate can be made in {folder}: {message}")]
    SelfMade {
        /// Where it would be kept.
        folder: PathBuf,
        /// What is wrong.
        message: String,
    },
}

/// Which files.
#[derive(Debug, Clone)]
struct Files {
    certificate: PathBuf,
    key: PathBuf,
}

/// When they were written last.
type Stamps = [Option<SystemTime>; 2];

/// What was read from them.
struct Read {
    ordinary: Arc<ServerConfig>,
    mutual: Arc<ServerConfig>,
}

/// The certificates in force. Cloning it clones a handle.
#[derive(Clone)]
pub struct Certificates {
    files: Arc<Files>,
    /// Of what is in force at first. Taken before it was read: what is written meanwhile is read anew.
    stamps: Stamps,
    /// For a certificate that is made here: what it must be made for.
    made: Option<Arc<Making>>,
    ordinary: RustlsConfig,
    mutual: RustlsConfig,
    authorities: Authorities,
}

/// How often files are looked at.
pub(super) const PAUSE: Duration = Duration::from_secs(2);

impl Certificates {
    /// Whether what the operator named can be used. Nothing is made.
    ///
    /// # Errors
    /// [`TlsError`].
    pub fn check(config: &Config) -> Result<(), TlsError> {
        config.client_ca.as_deref().map(verifier).transpose()?;
        config.tls_files.clone().map_or(Ok(()), |(certificate, key)| Files { certificate, key }.read().map(drop))
    }

    /// Reads what the operator named, or makes a certificate where nothing was.
    ///
    /// # Errors
    /// [`TlsError`].
    pub fn load(config: &Config, authorities: Authorities) -> Result<Self, TlsError> {
        let (made, (certificate, key)) = if let Some(files) = config.tls_files.clone() {
            (None, files)
        } else {
            let making = Making::of(config);
            let files = making.certificate()?;
            (Some(Arc::new(making)), files)
        };
        let files = Files { certificate, key };
        let stamps = files.stamps();
        let read = files.read()?;
        Ok(Self {
            files: Arc::new(files),
            stamps,
            made,
            ordinary: RustlsConfig::from_config(read.ordinary),
            mutual: RustlsConfig::from_config(read.mutual),
            authorities,
        })
    }

    /// Looks at the files for ever, and reads them anew when one of them is another. What cannot be used changes nothing.
    pub async fn watch(self) {
        let mut known = self.stamps;
        loop {
            tokio::time::sleep(PAUSE).await;
            if let Some(Err(error)) = self.made.as_ref().map(|making| making.certificate()) {
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "the self-made certificate cannot be made anew"
                );
            }
            let now = self.files.stamps();
            if now == known {
                continue;
            }
            known = now;
            match self.files.read() {
                Ok(read) => {
                    self.ordinary.reload_from_config(read.ordinary);
                    self.mutual.reload_from_config(read.mutual);
                    tracing::info!(certificate = %self.files.certificate.display(), "TLS certificates were read anew");
                }
                Err(error) => {
                    tracing::error!(
                        error = &error as &dyn std::error::Error,
                        "TLS certificates changed and cannot be used: the ones before stay in force"
                    );
                }
            }
        }
    }

    /// Whose clients' certificates are trusted.
    pub(super) fn authorities(&self) -> &Authorities {
        &self.authorities
    }

    /// Whether the operator brought it. One that is made here is for trying things out.
    pub(super) fn are_the_operators(&self) -> bool {
        self.made.is_none()
    }

    /// What a listener is set up with, also after the files have changed.
    pub(super) fn of(&self, listener: TlsListener) -> RustlsConfig {
        match listener {
            TlsListener::Ordinary => self.ordinary.clone(),
            TlsListener::MutualTls => self.mutual.clone(),
        }
    }
}

impl Files {
    fn read(&self) -> Result<Read, TlsError> {
        let chain = certificates(&self.certificate)?;
        let key = PrivateKeyDer::from_pem_file(&self.key)
            .map_err(|source| TlsError::File { file: self.key.clone(), source })?;
        let provider = Arc::new(aws_lc_rs::default_provider());
        let algorithms = provider.signature_verification_algorithms;
        let config = |asks: bool| {
            let builder =
                ServerConfig::builder_with_provider(Arc::clone(&provider)).with_safe_default_protocol_versions()?;
            let builder = if asks {
                builder.with_client_cert_verifier(Arc::new(AnyCertificate(algorithms)))
            } else {
                builder.with_no_client_auth()
            };
            let mut config = builder.with_single_cert(chain.clone(), key.clone_key())?;
            config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
            Ok(Arc::new(config))
        };
        let pair = |source| TlsError::Pair { file: self.certificate.clone(), source };
        Ok(Read { ordinary: config(false).map_err(pair)?, mutual: config(true).map_err(pair)? })
    }

    fn stamps(&self) -> Stamps {
        [stamp(&self.certificate), stamp(&self.key)]
    }
}

/// When a file was written last. One that is away for a moment is on its way to be another.
pub(super) fn stamp(file: &Path) -> Option<SystemTime> {
    std::fs::metadata(file).and_then(|found| found.modified()).ok()
}

/// The certificates in a file; at least one.
pub(super) fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let failed = |source| TlsError::File { file: file.to_owned(), source };
    let found: Vec<_> =
        CertificateDer::pem_file_iter(file).map_err(failed)?.collect::<Result<_, _>>().map_err(failed)?;
    if found.is_empty() { Err(failed(pem::Error::NoItemsFound)) } else { Ok(found) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tls::self_made::settings;
    use std::fs::File;

    #[tokio::test(start_paused = true)]
    async fn what_changes_before_it_is_watched_is_read_anew() {
        let folder = tempfile::tempdir().unwrap();
        let authorities = Authorities::load(None).unwrap();
        let certificates = Certificates::load(&settings(folder.path(), "https://localhost:4443"), authorities).unwrap();
        let before = certificates.ordinary.get_inner();
        let file = File::options().write(true).open(&certificates.files.certificate).unwrap();
        file.set_modified(SystemTime::UNIX_EPOCH).unwrap();
        let watching = tokio::spawn(certificates.clone().watch());
        tokio::time::sleep(PAUSE * 2).await;
        assert!(!Arc::ptr_eq(&before, &certificates.ordinary.get_inner()));
        watching.abort();
    }
}
