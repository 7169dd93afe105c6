//! Creating, listing and revoking keys.

use super::{AllowList, format::PlainApiKey};
use crate::{
    actor::{Actor, NotSignedIn},
    port::{
        Consumed, Inserted, StoreError,
        api::ApiScope,
        api_key::{ApiKey, NewApiKey},
    },
    ports::Ports,
    secret::DigestKey,
};
use latchkey_model::{ApiKeyId, ApplicationId, Environment, FieldErrors, Name, Scope, ScopeSet};
use std::str::FromStr;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

/// When a new key ends by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expiry {
    /// Not by itself.
    Never,
    /// After so many days.
    Days(u16),
}

/// The text names no expiry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("Choose when the key expires: never, or after 1 to {} days", Expiry::MAX_DAYS)]
pub struct ParseExpiryError;

impl Expiry {
    /// The longest life that can be asked for.
    pub const MAX_DAYS: u16 = 3_660;

    fn at(self, now: OffsetDateTime) -> Option<OffsetDateTime> {
        match self {
            Self::Never => None,
            Self::Days(days) => now.checked_add(Duration::days(i64::from(days))),
        }
    }
}

impl FromStr for Expiry {
    type Err = ParseExpiryError;

    /// Reads `never` or a number of days.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "never" {
            return Ok(Self::Never);
        }
        match text.parse() {
            Ok(days @ 1..=Self::MAX_DAYS) => Ok(Self::Days(days)),
            _ => Err(ParseExpiryError),
        }
    }
}

/// What a person fills in to create a key.
#[derive(Debug)]
pub struct CreateApiKey<'a> {
    /// What to call it.
    pub name: &'a str,
    /// The scopes that were ticked.
    pub scopes: &'a [String],
    /// `never`, or a number of days.
    pub expiry: &'a str,
    /// Networks with spaces between; none lets every address in.
    pub allowed_from: &'a str,
    /// The form's own id: sent twice, it makes one key.
    pub form_id: Uuid,
}

/// A key that was just made.
#[derive(Debug)]
pub struct CreatedApiKey {
    /// The row's id.
    pub id: ApiKeyId,
    /// The key, to be shown once.
    pub plain: PlainApiKey,
}

/// Why a key could not be made, shown or ended.
#[derive(Debug, thiserror::Error)]
pub enum ApiKeyError {
    /// Nobody is signed in.
    #[error(transparent)]
    NotSignedIn(#[from] NotSignedIn),
    /// Fields are wrong; each sentence says why.
    #[error("some fields need another look")]
    Invalid(FieldErrors),
    /// The form was sent before, and made its key then.
    #[error("this form has made its key already")]
    SentTwice,
    /// The account may only look.
    #[error("this account may only look")]
    Forbidden,
    /// No such application or key, as far as this account may know.
    #[error("no such key")]
    NotFound,
    /// The key had been revoked before.
    #[error("the key was revoked before")]
    AlreadyRevoked,
    /// The store failed.
    #[error("the key could not be reached")]
    Store(#[from] StoreError),
}

/// Creates, lists and revokes keys.
#[derive(Clone)]
pub struct ApiKeyService {
    ports: Ports,
    pepper: DigestKey,
}

impl ApiKeyService {
    /// The service; keys are digested under this pepper.
    pub fn new(ports: Ports, pepper: DigestKey) -> Self {
        Self { ports, pepper }
    }

    /// The scopes that a key can hold, in the order in which they are shown.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn scopes(&self) -> Result<Vec<ApiScope>, StoreError> {
        Ok(self.ports.store.built_in_apis().await?.into_iter().flat_map(|api| api.scopes).collect())
    }

    /// Creates a key. What is returned is the only copy there will ever be.
    ///
    /// # Errors
    /// [`ApiKeyError`].
    pub async fn create(
        &self,
        actor: &Actor,
        application: ApplicationId,
        environment: Environment,
        form: CreateApiKey<'_>,
    ) -> Result<CreatedApiKey, ApiKeyError> {
        let account = actor.account()?;
        let now = self.ports.now();
        let found = self.ports.store.application(account.id, application, now).await?.ok_or(ApiKeyError::NotFound)?;
        if !found.role.may_write() {
            return Err(ApiKeyError::Forbidden);
        }
        let Checked { name, scopes, expiry, allowed_from } = self.check(&form).await?;
        let plain = PlainApiKey::generate(self.ports.random(), environment);
        let key = NewApiKey {
            id: ApiKeyId::from_uuid(self.ports.uuid()),
            public_id: plain.public_id().to_owned(),
            last_four: plain.last_four().to_owned(),
            digest: plain.digest(&self.pepper),
            application_id: application,
            environment,
            name,
            scopes,
            allowed_from,
            created_by: account.id,
            created_at: now,
            expires_at: expiry.at(now),
            form_id: form.form_id,
        };
        let mut work = self.ports.store.begin().await?;
        match work.api_key_add(&key).await? {
            Inserted::Done => work.commit().await?,
            Inserted::Duplicate => return Err(ApiKeyError::SentTwice),
        }
        Ok(CreatedApiKey { id: key.id, plain })
    }

    async fn check(&self, form: &CreateApiKey<'_>) -> Result<Checked, ApiKeyError> {
        let known = self.scopes().await?;
        let mut errors = FieldErrors::default();
        let name = errors.check("name", form.name.parse::<Name>());
        let expiry = errors.check("expiry", form.expiry.parse::<Expiry>());
        let allowed_from = errors.check("allowed_from", form.allowed_from.parse::<AllowList>());
        let chosen: Option<ScopeSet> =
            errors.check("scopes", form.scopes.iter().map(|text| text.parse()).collect::<Result<_, _>>());
        if let Some(chosen) = &chosen {
            if chosen.is_empty() {
                errors.add("scopes", "Choose at least one scope");
            }
            if let Some(unknown) = chosen.iter().find(|scope| !is_known(scope, &known)) {
                errors.add("scopes", format!("There is no scope {unknown}"));
            }
        }
        match (name, chosen, expiry, allowed_from) {
            (Some(name), Some(scopes), Some(expiry), Some(allowed_from)) if errors.is_empty() => {
                Ok(Checked { name, scopes, expiry, allowed_from })
            }
            _ => Err(ApiKeyError::Invalid(errors)),
        }
    }

    /// The keys of one environment, live ones first. A stranger's application has none.
    ///
    /// # Errors
    /// [`ApiKeyError`].
    pub async fn list(
        &self,
        actor: &Actor,
        application: ApplicationId,
        environment: Environment,
    ) -> Result<Vec<ApiKey>, ApiKeyError> {
        let account = actor.account()?;
        Ok(self.ports.store.api_keys(account.id, application, environment, self.ports.now()).await?)
    }

    /// One key.
    ///
    /// # Errors
    /// [`ApiKeyError::NotFound`] for another team's key too.
    pub async fn get(&self, actor: &Actor, id: ApiKeyId) -> Result<ApiKey, ApiKeyError> {
        let account = actor.account()?;
        self.ports.store.api_key(account.id, id).await?.ok_or(ApiKeyError::NotFound)
    }

    /// Ends a key: the next request with it is refused.
    ///
    /// # Errors
    /// [`ApiKeyError`].
    pub async fn revoke(&self, actor: &Actor, id: ApiKeyId) -> Result<ApiKey, ApiKeyError> {
        let account = actor.account()?;
        let key = self.get(actor, id).await?;
        let teams = self.ports.store.memberships(account.id).await?;
        let role = teams.iter().find(|membership| membership.team_id == key.team_id).map(|membership| membership.role);
        if !role.is_some_and(latchkey_model::TeamRole::may_write) {
            return Err(ApiKeyError::Forbidden);
        }
        let mut work = self.ports.store.begin().await?;
        match work.api_key_revoke(key.team_id, id, account.id, self.ports.now()).await? {
            Consumed::Won => work.commit().await?,
            Consumed::Lost => return Err(ApiKeyError::AlreadyRevoked),
        }
        Ok(key)
    }
}

/// A form whose every field is good.
struct Checked {
    name: Name,
    scopes: ScopeSet,
    expiry: Expiry,
    allowed_from: AllowList,
}

fn is_known(scope: &Scope, known: &[ApiScope]) -> bool {
    known.iter().any(|one| one.scope == *scope)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_expiry_is_never_or_some_days() {
        assert_eq!("never".parse(), Ok(Expiry::Never));
        assert_eq!("90".parse(), Ok(Expiry::Days(90)));
        for bad in ["", "0", "-1", "3661", "90 days", "99999999999"] {
            assert_eq!(bad.parse::<Expiry>(), Err(ParseExpiryError), "{bad:?}");
        }
    }
}
