//! What people do with webhooks.

use super::{Courier, Message, WebhookSecret};
use crate::{
    actor::{Actor, NotProven, NotSignedIn},
    alert::{AlertAccess, AlertError, AlertsOf, access},
    audit::{Act, Action, Tenant},
    port::{
        Consumed, StoreError,
        webhook::{Delivery, DeliveryAttempt, OffBecause, Webhook, shown_url},
    },
    ports::Ports,
    sealing::SealError,
};
use latchkey_model::{FieldErrors, Name, WebhookDeliveryId, WebhookId};
use time::Duration;
use url::Url;
use zeroize::Zeroizing;

/// Why a webhook was not shown or changed.
#[derive(Debug, thiserror::Error)]
pub enum WebhookError {
    /// Nobody is signed in.
    #[error(transparent)]
    NotSignedIn(#[from] NotSignedIn),
    /// They must show first who they are.
    #[error("the person must show first who they are")]
    ProveFirst,
    /// There is no such webhook, as far as this account may know.
    #[error("no such webhook")]
    NotFound,
    /// They may look, and change nothing.
    #[error("they may look alone")]
    Forbidden,
    /// Fields need another look.
    #[error("fields need another look")]
    Invalid(FieldErrors),
    /// There are as many as there may be.
    #[error("there are too many webhooks")]
    TooMany,
    /// It is off: nothing is posted there.
    #[error("the webhook is off")]
    Off,
    /// Its secret could not be sealed.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// The store failed.
    #[error("webhooks could not be reached")]
    Store(#[from] StoreError),
}

impl From<AlertError> for WebhookError {
    fn from(error: AlertError) -> Self {
        match error {
            AlertError::NotSignedIn(error) => Self::NotSignedIn(error),
            AlertError::NotFound => Self::NotFound,
            AlertError::Forbidden => Self::Forbidden,
            AlertError::Invalid(errors) => Self::Invalid(errors),
            AlertError::Store(error) => Self::Store(error),
        }
    }
}

impl From<NotProven> for WebhookError {
    fn from(error: NotProven) -> Self {
        match error {
            NotProven::NotSignedIn(error) => Self::NotSignedIn(error),
            NotProven::TooLongAgo => Self::ProveFirst,
        }
    }
}

/// What somebody typed.
#[derive(Debug, Clone, Default)]
pub struct WebhookForm {
    /// What it is called.
    pub name: String,
    /// Where messages are posted.
    pub url: String,
}

impl WebhookForm {
    const LONGEST_URL: usize = 2_000;

    fn read(&self, plain_too: bool) -> Result<(Name, Url), FieldErrors> {
        let mut errors = FieldErrors::default();
        let name = errors.check("name", self.name.parse::<Name>());
        let url = errors.check("url", address(&self.url, plain_too));
        match (name, url) {
            (Some(name), Some(url)) => Ok((name, url)),
            _ => Err(errors),
        }
    }
}

/// An address that messages may be posted to. A name and password in it would be kept, and shown, as part of the address.
fn address(typed: &str, plain_too: bool) -> Result<Url, &'static str> {
    let typed = typed.trim();
    if typed.len() > WebhookForm::LONGEST_URL {
        return Err("Write a shorter address");
    }
    let url = typed.parse::<Url>().map_err(|_| "Write an https:// address")?;
    let secure = url.scheme() == "https" || (plain_too && url.scheme() == "http");
    if !secure || url.host().is_none() {
        return Err("Write an https:// address");
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("Leave out the name and password: messages are signed instead");
    }
    if url.fragment().is_some() {
        return Err("Leave out what follows the #");
    }
    Ok(url)
}

/// A webhook with its latest messages.
#[derive(Debug, Clone)]
pub struct WebhookView {
    /// The webhook.
    pub webhook: Webhook,
    /// Messages, the newest first, each with its tries, the newest first.
    pub deliveries: Vec<(Delivery, Vec<DeliveryAttempt>)>,
    /// The cursor to what is older, if anything is.
    pub older: Option<WebhookDeliveryId>,
    /// Whether the actor may change it.
    pub access: AlertAccess,
}

/// Shows and changes webhooks.
#[derive(Clone)]
pub struct WebhookService {
    ports: Ports,
    courier: Courier,
    /// Whether messages may go by plain HTTP: where everything is in a private network.
    plain_too: bool,
}

impl WebhookService {
    /// How many webhooks a team, or the portal, may have.
    pub const AT_MOST: usize = 10;
    const PAGE_SIZE: u64 = 30;
    /// For how long messages are also signed with the secret of before.
    const OVERLAP: Duration = Duration::DAY;

    /// The service.
    pub fn new(ports: Ports, courier: Courier, plain_too: bool) -> Self {
        Self { ports, courier, plain_too }
    }

    /// Somebody's webhooks, the oldest first.
    ///
    /// # Errors
    /// [`WebhookError`].
    pub async fn list(&self, actor: &Actor, of: AlertsOf) -> Result<Vec<Webhook>, WebhookError> {
        access(&self.ports, actor, of).await?;
        Ok(self.ports.store.webhooks(of).await?)
    }

    /// One webhook, with messages older than a cursor.
    ///
    /// # Errors
    /// [`WebhookError`].
    pub async fn view(
        &self,
        actor: &Actor,
        of: AlertsOf,
        id: WebhookId,
        before: Option<WebhookDeliveryId>,
    ) -> Result<WebhookView, WebhookError> {
        let access = access(&self.ports, actor, of).await?;
        let webhook = self.find(of, id).await?;
        let mut found = self.ports.store.deliveries(id, before, Self::PAGE_SIZE + 1).await?;
        let more = found.len() as u64 > Self::PAGE_SIZE;
        found.truncate(usize::try_from(Self::PAGE_SIZE).unwrap_or(usize::MAX));
        let older = found.last().map(|delivery| delivery.id).filter(|_| more);
        let ids: Vec<_> = found.iter().map(|delivery| delivery.id).collect();
        let tries = self.ports.store.delivery_attempts(&ids).await?;
        let tries_of = |id| tries.iter().filter(move |(of, _)| *of == id).map(|(_, attempt)| attempt.clone());
        let deliveries = found.into_iter().map(|one| (one.clone(), tries_of(one.id).collect())).collect();
        Ok(WebhookView { webhook, deliveries, older, access })
    }

    async fn find(&self, of: AlertsOf, id: WebhookId) -> Result<Webhook, WebhookError> {
        let webhooks = self.ports.store.webhooks(of).await?;
        webhooks.into_iter().find(|webhook| webhook.id == id).ok_or(WebhookError::NotFound)
    }

    async fn to_change(&self, actor: &Actor, of: AlertsOf) -> Result<(), WebhookError> {
        match access(&self.ports, actor, of).await? {
            AlertAccess::Look => Err(WebhookError::Forbidden),
            AlertAccess::Change => Ok(()),
        }
    }

    /// Adds a webhook; its secret is shown once.
    ///
    /// # Errors
    /// [`WebhookError`].
    pub async fn add(
        &self,
        actor: &Actor,
        of: AlertsOf,
        form: &WebhookForm,
    ) -> Result<(WebhookId, Zeroizing<String>), WebhookError> {
        self.to_change(actor, of).await?;
        let now = self.ports.now();
        let created_by = actor.proven(now)?.id;
        let (name, url) = form.read(self.plain_too).map_err(WebhookError::Invalid)?;
        let (id, secret) = (WebhookId::from_uuid(self.ports.uuid()), WebhookSecret::generate(self.ports.random()));
        let webhook = Webhook {
            id,
            of,
            name,
            url,
            secret: self.courier.seal(id, &secret)?,
            former_secret: None,
            created_by,
            created_at: now,
            failing_since: None,
            off: None,
        };
        let mut work = self.ports.store.begin().await?;
        if work.webhook_add(&webhook, Self::AT_MOST as u64).await? == Consumed::Lost {
            return Err(WebhookError::TooMany);
        }
        Act::new(Tenant::from(of), Action::WebhookAdded, id, &webhook.name)
            .change("url", "", shown_url(&webhook.url))
            .commit_by(actor, work, &self.ports)
            .await?;
        Ok((id, secret.expose()))
    }

    /// Gives a webhook another name or address.
    ///
    /// # Errors
    /// [`WebhookError`].
    pub async fn change(
        &self,
        actor: &Actor,
        of: AlertsOf,
        id: WebhookId,
        form: &WebhookForm,
    ) -> Result<(), WebhookError> {
        self.to_change(actor, of).await?;
        actor.proven(self.ports.now())?;
        let before = self.find(of, id).await?;
        let (name, url) = form.read(self.plain_too).map_err(WebhookError::Invalid)?;
        let act = Act::new(Tenant::from(of), Action::WebhookChanged, id, &name)
            .change("name", &before.name, &name)
            .change("url", shown_url(&before.url), shown_url(&url));
        self.set(actor, Webhook { name, url, ..before }, act).await
    }

    /// Makes a new secret, which is shown once; messages are also signed with the one before for a day.
    ///
    /// # Errors
    /// [`WebhookError`].
    pub async fn rotate(&self, actor: &Actor, of: AlertsOf, id: WebhookId) -> Result<Zeroizing<String>, WebhookError> {
        self.to_change(actor, of).await?;
        let now = self.ports.now();
        actor.proven(now)?;
        let before = self.find(of, id).await?;
        let secret = WebhookSecret::generate(self.ports.random());
        let webhook = Webhook {
            secret: self.courier.seal(id, &secret)?,
            former_secret: Some((before.secret.clone(), now + Self::OVERLAP)),
            ..before
        };
        let act = Act::new(Tenant::from(of), Action::WebhookSecretRotated, id, &webhook.name);
        self.set(actor, webhook, act).await?;
        Ok(secret.expose())
    }

    /// Switches a webhook on or off.
    ///
    /// # Errors
    /// [`WebhookError`].
    pub async fn switch(&self, actor: &Actor, of: AlertsOf, id: WebhookId, on: bool) -> Result<(), WebhookError> {
        self.to_change(actor, of).await?;
        let before = self.find(of, id).await?;
        let was_on = before.off.is_none();
        if was_on == on {
            return Ok(());
        }
        let off = (!on).then(|| (self.ports.now(), OffBecause::Asked));
        let act = Act::new(Tenant::from(of), Action::WebhookChanged, id, &before.name).change("on", was_on, on);
        self.set(actor, Webhook { off, failing_since: None, ..before }, act).await
    }

    async fn set(&self, actor: &Actor, webhook: Webhook, act: Act) -> Result<(), WebhookError> {
        let mut work = self.ports.store.begin().await?;
        match work.webhook_set(&webhook).await? {
            Consumed::Won => Ok(act.commit_by(actor, work, &self.ports).await?),
            Consumed::Lost => Err(WebhookError::NotFound),
        }
    }

    /// Removes a webhook with its messages.
    ///
    /// # Errors
    /// [`WebhookError`].
    pub async fn remove(&self, actor: &Actor, of: AlertsOf, id: WebhookId) -> Result<(), WebhookError> {
        self.to_change(actor, of).await?;
        let now = self.ports.now();
        actor.proven(now)?;
        let webhook = self.find(of, id).await?;
        let mut work = self.ports.store.begin().await?;
        match work.webhook_remove(id, now).await? {
            Consumed::Won => {}
            Consumed::Lost => return Err(WebhookError::NotFound),
        }
        let act = Act::new(Tenant::from(of), Action::WebhookRemoved, id, &webhook.name);
        Ok(act.commit_by(actor, work, &self.ports).await?)
    }

    /// Sends a message that tells of nothing, to see whether it is taken.
    ///
    /// # Errors
    /// [`WebhookError::Off`], where nothing is posted.
    pub async fn test(&self, actor: &Actor, of: AlertsOf, id: WebhookId) -> Result<(), WebhookError> {
        self.to_change(actor, of).await?;
        let webhook = self.find(of, id).await?;
        if webhook.off.is_some() {
            return Err(WebhookError::Off);
        }
        let mut work = self.ports.store.begin().await?;
        Message::test(self.ports.now())?.send_to(&mut *work, &self.ports, &webhook).await?;
        work.commit().await?;
        self.courier.wake();
        Ok(())
    }

    /// Sends a message again, under the id that it had; one that waits is tried at once.
    ///
    /// # Errors
    /// [`WebhookError::Off`], where nothing is posted.
    pub async fn replay(
        &self,
        actor: &Actor,
        of: AlertsOf,
        id: WebhookId,
        delivery: WebhookDeliveryId,
    ) -> Result<(), WebhookError> {
        self.to_change(actor, of).await?;
        if self.find(of, id).await?.off.is_some() {
            return Err(WebhookError::Off);
        }
        let mut work = self.ports.store.begin().await?;
        match work.delivery_again(id, delivery, self.ports.now()).await? {
            Consumed::Won => work.commit().await?,
            Consumed::Lost => return Err(WebhookError::NotFound),
        }
        self.courier.wake();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_https_and_hold_no_password() {
        assert!(address(" https://example.org/hook?token=1 ", false).is_ok());
        assert!(address("http://10.0.0.1:8080/hook", true).is_ok());
        for wrong in [
            "",
            "example.org",
            "http://example.org/",
            "ftp://example.org/",
            "https://me:secret@example.org/",
            "https://me@example.org/",
            "https://example.org/#part",
            "javascript:alert(1)",
            "https://",
        ] {
            assert!(address(wrong, false).is_err(), "{wrong}");
        }
        assert!(address(&format!("https://example.org/{}", "x".repeat(2_000)), false).is_err());
    }

    #[test]
    fn the_audit_log_keeps_no_query() {
        let url = "https://example.org/hook?token=secret".parse().unwrap();
        assert_eq!(shown_url(&url), "https://example.org/hook?…");
    }
}
