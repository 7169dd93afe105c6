//! API keys: rows that outlive the keys they describe, so that a failure can be explained.

use super::{Consumed, Inserted, StoreError};
use crate::api_key::AllowList;
use async_trait::async_trait;
use latchkey_model::{AccountId, ApiKeyId, ApplicationId, Environment, EnvironmentId, Name, ScopeSet, TeamId};
use std::net::IpAddr;
use time::OffsetDateTime;
use uuid::Uuid;

/// An API key without its secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiKey {
    /// The row's id.
    pub id: ApiKeyId,
    /// The 12 characters inside the key that name it.
    pub public_id: String,
    /// The key's last four characters, to tell keys apart by sight.
    pub last_four: String,
    /// Where it is good.
    pub environment_id: EnvironmentId,
    /// Which of the three that is.
    pub environment: Environment,
    /// The application it identifies.
    pub application_id: ApplicationId,
    /// The team that owns the application.
    pub team_id: TeamId,
    /// What people call it.
    pub name: Name,
    /// What it may do.
    pub scopes: ScopeSet,
    /// From where it may be used.
    pub allowed_from: AllowList,
    /// Who made it.
    pub created_by: AccountId,
    /// What that person is called.
    pub created_by_name: Name,
    /// When it was made.
    pub created_at: OffsetDateTime,
    /// When it ends by itself.
    pub expires_at: Option<OffsetDateTime>,
    /// When somebody ended it.
    pub revoked_at: Option<OffsetDateTime>,
    /// When a request last passed with it, to within the writer's pause.
    pub last_used_at: Option<OffsetDateTime>,
    /// From where.
    pub last_used_from: Option<IpAddr>,
    /// When it was seen where secrets must not be (a URL, plain HTTP): it should be replaced.
    pub exposed_at: Option<OffsetDateTime>,
}

impl ApiKey {
    /// How a person recognises the key: `lk_dev_7Gq2…x4Tb`. Tells nothing of the secret but its last four characters,
    /// which belong to the checksum.
    pub fn hint(&self) -> String {
        let head: String = self.public_id.chars().take(4).collect();
        format!("lk_{}_{head}…{}", self.environment.key_prefix(), self.last_four)
    }
}

/// What the door loads for a key: the row, and the digest to compare with.
#[derive(Clone)]
pub struct StoredApiKey {
    /// The row.
    pub key: ApiKey,
    /// What the application is called.
    pub application_name: Name,
    /// HMAC-SHA256 of the whole key under the pepper.
    pub digest: [u8; 32],
}

/// A key to be added.
#[derive(Clone)]
pub struct NewApiKey {
    /// The row's id.
    pub id: ApiKeyId,
    /// The public id, unique among all keys there ever were.
    pub public_id: String,
    /// The last four characters.
    pub last_four: String,
    /// HMAC-SHA256 of the whole key under the pepper.
    pub digest: [u8; 32],
    /// Which application; the service has checked that the account may write to it.
    pub application_id: ApplicationId,
    /// Which of its environments.
    pub environment: Environment,
    /// What people call it.
    pub name: Name,
    /// What it may do.
    pub scopes: ScopeSet,
    /// From where it may be used.
    pub allowed_from: AllowList,
    /// Who makes it.
    pub created_by: AccountId,
    /// Now.
    pub created_at: OffsetDateTime,
    /// When it ends by itself.
    pub expires_at: Option<OffsetDateTime>,
    /// The form that asked for it: a form sent twice makes one key.
    pub form_id: Uuid,
}

/// Questions about API keys.
#[async_trait]
pub trait ApiKeyReader {
    /// The keys of one environment of an application, if a team of the account owns it: live ones first, then the newest.
    async fn api_keys(
        &self,
        account: AccountId,
        application: ApplicationId,
        environment: Environment,
        now: OffsetDateTime,
    ) -> Result<Vec<ApiKey>, StoreError>;

    /// One key, if a team of the account owns it.
    async fn api_key(&self, account: AccountId, id: ApiKeyId) -> Result<Option<ApiKey>, StoreError>;

    /// What the door needs for the key with this public id. Not scoped to an account: the door is finding out who asks.
    async fn api_key_for_door(&self, public_id: &str) -> Result<Option<StoredApiKey>, StoreError>;
}

/// Changes to API keys.
#[async_trait]
pub trait ApiKeyWriter {
    /// Adds a key; [`Inserted::Duplicate`] when its form has made one before.
    async fn api_key_add(&mut self, key: &NewApiKey) -> Result<Inserted, StoreError>;

    /// Ends a key of a team: one conditional UPDATE on a key that is not revoked.
    async fn api_key_revoke(
        &mut self,
        team: TeamId,
        id: ApiKeyId,
        by: AccountId,
        at: OffsetDateTime,
    ) -> Result<Consumed, StoreError>;
}
