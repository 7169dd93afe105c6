//! Accounts, the teams they belong to, and the links that make the first admin.

use super::{Consumed, Inserted, StoreError};
use async_trait::async_trait;
use latchkey_model::{AccountId, AccountRole, EmailAddress, Name, TeamId, TeamRole};
use time::OffsetDateTime;

/// A person who signs in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Its id.
    pub id: AccountId,
    /// The address, as it is shown.
    pub email: EmailAddress,
    /// What the person is called.
    pub name: Name,
    /// What the account may do in the portal as a whole.
    pub role: AccountRole,
    /// When it signed up.
    pub created_at: OffsetDateTime,
    /// Whether programs may send its password (RFC 7617): not until its person says so.
    pub programs_may_use_password: bool,
}

/// An account's place in a team.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Membership {
    /// The team.
    pub team_id: TeamId,
    /// What the team is called.
    pub team_name: Name,
    /// What the account may do in it.
    pub role: TeamRole,
}

/// A password's digest in PHC form (`$argon2id$…`). Its `Debug` shows nothing of it.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash(pub String);

impl std::fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PasswordHash")
    }
}

/// Questions about accounts.
#[async_trait]
pub trait AccountReader {
    /// The account with this id.
    async fn account(&self, id: AccountId) -> Result<Option<Account>, StoreError>;

    /// The account whose canonical address this is, with its password's digest.
    async fn account_by_email(&self, canonical: &str) -> Result<Option<(Account, PasswordHash)>, StoreError>;

    /// The teams that the account belongs to, the oldest membership first.
    async fn memberships(&self, account: AccountId) -> Result<Vec<Membership>, StoreError>;

    /// Whether any account is an admin.
    async fn has_admin(&self) -> Result<bool, StoreError>;
}

/// Changes to accounts.
#[async_trait]
pub trait AccountWriter {
    /// Adds an account; [`Inserted::Duplicate`] when its canonical address is taken.
    async fn account_add(&mut self, account: &Account, password: &PasswordHash) -> Result<Inserted, StoreError>;

    /// Says whether programs may send the account's password.
    async fn account_allow_password(&mut self, account: AccountId, allowed: bool) -> Result<Consumed, StoreError>;

    /// Adds a team with its first member.
    async fn team_add(
        &mut self,
        team: TeamId,
        name: &Name,
        owner: AccountId,
        at: OffsetDateTime,
    ) -> Result<(), StoreError>;

    /// Keeps the digest of a link that lets its bearer become the first admin; older links end with it.
    async fn setup_link_replace(
        &mut self,
        digest: &[u8; 32],
        at: OffsetDateTime,
        expires_at: OffsetDateTime,
    ) -> Result<(), StoreError>;

    /// Spends such a link: one conditional UPDATE on an unspent, unexpired row.
    async fn setup_link_take(&mut self, digest: &[u8; 32], at: OffsetDateTime) -> Result<Consumed, StoreError>;
}
