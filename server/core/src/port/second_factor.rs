//! What an account is opened with beside a password, and what is asked of which roles.

use super::{Consumed, Inserted, StoreError};
use async_trait::async_trait;
use latchkey_model::{AccountId, AccountRole, Name, PasskeyCeremonyId, PasskeyId};
use time::OffsetDateTime;

/// An app that shows codes (RFC 6238).
#[derive(Clone, PartialEq, Eq)]
pub struct TotpRecord {
    /// Whose.
    pub account: AccountId,
    /// What its codes are made from, sealed for the account.
    pub sealed_seed: Vec<u8>,
    /// The step of the last code that was taken: no code of it, or of one before, is taken again.
    pub last_step: i64,
    /// Since when.
    pub created_at: OffsetDateTime,
    /// When a code was last taken.
    pub last_used_at: Option<OffsetDateTime>,
}

impl std::fmt::Debug for TotpRecord {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TotpRecord").field("account", &self.account).finish_non_exhaustive()
    }
}

/// A passkey (Web Authentication Level 3): its public half.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PasskeyRecord {
    /// The id of its row.
    pub id: PasskeyId,
    /// Whose.
    pub account: AccountId,
    /// The name that authenticators know it by.
    pub credential_id: Vec<u8>,
    /// What its person calls it.
    pub name: Name,
    /// The public key and its counter, as JSON.
    pub data: String,
    /// Since when.
    pub created_at: OffsetDateTime,
    /// When it was last used.
    pub last_used_at: Option<OffsetDateTime>,
}

/// A challenge that an authenticator is to answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PasskeyCeremony {
    /// Its id, which the browser's session keeps.
    pub id: PasskeyCeremonyId,
    /// Whose passkey it is about, where that is known.
    pub account: Option<AccountId>,
    /// What was asked, as JSON.
    pub state: String,
    /// Until when it may be answered.
    pub expires_at: OffsetDateTime,
}

/// Questions about second factors.
#[async_trait]
pub trait SecondFactorReader {
    /// The app that shows an account's codes.
    async fn totp(&self, account: AccountId) -> Result<Option<TotpRecord>, StoreError>;

    /// How many recovery codes an account has left.
    async fn recovery_codes_left(&self, account: AccountId) -> Result<u64, StoreError>;

    /// An account's passkeys, the oldest first.
    async fn passkeys(&self, account: AccountId) -> Result<Vec<PasskeyRecord>, StoreError>;

    /// The passkey with this name among authenticators.
    async fn passkey(&self, credential_id: &[u8]) -> Result<Option<PasskeyRecord>, StoreError>;

    /// A challenge that may still be answered.
    async fn passkey_ceremony(
        &self,
        id: PasskeyCeremonyId,
        now: OffsetDateTime,
    ) -> Result<Option<PasskeyCeremony>, StoreError>;

    /// The roles whose people must have a second factor.
    async fn second_factor_roles(&self) -> Result<Vec<AccountRole>, StoreError>;
}

/// Changes to second factors.
#[async_trait]
pub trait SecondFactorWriter {
    /// Adds an app that shows codes; [`Inserted::Duplicate`] when the account has one.
    async fn totp_add(&mut self, totp: &TotpRecord) -> Result<Inserted, StoreError>;

    /// Takes the code of a step: of all who bring one of this step or of one before, one wins.
    async fn totp_take(&mut self, account: AccountId, step: i64, at: OffsetDateTime) -> Result<Consumed, StoreError>;

    /// Removes the app.
    async fn totp_remove(&mut self, account: AccountId) -> Result<Consumed, StoreError>;

    /// Puts these recovery codes in the place of all that the account has.
    async fn recovery_codes_replace(
        &mut self,
        account: AccountId,
        digests: &[[u8; 32]],
        at: OffsetDateTime,
    ) -> Result<(), StoreError>;

    /// Spends a recovery code.
    async fn recovery_code_take(
        &mut self,
        account: AccountId,
        digest: &[u8; 32],
        at: OffsetDateTime,
    ) -> Result<Consumed, StoreError>;

    /// Adds a passkey; [`Inserted::Duplicate`] when anybody has it.
    async fn passkey_add(&mut self, passkey: &PasskeyRecord) -> Result<Inserted, StoreError>;

    /// Notes that a passkey was used, with what it says of itself since; not if it was used or removed meanwhile.
    async fn passkey_use(
        &mut self,
        passkey: &PasskeyRecord,
        data: &str,
        at: OffsetDateTime,
    ) -> Result<Consumed, StoreError>;

    /// Removes a passkey of an account.
    async fn passkey_remove(&mut self, account: AccountId, id: PasskeyId) -> Result<Consumed, StoreError>;

    /// Adds a challenge.
    async fn passkey_ceremony_add(&mut self, ceremony: &PasskeyCeremony) -> Result<(), StoreError>;

    /// Spends a challenge: it is answered once.
    async fn passkey_ceremony_take(
        &mut self,
        id: PasskeyCeremonyId,
        at: OffsetDateTime,
    ) -> Result<Consumed, StoreError>;

    /// Removes every second factor of an account, and its recovery codes, and notes that on the account.
    async fn second_factors_remove(&mut self, account: AccountId) -> Result<(), StoreError>;

    /// Notes on the account whether it has a second factor, as is so in this transaction; returns that. Whoever else changes that waits
    /// until this transaction ends.
    async fn second_factor_note(&mut self, account: AccountId) -> Result<bool, StoreError>;

    /// Says whose people must have a second factor.
    async fn second_factor_roles_set(&mut self, roles: &[AccountRole]) -> Result<(), StoreError>;
}
