//! What clients have at addresses of their own: their public keys, and where they are told that somebody signed out.

use crate::jose::JwkSet;
use async_trait::async_trait;
use quick_cache::sync::Cache;
use std::sync::Arc;
use time::{Duration, OffsetDateTime};
use url::Url;

/// Why an address did not do what it is for.
#[derive(Debug, thiserror::Error)]
pub enum ClientSiteError {
    /// It leads to where nothing is asked.
    #[error("the address leads into a private network")]
    Forbidden,
    /// It did not answer as it should.
    #[error("the address did not answer as it should")]
    Failed(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// Asks addresses that clients named. Whoever implements it guards against those that lead into our own network.
#[async_trait]
pub trait ClientSites: Send + Sync + 'static {
    /// The keys at this address, now.
    async fn keys(&self, url: &Url) -> Result<JwkSet, ClientSiteError>;

    /// A small document at this address.
    async fn document(&self, url: &Url) -> Result<Vec<u8>, ClientSiteError>;

    /// Posts a form to this address.
    async fn tell(&self, url: &Url, form: String) -> Result<(), ClientSiteError>;
}

/// What was fetched, and when.
#[derive(Clone)]
struct Fetched {
    keys: Arc<JwkSet>,
    at: OffsetDateTime,
}

/// Keys that were fetched a while ago at most. Cloning it clones a handle.
#[derive(Clone)]
pub struct FetchedKeys {
    source: Arc<dyn ClientSites>,
    known: Arc<Cache<Url, Fetched>>,
}

impl FetchedKeys {
    const CAPACITY: usize = 1_000;
    /// How long they are believed: a client that replaces a key keeps the old one beside the new one for as long.
    const LIFE: Duration = Duration::minutes(5);
    /// Whoever invents names of keys does not make us ask more often than this.
    const PAUSE: Duration = Duration::seconds(10);

    /// Keys from this source.
    pub fn new(source: Arc<dyn ClientSites>) -> Self {
        Self { source, known: Arc::new(Cache::new(Self::CAPACITY)) }
    }

    /// The keys at an address, fetched anew when they are old, or do not have what is sought.
    ///
    /// # Errors
    /// [`ClientSiteError`].
    pub async fn get(
        &self,
        url: &Url,
        sought: impl Fn(&JwkSet) -> bool,
        now: OffsetDateTime,
    ) -> Result<Arc<JwkSet>, ClientSiteError> {
        if let Some(known) = self.known.get(url) {
            let age = (now - known.at).abs();
            if age < Self::PAUSE || (age < Self::LIFE && sought(&known.keys)) {
                return Ok(known.keys);
            }
        }
        let keys = Arc::new(self.source.keys(url).await?);
        self.known.insert(url.clone(), Fetched { keys: Arc::clone(&keys), at: now });
        Ok(keys)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jose::{PrivateKey, SigningAlgorithm};
    use std::sync::atomic::{AtomicUsize, Ordering};
    use time::macros::datetime;

    /// Publishes another key each time that it is asked.
    #[derive(Default)]
    struct Publisher(AtomicUsize);

    #[async_trait]
    impl ClientSites for Publisher {
        async fn document(&self, _: &Url) -> Result<Vec<u8>, ClientSiteError> {
            Ok(Vec::new())
        }

        async fn tell(&self, _: &Url, _: String) -> Result<(), ClientSiteError> {
            Ok(())
        }

        async fn keys(&self, _: &Url) -> Result<JwkSet, ClientSiteError> {
            let kid = self.0.fetch_add(1, Ordering::Relaxed).to_string();
            let (key, _) = PrivateKey::generate(SigningAlgorithm::Es256).unwrap();
            let jwk = serde_json::to_string(&key.public_jwk(&kid)).unwrap();
            Ok(format!(r#"{{"keys":[{jwk}]}}"#).parse().unwrap())
        }
    }

    #[tokio::test]
    async fn keys_are_fetched_when_they_are_old_or_another_is_named_but_not_at_every_whim() {
        let publisher = Arc::new(Publisher::default());
        let keys = FetchedKeys::new(publisher.clone());
        let url: Url = "https://app.example.com/jwks.json".parse().unwrap();
        let start = datetime!(2026-11-25 12:00 UTC);
        for (seconds, kid, fetches) in
            [(0, "0", 1), (1, "0", 1), (2, "1", 1), (11, "0", 1), (12, "1", 2), (30, "1", 2), (400, "1", 3)]
        {
            keys.get(&url, |keys| keys.names(Some(kid)), start + Duration::seconds(seconds)).await.unwrap();
            assert_eq!(publisher.0.load(Ordering::Relaxed), fetches, "at {seconds} s");
        }
    }
}
