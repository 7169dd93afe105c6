//! What clients have at addresses of their own.

use super::{Outside, OutsideError};
use async_trait::async_trait;
use latchkey_core::{
    jose::JwkSet,
    oauth_client::{ClientSiteError, ClientSites},
};
use url::Url;

/// Asks them.
pub struct SitesOfClients(Outside);

impl SitesOfClients {
    /// Asks by way of this client.
    pub fn new(outside: Outside) -> Self {
        Self(outside)
    }
}

#[async_trait]
impl ClientSites for SitesOfClients {
    async fn keys(&self, url: &Url) -> Result<JwkSet, ClientSiteError> {
        let body = self.0.get(url, JwkSet::MAX_LENGTH).await.map_err(failed)?;
        let text = std::str::from_utf8(&body).map_err(|error| ClientSiteError::Failed(Box::new(error)))?;
        text.parse().map_err(|error| ClientSiteError::Failed(Box::new(error)))
    }

    async fn document(&self, url: &Url) -> Result<Vec<u8>, ClientSiteError> {
        /// Far more than a client has to say of itself.
        const LARGEST: usize = 8 * 1024;
        self.0.get(url, LARGEST).await.map_err(failed)
    }

    async fn tell(&self, url: &Url, form: String) -> Result<(), ClientSiteError> {
        self.0.post_form(url, form).await.map_err(failed)
    }
}

fn failed(error: OutsideError) -> ClientSiteError {
    match error {
        OutsideError::Forbidden => ClientSiteError::Forbidden,
        error => ClientSiteError::Failed(Box::new(error)),
    }
}
