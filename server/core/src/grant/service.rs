//! Listing and revoking grants.

use crate::{
    access_token::KnownTokens,
    actor::{Actor, NotSignedIn},
    audit::{Act, Action},
    port::{Consumed, StoreError, grant::GrantInView},
    ports::Ports,
};
use latchkey_model::GrantId;

/// Why a grant could not be shown or ended.
#[derive(Debug, thiserror::Error)]
pub enum GrantError {
    /// Nobody is signed in.
    #[error(transparent)]
    NotSignedIn(#[from] NotSignedIn),
    /// No such grant, as far as this account may know, or it was ended before.
    #[error("no such grant")]
    NotFound,
    /// The store failed.
    #[error("the grant could not be reached")]
    Store(#[from] StoreError),
}

/// Shows and ends what an account allows.
#[derive(Clone)]
pub struct GrantService {
    ports: Ports,
    tokens: KnownTokens,
}

impl GrantService {
    /// The service; what is ended is forgotten by this memory.
    pub fn new(ports: Ports, tokens: KnownTokens) -> Self {
        Self { ports, tokens }
    }

    /// What the actor allows, the newest first.
    ///
    /// # Errors
    /// [`GrantError`].
    pub async fn list(&self, actor: &Actor) -> Result<Vec<GrantInView>, GrantError> {
        Ok(self.ports.store.grants(actor.account()?.id).await?)
    }

    /// Takes back what the actor allowed: every token of the grant stops in the same transaction. When this returns, no request that
    /// begins from now on is let in with one.
    ///
    /// # Errors
    /// [`GrantError`].
    pub async fn revoke(&self, actor: &Actor, id: GrantId) -> Result<(), GrantError> {
        let account = actor.account()?.id;
        let given = self.ports.store.grants(account).await?.into_iter().find(|one| one.grant.id == id);
        let app = given.map(|one| one.client_name.to_string()).unwrap_or_default();
        let mut work = self.ports.store.begin().await?;
        match work.grant_revoke(account, id, self.ports.now()).await? {
            Consumed::Won => {
                Act::new(account, Action::GrantRevoked, id, app).by(actor, &mut *work, &self.ports).await?;
                Ok(self.tokens.commit_end(work, id.as_uuid()).await?)
            }
            Consumed::Lost => Err(GrantError::NotFound),
        }
    }
}
