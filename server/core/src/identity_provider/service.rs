//! What admins do with providers, and which of them people can choose.

use super::{
    form::ProviderForm,
    protocol::{OauthEndpoints, Protocol, ProtocolKind},
};
use crate::{
    actor::{Actor, NotAdmin, NotProven, NotSignedIn},
    audit::{Act, Action, Reason, Tenant},
    port::{
        Consumed, Inserted, StoreError,
        identity_provider::{IdentityProvider, ProviderSettings},
    },
    ports::Ports,
    sealing::{SealError, Sealer},
};
use latchkey_model::{FieldErrors, IdentityProviderId, Name};
use std::sync::Arc;
use zeroize::Zeroizing;

/// Why a provider could not be shown or changed.
#[derive(Debug, thiserror::Error)]
pub enum IdentityProviderError {
    /// Nobody is signed in.
    #[error(transparent)]
    NotSignedIn(#[from] NotSignedIn),
    /// It is too long ago that the admin showed who they are.
    #[error("the admin must show first who they are")]
    ProveFirst,
    /// Only an admin may.
    #[error("only an admin may do this")]
    Forbidden,
    /// Fields are wrong; each sentence says why.
    #[error("some fields need another look")]
    Invalid(FieldErrors),
    /// The form was sent before, and did its work then.
    #[error("this form has done its work already")]
    SentTwice,
    /// There is no such provider.
    #[error("no such provider")]
    NotFound,
    /// The secret could not be sealed.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// The store failed.
    #[error("the providers could not be reached")]
    Store(#[from] StoreError),
}

impl From<NotProven> for IdentityProviderError {
    fn from(error: NotProven) -> Self {
        match error {
            NotProven::NotSignedIn(error) => Self::NotSignedIn(error),
            NotProven::TooLongAgo => Self::ProveFirst,
        }
    }
}

impl From<NotAdmin> for IdentityProviderError {
    fn from(error: NotAdmin) -> Self {
        match error {
            NotAdmin::NotSignedIn(error) => Self::NotSignedIn(error),
            NotAdmin::Developer => Self::Forbidden,
        }
    }
}

/// Does with providers what admins ask.
#[derive(Clone)]
pub struct IdentityProviders {
    ports: Ports,
    sealer: Arc<Sealer>,
}

impl IdentityProviders {
    /// The service; secrets are sealed by this.
    pub fn new(ports: Ports, sealer: Arc<Sealer>) -> Self {
        Self { ports, sealer }
    }

    /// What anybody can sign in with: what each is called, and its id.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn offered(&self) -> Result<Vec<(IdentityProviderId, Name)>, StoreError> {
        let all = self.ports.store.identity_providers().await?.into_iter();
        let offered = all.filter(|provider| provider.disabled_at.is_none());
        Ok(offered.map(|provider| (provider.id, provider.settings.name)).collect())
    }

    /// Every provider.
    ///
    /// # Errors
    /// [`IdentityProviderError`].
    pub async fn list(&self, actor: &Actor) -> Result<Vec<IdentityProvider>, IdentityProviderError> {
        actor.admin()?;
        Ok(self.ports.store.identity_providers().await?)
    }

    /// One provider.
    ///
    /// # Errors
    /// [`IdentityProviderError`].
    pub async fn get(&self, actor: &Actor, id: IdentityProviderId) -> Result<IdentityProvider, IdentityProviderError> {
        actor.admin()?;
        self.ports.store.identity_provider(id).await?.ok_or(IdentityProviderError::NotFound)
    }

    /// How many identities of a provider open an account: what ends when it is removed.
    ///
    /// # Errors
    /// [`IdentityProviderError`].
    pub async fn links(&self, actor: &Actor, id: IdentityProviderId) -> Result<u64, IdentityProviderError> {
        actor.admin()?;
        Ok(self.ports.store.linked_identity_count(id).await?)
    }

    /// Adds a provider. Its id is known before it is made, since the provider must be told an address with it; a form that is sent
    /// twice adds one.
    ///
    /// # Errors
    /// [`IdentityProviderError`].
    pub async fn create(
        &self,
        actor: &Actor,
        form: &ProviderForm<'_>,
        id: IdentityProviderId,
    ) -> Result<(), IdentityProviderError> {
        actor.admin()?;
        actor.proven(self.ports.now())?;
        let (settings, reason) = form.check(true).map_err(IdentityProviderError::Invalid)?;
        let sealed_secret = self.seal(id, form.client_secret.trim())?;
        let provider =
            IdentityProvider { id, settings, sealed_secret, created_at: self.ports.now(), disabled_at: None };
        let mut work = self.ports.store.begin().await?;
        if work.identity_provider_add(&provider).await? == Inserted::Duplicate {
            return Err(IdentityProviderError::SentTwice);
        }
        let added = Act::new(Tenant::Portal, Action::ProviderAdded, id, &provider.settings.name);
        let added = changes_of(added, None, Some(&provider.settings));
        Ok(added.because(reason).commit_by(actor, work, &self.ports).await?)
    }

    /// Changes a provider. Another place to ask is another provider, where the same name may be somebody else's: it is added beside
    /// this one.
    ///
    /// # Errors
    /// [`IdentityProviderError`].
    pub async fn update(
        &self,
        actor: &Actor,
        id: IdentityProviderId,
        form: &ProviderForm<'_>,
    ) -> Result<(), IdentityProviderError> {
        let known = self.get(actor, id).await?;
        actor.proven(self.ports.now())?;
        let (settings, reason) = form.check(false).map_err(IdentityProviderError::Invalid)?;
        if settings.protocol != known.settings.protocol {
            let sentence =
                "This is another provider, where the same name may be somebody else's. Add it as one of its own";
            let field = match (settings.protocol.kind() == known.settings.protocol.kind(), settings.protocol.kind()) {
                (false, _) => "kind",
                (true, ProtocolKind::Oauth2) => "authorization_endpoint",
                (true, ProtocolKind::Openid | ProtocolKind::Github) => "address",
            };
            return Err(IdentityProviderError::Invalid(FieldErrors::one(field, sentence)));
        }
        let secret = form.client_secret.trim();
        let sealed = if secret.is_empty() { None } else { Some(self.seal(id, secret)?) };
        let mut work = self.ports.store.begin().await?;
        match work.identity_provider_update(id, &settings, sealed.as_deref()).await? {
            Consumed::Won => {
                let changed = Act::new(Tenant::Portal, Action::ProviderChanged, id, &settings.name);
                changes_of(changed, Some(&known.settings), Some(&settings))
                    .change("client_secret", "", if sealed.is_some() { "another one" } else { "" })
                    .because(reason)
                    .by(actor, &mut *work, &self.ports)
                    .await?;
                Ok(work.commit().await?)
            }
            Consumed::Lost => Err(IdentityProviderError::NotFound),
        }
    }

    /// Lets nobody sign in with a provider any more, or again. Links stay.
    ///
    /// # Errors
    /// [`IdentityProviderError`].
    pub async fn disable(
        &self,
        actor: &Actor,
        id: IdentityProviderId,
        disabled: bool,
        reason: &str,
    ) -> Result<(), IdentityProviderError> {
        let known = self.get(actor, id).await?;
        let reason = why(reason)?;
        actor.proven(self.ports.now())?;
        let mut work = self.ports.store.begin().await?;
        match work.identity_provider_disable(id, disabled.then(|| self.ports.now())).await? {
            Consumed::Won => {
                let switched = Act::new(Tenant::Portal, Action::ProviderSwitched, id, &known.settings.name);
                Ok(switched
                    .change("off", !disabled, disabled)
                    .because(reason)
                    .commit_by(actor, work, &self.ports)
                    .await?)
            }
            Consumed::Lost => Err(IdentityProviderError::NotFound),
        }
    }

    /// Removes a provider: no link of people with it opens anything from now on, and all of them go by and by.
    ///
    /// # Errors
    /// [`IdentityProviderError`].
    pub async fn remove(
        &self,
        actor: &Actor,
        id: IdentityProviderId,
        reason: &str,
    ) -> Result<(), IdentityProviderError> {
        let known = self.get(actor, id).await?;
        let reason = why(reason)?;
        let now = self.ports.now();
        actor.proven(now)?;
        let mut work = self.ports.store.begin().await?;
        match work.identity_provider_remove(id, now).await? {
            Consumed::Won => {
                let removed = Act::new(Tenant::Portal, Action::ProviderRemoved, id, &known.settings.name);
                let removed = changes_of(removed, Some(&known.settings), None);
                Ok(removed.because(reason).commit_by(actor, work, &self.ports).await?)
            }
            Consumed::Lost => Err(IdentityProviderError::NotFound),
        }
    }

    fn seal(&self, id: IdentityProviderId, secret: &str) -> Result<Vec<u8>, SealError> {
        self.sealer.seal(self.ports.random(), id.as_uuid().as_bytes(), secret.as_bytes())
    }

    /// Our secret at a provider.
    pub(super) fn secret(&self, provider: &IdentityProvider) -> Result<Zeroizing<String>, SealError> {
        let bytes = self.sealer.open(provider.id.as_uuid().as_bytes(), &provider.sealed_secret)?;
        let text = std::str::from_utf8(&bytes).map_err(|_| SealError::Open)?;
        Ok(Zeroizing::new(text.to_owned()))
    }

    /// A provider that people can sign in with now.
    pub(super) async fn enabled(&self, id: IdentityProviderId) -> Result<Option<IdentityProvider>, StoreError> {
        let found = self.ports.store.identity_provider(id).await?;
        Ok(found.filter(|provider| provider.disabled_at.is_none()))
    }
}

/// What was changed about a provider; all that is set of one that is new, or gone. The secret is none of it.
fn changes_of(act: Act, before: Option<&ProviderSettings>, after: Option<&ProviderSettings>) -> Act {
    let [before, after] = [before, after].map(|settings| settings.map(written).unwrap_or_default());
    before.into_iter().zip(after).fold(act, |act, ((field, before), (of_after, after))| {
        act.change(if field.is_empty() { of_after } else { field }, before, after)
    })
}

/// Every setting as text. The settings are taken apart here: one that is added to them is told of, or this does not build.
fn written(settings: &ProviderSettings) -> [(&'static str, String); 4] {
    let ProviderSettings { name, protocol, client_id, scopes } = settings;
    let spoken = match protocol {
        Protocol::Openid { issuer } => format!("openid {issuer}"),
        Protocol::Github { url } => format!("github {url}"),
        Protocol::Oauth2(OauthEndpoints { authorization, token, userinfo, subject }) => {
            format!("oauth2 {authorization} {token} {userinfo} {subject}")
        }
    };
    [("name", name.to_string()), ("protocol", spoken), ("client_id", client_id.clone()), ("scopes", scopes.clone())]
}

fn why(reason: &str) -> Result<Reason, IdentityProviderError> {
    FieldErrors::at("reason", reason.parse()).map_err(IdentityProviderError::Invalid)
}
