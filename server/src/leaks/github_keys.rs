//! The keys with which GitHub signs its reports: fetched when a key is not known, or was for long, and kept for some days.

use crate::outside::{OutsideError, client_builder};
use latchkey_core::{
    Ports,
    leak::github::{ParsePublicKeysError, PublicKeys},
};
use time::{Duration, OffsetDateTime};
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
    /// They could not be had a moment ago.
    #[error("GitHub's keys could not be fetched a moment ago")]
    JustFailed,
    /// The answer is no list of keys.
    #[error("the list of GitHub's keys cannot be read")]
    Parse(#[source] ParsePublicKeysError),
}

/// Without the address, in which an operator may have a secret of theirs.
fn fetch_failed(error: reqwest::Error) -> GithubKeysError {
    GithubKeysError::Fetch(error.without_url())
}

/// The keys that were fetched last.
#[derive(Debug, Clone, Default)]
pub struct KnownKeys {
    /// The keys; none once they are too old to be believed.
    pub keys: PublicKeys,
    /// Whether GitHub should be asked again, which may have withdrawn one.
    pub is_old: bool,
}

/// Keeps the keys.
pub struct GithubKeys {
    address: Url,
    client: reqwest::Client,
    known: RwLock<(PublicKeys, Option<OffsetDateTime>)>,
    /// When they could not be had. Held while they are asked for: one does so at a time.
    failed_at: Mutex<Option<OffsetDateTime>>,
}

impl GithubKeys {
    const LARGEST: usize = 64 * 1024;
    /// Whoever invents names of keys does not make us ask GitHub more often than this.
    const PAUSE: Duration = Duration::MINUTE;
    /// Who waited while nobody answered does not ask once more itself: many would wait for one another.
    const REST: Duration = Duration::seconds(10);
    /// From then on GitHub is asked anew.
    const OLD: Duration = Duration::DAY;
    /// From then on they are not believed any more, however long GitHub is out of reach.
    const TOO_OLD: Duration = Duration::WEEK;

    /// Keys that are published at this address.
    ///
    /// # Errors
    /// When no client with TLS can be made on this machine.
    pub fn new(address: Url) -> Result<Self, GithubKeysError> {
        Ok(Self {
            address,
            client: client_builder()?.build().map_err(fetch_failed)?,
            known: RwLock::default(),
            failed_at: Mutex::default(),
        })
    }

    /// The keys that were fetched last.
    pub async fn known(&self, now: OffsetDateTime) -> KnownKeys {
        let (keys, fetched_at) = self.known.read().await.clone();
        match fetched_at {
            Some(at) if (now - at).abs() < Self::TOO_OLD => KnownKeys { keys, is_old: (now - at).abs() >= Self::OLD },
            _ => KnownKeys { keys: PublicKeys::default(), is_old: true },
        }
    }

    /// Fetches the keys, unless that was done a moment ago.
    ///
    /// # Errors
    /// [`GithubKeysError`]; the keys that were known stay.
    pub async fn fetch(&self, ports: &Ports) -> Result<PublicKeys, GithubKeysError> {
        let mut failed_at = self.failed_at.lock().await;
        let now = ports.now();
        let within = |at: Option<OffsetDateTime>, pause: Duration| at.is_some_and(|at| (now - at).abs() < pause);
        let (known, fetched_at) = self.known.read().await.clone();
        if within(fetched_at, Self::PAUSE) {
            return Ok(known);
        }
        if within(*failed_at, Self::REST) {
            return Err(GithubKeysError::JustFailed);
        }
        match self.ask().await {
            Ok(keys) => {
                *self.known.write().await = (keys.clone(), Some(now));
                *failed_at = None;
                Ok(keys)
            }
            Err(error) => {
                *failed_at = Some(ports.now());
                Err(error)
            }
        }
    }

    async fn ask(&self) -> Result<PublicKeys, GithubKeysError> {
        let mut response = self
            .client
            .get(self.address.clone())
            .send()
            .await
            .and_then(reqwest::Response::error_for_status)
            .map_err(fetch_failed)?;
        let mut body = Vec::new();
        while let Some(part) = response.chunk().await.map_err(fetch_failed)? {
            if body.len() + part.len() > Self::LARGEST {
                return Err(GithubKeysError::TooLarge);
            }
            body.extend_from_slice(&part);
        }
        PublicKeys::parse(&body).map_err(GithubKeysError::Parse)
    }
}
