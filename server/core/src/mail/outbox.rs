//! The outbox: what was written, for admins.

use crate::{
    actor::{Actor, NotSignedIn},
    port::{StoreError, mail::Mail},
    ports::Ports,
};
use latchkey_model::{AccountRole, MailId};

/// Why the outbox cannot be shown.
#[derive(Debug, thiserror::Error)]
pub enum OutboxError {
    /// Nobody is signed in.
    #[error(transparent)]
    NotSignedIn(#[from] NotSignedIn),
    /// Only an admin may read what is written to others.
    #[error("only an admin may see this")]
    Forbidden,
    /// The store failed.
    #[error("the outbox could not be read")]
    Store(#[from] StoreError),
}

/// A page of mails.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutboxPage {
    /// The newest first.
    pub mails: Vec<Mail>,
    /// The cursor to what is older, if anything is.
    pub older: Option<MailId>,
}

/// Shows what was written.
#[derive(Clone)]
pub struct OutboxService {
    ports: Ports,
}

impl OutboxService {
    const PAGE_SIZE: u64 = 30;

    /// The service on these ports.
    pub fn new(ports: Ports) -> Self {
        Self { ports }
    }

    /// Mails older than a cursor.
    ///
    /// # Errors
    /// [`OutboxError::Forbidden`] for anybody but an admin.
    pub async fn mails(&self, actor: &Actor, before: Option<MailId>) -> Result<OutboxPage, OutboxError> {
        match actor.account()?.role {
            AccountRole::Admin => {}
            AccountRole::Developer => return Err(OutboxError::Forbidden),
        }
        let mut mails = self.ports.store.mails(before, Self::PAGE_SIZE + 1).await?;
        let more = mails.len() as u64 > Self::PAGE_SIZE;
        mails.truncate(usize::try_from(Self::PAGE_SIZE).unwrap_or(usize::MAX));
        let older = mails.last().map(|mail| mail.id).filter(|_| more);
        Ok(OutboxPage { mails, older })
    }
}
