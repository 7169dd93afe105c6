//! Mails: written in the transaction of what they tell of, sent later.

use super::{Inserted, StoreError};
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
    /// The text.
    pub text: String,
    /// What it tells of, once for each recipient: a mail with a name that was used before is not written again.
    pub occasion: String,
    /// When it was written.
    pub created_at: OffsetDateTime,
}

/// Questions about mails.
#[async_trait]
pub trait MailReader {
    /// The newest mails, older than a cursor.
    async fn mails(&self, before: Option<MailId>, limit: u64) -> Result<Vec<Mail>, StoreError>;
}

/// Changes to mails.
#[async_trait]
pub trait MailWriter {
    /// Writes a mail; [`Inserted::Duplicate`] when this recipient was told of this occasion before.
    async fn mail_add(&mut self, mail: &Mail) -> Result<Inserted, StoreError>;
}
