//! Which clients an admin has looked at: people are told so when they are asked.

use super::{KnownClients, OauthClientError};
use crate::{
    actor::Actor,
    memory::commit_and_forget,
    port::{Change, Consumed, oauth_client::OauthClient},
    ports::Ports,
};
use latchkey_model::{AccountRole, OauthClientId};

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
        admin(actor)?;
        Ok(self.ports.store.clients_for_people().await?)
    }

    /// Says that a client is what it says, or that nobody says so any more.
    ///
    /// # Errors
    /// [`OauthClientError`].
    pub async fn set(&self, actor: &Actor, id: OauthClientId, verified: bool) -> Result<(), OauthClientError> {
        admin(actor)?;
        let clients = self.ports.store.clients_for_people().await?;
        let client = clients.into_iter().find(|client| client.id == id).ok_or(OauthClientError::NotFound)?;
        let mut work = self.ports.store.begin().await?;
        match work.oauth_client_verify(&client, verified.then(|| self.ports.now())).await? {
            Consumed::Won => {}
            // It was changed a moment ago: whoever looked at it looks again.
            Consumed::Lost => return Err(OauthClientError::AlreadyEnded),
        }
        let (known, id) = (self.known.clone(), client.client_id.clone());
        Ok(commit_and_forget(work, vec![Change::Client(client.client_id)], move || known.forget(&id)).await?)
    }
}

fn admin(actor: &Actor) -> Result<(), OauthClientError> {
    match actor.account()?.role {
        AccountRole::Admin => Ok(()),
        AccountRole::Developer => Err(OauthClientError::Forbidden),
    }
}
