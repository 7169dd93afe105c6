//! Sessions: rows named by the digest of what the cookie carries.

use super::{Consumed, Inserted, StoreError};
use crate::account::SignInMethod;
use async_trait::async_trait;
use latchkey_model::{AccountId, SessionId};
use time::OffsetDateTime;

/// SHA-256 of the cookie's value: the value itself is stored nowhere.
pub type SessionDigest = [u8; 32];

/// The values of a session, sealed for it: text, so that the column stays what it was.
#[derive(Clone, PartialEq, Eq)]
pub struct SealedValues(pub String);

impl std::fmt::Debug for SealedValues {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SealedValues")
    }
}

/// A session as the store keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionRecord {
    /// The id that the sessions page names it by; not a secret.
    pub id: SessionId,
    /// Digest of the cookie's value.
    pub digest: SessionDigest,
    /// Who is signed in, if anybody is.
    pub account_id: Option<AccountId>,
    /// How often their password had been changed when they signed in.
    pub password_version: i64,
    /// How they signed in.
    pub method: SignInMethod,
    /// The session's values.
    pub data: SealedValues,
    /// When it began.
    pub created_at: OffsetDateTime,
    /// When it was last saved.
    pub seen_at: OffsetDateTime,
    /// When it ends if nobody comes back.
    pub expires_at: OffsetDateTime,
    /// The browser, by its own word.
    pub user_agent: String,
    /// From where it was last seen.
    pub address: String,
}

/// Questions about sessions.
#[async_trait]
pub trait SessionReader {
    /// The session with this digest, unless it has ended or expired.
    async fn session_load(
        &self,
        digest: &SessionDigest,
        now: OffsetDateTime,
    ) -> Result<Option<SessionRecord>, StoreError>;

    /// How many signed in since a time.
    async fn sign_ins(&self, since: OffsetDateTime) -> Result<u64, StoreError>;

    /// The live sessions of an account, the last seen first.
    async fn sessions(&self, account: AccountId, now: OffsetDateTime) -> Result<Vec<SessionRecord>, StoreError>;
}

/// Changes to sessions.
#[async_trait]
pub trait SessionWriter {
    /// Adds a session; [`Inserted::Duplicate`] when its digest was ever used.
    async fn session_add(&mut self, session: &SessionRecord) -> Result<Inserted, StoreError>;

    /// Saves a live session: an UPDATE on a row that has not ended, never an insert, so that a request in flight cannot
    /// bring back a session that was signed out.
    async fn session_save(&mut self, session: &SessionRecord) -> Result<Consumed, StoreError>;

    /// Ends the session with this digest.
    async fn session_end(&mut self, digest: &SessionDigest, at: OffsetDateTime) -> Result<Consumed, StoreError>;

    /// Ends one session of an account.
    async fn session_end_own(
        &mut self,
        account: AccountId,
        id: SessionId,
        at: OffsetDateTime,
    ) -> Result<Consumed, StoreError>;

    /// Ends every session of an account, but one if one is named; returns how many.
    async fn session_end_all(
        &mut self,
        account: AccountId,
        keep: Option<&SessionDigest>,
        at: OffsetDateTime,
    ) -> Result<u64, StoreError>;
}
