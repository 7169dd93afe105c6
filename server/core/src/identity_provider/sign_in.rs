//! Signing in with a provider: sending a person there, and judging what they come back with.

use super::{
    answer::ProviderAnswer,
    client::{Asked, ProviderClient, ProviderClientError, Redeem},
    endpoints::{Endpoints, Finder, Who},
    id_token::{self, Expected, IdTokenProblem},
    service::IdentityProviders,
};
use crate::{
    actor::Actor,
    limit::{Limiter, Quota, network_of},
    oauth_client::FetchedKeys,
    port::{
        Consumed, Inserted, StoreError,
        account::Account,
        identity_provider::{Identity, IdentityProvider},
    },
    ports::Ports,
    random::base62,
    sealing::SealError,
    secret::{DigestKey, digests_equal, sha256},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use latchkey_model::IdentityProviderId;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::{net::IpAddr, sync::Arc};
use time::{Duration, OffsetDateTime};
use url::Url;

/// A person who was sent to a provider, as their session keeps it. There is nothing in it that would help a thief of the database:
/// what the code is redeemed with is drawn from the state, which only the browser has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    provider: IdentityProviderId,
    state_digest: [u8; 32],
    began_at: i64,
    /// Where the person wanted to go.
    pub next: String,
}

/// Who a person is at a provider, proven a moment ago.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProvenIdentity {
    /// The provider.
    pub provider: IdentityProviderId,
    /// What it is called.
    pub provider_name: String,
    subject: String,
    /// What the person is called there.
    pub label: String,
    /// Where the person wanted to go.
    pub next: String,
    proven_at: i64,
}

impl ProvenIdentity {
    /// How long it can be linked without being proven once more.
    const LIFE: Duration = Duration::minutes(15);

    pub(super) fn identity(&self) -> Identity {
        Identity { provider: self.provider, subject: self.subject.clone() }
    }

    /// Whether it was proven a moment ago.
    pub fn is_fresh(&self, now: OffsetDateTime) -> bool {
        OffsetDateTime::from_unix_timestamp(self.proven_at).is_ok_and(|at| now - at < Self::LIFE)
    }
}

/// What came of it.
#[derive(Debug)]
pub enum Completed {
    /// It opens this account.
    Known(Account),
    /// It opens none yet.
    Unknown(ProvenIdentity),
}

/// Why somebody could not sign in with a provider.
#[derive(Debug, thiserror::Error)]
pub enum ProviderSignInError {
    /// Too many tries from one address.
    #[error("too many tries from one address")]
    TooMany {
        /// How long to wait.
        retry_after: Duration,
    },
    /// There is no such provider, or nobody signs in with it any more.
    #[error("no such provider")]
    NotFound,
    /// The answer belongs to no question of this browser's, or to one that was answered or is too old.
    #[error("this answer belongs to no question of this browser")]
    NotAsked,
    /// The provider, or the person there, said no.
    #[error("the provider said {0}")]
    Refused(String),
    /// What came back proves nothing.
    #[error("what the provider said proves nothing: {0}")]
    NotProven(&'static str),
    /// What came back proves nothing.
    #[error(transparent)]
    IdToken(#[from] IdTokenProblem),
    /// The provider could not be asked.
    #[error("the provider could not be asked")]
    Unreachable(#[from] ProviderClientError),
    /// Somebody is signed in, and the identity opens another's account.
    #[error("this identity opens another account")]
    OtherAccount,
    /// Our secret there cannot be opened.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// The store failed.
    #[error("signing in failed")]
    Store(#[from] StoreError),
}

/// Signs people in with providers.
#[derive(Clone)]
pub struct ProviderSignIn {
    ports: Ports,
    providers: IdentityProviders,
    client: Arc<dyn ProviderClient>,
    finder: Finder,
    keys: FetchedKeys,
    secrets: DigestKey,
    public_url: Arc<str>,
    attempts: Arc<Limiter<IpAddr>>,
}

impl ProviderSignIn {
    /// How long a person may take at the provider.
    const LIFE: Duration = Duration::minutes(10);
    const STATE_LENGTH: usize = 43;

    /// The service; `secrets` is what verifiers and nonces are drawn with, `attempts` how many tries each network has.
    pub fn new(
        ports: Ports,
        providers: IdentityProviders,
        client: Arc<dyn ProviderClient>,
        keys: FetchedKeys,
        secrets: DigestKey,
        public_url: Arc<str>,
        attempts: Quota,
    ) -> Self {
        let finder = Finder::new(Arc::clone(&client));
        Self { ports, providers, client, finder, keys, secrets, public_url, attempts: Arc::new(Limiter::new(attempts)) }
    }

    /// Where people come back to from a provider. Each has an address of its own: the answer of one is never taken for another's
    /// (RFC 9700 section 4.4.2).
    pub fn redirect_uri(&self, provider: IdentityProviderId) -> String {
        format!("{}/login/callback/{provider}", self.public_url)
    }

    fn drawn(&self, what: &str, state: &str) -> String {
        URL_SAFE_NO_PAD.encode(self.secrets.digest(format!("{what} {state}").as_bytes()))
    }

    /// Where a person is sent, and what their session keeps until they come back.
    ///
    /// # Errors
    /// [`ProviderSignInError`].
    pub async fn begin(
        &self,
        provider: IdentityProviderId,
        next: &str,
        from: IpAddr,
    ) -> Result<(Url, Attempt), ProviderSignInError> {
        let now = self.ports.now();
        // Nothing is guessed here: whoever is behind a proxy on this machine is not stopped by their neighbours.
        let room = (!from.is_loopback()).then(|| self.attempts.check(&network_of(from), now));
        if let Some(retry_after) = room.and_then(|room| room.retry_after()) {
            return Err(ProviderSignInError::TooMany { retry_after });
        }
        let provider = self.providers.enabled(provider).await?.ok_or(ProviderSignInError::NotFound)?;
        let endpoints = self.finder.find(&provider.settings.protocol, now).await?;
        let state = base62(self.ports.random(), Self::STATE_LENGTH);
        let nonce = matches!(endpoints.who, Who::IdToken { .. }).then(|| self.drawn("nonce", &state));
        let url = self.client.authorization_url(&Asked {
            authorization: &endpoints.authorization,
            client_id: &provider.settings.client_id,
            redirect_uri: &self.redirect_uri(provider.id),
            scopes: &provider.settings.scopes,
            state: &state,
            verifier: &self.drawn("verifier", &state),
            nonce: nonce.as_deref(),
        });
        let attempt = Attempt {
            provider: provider.id,
            state_digest: sha256(state.as_bytes()),
            began_at: now.unix_timestamp(),
            next: next.to_owned(),
        };
        Ok((url, attempt))
    }

    /// Judges what a person came back with at the address of a provider. An attempt is good once.
    ///
    /// # Errors
    /// [`ProviderSignInError`].
    pub async fn complete(
        &self,
        actor: &Actor,
        at: IdentityProviderId,
        attempt: &Attempt,
        answer: &ProviderAnswer,
    ) -> Result<Completed, ProviderSignInError> {
        let now = self.ports.now();
        let began = OffsetDateTime::from_unix_timestamp(attempt.began_at).ok();
        let state = answer.state.as_deref().unwrap_or_default();
        let asked = attempt.provider == at
            && digests_equal(&attempt.state_digest, &sha256(state.as_bytes()))
            && began.is_some_and(|began| now - began < Self::LIFE);
        if !asked || !self.is_first(&attempt.state_digest, now).await? {
            return Err(ProviderSignInError::NotAsked);
        }
        let provider = self.providers.enabled(at).await?.ok_or(ProviderSignInError::NotFound)?;
        let endpoints = self.finder.find(&provider.settings.protocol, now).await?;
        if !is_of(answer, &endpoints) {
            return Err(ProviderSignInError::NotProven("the answer names another issuer"));
        }
        if let Some(error) = &answer.error {
            let word = error.chars().filter(char::is_ascii_graphic).take(64).collect();
            return Err(ProviderSignInError::Refused(word));
        }
        let code = answer.code.as_deref().ok_or(ProviderSignInError::NotProven("there is no code"))?;
        let proven = ProvenIdentity {
            next: attempt.next.clone(),
            ..self.identify(&provider, &endpoints, code, state, now).await?
        };
        let Some(account) = self.ports.store.account_of_identity(&proven.identity()).await? else {
            return Ok(Completed::Unknown(proven));
        };
        // Whoever is signed in stays who they are.
        if actor.account().is_ok_and(|signed_in| signed_in.id != account) {
            return Err(ProviderSignInError::OtherAccount);
        }
        let mut work = self.ports.store.begin().await?;
        // It may have been unlinked a moment ago: then it opens nothing.
        if work.linked_identity_used(&proven.identity(), now).await? == Consumed::Lost {
            return Ok(Completed::Unknown(proven));
        }
        work.commit().await?;
        let account = self.ports.store.account(account).await?.ok_or(ProviderSignInError::NotFound)?;
        Ok(Completed::Known(account))
    }

    /// Spends the state: of all who come with one answer, at once and to any node, one is heard.
    async fn is_first(&self, state: &[u8; 32], now: OffsetDateTime) -> Result<bool, StoreError> {
        let mut work = self.ports.store.begin().await?;
        if work.used_name_add(state, now + Self::LIFE).await? == Inserted::Duplicate {
            return Ok(false);
        }
        work.commit().await?;
        Ok(true)
    }

    /// Redeems the code, and finds out whose it is.
    async fn identify(
        &self,
        provider: &IdentityProvider,
        endpoints: &Endpoints,
        code: &str,
        state: &str,
        now: OffsetDateTime,
    ) -> Result<ProvenIdentity, ProviderSignInError> {
        let settings = &provider.settings;
        let tokens = self
            .client
            .redeem(Redeem {
                token: &endpoints.token,
                client_id: &settings.client_id,
                client_secret: &self.providers.secret(provider)?,
                place: endpoints.place,
                redirect_uri: &self.redirect_uri(provider.id),
                code,
                verifier: &self.drawn("verifier", state),
            })
            .await?;
        let (subject, label) = match &endpoints.who {
            Who::IdToken { keys } => {
                let text = tokens.id_token.ok_or(ProviderSignInError::NotProven("there is no ID token"))?;
                let kid = id_token::key_name(&text);
                let keys = self.keys.get(keys, |keys| keys.names(kid.as_deref()), now).await;
                let keys = keys.map_err(|error| ProviderClientError(Box::new(error)))?;
                let issuer = endpoints.issuer.as_ref().map(|(issuer, _)| issuer.as_str()).unwrap_or_default();
                let nonce = self.drawn("nonce", state);
                let expected = Expected { issuer, client_id: &settings.client_id, nonce: &nonce, now };
                let claims = id_token::verify(&text, &keys, &expected)?;
                let label = claims.email.or(claims.preferred_username).or(claims.name);
                (claims.sub, label)
            }
            Who::Userinfo { url, subject } => {
                let said = self.client.userinfo(url, &tokens.access_token).await?;
                let named = said.get(subject).and_then(name_of);
                let named = named.ok_or(ProviderSignInError::NotProven("it does not say who signed in"))?;
                let label = ["email", "login", "username", "name"].into_iter().find_map(|member| said[member].as_str());
                (named, label.map(str::to_owned))
            }
        };
        let label: String =
            label.unwrap_or_else(|| subject.clone()).chars().filter(|c| !c.is_control()).take(120).collect();
        Ok(ProvenIdentity {
            provider: provider.id,
            provider_name: settings.name.as_str().to_owned(),
            subject,
            label,
            next: String::new(),
            proven_at: now.unix_timestamp(),
        })
    }
}

/// Whether an answer is this provider's, as far as it says whose it is (RFC 9207 section 2.4).
fn is_of(answer: &ProviderAnswer, endpoints: &Endpoints) -> bool {
    match (&endpoints.issuer, &answer.iss) {
        (Some((issuer, _)), Some(named)) => issuer == named,
        (Some((_, always)), None) => !always,
        // A provider that has no issuer may say what it likes: its answers have an address of their own.
        (None, _) => true,
    }
}

/// The name of a person as a text, also where it is a number.
fn name_of(value: &Value) -> Option<String> {
    match value {
        Value::String(text) if !text.is_empty() && text.len() <= 255 => Some(text.clone()),
        Value::Number(number) if number.is_u64() || number.is_i64() => Some(number.to_string()),
        _ => None,
    }
}
