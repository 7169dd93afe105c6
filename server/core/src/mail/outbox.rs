//! The outbox: what was written, and what became of it, for admins.

use super::Postman;
use crate::{
    actor::{Actor, NotSignedIn},
    port::{
        StoreError,
        mail::{Delivery, Mail},
    },
    ports::Ports,
};
use latchkey_model::{AccountRole, MailId};
use time::OffsetDateTime;
use zeroize::Zeroizing;

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

/// A mail, as admins may see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutboxMail {
    /// The address it goes to.
    pub recipient: String,
    /// The subject.
    pub subject: String,
    /// The text. A link that its reader alone may open is in it while no mail is sent at all, and admins pass it on.
    pub text: Zeroizing<String>,
    /// When it was written.
    pub created_at: OffsetDateTime,
    /// What became of it.
    pub delivery: Delivery,
}

/// A page of mails.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutboxPage {
    /// The newest first.
    pub mails: Vec<OutboxMail>,
    /// Whether a server for mail is set.
    pub sends: bool,
    /// The cursor to what is older, if anything is.
    pub older: Option<MailId>,
}

/// Shows what was written.
#[derive(Clone)]
pub struct OutboxService {
    ports: Ports,
    postman: Postman,
}

impl OutboxService {
    const PAGE_SIZE: u64 = 30;

    /// The service on these ports.
    pub fn new(ports: Ports, postman: Postman) -> Self {
        Self { ports, postman }
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
        let mails = mails.into_iter().map(|mail| self.seen(mail)).collect();
        Ok(OutboxPage { mails, sends: self.postman.sends(), older })
    }

    fn seen(&self, mail: Mail) -> OutboxMail {
        let text = self.postman.text_in_outbox(&mail);
        let Mail { recipient, subject, created_at, delivery, .. } = mail;
        OutboxMail { recipient, subject, text, created_at, delivery }
    }
}
