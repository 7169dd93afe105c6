//! People who come as themselves: with the portal's cookie, or with their password.

use crate::port::{account::Account, api_key::KeyOwner};
use latchkey_model::{AccountId, Name, ScopeSet};
use time::OffsetDateTime;

/// By what a person is known who comes with no credential for programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KnownBy {
    /// Their address and password (RFC 7617).
    Password,
    /// The session of a browser that they signed in with.
    Session,
}

impl KnownBy {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Password, Self::Session];

    /// The word in records and answers.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Password => "password",
            Self::Session => "session",
        }
    }
}

/// A person who comes as themselves, and may do there whatever can be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// Who.
    pub account: AccountId,
    /// The same, as an owner.
    pub owner: KeyOwner,
    /// By what they are known.
    pub by: KnownBy,
    /// Every scope of the demo API: it is their own data.
    pub scopes: ScopeSet,
    /// When the session ends if nobody comes back; a password does not end.
    pub ends_at: Option<OffsetDateTime>,
}

impl Person {
    /// The person of an account, who holds these scopes; until a time, where what they are known by ends.
    pub fn new(account: &Account, by: KnownBy, scopes: ScopeSet, ends_at: Option<OffsetDateTime>) -> Self {
        let owner = KeyOwner::Account { account_id: account.id, account_name: account.name.clone() };
        Self { account: account.id, owner, by, scopes, ends_at }
    }

    /// What they are called.
    pub const fn name(&self) -> &Name {
        self.owner.name()
    }
}

/// Why nobody is known by what was sent: for the record; the caller is told one text for all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PersonProblem {
    /// No account has the address.
    #[error("no account has this address")]
    UnknownAccount,
    /// The password is another.
    #[error("the password is not the account's")]
    WrongPassword,
    /// It is right, and its person has not allowed that programs send it.
    #[error("the password is right, and its person does not let programs send it")]
    NotAllowed,
    /// It is right, and its person's role asks for a second factor, which they have not set up.
    #[error("the password is right, and its person must set up a second factor before anything else")]
    FactorMissing,
    /// It is right, and an admin has suspended the account.
    #[error("the password is right, and an admin has suspended the account")]
    Suspended,
}

impl PersonProblem {
    /// The stable word for the record.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::UnknownAccount => "unknown_account",
            Self::WrongPassword => "wrong_password",
            Self::NotAllowed | Self::FactorMissing => "password_not_allowed",
            Self::Suspended => "suspended",
        }
    }
}
