//! Links that are mailed to somebody who must show that an address is theirs.
//!
//! A request for one is written down alike whether or not anybody has the address; what is mailed, and whether a link goes with it, is
//! found out afterwards. So nobody learns from the time or the text of an answer whose addresses have an account.

use super::{Consumed, StoreError};
use async_trait::async_trait;
use latchkey_model::{AccountId, EmailAddress, MailedLinkId};
use std::{fmt, str::FromStr};
use time::OffsetDateTime;

/// What a link is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkPurpose {
    /// To finish signing up.
    SignUp,
    /// To show that the address of an account is its person's.
    VerifyEmail,
    /// To take another address.
    ChangeEmail,
    /// To choose a new password.
    ResetPassword,
}

/// The stored word is no purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not what a link is for")]
pub struct ParseLinkPurposeError;

impl LinkPurpose {
    const ALL: [Self; 4] = [Self::SignUp, Self::VerifyEmail, Self::ChangeEmail, Self::ResetPassword];

    /// The word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SignUp => "sign_up",
            Self::VerifyEmail => "verify_email",
            Self::ChangeEmail => "change_email",
            Self::ResetPassword => "reset_password",
        }
    }
}

impl FromStr for LinkPurpose {
    type Err = ParseLinkPurposeError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|purpose| purpose.as_str() == text).ok_or(ParseLinkPurposeError)
    }
}

impl fmt::Display for LinkPurpose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A link, from the moment that somebody asks for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailedLink {
    /// Its id.
    pub id: MailedLinkId,
    /// What it is for.
    pub purpose: LinkPurpose,
    /// The address that it shows to be somebody's.
    pub email: EmailAddress,
    /// Whose link it is, where that is known.
    pub account: Option<AccountId>,
    /// When it was asked for.
    pub asked_at: OffsetDateTime,
}

/// What a request for a link came to, where a link goes out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkAnswer {
    /// SHA-256 of the token in the link.
    pub digest: [u8; 32],
    /// Whose it is, where anybody has an account.
    pub account: Option<AccountId>,
    /// Until when it is good.
    pub expires_at: OffsetDateTime,
}

/// Questions about links.
#[async_trait]
pub trait MailedLinkReader {
    /// Requests that nobody has answered, the oldest first.
    async fn link_requests(&self, limit: u64) -> Result<Vec<MailedLink>, StoreError>;

    /// The link with this digest, while it is good.
    async fn mailed_link(
        &self,
        purpose: LinkPurpose,
        digest: &[u8; 32],
        now: OffsetDateTime,
    ) -> Result<Option<MailedLink>, StoreError>;
}

/// Changes to links.
#[async_trait]
pub trait MailedLinkWriter {
    /// Writes down that a link is asked for.
    async fn link_ask(&mut self, link: &MailedLink) -> Result<(), StoreError>;

    /// Answers a request, with a link or without: of all who answer it, one wins.
    async fn link_answer(
        &mut self,
        id: MailedLinkId,
        answer: Option<&LinkAnswer>,
        at: OffsetDateTime,
    ) -> Result<Consumed, StoreError>;

    /// Spends a link: one conditional UPDATE on an unspent, unexpired row.
    async fn link_take(&mut self, id: MailedLinkId, at: OffsetDateTime) -> Result<Consumed, StoreError>;

    /// Ends every link of an account that is for this, and requests for one.
    async fn links_end(
        &mut self,
        account: AccountId,
        purpose: LinkPurpose,
        at: OffsetDateTime,
    ) -> Result<(), StoreError>;
}
