//! What people do with clients and service accounts: create, list, change, add and end secrets, revoke.

use super::{
    ClientCertificates, ClientForm, ClientId, ClientKind, KnownClients, Logo, LogoDigest, LogoError, Possible,
    changes_of,
};
use crate::{
    access_token::KnownTokens,
    actor::{Actor, NotAdmin, NotProven, NotSignedIn},
    api_key::format::PlainApiKey,
    audit::{Act, Action},
    jose::SigningAlgorithm,
    memory::commit_and_forget,
    openid::identity_scopes,
    port::{
        Change, Consumed, Inserted, StoreError, UnitOfWork,
        api::ApiScope,
        api_key::{Holder, KeyOwner},
        oauth_client::{ClientSecret, NewClientSecret, NewOauthClient, OauthClient},
    },
    ports::Ports,
    secret::DigestKey,
    shown::Shown,
    signing_key::KeyRing,
};
use latchkey_model::{
    AccountId, ApplicationId, ClientSecretId, Environment, FieldErrors, KeyKind, OauthClientId, TeamId,
};
use std::sync::Arc;
use time::OffsetDateTime;
use tokio::sync::Semaphore;
use uuid::Uuid;

/// A client that was just made, or one of its secrets.
#[derive(Debug)]
pub struct CreatedClient {
    /// The client.
    pub id: OauthClientId,
    /// The secret with its row, to be shown once; none for a client that cannot keep one.
    pub secret: Option<(ClientSecretId, PlainApiKey)>,
}

/// A client as one of its team's members sees it.
#[derive(Debug, Clone)]
pub struct ClientInView {
    /// The client.
    pub client: OauthClient,
    /// Its secrets, the newest first.
    pub secrets: Vec<ClientSecret>,
    /// The tokens that it holds, as far as they are stored: those that mean nothing but to this server. The newest first.
    pub tokens: Vec<HeldToken>,
    /// Whether the member may change it.
    pub may_write: bool,
}

/// A token that a client holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldToken {
    /// How a person recognises it.
    pub hint: String,
    /// When it was made.
    pub made_at: OffsetDateTime,
    /// When it ends by itself.
    pub ends_at: OffsetDateTime,
}

/// Why a client could not be made, shown, changed or ended.
#[derive(Debug, thiserror::Error)]
pub enum OauthClientError {
    /// Nobody is signed in.
    #[error(transparent)]
    NotSignedIn(#[from] NotSignedIn),
    /// It is too long ago that the person showed who they are: what makes or ends a secret takes a fresh sign-in.
    #[error("the person must show first who they are")]
    ProveFirst,
    /// Fields are wrong; each sentence says why.
    #[error("some fields need another look")]
    Invalid(FieldErrors),
    /// The form was sent before, and did its work then.
    #[error("this form has done its work already")]
    SentTwice,
    /// The account may only look.
    #[error("this account may only look")]
    Forbidden,
    /// No such application, client or secret, as far as this account may know.
    #[error("no such client")]
    NotFound,
    /// It was ended before.
    #[error("it was ended before")]
    AlreadyEnded,
    /// It is something else than what was looked at.
    #[error("it was changed meanwhile")]
    Changed,
    /// There are as many live secrets as one client may have.
    #[error("there are two live secrets already")]
    TooManySecrets,
    /// The last live secret is ended by ending the client.
    #[error("this is the only secret that works")]
    LastSecret,
    /// The store failed.
    #[error("the client could not be reached")]
    Store(#[from] StoreError),
}

impl From<NotProven> for OauthClientError {
    fn from(error: NotProven) -> Self {
        match error {
            NotProven::NotSignedIn(error) => Self::NotSignedIn(error),
            NotProven::TooLongAgo => Self::ProveFirst,
        }
    }
}

impl From<NotAdmin> for OauthClientError {
    fn from(error: NotAdmin) -> Self {
        match error {
            NotAdmin::NotSignedIn(error) => Self::NotSignedIn(error),
            NotAdmin::Developer => Self::Forbidden,
        }
    }
}

/// Does with clients what people ask.
#[derive(Clone)]
pub struct OauthClientService {
    ports: Ports,
    pepper: DigestKey,
    known: KnownClients,
    tokens: KnownTokens,
    ring: KeyRing,
    certificates: ClientCertificates,
    /// One picture at a time: a small file may be a large picture.
    drawing: Arc<Semaphore>,
}

impl OauthClientService {
    /// A client has two secrets while one takes over from the other.
    pub const LIVE_SECRETS_AT_MOST: u64 = 2;

    /// The service; secrets are digested under this pepper, and changes are forgotten by these memories.
    pub fn new(
        ports: Ports,
        pepper: DigestKey,
        known: KnownClients,
        tokens: KnownTokens,
        ring: KeyRing,
        certificates: ClientCertificates,
    ) -> Self {
        Self { ports, pepper, known, tokens, ring, certificates, drawing: Arc::new(Semaphore::new(1)) }
    }

    /// Which certificates of clients can be known here.
    pub fn certificates(&self) -> ClientCertificates {
        self.certificates
    }

    /// What a client of this kind can be given here.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn possible(&self, kind: ClientKind) -> Result<Possible, StoreError> {
        Ok(Possible { scopes: self.scopes(kind).await?, certificates: self.certificates })
    }

    /// Publishes a key of the algorithm that a client's tokens are signed with, before the first of them is: whoever has read the keys
    /// finds it.
    pub(super) async fn publish_key(&self, algorithm: SigningAlgorithm) -> Result<(), StoreError> {
        Ok(self.ring.prepare(algorithm).await?)
    }

    /// The scopes that a client of this kind can be given: what is about a person is not for machines.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn scopes(&self, kind: ClientKind) -> Result<Vec<ApiScope>, StoreError> {
        let identity = match kind {
            ClientKind::ThirdParty => identity_scopes(),
            ClientKind::ServiceAccount => Vec::new(),
        };
        Ok(identity.into_iter().chain(self.ports.store.known_scopes().await?).collect())
    }

    /// Creates a client, with its first secret if it can keep one.
    ///
    /// # Errors
    /// [`OauthClientError`].
    pub async fn create(
        &self,
        actor: &Actor,
        kind: ClientKind,
        application: ApplicationId,
        environment: Environment,
        form: &ClientForm<'_>,
        form_id: Uuid,
    ) -> Result<CreatedClient, OauthClientError> {
        let account = actor.account()?;
        let now = self.ports.now();
        let found =
            self.ports.store.application(account.id, application, now).await?.ok_or(OauthClientError::NotFound)?;
        if !found.role.may_write() {
            return Err(OauthClientError::Forbidden);
        }
        actor.proven(self.ports.now())?;
        let settings = form.check(kind, &self.possible(kind).await?).map_err(OauthClientError::Invalid)?;
        self.publish_key(settings.signing_algorithm).await?;
        let client = NewOauthClient {
            id: OauthClientId::from_uuid(self.ports.uuid()),
            client_id: ClientId::generate(self.ports.random()),
            kind,
            environment_id: found.environment_id(environment),
            settings,
            created_by: account.id,
            created_at: now,
            form_id,
        };
        let mut work = self.ports.store.begin().await?;
        let created = self.add(&mut *work, &client).await?;
        let tenant = found.application.team_id;
        let act = Act::new(tenant, Action::ClientCreated, client.id, &client.settings.name);
        let act = changes_of(act.change("environment", "", environment), None, &client.settings);
        act.by(actor, &mut *work, &self.ports).await?;
        self.commit(work, &client.client_id).await?;
        Ok(created)
    }

    /// Adds a client, with its first secret if it proves to be itself by one.
    pub(super) async fn add(
        &self,
        work: &mut dyn UnitOfWork,
        client: &NewOauthClient,
    ) -> Result<CreatedClient, OauthClientError> {
        if work.oauth_client_add(client).await? == Inserted::Duplicate {
            return Err(OauthClientError::SentTwice);
        }
        let mut created = CreatedClient { id: client.id, secret: None };
        if client.settings.auth_method.has_secret() {
            created.secret = Some(self.add_secret_in(work, client.id, client.created_by, client.form_id).await?);
        }
        Ok(created)
    }

    /// Adds a secret in this transaction.
    pub(super) async fn add_secret_in(
        &self,
        work: &mut dyn UnitOfWork,
        client: OauthClientId,
        by: AccountId,
        form_id: Uuid,
    ) -> Result<(ClientSecretId, PlainApiKey), OauthClientError> {
        let (new, plain) = self.new_secret(client, by, form_id);
        match work.client_secret_add(&new, Self::LIVE_SECRETS_AT_MOST).await? {
            Inserted::Done => Ok((new.id, plain)),
            Inserted::Duplicate => Err(OauthClientError::SentTwice),
        }
    }

    /// The clients of one environment, live ones first. A stranger's application has none.
    ///
    /// # Errors
    /// [`OauthClientError`].
    pub async fn list(
        &self,
        actor: &Actor,
        application: ApplicationId,
        environment: Environment,
        kind: ClientKind,
    ) -> Result<Vec<OauthClient>, OauthClientError> {
        let account = actor.account()?;
        Ok(self.ports.store.oauth_clients(account.id, application, environment, kind).await?)
    }

    /// One client.
    ///
    /// # Errors
    /// [`OauthClientError::NotFound`] for another team's client too.
    pub async fn get(&self, actor: &Actor, id: OauthClientId) -> Result<ClientInView, OauthClientError> {
        let account = actor.account()?;
        let store = &self.ports.store;
        let client = store.oauth_client(account.id, id).await?.ok_or(OauthClientError::NotFound)?;
        let KeyOwner::Environment { application_id, .. } = client.owner else { return Err(OauthClientError::NotFound) };
        let application = store.application(account.id, application_id, self.ports.now()).await?;
        let may_write = application.is_some_and(|found| found.role.may_write());
        let tokens = self.held(&client).await?;
        Ok(ClientInView { secrets: store.client_secrets(id).await?, tokens, client, may_write })
    }

    async fn held(&self, client: &OauthClient) -> Result<Vec<HeldToken>, StoreError> {
        const SHOWN: u64 = 50;
        let now = self.ports.now();
        let tokens = self.ports.store.opaque_tokens(client.id, now, SHOWN).await?;
        let held = tokens.into_iter().filter(|token| !client.has_ended(token.claims.jti)).filter_map(|token| {
            Some(HeldToken {
                hint: format!("lk_tok_{}…", token.public_id.as_str()),
                made_at: OffsetDateTime::from_unix_timestamp(token.claims.iat).ok()?,
                ends_at: OffsetDateTime::from_unix_timestamp(token.claims.exp).ok()?,
            })
        });
        Ok(held.collect())
    }

    /// Changes a client, as long as it is what the form [showed](Shown). Tokens that it holds already keep what they were made with.
    ///
    /// # Errors
    /// [`OauthClientError`].
    pub async fn update(
        &self,
        actor: &Actor,
        id: OauthClientId,
        form: &ClientForm<'_>,
        shown: &str,
    ) -> Result<(), OauthClientError> {
        let (found, team, _) = self.writable(actor, id).await?;
        if found.client.revoked_at.is_some() {
            return Err(OauthClientError::AlreadyEnded);
        }
        let before = &found.client.settings;
        if !Shown::of(before).is(shown) {
            return Err(OauthClientError::Changed);
        }
        let kind = found.client.kind;
        let settings = form.check(kind, &self.possible(kind).await?).map_err(OauthClientError::Invalid)?;
        self.publish_key(settings.signing_algorithm).await?;
        let mut work = self.ports.store.begin().await?;
        match work.oauth_client_update(team, id, Some(before), &settings).await? {
            Consumed::Won => {
                let act = Act::new(team, Action::ClientChanged, id, &settings.name);
                let act = changes_of(act, Some(before), &settings);
                self.won(work, actor, act, &found.client.client_id).await
            }
            Consumed::Lost => Err(OauthClientError::Changed),
        }
    }

    /// Adds a secret beside the one that there is, so that the client can change over.
    ///
    /// # Errors
    /// [`OauthClientError`].
    pub async fn add_secret(
        &self,
        actor: &Actor,
        id: OauthClientId,
        form_id: Uuid,
    ) -> Result<CreatedClient, OauthClientError> {
        let (found, team, account) = self.writable(actor, id).await?;
        actor.proven(self.ports.now())?;
        if found.client.revoked_at.is_some() {
            return Err(OauthClientError::AlreadyEnded);
        }
        let live = found.secrets.iter().filter(|secret| secret.revoked_at.is_none()).count() as u64;
        if live >= Self::LIVE_SECRETS_AT_MOST {
            return Err(OauthClientError::TooManySecrets);
        }
        if !found.client.settings.auth_method.has_secret() {
            return Err(OauthClientError::Forbidden);
        }
        let mut work = self.ports.store.begin().await?;
        let secret = self.add_secret_in(&mut *work, id, account, form_id).await?;
        let act = Act::new(team, Action::SecretAdded, id, &found.client.settings.name);
        self.won(work, actor, act.change("secret", "", secret.0), &found.client.client_id).await?;
        Ok(CreatedClient { id, secret: Some(secret) })
    }

    /// Ends one of two secrets.
    ///
    /// # Errors
    /// [`OauthClientError`].
    pub async fn end_secret(
        &self,
        actor: &Actor,
        id: OauthClientId,
        secret: ClientSecretId,
    ) -> Result<(), OauthClientError> {
        let (found, team, _) = self.writable(actor, id).await?;
        actor.proven(self.ports.now())?;
        let live: Vec<_> = found.secrets.iter().filter(|one| one.revoked_at.is_none()).collect();
        if !found.secrets.iter().any(|one| one.id == secret) {
            return Err(OauthClientError::NotFound);
        }
        if live.len() == 1 && live.iter().any(|one| one.id == secret) {
            return Err(OauthClientError::LastSecret);
        }
        let mut work = self.ports.store.begin().await?;
        match work.client_secret_revoke(id, secret, self.ports.now()).await? {
            Consumed::Won => {
                let act = Act::new(team, Action::SecretEnded, id, &found.client.settings.name);
                self.won(work, actor, act.change("secret", secret, ""), &found.client.client_id).await
            }
            Consumed::Lost => Err(OauthClientError::AlreadyEnded),
        }
    }

    /// Gives a client another picture, or takes it away.
    ///
    /// # Errors
    /// [`OauthClientError`].
    pub async fn set_logo(
        &self,
        actor: &Actor,
        id: OauthClientId,
        file: Option<Vec<u8>>,
    ) -> Result<(), OauthClientError> {
        let (found, team, _) = self.writable(actor, id).await?;
        let logo = match file {
            None => None,
            Some(file) => {
                let _turn = self.drawing.acquire().await.map_err(|error| StoreError::Internal(Box::new(error)))?;
                // Milliseconds of work, away from those who wait for an answer.
                let drawn = tokio::task::spawn_blocking(move || Logo::draw(&file)).await;
                let drawn = drawn.map_err(|error| StoreError::Internal(Box::new(error)))?;
                let wrong = |error: LogoError| OauthClientError::Invalid(FieldErrors::one("logo", error.to_string()));
                Some(drawn.map_err(wrong)?)
            }
        };
        let mut work = self.ports.store.begin().await?;
        match work.client_logo_set(team, id, logo.as_ref()).await? {
            Consumed::Won => {
                let named = |digest: Option<&LogoDigest>| digest.map(ToString::to_string).unwrap_or_default();
                let act = Act::new(team, Action::ClientChanged, id, &found.client.settings.name);
                let act = act.change("logo", named(found.client.logo.as_ref()), named(logo.as_ref().map(Logo::digest)));
                self.won(work, actor, act, &found.client.client_id).await
            }
            Consumed::Lost => Err(OauthClientError::AlreadyEnded),
        }
    }

    /// Ends every token that a service account holds, at once; those that it asks for from now on are good.
    ///
    /// # Errors
    /// [`OauthClientError`].
    pub async fn end_tokens(&self, actor: &Actor, id: OauthClientId) -> Result<(), OauthClientError> {
        let (found, team, _) = self.writable(actor, id).await?;
        actor.proven(self.ports.now())?;
        if found.client.kind != ClientKind::ServiceAccount {
            return Err(OauthClientError::Forbidden);
        }
        let mut work = self.ports.store.begin().await?;
        match work.client_tokens_end(team, id, self.ports.now()).await? {
            Consumed::Won => {
                let act = Act::new(team, Action::ClientTokensEnded, id, &found.client.settings.name);
                self.won(work, actor, act, &found.client.client_id).await
            }
            Consumed::Lost => Err(OauthClientError::AlreadyEnded),
        }
    }

    /// Ends a client, and with it every token that it holds, at once.
    ///
    /// # Errors
    /// [`OauthClientError`].
    pub async fn revoke(&self, actor: &Actor, id: OauthClientId) -> Result<OauthClient, OauthClientError> {
        let (found, team, account) = self.writable(actor, id).await?;
        actor.proven(self.ports.now())?;
        let mut work = self.ports.store.begin().await?;
        match work.oauth_client_revoke(team, id, account, self.ports.now()).await? {
            Consumed::Won => {
                let act = Act::new(team, Action::ClientRevoked, id, &found.client.settings.name);
                self.won(work, actor, act, &found.client.client_id).await?;
            }
            Consumed::Lost => return Err(OauthClientError::AlreadyEnded),
        }
        Ok(found.client)
    }

    async fn writable(
        &self,
        actor: &Actor,
        id: OauthClientId,
    ) -> Result<(ClientInView, TeamId, AccountId), OauthClientError> {
        let found = self.get(actor, id).await?;
        let account = actor.account()?.id;
        match found.client.owner.holder() {
            Holder::Team(team) if found.may_write => Ok((found, team, account)),
            _ => Err(OauthClientError::Forbidden),
        }
    }

    fn new_secret(&self, client: OauthClientId, by: AccountId, form_id: Uuid) -> (NewClientSecret, PlainApiKey) {
        let id = ClientSecretId::from_uuid(self.ports.uuid());
        let plain = PlainApiKey::generate(self.ports.random(), KeyKind::ClientSecret);
        let new = NewClientSecret {
            id,
            client,
            public_id: plain.public_id(),
            last_four: plain.last_four().to_owned(),
            digest: plain.digest(&self.pepper),
            created_by: by,
            created_at: self.ports.now(),
            form_id,
        };
        (new, plain)
    }

    /// Commits what somebody did to a client, and notes it.
    async fn won(
        &self,
        mut work: Box<dyn UnitOfWork>,
        actor: &Actor,
        act: Act,
        client_id: &ClientId,
    ) -> Result<(), OauthClientError> {
        act.by(actor, &mut *work, &self.ports).await?;
        Ok(self.commit(work, client_id).await?)
    }

    /// Commits a change of a client, as [`commit_and_forget`] does.
    pub(super) async fn commit(&self, work: Box<dyn UnitOfWork>, client_id: &ClientId) -> Result<(), StoreError> {
        let (known, tokens, id) = (self.known.clone(), self.tokens.clone(), client_id.clone());
        commit_and_forget(work, vec![Change::Client(id.clone())], move || {
            known.forget(&id);
            // After the client itself: a token is looked up by what is known of its client.
            tokens.forget_client(&id);
        })
        .await
    }
}
