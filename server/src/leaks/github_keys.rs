//! The keys with which GitHub signs its reports: fetched when a key is not known, and kept.

use crate::outside::{OutsideError, client_builder};
use latchkey_core::{
    Ports,
    leak::github::{ParsePublicKeysError, PublicKeys},
};
use time::OffsetDateTime;
use tokio::sync::{Mutex, RwLock};
use url::Url;

/// Why the keys could not be had.
#[derive(Debug, thiserror::Error)]
pub enum GithubKeysError {
    /// The address did not answer as it should.
    #[error("the address of GitHub's keys did not answer")]
    Fetch(#[source] reqwest::Error),
    /// No client can be made on this machine.
    #[error("GitHub's keys cannot be asked for")]
    Client(#[from] OutsideError),
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
    const LARGEST: usize = 64 * 1024;
    /// Whoever invents names of keys does not make us ask GitHub more often than this.
    const PAUSE: time::Duration = time::Duration::MINUTE;

    /// Keys that are published at this address.
    ///
    /// # Errors
    /// When no client with TLS can be made on this machine.
    pub fn new(address: Url) -> Result<Self, GithubKeysError> {
        Ok(Self {
            address,
            client: client_builder()?.build().map_err(GithubKeysError::Fetch)?,
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
