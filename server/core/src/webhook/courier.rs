//! Posts messages, tries again what was not taken, and switches off what nobody answers at.

use super::{Signed, WebhookSecret};
use crate::{
    alert::AlertsOf,
    audit::{Act, Action, Tenant},
    clock::written,
    mail::Letter,
    notice::NoticeKind,
    port::{
        Consumed, StoreError, UnitOfWork,
        webhook::{Delivery, DeliveryAttempt, DeliveryState, OffBecause, SealedWebhookSecret, Webhook},
    },
    ports::Ports,
    sealing::{SealError, Sealer},
};
use async_trait::async_trait;
use latchkey_model::WebhookId;
use std::{sync::Arc, time::Instant};
use time::{Duration, OffsetDateTime};
use tokio::{sync::Notify, task::JoinSet};
use url::Url;

/// What is posted.
#[derive(Debug, Clone)]
pub struct Posted {
    /// Where.
    pub url: Url,
    /// The headers that show from whom it is.
    pub signed: Signed,
    /// The body, as it is signed.
    pub body: String,
}

/// Why a message got no answer.
#[derive(Debug, thiserror::Error)]
pub enum WebhookCarryError {
    /// The address leads to where nothing is posted.
    #[error("the address leads into a private network")]
    Forbidden,
    /// Nobody answered in time, or not as a server does.
    #[error("nobody answered there in time")]
    NoAnswer(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// Posts messages to addresses that somebody else named.
#[async_trait]
pub trait WebhookCarrier: Send + Sync + 'static {
    /// Posts a message; returns the status of the answer.
    async fn post(&self, posted: &Posted) -> Result<u16, WebhookCarryError>;
}

/// Posts messages. Cloning it clones a handle.
#[derive(Clone)]
pub struct Courier {
    ports: Ports,
    sealer: Arc<Sealer>,
    carrier: Arc<dyn WebhookCarrier>,
    public_url: Arc<str>,
    wake: Arc<Notify>,
}

impl Courier {
    /// How long after a try that failed the next one is made: three and a half days in all (Standard Webhooks, section on retries).
    const AGAIN_AFTER: [Duration; 9] = [
        Duration::seconds(5),
        Duration::minutes(5),
        Duration::minutes(30),
        Duration::hours(2),
        Duration::hours(5),
        Duration::hours(10),
        Duration::hours(14),
        Duration::hours(20),
        Duration::hours(24),
    ];
    /// How long a webhook may take nothing before it is switched off.
    const PATIENCE: Duration = Duration::days(5);
    /// How long a node may take for one message before another tries it.
    const LEASE: Duration = Duration::minutes(1);
    /// How often the store is asked for messages that are due, though nobody said that there are some.
    pub const PAUSE: std::time::Duration = std::time::Duration::from_secs(5);
    const AT_ONCE: u64 = 50;
    /// How many webhooks are told at the same time.
    const SIDE_BY_SIDE: usize = 8;
    /// The status by which a webhook says that it is no more (RFC 9110 section 15.5.11).
    const GONE: u16 = 410;

    /// A courier; secrets are opened by `sealer`.
    pub fn new(ports: Ports, sealer: Arc<Sealer>, carrier: Arc<dyn WebhookCarrier>, public_url: Arc<str>) -> Self {
        Self { ports, sealer, carrier, public_url, wake: Arc::default() }
    }

    /// Says that there is something to post.
    pub fn wake(&self) {
        self.wake.notify_one();
    }

    /// Done when somebody said so.
    pub async fn woken(&self) {
        self.wake.notified().await;
    }

    /// Seals a secret for its webhook.
    pub(super) fn seal(&self, id: WebhookId, secret: &WebhookSecret) -> Result<SealedWebhookSecret, SealError> {
        let place = id.as_uuid();
        Ok(SealedWebhookSecret(self.sealer.seal(self.ports.random(), place.as_bytes(), secret.bytes())?))
    }

    /// Posts whatever is due, to several webhooks side by side, to each in turn; returns how many messages were taken.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn deliver(&self) -> Result<u64, StoreError> {
        let mut taken = 0;
        loop {
            let due = self.ports.store.deliveries_due(self.ports.now(), Self::AT_ONCE).await?;
            if due.is_empty() {
                return Ok(taken);
            }
            let mut by_webhook: Vec<(WebhookId, Vec<Delivery>)> = Vec::new();
            for delivery in due {
                match by_webhook.iter_mut().find(|(webhook, _)| *webhook == delivery.webhook) {
                    Some((_, waiting)) => waiting.push(delivery),
                    None => by_webhook.push((delivery.webhook, vec![delivery])),
                }
            }
            let (mut working, mut waiting) = (JoinSet::new(), by_webhook.into_iter());
            loop {
                while working.len() < Self::SIDE_BY_SIDE
                    && let Some((webhook, deliveries)) = waiting.next()
                {
                    let courier = self.clone();
                    working.spawn(async move { courier.deliver_to(webhook, deliveries).await });
                }
                match working.join_next().await {
                    Some(Ok(outcome)) => taken += outcome?,
                    Some(Err(error)) => tracing::error!(%error, "a webhook could not be told"),
                    None => break,
                }
            }
        }
    }

    /// Posts messages to one webhook until one is not taken: what follows would fare no better.
    async fn deliver_to(&self, id: WebhookId, deliveries: Vec<Delivery>) -> Result<u64, StoreError> {
        let Some(webhook) = self.ports.store.webhook_to_tell(id).await? else { return Ok(0) };
        let mut taken = 0;
        for delivery in deliveries {
            let DeliveryState::Waiting { attempts, .. } = delivery.state else { continue };
            let mut work = self.ports.store.begin().await?;
            if work.delivery_take(delivery.id, attempts, self.ports.now() + Self::LEASE).await? == Consumed::Lost {
                continue;
            }
            work.commit().await?;
            let attempt = self.try_once(&webhook, &delivery).await;
            let was_taken = attempt.problem.is_none();
            self.settle(&webhook, &delivery, attempts, &attempt).await?;
            taken += u64::from(was_taken);
            if !was_taken {
                break;
            }
        }
        Ok(taken)
    }

    async fn try_once(&self, webhook: &Webhook, delivery: &Delivery) -> DeliveryAttempt {
        let (at, began) = (self.ports.now(), Instant::now());
        let id = self.ports.uuid();
        let attempt = |status, problem| DeliveryAttempt { id, at, status, problem, took: began.elapsed() };
        if webhook.off.is_some() {
            return attempt(None, Some("the webhook is switched off".to_owned()));
        }
        let secrets = match self.secrets(webhook, at) {
            Ok(secrets) => secrets,
            Err(error) => return attempt(None, Some(error.to_string())),
        };
        let posted = Posted {
            url: webhook.url.clone(),
            signed: Signed::new(delivery, &secrets, at),
            body: delivery.body.clone(),
        };
        match self.carrier.post(&posted).await {
            Ok(status @ 200..300) => attempt(Some(status), None),
            Ok(status) => attempt(Some(status), Some(format!("it answered {status}, not with a 2xx status"))),
            Err(error) => {
                tracing::debug!(webhook = %webhook.id, error = &error as &dyn std::error::Error, "a webhook was not reached");
                attempt(None, Some(error.to_string()))
            }
        }
    }

    /// What messages are signed with: also with the secret of before, for a while after a new one was made.
    fn secrets(&self, webhook: &Webhook, at: OffsetDateTime) -> Result<Vec<WebhookSecret>, SealError> {
        let former = webhook.former_secret.as_ref().filter(|(_, until)| *until > at).map(|(sealed, _)| sealed);
        [Some(&webhook.secret), former]
            .into_iter()
            .flatten()
            .map(|sealed| {
                let opened = self.sealer.open(webhook.id.as_uuid().as_bytes(), &sealed.0)?;
                WebhookSecret::from_bytes(&opened).ok_or(SealError::Open)
            })
            .collect()
    }

    async fn settle(
        &self,
        webhook: &Webhook,
        delivery: &Delivery,
        attempts: u32,
        attempt: &DeliveryAttempt,
    ) -> Result<(), StoreError> {
        let now = self.ports.now();
        let mut work = self.ports.store.begin().await?;
        let (state, failing) = match (&attempt.problem, attempt.status) {
            (None, _) => (DeliveryState::Taken(now), false),
            (Some(_), Some(Self::GONE)) => (DeliveryState::GivenUp(now), true),
            (Some(_), _) if webhook.off.is_some() => (DeliveryState::GivenUp(now), false),
            (Some(_), _) => (self.next(attempts, now), true),
        };
        if work.delivery_settle(delivery.id, attempts + 1, attempt, state).await? == Consumed::Lost {
            tracing::warn!(delivery = %delivery.id, "another node has tried this message meanwhile");
            return Ok(());
        }
        if webhook.off.is_none() {
            work.webhook_failing(webhook.id, failing.then_some(now)).await?;
        }
        if let DeliveryState::Waiting { next_attempt_at, .. } = state {
            work.deliveries_postpone(webhook.id, next_attempt_at).await?;
        }
        if failing {
            tracing::warn!(
                webhook = %webhook.id,
                attempts = attempts + 1,
                status = attempt.status,
                problem = attempt.problem,
                "a message was not taken at a webhook"
            );
            self.lose_patience(&mut *work, webhook, attempt.status, now).await?;
        }
        work.commit().await
    }

    /// Switches a webhook off that is gone, or took nothing for days, and tells its people.
    async fn lose_patience(
        &self,
        work: &mut dyn UnitOfWork,
        webhook: &Webhook,
        status: Option<u16>,
        now: OffsetDateTime,
    ) -> Result<(), StoreError> {
        let because = match webhook.failing_since {
            _ if status == Some(Self::GONE) => OffBecause::Gone,
            Some(since) if now - since >= Self::PATIENCE => OffBecause::Failing,
            Some(_) | None => return Ok(()),
        };
        if work.webhook_off(webhook.id, now, because).await? == Consumed::Lost {
            return Ok(());
        }
        Act::new(Tenant::from(webhook.of), Action::WebhookChanged, webhook.id, &webhook.name)
            .change("on", true, false)
            .because(Self::why(because))
            .by_nobody(work, &self.ports)
            .await?;
        let people = webhook.of.people(&*self.ports.store).await?;
        self.letter(webhook, because, now).send(work, &self.ports, &people).await
    }

    fn why(because: OffBecause) -> &'static str {
        match because {
            OffBecause::Gone => "it answered that it is gone for good (410)",
            OffBecause::Failing | OffBecause::Asked => "it took no message for five days",
        }
    }

    fn letter(&self, webhook: &Webhook, because: OffBecause, now: OffsetDateTime) -> Letter {
        let why = Self::why(because);
        let page = match webhook.of {
            AlertsOf::Team(team) => format!("{}/teams/{team}/alerts/webhooks", self.public_url),
            AlertsOf::Portal => format!("{}/admin/alerts/webhooks", self.public_url),
        };
        let text = format!(
            "At {}, the webhook {} was switched off, since {why}. It is told of nothing until somebody switches it on again; what it missed can be sent again from its page:\n{page}/{}\n",
            written(now),
            webhook.name,
            webhook.id,
        );
        let occasion = format!("webhook-off:{}:{}", webhook.id, written(now));
        Letter::new(NoticeKind::WebhookOff, &format!("The webhook {} was switched off", webhook.name), occasion, text)
    }

    /// When a message is tried next that was tried so often before this try: a little later than the table says, so that not all that
    /// failed together come back together.
    fn next(&self, attempts: u32, now: OffsetDateTime) -> DeliveryState {
        let step = usize::try_from(attempts).unwrap_or(usize::MAX);
        let Some(pause) = Self::AGAIN_AFTER.get(step) else { return DeliveryState::GivenUp(now) };
        let mut random = [0];
        self.ports.random().fill_id(&mut random);
        let later = *pause * i32::from(random[0]) / 2_560;
        DeliveryState::Waiting { attempts: attempts + 1, next_attempt_at: now + *pause + later }
    }
}
