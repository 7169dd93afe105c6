//! Mails: written in the transaction of what they tell of, sent later.

use super::{Consumed, Inserted, StoreError};
use async_trait::async_trait;
use latchkey_model::MailId;
use time::OffsetDateTime;

/// A mail as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mail {
    /// Its id.
    pub id: MailId,
    /// The address it goes to.
    pub recipient: String,
    /// The subject.
    pub subject: String,
    /// The text. Where there is a link, its place is marked in it.
    pub text: String,
    /// A link that its reader alone may open, until the mail is on its way.
    pub link: Option<SealedLink>,
    /// What it tells of, once for each recipient: a mail with a name that was used before is not written again.
    pub occasion: String,
    /// When it was written.
    pub created_at: OffsetDateTime,
    /// Until when it is of use to its reader, where that ends.
    pub useful_until: Option<OffsetDateTime>,
    /// What became of it.
    pub delivery: Delivery,
}

/// A link as it is kept: sealed, since whoever has it can act as the mail's reader.
#[derive(Clone, PartialEq, Eq)]
pub struct SealedLink(pub Vec<u8>);

impl std::fmt::Debug for SealedLink {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SealedLink")
    }
}

/// What became of a mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Delivery {
    /// It is still to be sent.
    Waiting {
        /// How often that was tried.
        attempts: u32,
        /// When it is tried next.
        next_attempt_at: OffsetDateTime,
        /// What was in the way the last time.
        problem: Option<String>,
    },
    /// The server for mail took it.
    Sent(OffsetDateTime),
    /// It is not sent any more.
    GivenUp {
        /// Since when.
        at: OffsetDateTime,
        /// Why.
        problem: String,
    },
}

impl Delivery {
    /// It was written at this time, and is to be sent at once.
    pub const fn new(at: OffsetDateTime) -> Self {
        Self::Waiting { attempts: 0, next_attempt_at: at, problem: None }
    }
}

/// Questions about mails.
#[async_trait]
pub trait MailReader {
    /// The newest mails, older than a cursor.
    async fn mails(&self, before: Option<MailId>, limit: u64) -> Result<Vec<Mail>, StoreError>;

    /// Mails that are to be sent by now, the longest due first.
    async fn mails_due(&self, now: OffsetDateTime, limit: u64) -> Result<Vec<Mail>, StoreError>;
}

/// Changes to mails.
#[async_trait]
pub trait MailWriter {
    /// Writes a mail; [`Inserted::Duplicate`] when this recipient was told of this occasion before.
    async fn mail_add(&mut self, mail: &Mail) -> Result<Inserted, StoreError>;

    /// Takes a waiting mail that was tried so often to be tried now, and says when it is due again if nothing is heard of it: of all
    /// nodes that try, one wins.
    async fn mail_take(
        &mut self,
        id: MailId,
        attempts: u32,
        due_again_at: OffsetDateTime,
    ) -> Result<Consumed, StoreError>;

    /// Notes what became of a mail that was taken to be tried for the so-manieth time, unless another node has tried it since. What is
    /// not sent any more, or was, keeps no link.
    async fn mail_settle(&mut self, id: MailId, attempts: u32, delivery: &Delivery) -> Result<Consumed, StoreError>;
}
