//! What webhooks are sent.

use super::WebhookSecret;
use crate::{
    alert::AlertsOf,
    clock::written,
    port::{
        StoreError, UnitOfWork,
        alert::{Alert, Course},
        webhook::{Delivery, DeliveryState, Webhook},
    },
    ports::Ports,
};
use latchkey_model::WebhookDeliveryId;
use serde::Serialize;
use std::fmt;
use time::OffsetDateTime;

/// What a message tells of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// An alert was raised.
    AlertRaised,
    /// What an alert told of is over.
    AlertEnded,
    /// What was over goes on.
    AlertResumed,
    /// Somebody asked for a try.
    Test,
}

impl Event {
    /// The word in a message's `type`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AlertRaised => "alert.raised",
            Self::AlertEnded => "alert.ended",
            Self::AlertResumed => "alert.resumed",
            Self::Test => "webhook.test",
        }
    }
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A message: the same for every webhook, but for its id.
#[derive(Debug, Clone)]
pub struct Message {
    event: Event,
    body: String,
    at: OffsetDateTime,
}

/// A message's body, as Standard Webhooks recommends it.
#[derive(Serialize)]
struct Body<T> {
    #[serde(rename = "type")]
    event: &'static str,
    timestamp: String,
    data: T,
}

#[derive(Serialize)]
struct AlertData<'a> {
    id: String,
    kind: &'a str,
    /// `portal`, or the team's id after `team:`.
    of: String,
    title: &'a str,
    text: &'a str,
    raised_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    ended_at: Option<String>,
    url: &'a str,
    #[serde(flatten)]
    facts: Option<&'a serde_json::Map<String, serde_json::Value>>,
}

#[derive(Serialize)]
struct TestData {
    text: &'static str,
}

impl Message {
    /// Tells of an alert, at this time.
    ///
    /// # Errors
    /// [`StoreError::Internal`], when what is stored of it is no JSON.
    pub fn of_alert(event: Event, alert: &Alert, at: OffsetDateTime) -> Result<Self, StoreError> {
        let facts = serde_json::from_str(&alert.facts).map_err(corrupt)?;
        let ended_at = match (event, alert.course) {
            (Event::AlertEnded, _) => Some(written(at)),
            (_, Course::Over(ended)) => Some(written(ended)),
            (_, Course::Once | Course::Going) => None,
        };
        let data = AlertData {
            id: alert.id.to_string(),
            kind: alert.kind.as_str(),
            of: alert.of.to_string(),
            title: &alert.title,
            text: &alert.text,
            raised_at: written(alert.raised_at),
            ended_at,
            url: &alert.url,
            facts: Some(&facts),
        };
        Self::new(event, at, data)
    }

    /// A try.
    ///
    /// # Errors
    /// None, in practice.
    pub fn test(at: OffsetDateTime) -> Result<Self, StoreError> {
        Self::new(Event::Test, at, TestData { text: "Somebody asked for a try: this webhook works." })
    }

    fn new(event: Event, at: OffsetDateTime, data: impl Serialize) -> Result<Self, StoreError> {
        let body = Body { event: event.as_str(), timestamp: written(at), data };
        Ok(Self { event, body: serde_json::to_string(&body).map_err(corrupt)?, at })
    }

    /// Writes it down for every webhook of somebody's that is on.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn send(&self, work: &mut dyn UnitOfWork, ports: &Ports, of: AlertsOf) -> Result<(), StoreError> {
        for webhook in ports.store.webhooks(of).await? {
            if webhook.off.is_none() {
                self.send_to(work, ports, &webhook).await?;
            }
        }
        Ok(())
    }

    /// Writes it down for one webhook.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn send_to(&self, work: &mut dyn UnitOfWork, ports: &Ports, webhook: &Webhook) -> Result<(), StoreError> {
        let delivery = Delivery {
            id: WebhookDeliveryId::from_uuid(ports.uuid()),
            webhook: webhook.id,
            event: self.event.as_str().to_owned(),
            body: self.body.clone(),
            created_at: self.at,
            state: DeliveryState::Waiting { attempts: 0, next_attempt_at: self.at },
        };
        work.delivery_add(&delivery).await
    }
}

fn corrupt(error: serde_json::Error) -> StoreError {
    StoreError::Internal(Box::new(error))
}

/// A message as it is posted: each try has a time and signatures of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signed {
    /// `webhook-id`: the same for every try and every replay, by which whoever takes messages knows one that came before.
    pub id: String,
    /// `webhook-timestamp`, in Unix seconds.
    pub timestamp: i64,
    /// `webhook-signature`: one for each secret that is good, separated by spaces.
    pub signature: String,
}

impl Signed {
    /// Signs a message with these secrets, now.
    pub fn new(delivery: &Delivery, secrets: &[WebhookSecret], now: OffsetDateTime) -> Self {
        let (id, timestamp) = (format!("msg_{}", delivery.id.as_uuid().simple()), now.unix_timestamp());
        let signatures: Vec<_> = secrets.iter().map(|secret| secret.sign(&id, timestamp, &delivery.body)).collect();
        Self { id, timestamp, signature: signatures.join(" ") }
    }
}
