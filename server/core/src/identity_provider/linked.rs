//! Which identities elsewhere open an account: said by its person, while signed in, and taken back by them.

use super::sign_in::ProvenIdentity;
use crate::{
    actor::{Actor, NotSignedIn},
    audit::{Act, Action},
    mail::Letter,
    port::{
        Consumed, Inserted, StoreError,
        identity_provider::{Identity, LinkedIdentity},
    },
    ports::Ports,
};
use std::sync::Arc;

/// Why an identity could not be linked or unlinked.
#[derive(Debug, thiserror::Error)]
pub enum LinkedIdentityError {
    /// Nobody is signed in.
    #[error(transparent)]
    NotSignedIn(#[from] NotSignedIn),
    /// They did not give their password lately: what opens an account for good is not added by whoever finds it open.
    #[error("the password was not given lately")]
    PasswordFirst,
    /// It was proven too long ago.
    #[error("it was proven too long ago")]
    TooLongAgo,
    /// It opens an account already: this one or another.
    #[error("this identity is linked already")]
    LinkedAlready,
    /// No such link, or no such provider any more.
    #[error("no such link")]
    NotFound,
    /// The store failed.
    #[error("the links could not be reached")]
    Store(#[from] StoreError),
}

/// Links and unlinks.
#[derive(Clone)]
pub struct LinkedIdentities {
    ports: Ports,
    public_url: Arc<str>,
}

impl LinkedIdentities {
    /// The service; mails lead to `public_url`.
    pub fn new(ports: Ports, public_url: Arc<str>) -> Self {
        Self { ports, public_url }
    }

    /// Whether a person has given their password lately.
    pub fn may_link(&self, actor: &Actor) -> bool {
        actor.proven(self.ports.now()).is_ok()
    }

    /// What opens the account.
    ///
    /// # Errors
    /// [`LinkedIdentityError`].
    pub async fn list(&self, actor: &Actor) -> Result<Vec<LinkedIdentity>, LinkedIdentityError> {
        Ok(self.ports.store.linked_identities(actor.account()?.id).await?)
    }

    /// Lets an identity that was proven a moment ago open the account.
    ///
    /// # Errors
    /// [`LinkedIdentityError`].
    pub async fn link(&self, actor: &Actor, proven: &ProvenIdentity) -> Result<(), LinkedIdentityError> {
        let account = actor.account()?;
        if !self.may_link(actor) {
            return Err(LinkedIdentityError::PasswordFirst);
        }
        let now = self.ports.now();
        if !proven.is_fresh(now) {
            return Err(LinkedIdentityError::TooLongAgo);
        }
        let provider = self.ports.store.identity_provider(proven.provider).await?;
        let provider =
            provider.filter(|provider| provider.disabled_at.is_none()).ok_or(LinkedIdentityError::NotFound)?;
        let linked = LinkedIdentity {
            identity: proven.identity(),
            provider_name: provider.settings.name,
            label: proven.label.clone(),
            account: account.id,
            linked_at: now,
            last_used_at: None,
        };
        let mut work = self.ports.store.begin().await?;
        match work.linked_identity_add(&linked).await? {
            Inserted::Done => {}
            Inserted::Duplicate => return Err(LinkedIdentityError::LinkedAlready),
        }
        let act = Act::new(account.id, Action::IdentityLinked, linked.identity.provider, &linked.provider_name);
        act.by(actor, &mut *work, &self.ports).await?;
        let letter = Letter::identity_linked(&linked, &self.public_url);
        letter.send(&mut *work, &self.ports, &[account.email.to_string()]).await?;
        Ok(work.commit().await?)
    }

    /// Takes from an identity that it opens the account. The password still does.
    ///
    /// # Errors
    /// [`LinkedIdentityError`].
    pub async fn unlink(&self, actor: &Actor, identity: &Identity) -> Result<(), LinkedIdentityError> {
        let account = actor.account()?;
        let linked = self.list(actor).await?.into_iter().find(|one| one.identity == *identity);
        let linked = linked.ok_or(LinkedIdentityError::NotFound)?;
        let mut work = self.ports.store.begin().await?;
        match work.linked_identity_remove(account.id, identity).await? {
            Consumed::Won => {}
            Consumed::Lost => return Err(LinkedIdentityError::NotFound),
        }
        let act = Act::new(account.id, Action::IdentityUnlinked, linked.identity.provider, &linked.provider_name);
        act.by(actor, &mut *work, &self.ports).await?;
        let letter = Letter::identity_unlinked(&linked, self.ports.now(), &self.public_url);
        letter.send(&mut *work, &self.ports, &[account.email.to_string()]).await?;
        Ok(work.commit().await?)
    }
}
