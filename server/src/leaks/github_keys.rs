//! The keys with which GitHub signs its reports: fetched when a key is not known, and kept.

use latchkey_core::{
    Ports,
    leak::github::{ParsePublicKeysError, PublicKeys},
};
use std::{sync::Arc, time::Duration};
use time::OffsetDateTime;
use tokio::sync::{Mutex, RwLock};
use url::Url;

/// Why the keys could not be had.
#[derive(Debug, thiserror::Error)]
pub enum GithubKeysError {
    /// The address did not answer as it should.
    #[error("the address of GitHub's keys did not answer")]
    Fetch(#[source] reqwest::Error),
    /// The answer is larger than any list of keys.
    #[error("the list of GitHub's keys is too large")]
    TooLarge,
    /// The answer is no list of keys.
    #[error("the list of GitHub's keys cannot be read")]
    Parse(#[source] ParsePublicKeysError),
}

/// Keeps the keys.
pub struct GithubKeys {
    address: Url,
    client: reqwest::Client,
    known: RwLock<PublicKeys>,
    fetched_at: Mutex<Option<OffsetDateTime>>,
}

impl GithubKeys {
    const TIMEOUT: Duration = Duration::from_secs(5);
    const LARGEST: usize = 64 * 1024;
    /// Whoever invents names of keys does not make us ask GitHub more often than this.
    const PAUSE: time::Duration = time::Duration::MINUTE;

    /// Keys that are published at this address.
    ///
    /// # Errors
    /// When no client with TLS can be made on this machine.
    pub fn new(address: Url) -> Result<Self, GithubKeysError> {
        let provider = rustls::crypto::aws_lc_rs::default_provider();
        let roots = rustls::RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.into() };
        let tls = rustls::ClientConfig::builder_with_provider(Arc::new(provider))
            .with_safe_default_protocol_versions()
            .map(|builder| builder.with_root_certificates(roots).with_no_client_auth());
        let builder = reqwest::Client::builder()
            .timeout(Self::TIMEOUT)
            .redirect(reqwest::redirect::Policy::none())
            .user_agent("latchkey");
        let builder = match tls {
            Ok(tls) => builder.tls_backend_preconfigured(tls),
            Err(error) => {
                tracing::error!(%error, "TLS cannot be set up: GitHub's keys cannot be fetched");
                builder
            }
        };
        Ok(Self {
            address,
            client: builder.build().map_err(GithubKeysError::Fetch)?,
            known: RwLock::default(),
            fetched_at: Mutex::default(),
        })
    }

    /// The keys that were fetched last.
    pub async fn known(&self) -> PublicKeys {
        self.known.read().await.clone()
    }

    /// Fetches the keys, unless that was done a moment ago.
    ///
    /// # Errors
    /// [`GithubKeysError`]; the keys that were known stay.
    pub async fn fetch(&self, ports: &Ports) -> Result<PublicKeys, GithubKeysError> {
        let mut fetched_at = self.fetched_at.lock().await;
        let now = ports.now();
        if fetched_at.is_some_and(|at| (now - at).abs() < Self::PAUSE) {
            return Ok(self.known().await);
        }
        let mut response = self
            .client
            .get(self.address.clone())
            .send()
            .await
            .and_then(reqwest::Response::error_for_status)
            .map_err(GithubKeysError::Fetch)?;
        let mut body = Vec::new();
        while let Some(part) = response.chunk().await.map_err(GithubKeysError::Fetch)? {
            if body.len() + part.len() > Self::LARGEST {
                return Err(GithubKeysError::TooLarge);
            }
            body.extend_from_slice(&part);
        }
        let keys = PublicKeys::parse(&body).map_err(GithubKeysError::Parse)?;
        *self.known.write().await = keys.clone();
        // Only what was fetched is a reason not to ask again: who could not be asked is asked by the next report.
        *fetched_at = Some(now);
        Ok(keys)
    }
}
