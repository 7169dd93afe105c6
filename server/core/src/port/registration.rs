//! Environments in which apps may register themselves, and the apps that did.

use super::{Consumed, Inserted, StoreError, alert::WatchedEnvironment};
use crate::{api_key::format::PublicId, oauth_client::RegistrationPolicy};
use async_trait::async_trait;
use latchkey_model::{AccountId, ApplicationId, Environment, EnvironmentId, OauthClientId, TeamId};
use time::OffsetDateTime;

/// Who may register in an environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registration {
    /// The environment that the apps will belong to.
    pub environment_id: EnvironmentId,
    /// Who may.
    pub policy: RegistrationPolicy,
    /// Who decided that: what registers itself is theirs.
    pub decided_by: AccountId,
    /// When.
    pub decided_at: OffsetDateTime,
    /// The token that registering takes, where it takes one.
    pub token: Option<RegistrationToken>,
}

/// A token by its digest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RegistrationToken {
    /// The 12 characters inside the token that name it.
    pub public_id: PublicId,
    /// HMAC-SHA256 of the whole token under the pepper.
    pub digest: [u8; 32],
}

/// Questions about registration.
#[async_trait]
pub trait RegistrationReader {
    /// Who may register in an environment of an application that a team of the account owns; none where nobody ever could.
    async fn registration(
        &self,
        account: AccountId,
        application: ApplicationId,
        environment: Environment,
    ) -> Result<Option<Registration>, StoreError>;

    /// The environment that this token registers in.
    async fn registration_by_token(&self, public_id: PublicId) -> Result<Option<Registration>, StoreError>;

    /// The one environment in which anybody may register, if there is one.
    async fn open_registration(&self) -> Result<Option<Registration>, StoreError>;

    /// The team that an environment belongs to, and which of its application's environments it is.
    async fn team_of_environment(&self, id: EnvironmentId) -> Result<Option<(TeamId, Environment)>, StoreError>;

    /// An environment, as letters about its registration name it.
    async fn home_of_registration(&self, id: EnvironmentId) -> Result<Option<WatchedEnvironment>, StoreError>;

    /// The client that manages itself with this token.
    async fn registered_client_by_token(
        &self,
        public_id: PublicId,
    ) -> Result<Option<(OauthClientId, RegistrationToken)>, StoreError>;

    /// The token with which a client that registered itself manages that.
    async fn registered_client(&self, client: OauthClientId) -> Result<Option<RegistrationToken>, StoreError>;
}

/// Changes to registration.
#[async_trait]
pub trait RegistrationWriter {
    /// Says who may register in an environment. Where that is anybody, nobody may in any other without a token.
    async fn registration_set(&mut self, registration: &Registration) -> Result<(), StoreError>;

    /// Ends the token that registering in an environment takes; it stays so until somebody makes another one.
    async fn registration_token_end(
        &mut self,
        environment: EnvironmentId,
        token: PublicId,
    ) -> Result<Consumed, StoreError>;

    /// Adds the token of a client that registers itself.
    async fn registered_client_add(
        &mut self,
        client: OauthClientId,
        token: &RegistrationToken,
    ) -> Result<Inserted, StoreError>;

    /// Ends that token.
    async fn registered_client_remove(&mut self, client: OauthClientId) -> Result<Consumed, StoreError>;
}
