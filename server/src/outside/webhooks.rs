//! Webhooks of teams and of the portal.

use super::{Outside, OutsideError};
use async_trait::async_trait;
use http::{Request, header};
use latchkey_core::webhook::{Posted, WebhookCarrier, WebhookCarryError};

/// Posts messages to them.
pub struct Webhooks(Outside);

impl Webhooks {
    /// What is read of an answer: its status says all.
    const LARGEST: usize = 16 * 1024;

    /// Posts by way of this client.
    pub fn new(outside: Outside) -> Self {
        Self(outside)
    }
}

#[async_trait]
impl WebhookCarrier for Webhooks {
    async fn post(&self, posted: &Posted) -> Result<u16, WebhookCarryError> {
        let request = Request::post(posted.url.as_str())
            .header(header::CONTENT_TYPE, "application/json")
            .header("webhook-id", &posted.signed.id)
            .header("webhook-timestamp", posted.signed.timestamp)
            .header("webhook-signature", &posted.signed.signature)
            .body(posted.body.clone().into_bytes())
            .map_err(|error| WebhookCarryError::NoAnswer(Box::new(error)))?;
        self.0.status_of(request, Self::LARGEST).await.map_err(|error| match error {
            OutsideError::Forbidden => WebhookCarryError::Forbidden,
            error => WebhookCarryError::NoAnswer(Box::new(error)),
        })
    }
}
