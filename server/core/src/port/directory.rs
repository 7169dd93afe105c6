//! What admins find, whoever owns it: the only questions about owned data that name no account. Their services check who asks.

use super::{StoreError, account::Account, api_key::ApiKey, oauth_client::OauthClient, suspension::Suspended};
use async_trait::async_trait;
use latchkey_model::{AccountId, AccountRole, ApiKeyId, ApplicationId, Name, OauthClientId, TeamId};
use time::OffsetDateTime;

/// Which accounts are sought.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AccountSearch {
    /// A part of the address or of the name; empty for any.
    pub text: String,
    /// With which role; none for any.
    pub role: Option<AccountRole>,
    /// Whether suspended; none for both.
    pub suspended: Option<bool>,
    /// Older than this one, for the next page.
    pub before: Option<AccountId>,
}

/// An account as an admin finds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundAccount {
    /// The account.
    pub account: Account,
    /// When its person last signed in, as far as sessions are kept.
    pub last_sign_in_at: Option<OffsetDateTime>,
}

/// An application as an admin finds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundApplication {
    /// Its id.
    pub id: ApplicationId,
    /// What it is called.
    pub name: Name,
    /// The team that owns it.
    pub team_id: TeamId,
    /// What that team is called.
    pub team_name: Name,
    /// Whether an admin has suspended it.
    pub suspended: Option<Suspended>,
}

/// Questions of admins.
#[async_trait]
pub trait DirectoryReader {
    /// Accounts, the newest first.
    async fn accounts_found(&self, search: &AccountSearch, at_most: u64) -> Result<Vec<FoundAccount>, StoreError>;

    /// One account.
    async fn account_found(&self, id: AccountId) -> Result<Option<FoundAccount>, StoreError>;

    /// One application.
    async fn application_found(&self, id: ApplicationId) -> Result<Option<FoundApplication>, StoreError>;

    /// Applications with this in their name, the newest first.
    async fn applications_found(&self, text: &str, at_most: u64) -> Result<Vec<FoundApplication>, StoreError>;

    /// Keys and personal access tokens with this in their name, or whose public id begins so; the newest first.
    async fn keys_found(&self, text: &str, at_most: u64) -> Result<Vec<ApiKey>, StoreError>;

    /// One key or personal access token.
    async fn key_found(&self, id: ApiKeyId) -> Result<Option<ApiKey>, StoreError>;

    /// Clients with this in their name, as their client id, or as the public id of one of their secrets or tokens; the newest first.
    async fn clients_found(&self, text: &str, at_most: u64) -> Result<Vec<OauthClient>, StoreError>;

    /// One client.
    async fn client_found(&self, id: OauthClientId) -> Result<Option<OauthClient>, StoreError>;
}
