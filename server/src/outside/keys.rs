//! The keys that clients publish at an address of their own.

use super::{Outside, OutsideError};
use async_trait::async_trait;
use latchkey_core::{
    jose::JwkSet,
    oauth_client::{FetchKeysError, KeySource},
};
use url::Url;

/// Fetches clients' keys.
pub struct ClientKeySource(Outside);

impl ClientKeySource {
    /// A source that asks by way of this client.
    pub fn new(outside: Outside) -> Self {
        Self(outside)
    }
}

#[async_trait]
impl KeySource for ClientKeySource {
    async fn fetch(&self, url: &Url) -> Result<JwkSet, FetchKeysError> {
        let body = self.0.get(url, JwkSet::MAX_LENGTH).await.map_err(|error| match error {
            OutsideError::Forbidden => FetchKeysError::Forbidden,
            error => FetchKeysError::Failed(Box::new(error)),
        })?;
        let text = std::str::from_utf8(&body).map_err(|error| FetchKeysError::Failed(Box::new(error)))?;
        text.parse().map_err(|error| FetchKeysError::Failed(Box::new(error)))
    }
}
