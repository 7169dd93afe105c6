//! Accounts, the teams they belong to, and the links that make the first admin.

use super::{Consumed, Inserted, StoreError, suspension::Suspended};
use crate::account::SignInMethod;
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
    /// When it was shown that the address is its person's.
    pub email_verified_at: Option<OffsetDateTime>,
    /// How often the password was changed: a session of before is none.
    pub password_version: i64,
    /// Whether something is asked for beside the password.
    pub has_second_factor: bool,
    /// Whether programs may send its password (RFC 7617): not until its person says so.
    pub programs_may_use_password: bool,
    /// Whether an admin has suspended it.
    pub suspended: Option<Box<Suspended>>,
}

impl Account {
    /// Whether a session opens the account whose person signed in when its password had been changed so often, in this way. One that
    /// never showed the second factor which the account has by now opens it no more, whenever it began; nor does any while the account
    /// is suspended.
    pub fn is_open_to(&self, password_version: i64, by: SignInMethod) -> bool {
        self.suspended.is_none()
            && self.password_version == password_version
            && (by.is_whole() || !self.has_second_factor)
    }
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

/// An account and its address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownAddress {
    /// The account.
    pub account: AccountId,
    /// Its address, as its person writes it.
    pub email: String,
    /// The same in its canonical form.
    pub canonical: String,
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

    /// The addresses of everybody, to find out whose a digest is: at most a hundred thousand, the newest first.
    async fn known_addresses(&self) -> Result<Vec<KnownAddress>, StoreError>;

    /// How many accounts there are.
    async fn account_count(&self) -> Result<u64, StoreError>;

    /// The addresses of all admins that are not suspended.
    async fn admin_emails(&self) -> Result<Vec<String>, StoreError>;

    /// Whether any account is an admin.
    async fn has_admin(&self) -> Result<bool, StoreError>;
}

/// Changes to accounts.
#[async_trait]
pub trait AccountWriter {
    /// Adds an account; [`Inserted::Duplicate`] when its canonical address is taken.
    async fn account_add(&mut self, account: &Account, password: &PasswordHash) -> Result<Inserted, StoreError>;

    /// Notes that the address is the account's person's, if it still is the account's.
    async fn account_verify_email(
        &mut self,
        account: AccountId,
        email: &EmailAddress,
        at: OffsetDateTime,
    ) -> Result<Consumed, StoreError>;

    /// Gives the account another address, which is shown to be its person's; [`Inserted::Duplicate`] when another account has it.
    async fn account_set_email(
        &mut self,
        account: AccountId,
        email: &EmailAddress,
        at: OffsetDateTime,
    ) -> Result<Inserted, StoreError>;

    /// Gives the account another name.
    async fn account_rename(&mut self, account: AccountId, name: &Name) -> Result<Consumed, StoreError>;

    /// Gives the account another password, if it was changed so often before: of all who change it at once, one wins.
    async fn account_set_password(
        &mut self,
        account: AccountId,
        password: &PasswordHash,
        version: i64,
    ) -> Result<Consumed, StoreError>;

    /// Holds the accounts of all admins until the transaction is over; says how many of them are not suspended.
    async fn admins_hold(&mut self) -> Result<u64, StoreError>;

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
