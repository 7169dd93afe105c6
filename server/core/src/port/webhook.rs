//! Webhooks, the messages on their way to them, and what came of each try.

use super::{Consumed, StoreError};
use crate::alert::AlertsOf;
use async_trait::async_trait;
use latchkey_model::{AccountId, Name, WebhookDeliveryId, WebhookId};
use std::{fmt, time::Duration};
use time::OffsetDateTime;
use url::Url;
use uuid::Uuid;

/// A webhook's secret as it is kept: sealed.
#[derive(Clone, PartialEq, Eq)]
pub struct SealedWebhookSecret(pub Vec<u8>);

impl fmt::Debug for SealedWebhookSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SealedWebhookSecret")
    }
}

/// Why a webhook is told nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OffBecause {
    /// Somebody switched it off.
    Asked,
    /// It answered that it is gone (410).
    Gone,
    /// It took nothing for days.
    Failing,
}

impl OffBecause {
    /// Every reason.
    pub const ALL: [Self; 3] = [Self::Asked, Self::Gone, Self::Failing];

    /// The stored word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Asked => "asked",
            Self::Gone => "gone",
            Self::Failing => "failing",
        }
    }
}

/// Where somebody's programs are told of alerts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Webhook {
    /// Its id.
    pub id: WebhookId,
    /// Whose alerts it is told of.
    pub of: AlertsOf,
    /// What it is called.
    pub name: Name,
    /// Where messages are posted.
    pub url: Url,
    /// What messages are signed with.
    pub secret: SealedWebhookSecret,
    /// What they were signed with before, and until when they are still.
    pub former_secret: Option<(SealedWebhookSecret, OffsetDateTime)>,
    /// Who made it.
    pub created_by: AccountId,
    /// When.
    pub created_at: OffsetDateTime,
    /// Since when nothing was taken there, if the last message was not.
    pub failing_since: Option<OffsetDateTime>,
    /// Since when it is told nothing, and why.
    pub off: Option<(OffsetDateTime, OffBecause)>,
}

/// An address for people and the audit log: without its query, in which some services keep a secret.
pub fn shown_url(url: &Url) -> String {
    let mut shown = url.clone();
    shown.set_query(None);
    if url.query().is_some() { format!("{shown}?…") } else { shown.to_string() }
}

/// What became of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeliveryState {
    /// It is still to be taken.
    Waiting {
        /// How often that was tried.
        attempts: u32,
        /// When it is tried next.
        next_attempt_at: OffsetDateTime,
    },
    /// It was taken.
    Taken(OffsetDateTime),
    /// It is not tried any more.
    GivenUp(OffsetDateTime),
}

/// A message on its way to a webhook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// Its id.
    pub id: WebhookDeliveryId,
    /// To which webhook.
    pub webhook: WebhookId,
    /// What it tells of, such as `alert.raised`.
    pub event: String,
    /// The body, as it is signed and posted.
    pub body: String,
    /// When it was written.
    pub created_at: OffsetDateTime,
    /// What became of it.
    pub state: DeliveryState,
}

/// A try.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliveryAttempt {
    /// Its id, under which it is kept: tries sort by time.
    pub id: Uuid,
    /// When it was made.
    pub at: OffsetDateTime,
    /// The status of the answer, if there was one.
    pub status: Option<u16>,
    /// What was wrong, if anything was.
    pub problem: Option<String>,
    /// How long it took.
    pub took: Duration,
}

/// Questions about webhooks.
#[async_trait]
pub trait WebhookReader {
    /// Somebody's webhooks, the oldest first.
    async fn webhooks(&self, of: AlertsOf) -> Result<Vec<Webhook>, StoreError>;

    /// A webhook, whosever it is: for the courier alone.
    async fn webhook_to_tell(&self, id: WebhookId) -> Result<Option<Webhook>, StoreError>;

    /// Messages to a webhook, older than a cursor, the newest first.
    async fn deliveries(
        &self,
        webhook: WebhookId,
        before: Option<WebhookDeliveryId>,
        limit: u64,
    ) -> Result<Vec<Delivery>, StoreError>;

    /// The tries of messages, the newest first.
    async fn delivery_attempts(
        &self,
        deliveries: &[WebhookDeliveryId],
    ) -> Result<Vec<(WebhookDeliveryId, DeliveryAttempt)>, StoreError>;

    /// Messages that are to be tried by now, the longest due first.
    async fn deliveries_due(&self, now: OffsetDateTime, limit: u64) -> Result<Vec<Delivery>, StoreError>;
}

/// Changes to webhooks.
#[async_trait]
pub trait WebhookWriter {
    /// Adds one, unless whoever it is for has so many: the count holds until the end of this transaction.
    async fn webhook_add(&mut self, webhook: &Webhook, at_most: u64) -> Result<Consumed, StoreError>;

    /// Writes what may be changed of one: its name, its address, its secrets, and whether it is on. Of those that are gone, nothing.
    async fn webhook_set(&mut self, webhook: &Webhook) -> Result<Consumed, StoreError>;

    /// Removes one: nobody finds it any more, and nothing is due to it. Its messages, which may be many, go later
    /// ([`Perishable::RemovedWebhooks`](super::Perishable::RemovedWebhooks)).
    async fn webhook_remove(&mut self, id: WebhookId, at: OffsetDateTime) -> Result<Consumed, StoreError>;

    /// Notes that nothing was taken at a webhook since a time, or that something was; the first time stays.
    async fn webhook_failing(&mut self, id: WebhookId, since: Option<OffsetDateTime>) -> Result<(), StoreError>;

    /// Switches one off that is on.
    async fn webhook_off(
        &mut self,
        id: WebhookId,
        at: OffsetDateTime,
        because: OffBecause,
    ) -> Result<Consumed, StoreError>;

    /// Adds a message.
    async fn delivery_add(&mut self, delivery: &Delivery) -> Result<(), StoreError>;

    /// Takes a waiting message that was tried so often to be tried now, and says when it is due again if nothing is heard of it: of all
    /// nodes that try, one wins.
    async fn delivery_take(
        &mut self,
        id: WebhookDeliveryId,
        attempts: u32,
        due_again_at: OffsetDateTime,
    ) -> Result<Consumed, StoreError>;

    /// Notes a try, and what became of the message that was taken to be tried for the so-manieth time, unless another node has tried it
    /// since.
    async fn delivery_settle(
        &mut self,
        id: WebhookDeliveryId,
        attempts: u32,
        attempt: &DeliveryAttempt,
        state: DeliveryState,
    ) -> Result<Consumed, StoreError>;

    /// Lets messages to a webhook that are due before a time wait until then.
    async fn deliveries_postpone(&mut self, webhook: WebhookId, until: OffsetDateTime) -> Result<(), StoreError>;

    /// Lets a message be tried from now on as if it were new.
    async fn delivery_again(
        &mut self,
        webhook: WebhookId,
        id: WebhookDeliveryId,
        now: OffsetDateTime,
    ) -> Result<Consumed, StoreError>;
}
