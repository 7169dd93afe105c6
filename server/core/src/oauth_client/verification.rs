//! Which clients an admin has looked at: people are told so when they are asked.

use super::{KnownClients, OauthClientError};
use crate::{
    actor::Actor,
    audit::{Act, Action, Reason, Tenant},
    memory::commit_and_forget,
    port::{Change, Consumed, oauth_client::OauthClient},
    ports::Ports,
    secret::{hex, sha256},
};
use latchkey_model::{FieldErrors, OauthClientId};
use std::fmt;

/// What people are shown of a client, by its digest: what an admin looked at is what they verify.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Appearance(String);

impl Appearance {
    /// What is shown of this one.
    pub fn of(client: &OauthClient) -> Self {
        let settings = &client.settings;
        let logo = client.logo.as_ref().map(ToString::to_string).unwrap_or_default();
        let shown = [settings.name.as_str(), &settings.redirect_uris.to_string(), &logo].join("\0");
        Self(hex(&sha256(shown.as_bytes())))
    }

    /// What a form says was seen.
    pub fn seen(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl fmt::Display for Appearance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Says of clients that they are what they say. Another name, other addresses or another picture end that: it was said of those.
#[derive(Clone)]
pub struct ClientVerification {
    ports: Ports,
    known: KnownClients,
}

impl ClientVerification {
    /// The service; changes are forgotten by this memory.
    pub fn new(ports: Ports, known: KnownClients) -> Self {
        Self { ports, known }
    }

    /// Every live client that acts for people, those that nobody has verified first.
    ///
    /// # Errors
    /// [`OauthClientError`].
    pub async fn list(&self, actor: &Actor) -> Result<Vec<OauthClient>, OauthClientError> {
        actor.admin()?;
        Ok(self.ports.store.clients_for_people().await?)
    }

    /// Says that a client is what it was when somebody looked at it, or that nobody says so any more.
    ///
    /// # Errors
    /// [`OauthClientError::Invalid`] without a reason; [`OauthClientError::Changed`] where it is something else by now: whoever looked at it looks again.
    pub async fn set(
        &self,
        actor: &Actor,
        id: OauthClientId,
        seen: &Appearance,
        verified: bool,
        reason: &str,
    ) -> Result<(), OauthClientError> {
        actor.admin()?;
        let reason = FieldErrors::at("reason", reason.parse::<Reason>()).map_err(OauthClientError::Invalid)?;
        let client = self.ports.store.client_for_people(id).await?.ok_or(OauthClientError::NotFound)?;
        if verified && Appearance::of(&client) != *seen {
            return Err(OauthClientError::Changed);
        }
        let mut work = self.ports.store.begin().await?;
        match work.oauth_client_verify(&client, verified.then(|| self.ports.now())).await? {
            Consumed::Won => {
                let act = Act::new(Tenant::Portal, Action::ClientVerified, client.id, &client.settings.name);
                act.change("verified", client.verified_at.is_some(), verified)
                    .because(reason)
                    .by(actor, &mut *work, &self.ports)
                    .await?;
            }
            Consumed::Lost => return Err(OauthClientError::Changed),
        }
        let (known, id) = (self.known.clone(), client.client_id.clone());
        Ok(commit_and_forget(work, vec![Change::Client(client.client_id)], move || known.forget(&id)).await?)
    }
}
