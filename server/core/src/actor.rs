//! Who is asking a service: always its first argument, and the check is inside.

use crate::{
    account::SignInMethod,
    port::{account::Account, session::SessionDigest},
};
use latchkey_model::AccountRole;
use std::net::IpAddr;
use time::{Duration, OffsetDateTime};

/// The caller of a service.
#[derive(Debug, Clone)]
pub enum Actor {
    /// Nobody is signed in.
    Anonymous,
    /// A person with a session.
    Account {
        /// Who.
        account: Account,
        /// The session they came with, so that "all others" can leave it out.
        session: SessionDigest,
        /// When they signed in with it.
        signed_in_at: OffsetDateTime,
        /// And how.
        signed_in_by: SignInMethod,
        /// From where they ask.
        from: IpAddr,
    },
}

/// Nobody is signed in where somebody must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("sign in first")]
pub struct NotSignedIn;

/// Somebody asks for what needs a fresh proof of who they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotProven {
    /// Nobody is signed in.
    #[error(transparent)]
    NotSignedIn(#[from] NotSignedIn),
    /// It is too long ago.
    #[error("the person must show first who they are")]
    TooLongAgo,
}

/// Somebody is signed in, and is no admin where one must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotAdmin {
    /// Nobody is signed in.
    #[error(transparent)]
    NotSignedIn(#[from] NotSignedIn),
    /// A developer is.
    #[error("only an admin may do this")]
    Developer,
}

impl Actor {
    /// How long a sign-in counts for what needs a fresh one.
    const LATELY: Duration = Duration::minutes(10);

    /// The account, if its person showed who they are within the last ten minutes: for whatever makes, shows or ends a secret, or
    /// changes how the account is opened.
    ///
    /// # Errors
    /// [`NotProven`].
    pub fn proven(&self, now: OffsetDateTime) -> Result<&Account, NotProven> {
        match self {
            Self::Anonymous => Err(NotSignedIn.into()),
            Self::Account { account, signed_in_at, signed_in_by, .. } if signed_in_by.is_ours() => {
                if now - *signed_in_at < Self::LATELY { Ok(account) } else { Err(NotProven::TooLongAgo) }
            }
            Self::Account { .. } => Err(NotProven::TooLongAgo),
        }
    }

    /// The account of an admin.
    ///
    /// # Errors
    /// [`NotAdmin`].
    pub fn admin(&self) -> Result<&Account, NotAdmin> {
        let account = self.account()?;
        match account.role {
            AccountRole::Admin => Ok(account),
            AccountRole::Developer => Err(NotAdmin::Developer),
        }
    }

    /// The session that they came with, if anybody is signed in.
    pub fn session(&self) -> Option<&SessionDigest> {
        match self {
            Self::Anonymous => None,
            Self::Account { session, .. } => Some(session),
        }
    }

    /// The account, or the error that sends the caller to the sign-in page.
    ///
    /// # Errors
    /// [`NotSignedIn`] for an anonymous caller.
    pub fn account(&self) -> Result<&Account, NotSignedIn> {
        match self {
            Self::Anonymous => Err(NotSignedIn),
            Self::Account { account, .. } => Ok(account),
        }
    }
}
