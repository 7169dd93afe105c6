//! The authorities of clients' certificates: read from a file of the operator's, and anew when it changes.

use super::{
    certificates::{PAUSE, TlsError, certificates, stamp},
    handed_on::HandedOn,
};
use latchkey_core::certificate::ClientCertificate;
use quick_cache::sync::Cache;
use rustls::{
    RootCertStore,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, UnixTime},
    server::{WebPkiClientVerifier, danger::ClientCertVerifier},
};
use std::{
    path::{Path, PathBuf},
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicU64, Ordering},
    },
    time::SystemTime,
};
use time::{Duration, OffsetDateTime};

/// The authorities in force; none where the operator names none. Cloning it clones a handle.
#[derive(Clone)]
pub struct Authorities(Arc<Inner>);

struct Inner {
    file: Option<PathBuf>,
    /// When the file was written last. Taken before it was read at first: what is written meanwhile is read anew.
    stamp: Option<SystemTime>,
    verifier: RwLock<Option<Arc<dyn ClientCertVerifier>>>,
    readings: AtomicU64,
    handed_on: Cache<Arc<HandedOn>, Judged>,
}

/// What was said of a certificate that a proxy handed on.
#[derive(Clone)]
struct Judged {
    certificate: Option<Arc<ClientCertificate>>,
    reading: u64,
    at: OffsetDateTime,
}

/// How many certificates that proxies hand on are remembered, and for how long: a proxy says the same again with each request of a
/// connection, and to check signatures costs more than the rest of a request.
const REMEMBERED: usize = 256;
const FOR: Duration = Duration::MINUTE;

impl Authorities {
    /// Reads them.
    ///
    /// # Errors
    /// [`TlsError`], naming the file.
    pub fn load(file: Option<PathBuf>) -> Result<Self, TlsError> {
        let stamp = file.as_deref().and_then(stamp);
        let verifier = file.as_deref().map(verifier).transpose()?;
        Ok(Self(Arc::new(Inner {
            file,
            stamp,
            verifier: RwLock::new(verifier),
            readings: AtomicU64::default(),
            handed_on: Cache::new(REMEMBERED),
        })))
    }

    /// Looks at the file for ever, and reads it anew when it is another. What cannot be used changes nothing.
    pub async fn watch(self) {
        let Some(file) = &self.0.file else { return };
        let mut known = self.0.stamp;
        loop {
            tokio::time::sleep(PAUSE).await;
            let now = stamp(file);
            if now == known {
                continue;
            }
            known = now;
            match verifier(file) {
                Ok(verifier) => {
                    *self.0.verifier.write().unwrap_or_else(PoisonError::into_inner) = Some(verifier);
                    // After what it counts: who finds the new number finds the new authorities, too.
                    self.0.readings.fetch_add(1, Ordering::Release);
                    tracing::info!(file = %file.display(), "the authorities of clients' certificates were read anew");
                }
                Err(error) => {
                    tracing::error!(
                        error = &error as &dyn std::error::Error,
                        "the authorities of clients' certificates changed and cannot be used: the ones before stay in force"
                    );
                }
            }
        }
    }

    /// How often the file was read anew: what was judged by another reading is judged again.
    pub(super) fn reading(&self) -> u64 {
        self.0.readings.load(Ordering::Acquire)
    }

    /// Reads a client's own certificate, the first of a chain whose key it has proven to hold, and says whether it can be trusted.
    pub(super) fn judge(&self, chain: &[CertificateDer<'_>]) -> Option<Arc<ClientCertificate>> {
        let (own, others) = chain.split_first()?;
        let read = ClientCertificate::read(own, self.trust(own, others));
        if read.is_err() {
            tracing::debug!("a client showed a certificate that cannot be read");
        }
        read.ok().map(Arc::new)
    }

    /// The same of what a trusted proxy hands on.
    pub fn judge_handed_on(&self, shown: &Arc<HandedOn>, now: OffsetDateTime) -> Option<Arc<ClientCertificate>> {
        let reading = self.reading();
        let known = self.0.handed_on.get(shown);
        if let Some(known) = known.filter(|known| known.reading == reading && (known.at..known.at + FOR).contains(&now))
        {
            return known.certificate;
        }
        let chain = shown.chain();
        if chain.is_none() {
            tracing::warn!(
                "a certificate was handed on in another form than proxy_certificates, gateway_certificates or verify say"
            );
        }
        let certificate = chain.and_then(|chain| self.judge(&chain));
        self.0.handed_on.insert(Arc::clone(shown), Judged { certificate: certificate.clone(), reading, at: now });
        certificate
    }

    /// Whether an authority of the operator's signed a client's certificate, by way of these others.
    fn trust(&self, own: &CertificateDer<'_>, others: &[CertificateDer<'_>]) -> bool {
        let verifier = self.0.verifier.read().unwrap_or_else(PoisonError::into_inner).clone();
        verifier.is_some_and(|verifier| match verifier.verify_client_cert(own, others, UnixTime::now()) {
            Ok(_) => true,
            Err(error) => {
                tracing::debug!(%error, "a client's certificate was not signed by an authority of ours");
                false
            }
        })
    }
}

/// What verifies certificates by the authorities in a file.
pub(super) fn verifier(file: &Path) -> Result<Arc<dyn ClientCertVerifier>, TlsError> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(file)? {
        roots.add(certificate).map_err(|source| TlsError::Pair { file: file.to_owned(), source })?;
    }
    let provider = Arc::new(aws_lc_rs::default_provider());
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build();
    verifier.map_err(|source| TlsError::Authorities { file: file.to_owned(), source })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tls::self_made::{AUTHORITY, Making, settings};
    use std::fs::File;

    #[tokio::test(start_paused = true)]
    async fn what_changes_before_it_is_watched_is_read_anew() {
        let folder = tempfile::tempdir().unwrap();
        Making::of(&settings(folder.path(), "https://localhost:4443")).certificate().unwrap();
        let file = folder.path().join(AUTHORITY);
        let authorities = Authorities::load(Some(file.clone())).unwrap();
        File::options().write(true).open(&file).unwrap().set_modified(SystemTime::UNIX_EPOCH).unwrap();
        let watching = tokio::spawn(authorities.clone().watch());
        tokio::time::sleep(PAUSE * 2).await;
        assert_eq!(authorities.reading(), 1);
        watching.abort();
    }
}
