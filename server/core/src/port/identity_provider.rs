//! Other providers that people sign in with, and whose accounts their identities there open.

use super::{Consumed, Inserted, StoreError};
use crate::identity_provider::Protocol;
use async_trait::async_trait;
use latchkey_model::{AccountId, IdentityProviderId, Name};
use time::OffsetDateTime;

/// What can be set about a provider, but for the secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProviderSettings {
    /// What people read on the button.
    pub name: Name,
    /// How it is spoken to.
    pub protocol: Protocol,
    /// Our name there.
    pub client_id: String,
    /// What is asked for.
    pub scopes: String,
}

/// A provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdentityProvider {
    /// Its id.
    pub id: IdentityProviderId,
    /// What can be set about it.
    pub settings: ProviderSettings,
    /// Our secret there, sealed.
    pub sealed_secret: Vec<u8>,
    /// When it was added.
    pub created_at: OffsetDateTime,
    /// Since when nobody signs in with it.
    pub disabled_at: Option<OffsetDateTime>,
}

/// A person at a provider, by the provider's own name for them.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Identity {
    /// The provider.
    pub provider: IdentityProviderId,
    /// Its name for the person: it stays the same, and is nobody else's.
    pub subject: String,
}

/// An identity that opens an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkedIdentity {
    /// The identity.
    pub identity: Identity,
    /// What the provider is called.
    pub provider_name: Name,
    /// What the person is called there, for them to recognise.
    pub label: String,
    /// Whose account it opens.
    pub account: AccountId,
    /// When the person said that it is them.
    pub linked_at: OffsetDateTime,
    /// When it was last used.
    pub last_used_at: Option<OffsetDateTime>,
}

/// Questions about providers.
#[async_trait]
pub trait IdentityProviderReader {
    /// Every provider, by name.
    async fn identity_providers(&self) -> Result<Vec<IdentityProvider>, StoreError>;

    /// One provider.
    async fn identity_provider(&self, id: IdentityProviderId) -> Result<Option<IdentityProvider>, StoreError>;

    /// Whose account an identity opens.
    async fn account_of_identity(&self, identity: &Identity) -> Result<Option<AccountId>, StoreError>;

    /// What opens an account, the first linked first.
    async fn linked_identities(&self, account: AccountId) -> Result<Vec<LinkedIdentity>, StoreError>;

    /// How many identities of a provider open an account.
    async fn linked_identity_count(&self, provider: IdentityProviderId) -> Result<u64, StoreError>;
}

/// Changes to providers.
#[async_trait]
pub trait IdentityProviderWriter {
    /// Adds a provider; [`Inserted::Duplicate`] when its form was sent before.
    async fn identity_provider_add(&mut self, provider: &IdentityProvider) -> Result<Inserted, StoreError>;

    /// Changes a provider; without a secret, the one that there is stays.
    async fn identity_provider_update(
        &mut self,
        id: IdentityProviderId,
        settings: &ProviderSettings,
        sealed_secret: Option<&[u8]>,
    ) -> Result<Consumed, StoreError>;

    /// Lets nobody sign in with a provider any more, or again.
    async fn identity_provider_disable(
        &mut self,
        id: IdentityProviderId,
        at: Option<OffsetDateTime>,
    ) -> Result<Consumed, StoreError>;

    /// Removes a provider: nobody sees it or signs in with it from then on, and its secret is gone. Its links, however many they are, go
    /// later ([`Perishable::RemovedProviders`](super::Perishable::RemovedProviders)).
    async fn identity_provider_remove(
        &mut self,
        id: IdentityProviderId,
        at: OffsetDateTime,
    ) -> Result<Consumed, StoreError>;

    /// Lets an identity open an account; [`Inserted::Duplicate`] when it opens one already, or its provider was removed meanwhile.
    async fn linked_identity_add(&mut self, linked: &LinkedIdentity) -> Result<Inserted, StoreError>;

    /// Notes that an identity opened its account; [`Consumed::Lost`] where it opens none any more.
    async fn linked_identity_used(&mut self, identity: &Identity, at: OffsetDateTime) -> Result<Consumed, StoreError>;

    /// Takes from an identity of this account that it opens it.
    async fn linked_identity_remove(&mut self, account: AccountId, identity: &Identity)
    -> Result<Consumed, StoreError>;
}
