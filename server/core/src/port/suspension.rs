//! Accounts, applications and clients that an admin suspends for a while.

use super::{Consumed, StoreError};
use crate::audit::Reason;
use async_trait::async_trait;
use latchkey_model::{AccountId, ApplicationId, OauthClientId};
use time::OffsetDateTime;

/// What kind of thing is suspended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Suspendable {
    /// A person's account.
    Account,
    /// An application, with its keys and clients.
    Application,
    /// An OAuth client or a service account.
    Client,
}

impl Suspendable {
    /// What people call it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Account => "account",
            Self::Application => "application",
            Self::Client => "client",
        }
    }
}

/// That something is suspended, for those who only ask whether it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Suspension {
    /// What.
    pub of: Suspendable,
    /// Since when.
    pub at: OffsetDateTime,
}

/// The same with why, for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suspended {
    /// What, and since when.
    pub suspension: Suspension,
    /// Why, in the words of whoever did it.
    pub because: Reason,
}

/// Which one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SuspendableId {
    /// A person's account.
    Account(AccountId),
    /// An application.
    Application(ApplicationId),
    /// An OAuth client or a service account.
    Client(OauthClientId),
}

impl SuspendableId {
    /// What kind of thing it is.
    pub const fn kind(self) -> Suspendable {
        match self {
            Self::Account(_) => Suspendable::Account,
            Self::Application(_) => Suspendable::Application,
            Self::Client(_) => Suspendable::Client,
        }
    }
}

/// Changes of suspensions.
#[async_trait]
pub trait SuspensionWriter {
    /// Suspends what is not: of all who try at once, one wins.
    async fn suspend(
        &mut self,
        what: SuspendableId,
        at: OffsetDateTime,
        because: &Reason,
    ) -> Result<Consumed, StoreError>;

    /// Reinstates what is suspended.
    async fn reinstate(&mut self, what: SuspendableId) -> Result<Consumed, StoreError>;
}
