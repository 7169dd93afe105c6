//! Registering, reading, changing and ending what an app registered.

use super::{ClientMetadata, RegistrationPolicy};
use crate::{
    actor::Actor,
    api_key::format::{PlainApiKey, PresentedKey},
    audit::{Act, Action},
    limit::{Limiter, Quota, network_of},
    oauth_client::{ClientId, ClientKind, KnownClients, OauthClientError, OauthClientService, changes_of},
    port::{
        Consumed, Inserted, StoreError,
        api_key::Holder,
        oauth_client::{NewOauthClient, OauthClient},
        registration::{Registration, RegistrationToken},
    },
    ports::Ports,
    secret::{DigestKey, digests_equal},
};
use latchkey_model::{AccountRole, ApplicationId, Environment, FieldErrors, KeyKind, OauthClientId, TeamId};
use serde::Serialize;
use std::{net::IpAddr, sync::Arc};
use time::Duration;

/// What the audit log says of what an app does about its own registration.
const BY_ITSELF: &str = "by the app itself";

/// Why an app could not register, or manage that.
#[derive(Debug, thiserror::Error)]
pub enum RegistrationError {
    /// Nobody without a token may, or the token is none of this.
    #[error("registering needs a token here")]
    InvalidToken,
    /// The token is another client's.
    #[error("this token is another client's")]
    Forbidden,
    /// What it says of itself cannot be registered.
    #[error("the metadata cannot be registered")]
    Invalid(FieldErrors),
    /// Too many came from one network.
    #[error("too many apps were registered from this network")]
    TooMany {
        /// How long to wait.
        retry_after: Duration,
    },
    /// The store failed.
    #[error("the registration could not be stored")]
    Store(#[from] StoreError),
}

impl From<OauthClientError> for RegistrationError {
    fn from(error: OauthClientError) -> Self {
        match error {
            OauthClientError::Store(error) => Self::Store(error),
            OauthClientError::Invalid(errors) => Self::Invalid(errors),
            // Ended by its people, or by itself.
            _ => Self::InvalidToken,
        }
    }
}

/// Who may register in an environment, as its people see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RegistrationInView {
    /// Who may.
    pub policy: RegistrationPolicy,
    /// Whether the person may say that anybody may.
    pub may_open: bool,
}

/// What a client is told of its registration (RFC 7591 section 3.2.1, RFC 7592 section 3).
#[derive(Serialize)]
pub struct Registered {
    client_id: ClientId,
    client_id_issued_at: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_secret: Option<String>,
    /// Zero: it does not end by itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    client_secret_expires_at: Option<i64>,
    registration_access_token: String,
    registration_client_uri: String,
    #[serde(flatten)]
    metadata: ClientMetadata,
}

/// Lets apps register themselves, where people allow that.
#[derive(Clone)]
pub struct Registrations {
    ports: Ports,
    clients: OauthClientService,
    known: KnownClients,
    pepper: DigestKey,
    issuer: Arc<str>,
    registered: Arc<Limiter<IpAddr>>,
}

impl Registrations {
    /// The service of this issuer; tokens are digested under this pepper, and `quota` is how many apps one network may register.
    pub fn new(
        ports: Ports,
        clients: OauthClientService,
        known: KnownClients,
        pepper: DigestKey,
        issuer: Arc<str>,
        quota: Quota,
    ) -> Self {
        Self { ports, clients, known, pepper, issuer, registered: Arc::new(Limiter::new(quota)) }
    }

    /// Whether anybody may register somewhere.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn is_open(&self) -> Result<bool, StoreError> {
        Ok(self.ports.store.open_registration().await?.is_some())
    }

    /// Who may register in an environment.
    ///
    /// # Errors
    /// [`OauthClientError`].
    pub async fn policy(
        &self,
        actor: &Actor,
        application: ApplicationId,
        environment: Environment,
    ) -> Result<RegistrationInView, OauthClientError> {
        let account = actor.account()?;
        let found = self.ports.store.registration(account.id, application, environment).await?;
        let policy = found.map(|registration| registration.policy).unwrap_or_default();
        Ok(RegistrationInView { policy, may_open: account.role == AccountRole::Admin })
    }

    /// Says who may register in an environment. Where that takes a token, a new one is made, and the one before ends.
    ///
    /// # Errors
    /// [`OauthClientError`].
    pub async fn set_policy(
        &self,
        actor: &Actor,
        application: ApplicationId,
        environment: Environment,
        policy: RegistrationPolicy,
    ) -> Result<Option<PlainApiKey>, OauthClientError> {
        let account = actor.account()?;
        let now = self.ports.now();
        let found = self.ports.store.application(account.id, application, now).await?;
        let found = found.ok_or(OauthClientError::NotFound)?;
        let may = policy != RegistrationPolicy::Open || account.role == AccountRole::Admin;
        if !found.role.may_write() || !may {
            return Err(OauthClientError::Forbidden);
        }
        let plain = (policy == RegistrationPolicy::Token)
            .then(|| PlainApiKey::generate(self.ports.random(), KeyKind::Registration));
        let registration = Registration {
            environment_id: found.environment_id(environment),
            policy,
            decided_by: account.id,
            decided_at: now,
            token: plain.as_ref().map(|plain| self.token_of(plain)),
        };
        let before = self.ports.store.registration(account.id, application, environment).await?;
        let before = before.map(|before| before.policy).unwrap_or_default();
        let mut work = self.ports.store.begin().await?;
        work.registration_set(&registration).await?;
        let tenant = found.application.team_id;
        Act::new(tenant, Action::RegistrationPolicyChanged, application, &found.application.name)
            .change("environment", "", environment)
            .change("policy", before, policy)
            .change("token", "", if plain.is_some() { "another one" } else { "" })
            .commit_by(actor, work, &self.ports)
            .await?;
        Ok(plain)
    }

    fn token_of(&self, plain: &PlainApiKey) -> RegistrationToken {
        RegistrationToken { public_id: plain.public_id(), digest: plain.digest(&self.pepper) }
    }

    /// Registers an app (RFC 7591 section 3), with the token that it sends, or where anybody may.
    ///
    /// # Errors
    /// [`RegistrationError`].
    pub async fn register(
        &self,
        token: Option<&str>,
        metadata: &ClientMetadata,
        from: IpAddr,
    ) -> Result<Registered, RegistrationError> {
        let now = self.ports.now();
        if let Some(retry_after) = self.registered.check(&network_of(from), now).retry_after() {
            return Err(RegistrationError::TooMany { retry_after });
        }
        let home = self.home(token).await?.ok_or(RegistrationError::InvalidToken)?;
        let found = self.ports.store.team_of_environment(home.environment_id).await?;
        let (team, environment) = found.ok_or(RegistrationError::InvalidToken)?;
        let possible = self.clients.possible(ClientKind::ThirdParty).await?;
        let settings = metadata.settings(&possible).map_err(RegistrationError::Invalid)?;
        self.clients.publish_key(settings.signing_algorithm).await?;
        let client = NewOauthClient {
            id: OauthClientId::from_uuid(self.ports.uuid()),
            client_id: ClientId::generate(self.ports.random()),
            kind: ClientKind::ThirdParty,
            environment_id: home.environment_id,
            settings,
            created_by: home.decided_by,
            created_at: now,
            form_id: self.ports.uuid(),
        };
        let plain = PlainApiKey::generate(self.ports.random(), KeyKind::Registration);
        let mut work = self.ports.store.begin().await?;
        let created = self.clients.add(&mut *work, &client).await?;
        if work.registered_client_add(client.id, &self.token_of(&plain)).await? == Inserted::Duplicate {
            return Err(StoreError::Unavailable("the token's name was taken".into()).into());
        }
        let act = Act::new(team, Action::ClientCreated, client.id, &client.settings.name);
        let act = changes_of(act.change("environment", "", environment), None, &client.settings);
        act.because(BY_ITSELF).by_program(from, &mut *work, &self.ports).await?;
        work.commit().await?;
        let secret = created.secret.map(|(_, secret)| secret.expose().to_owned());
        let issued_at = now.unix_timestamp();
        Ok(self.told(client.client_id, issued_at, secret, plain.expose(), ClientMetadata::of(&client.settings)))
    }

    /// What is registered (RFC 7592 section 2.1).
    ///
    /// # Errors
    /// [`RegistrationError`].
    pub async fn read(&self, token: &str, client_id: &str) -> Result<Registered, RegistrationError> {
        let client = self.managed(token, client_id).await?;
        Ok(self.of(&client, None, token))
    }

    /// Replaces what is registered, by the rules of today (RFC 7592 section 2.2).
    ///
    /// # Errors
    /// [`RegistrationError`].
    pub async fn replace(
        &self,
        token: &str,
        client_id: &str,
        metadata: &ClientMetadata,
        from: IpAddr,
    ) -> Result<Registered, RegistrationError> {
        let mut client = self.managed(token, client_id).await?;
        let before = client.settings.clone();
        let possible = self.clients.possible(ClientKind::ThirdParty).await?;
        client.settings = metadata.settings(&possible).map_err(RegistrationError::Invalid)?;
        self.clients.publish_key(client.settings.signing_algorithm).await?;
        let mut work = self.ports.store.begin().await?;
        if work.oauth_client_update(team_of(&client)?, client.id, None, &client.settings).await? == Consumed::Lost {
            return Err(RegistrationError::InvalidToken);
        }
        let act = Act::new(team_of(&client)?, Action::ClientChanged, client.id, &client.settings.name);
        let act = changes_of(act, Some(&before), &client.settings);
        act.because(BY_ITSELF).by_program(from, &mut *work, &self.ports).await?;
        let secrets = self.ports.store.client_secrets(client.id).await?;
        let has_one = secrets.iter().any(|secret| secret.revoked_at.is_none());
        let mut secret = None;
        if client.settings.auth_method.has_secret() && !has_one {
            let added = self.clients.add_secret_in(&mut *work, client.id, client.created_by, self.ports.uuid()).await?;
            secret = Some(added.1.expose().to_owned());
        }
        self.clients.commit(work, &client.client_id).await?;
        Ok(self.of(&client, secret, token))
    }

    /// Ends a client, and with it every token that it holds (RFC 7592 section 2.3).
    ///
    /// # Errors
    /// [`RegistrationError`].
    pub async fn end(&self, token: &str, client_id: &str, from: IpAddr) -> Result<(), RegistrationError> {
        let client = self.managed(token, client_id).await?;
        let mut work = self.ports.store.begin().await?;
        let ended = work.oauth_client_revoke(team_of(&client)?, client.id, client.created_by, self.ports.now()).await?;
        let forgotten = work.registered_client_remove(client.id).await?;
        if (ended, forgotten) != (Consumed::Won, Consumed::Won) {
            return Err(RegistrationError::InvalidToken);
        }
        let act = Act::new(team_of(&client)?, Action::ClientRevoked, client.id, &client.settings.name);
        act.because(BY_ITSELF).by_program(from, &mut *work, &self.ports).await?;
        Ok(self.clients.commit(work, &client.client_id).await?)
    }

    /// The environment that a request registers in.
    async fn home(&self, token: Option<&str>) -> Result<Option<Registration>, StoreError> {
        let Some(text) = token else { return self.ports.store.open_registration().await };
        let Some(presented) = presented(text) else { return Ok(None) };
        let found = self.ports.store.registration_by_token(presented.public_id()).await?;
        let digest = presented.digest(&self.pepper);
        Ok(found.filter(|registration| {
            registration.policy == RegistrationPolicy::Token
                && registration.token.is_some_and(|token| digests_equal(&token.digest, &digest))
        }))
    }

    /// The live client of this name, if the token is its own.
    async fn managed(&self, token: &str, client_id: &str) -> Result<OauthClient, RegistrationError> {
        let refused = || RegistrationError::InvalidToken;
        let presented = presented(token).ok_or_else(refused)?;
        let id = client_id.parse::<ClientId>().map_err(|_| refused())?;
        let entry = self.known.find(&id, self.ports.now()).await?.ok_or_else(refused)?;
        let client = entry.client();
        // RFC 7592 section 2.1: a client that has ended is not there any more.
        if !client.works() {
            return Err(refused());
        }
        let own = self.ports.store.registered_client(client.id).await?.ok_or_else(refused)?;
        if own.public_id != presented.public_id() {
            return Err(RegistrationError::Forbidden);
        }
        if !digests_equal(&own.digest, &presented.digest(&self.pepper)) {
            return Err(refused());
        }
        Ok(client.clone())
    }

    fn of(&self, client: &OauthClient, secret: Option<String>, token: &str) -> Registered {
        let issued_at = client.created_at.unix_timestamp();
        self.told(client.client_id.clone(), issued_at, secret, token, ClientMetadata::of(&client.settings))
    }

    fn told(
        &self,
        client_id: ClientId,
        issued_at: i64,
        client_secret: Option<String>,
        token: &str,
        metadata: ClientMetadata,
    ) -> Registered {
        Registered {
            registration_client_uri: format!("{}/oauth/register/{client_id}", self.issuer),
            client_id,
            client_id_issued_at: issued_at,
            client_secret_expires_at: client_secret.is_some().then_some(0),
            client_secret,
            registration_access_token: token.to_owned(),
            metadata,
        }
    }
}

fn presented(text: &str) -> Option<PresentedKey<'_>> {
    PresentedKey::parse(text).ok().filter(|key| key.kind() == KeyKind::Registration)
}

fn team_of(client: &OauthClient) -> Result<TeamId, RegistrationError> {
    match client.owner.holder() {
        Holder::Team(team) => Ok(team),
        Holder::Account(_) => Err(RegistrationError::InvalidToken),
    }
}
