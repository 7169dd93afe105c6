//! Personal access tokens: keys that stand for a person. The same machinery as API keys, with an end that must be set.

use crate::{
    actor::Actor,
    api_key::{Advice, ApiKeyError, ApiKeyService, CreateApiKey, CreatedApiKey},
    port::api_key::{ApiKey, KeySettings, LISTED_AT_MOST, NewKeyOwner},
    ports::Ports,
};
use latchkey_model::{FieldErrors, KeyKind};
use time::{Duration, OffsetDateTime};

/// The longest life of a token, in days.
pub const MAX_DAYS: i64 = 366;

/// A token must end, and not too late.
pub(crate) fn check_life(settings: &KeySettings, created_at: OffsetDateTime) -> Result<(), FieldErrors> {
    let latest = created_at.saturating_add(Duration::days(MAX_DAYS));
    match settings.expires_at {
        Some(at) if at <= latest => Ok(()),
        _ => Err(FieldErrors::one("expiry", format!("A token ends after 1 to {MAX_DAYS} days"))),
    }
}

/// Makes and lists tokens. What else is done with one is done by [`ApiKeyService`], whose every method looks at whose key it is.
#[derive(Clone)]
pub struct PersonalTokenService {
    ports: Ports,
    keys: ApiKeyService,
}

impl PersonalTokenService {
    /// The service, on the keys' own.
    pub fn new(ports: Ports, keys: ApiKeyService) -> Self {
        Self { ports, keys }
    }

    /// The actor's own tokens, live ones first, [`LISTED_AT_MOST`] of them.
    ///
    /// # Errors
    /// [`ApiKeyError`].
    pub async fn list(&self, actor: &Actor) -> Result<Vec<ApiKey>, ApiKeyError> {
        let account = actor.account()?;
        Ok(self.ports.store.personal_tokens(account.id, self.ports.now(), Some(LISTED_AT_MOST)).await?)
    }

    /// How many tokens the actor has, ended ones too.
    ///
    /// # Errors
    /// [`ApiKeyError`].
    pub async fn count(&self, actor: &Actor) -> Result<u64, ApiKeyError> {
        Ok(self.ports.store.api_keys_count(actor.account()?.id, None).await?)
    }

    /// What is advised about tokens of the actor: no more of them than those of a list work.
    ///
    /// # Errors
    /// [`ApiKeyError`].
    pub async fn advice(&self, actor: &Actor, tokens: &[ApiKey]) -> Result<Vec<(ApiKey, Advice)>, ApiKeyError> {
        actor.account()?;
        self.keys.advice_about(None, tokens.to_vec()).await
    }

    /// Creates a token. What is returned is the only copy there will ever be.
    ///
    /// # Errors
    /// [`ApiKeyError`].
    pub async fn create(&self, actor: &Actor, create: CreateApiKey<'_>) -> Result<CreatedApiKey, ApiKeyError> {
        let account = actor.proven(self.ports.now())?;
        let settings = self.keys.check_new(&create.form).await?;
        check_life(&settings, self.ports.now()).map_err(ApiKeyError::Invalid)?;
        let owner = NewKeyOwner::Account(account.id);
        self.keys.add_new(actor, account.id.into(), KeyKind::Personal, owner, settings, create.form_id).await
    }
}
