//! What the services need from outside, as traits: the store. (Time and randomness are ports too: [`crate::clock`],
//! [`crate::random`].)
//!
//! Reads and writes are apart: a [`Store`] answers questions from a reading connection; a [`UnitOfWork`] is one writing
//! transaction with one `commit`, and dropping it undoes it. To add an aggregate: one file here with its records, a reader
//! trait and a writer trait, both named in [`Store`] and [`UnitOfWork`]; then its twin in `latchkey-storage`.
//!
//! Every question about owned data names the account that asks (or the environment, for demo data): there is no look-up of a
//! stranger's row to forget a check after. Absence is `Ok(None)`; a service decides what it means.

pub mod account;
pub mod alert;
pub mod api;
pub mod api_key;
pub mod application;
pub mod audit;
pub mod block;
pub mod device;
pub mod directory;
pub mod ending;
pub mod grant;
pub mod identity_provider;
pub mod lockout;
pub mod logout;
pub mod mail;
pub mod mailed_link;
pub mod notice;
pub mod oauth_client;
pub mod post;
pub mod registration;
pub mod request_log;
pub mod retention;
pub mod rollup;
pub mod saved_view;
pub mod second_factor;
pub mod session;
pub mod signing_key;
pub mod suspension;
pub mod team;
pub mod webhook;

pub use account::{AccountReader, AccountWriter};
pub use alert::{AlertReader, AlertWriter};
pub use api::{ApiReader, ApiWriter};
pub use api_key::{ApiKeyReader, ApiKeyWriter};
pub use application::{ApplicationReader, ApplicationWriter};
pub use audit::{AuditReader, AuditWriter};
pub use block::{BlockReader, BlockWriter};
pub use device::{DeviceReader, DeviceWriter};
pub use directory::DirectoryReader;
pub use ending::EndingWriter;
pub use grant::{GrantReader, GrantWriter};
pub use identity_provider::{IdentityProviderReader, IdentityProviderWriter};
pub use lockout::{LockoutReader, LockoutWriter};
pub use logout::{LogoutReader, LogoutWriter};
pub use mail::{MailReader, MailWriter};
pub use mailed_link::{MailedLinkReader, MailedLinkWriter};
pub use notice::{NoticeReader, NoticeWriter};
pub use oauth_client::{OauthClientReader, OauthClientWriter};
pub use post::{PostReader, PostWriter};
pub use registration::{RegistrationReader, RegistrationWriter};
pub use request_log::{RequestLogReader, RequestLogWriter};
pub use retention::{Perishable, Removed, RetentionReader, RetentionWriter};
pub use rollup::{RollupReader, RollupWriter};
pub use saved_view::{SavedViewReader, SavedViewWriter};
pub use second_factor::{SecondFactorReader, SecondFactorWriter};
pub use session::{SessionReader, SessionWriter};
pub use signing_key::{SigningKeyReader, SigningKeyWriter};
pub use suspension::SuspensionWriter;
pub use team::{TeamReader, TeamWriter};
pub use webhook::{WebhookReader, WebhookWriter};

use crate::{api_key::format::PublicId, oauth_client::ClientId};
use async_trait::async_trait;
use uuid::Uuid;

/// Why the store could not answer.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Out of reach or overloaded; the same call may succeed later.
    #[error("the store is out of reach")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The disk is full: nothing can be written until somebody makes room.
    #[error("no space is left on the disk of the store")]
    NoSpace(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The store answered something that we do not understand.
    #[error("the store failed")]
    Internal(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// Whether an insert found its place free.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use = "a duplicate is not an error of the store: say what it means here"]
pub enum Inserted {
    /// The row is in.
    Done,
    /// A row with the same unique value was there before; nothing was written.
    Duplicate,
}

/// Who won a thing that only one caller may have: the verdict of a conditional UPDATE, by its row count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use = "only the winner may go on"]
pub enum Consumed {
    /// This call changed the row.
    Won,
    /// Somebody else did before, or there is no such row.
    Lost,
}

/// What a node hears of the others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// A key was changed or ended.
    Key(PublicId),
    /// An OAuth client, or one of its secrets, was changed or ended.
    Client(ClientId),
    /// A token, a family of tokens or a grant was ended.
    Token(Uuid),
    /// A guarded API was registered, changed or removed.
    Apis,
    /// Sessions were ended.
    Sessions,
    /// Something that many credentials rest on was suspended or reinstated.
    Suspensions,
    /// Somebody is kept out, or let in again.
    Blocks,
    /// The line to the others was lost: whatever is remembered may be old.
    Deaf,
    /// The line is back; what was said meanwhile was missed.
    Hearing,
}

/// Changes that other nodes make to credentials.
pub enum Changes {
    /// There are no other nodes: the database belongs to this process.
    Alone,
    /// Whatever they change is heard here.
    Heard(tokio::sync::mpsc::Receiver<Change>),
}

/// Answers questions.
#[async_trait]
pub trait Store:
    AccountReader
    + AlertReader
    + ApiReader
    + ApiKeyReader
    + ApplicationReader
    + AuditReader
    + BlockReader
    + DeviceReader
    + DirectoryReader
    + GrantReader
    + IdentityProviderReader
    + LockoutReader
    + LogoutReader
    + MailReader
    + MailedLinkReader
    + NoticeReader
    + OauthClientReader
    + PostReader
    + RegistrationReader
    + RequestLogReader
    + RetentionReader
    + RollupReader
    + SavedViewReader
    + SecondFactorReader
    + SessionReader
    + SigningKeyReader
    + TeamReader
    + WebhookReader
    + Send
    + Sync
    + 'static
{
    /// Begins a writing transaction.
    async fn begin(&self) -> Result<Box<dyn UnitOfWork>, StoreError>;

    /// Begins a writing transaction that need not be on the disk when its commit is answered: for what does no harm where a loss of
    /// power undoes it. It is as whole as any other.
    async fn begin_housekeeping(&self) -> Result<Box<dyn UnitOfWork>, StoreError>;

    /// Asks the store for a sign of life.
    async fn ping(&self) -> Result<(), StoreError>;

    /// What other nodes on the same database change about credentials.
    fn changes(&self) -> Changes;
}

/// One writing transaction: everything in it becomes true at `commit`, or nothing does.
#[async_trait]
pub trait UnitOfWork:
    AccountWriter
    + AlertWriter
    + ApiWriter
    + ApiKeyWriter
    + ApplicationWriter
    + AuditWriter
    + BlockWriter
    + DeviceWriter
    + EndingWriter
    + GrantWriter
    + IdentityProviderWriter
    + LockoutWriter
    + LogoutWriter
    + MailWriter
    + MailedLinkWriter
    + NoticeWriter
    + OauthClientWriter
    + PostWriter
    + RegistrationWriter
    + RequestLogWriter
    + RetentionWriter
    + RollupWriter
    + SavedViewWriter
    + SecondFactorWriter
    + SessionWriter
    + SigningKeyWriter
    + SuspensionWriter
    + TeamWriter
    + WebhookWriter
    + Send
{
    /// Tells the other nodes, at the commit, what was changed about credentials.
    async fn announce(&mut self, change: &Change) -> Result<(), StoreError>;

    /// Makes it all true.
    async fn commit(self: Box<Self>) -> Result<(), StoreError>;
}
