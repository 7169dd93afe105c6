//! Asking a person, and what comes of it (RFC 6749 section 4.1).

use super::request::{self, AuthorizationError, AuthorizationRequest, Parameters, Untrusted};
use crate::{
    actor::Actor,
    oauth_client::{ClientEntry, ClientId, ClientKind, KnownClients},
    port::{
        Consumed, Inserted, StoreError,
        account::Account,
        api::ApiScope,
        grant::{AuthorizationCode, Grant},
        oauth_client::OauthClient,
    },
    ports::Ports,
    random::base62,
    secret::DigestKey,
};
use latchkey_model::{GrantId, ScopeSet};
use std::sync::Arc;
use time::Duration;
use url::Url;

/// What the person in front of the browser gets to see.
#[derive(Debug)]
pub enum Shown {
    /// The question.
    Consent(Box<Question>),
    /// They are led back to the client, with a code or an error.
    Redirect(String),
    /// Somebody must sign in first.
    SignIn,
    /// Nobody is led anywhere.
    Stop(Untrusted),
}

/// What a person is asked.
#[derive(Debug)]
pub struct Question {
    /// Who asks.
    pub client: OauthClient,
    /// For what, with what it means.
    pub scopes: Vec<ApiScope>,
    /// What was allowed before.
    pub allowed: ScopeSet,
    /// Where the answer leads.
    pub redirect_uri: String,
    /// Who is asked.
    pub account: Account,
}

/// What a person answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// These scopes, as they were ticked.
    Allow(Vec<String>),
    /// Nothing.
    Deny,
}

/// Asks people for their consent.
#[derive(Clone)]
pub struct AuthorizationService {
    ports: Ports,
    clients: KnownClients,
    pepper: DigestKey,
    issuer: Arc<str>,
}

impl AuthorizationService {
    /// How long a code can be redeemed (ASVS 10.4.3).
    pub const CODE_LIFE: Duration = Duration::seconds(60);
    const CODE_LENGTH: usize = 43;

    /// The service of this issuer; codes are digested under this pepper.
    pub fn new(ports: Ports, clients: KnownClients, pepper: DigestKey, issuer: &str) -> Self {
        Self { ports, clients, pepper, issuer: issuer.into() }
    }

    /// What a request leads to. Nothing is given here unless it was allowed before, to a client that can prove to be itself.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn begin(&self, actor: &Actor, parameters: &Parameters) -> Result<Shown, StoreError> {
        let (client, request) = match self.read(parameters).await? {
            Ok(Ok(found)) => found,
            Ok(Err(redirect)) => return Ok(Shown::Redirect(redirect)),
            Err(untrusted) => return Ok(Shown::Stop(untrusted)),
        };
        let Actor::Account { account, .. } = actor else {
            return Ok(if request.silent {
                Shown::Redirect(self.refusal(&request.redirect_uri, parameters, LOGIN_REQUIRED))
            } else {
                Shown::SignIn
            });
        };
        let allowed = self.ports.store.grant_of(account.id, client.client().id).await?;
        let covered = allowed.as_ref().filter(|grant| request.scopes.is_subset(&grant.scopes));
        match covered {
            // A client that cannot prove to be itself is never let in silently (RFC 8252 section 8.6, R-08).
            Some(grant) if !request.ask_again && client.client().can_authenticate() => {
                let grant = grant.clone();
                Ok(Shown::Redirect(self.give(&grant, &request, &request.scopes, parameters).await?))
            }
            _ if request.silent => {
                Ok(Shown::Redirect(self.refusal(&request.redirect_uri, parameters, CONSENT_REQUIRED)))
            }
            _ => {
                let known = self.ports.store.known_scopes().await?.into_iter();
                let question = Question {
                    client: client.client().clone(),
                    scopes: known.filter(|one| request.scopes.contains(one.scope.as_str())).collect(),
                    allowed: allowed.map(|grant| grant.scopes).unwrap_or_default(),
                    redirect_uri: request.redirect_uri,
                    account: account.clone(),
                };
                Ok(Shown::Consent(Box::new(question)))
            }
        }
    }

    /// What an answer leads to. Everything is judged anew: a form may say anything.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn answer(&self, actor: &Actor, parameters: &Parameters, answer: &Answer) -> Result<Shown, StoreError> {
        let Actor::Account { account, .. } = actor else { return Ok(Shown::SignIn) };
        let (client, request) = match self.read(parameters).await? {
            Ok(Ok(found)) => found,
            Ok(Err(redirect)) => return Ok(Shown::Redirect(redirect)),
            Err(untrusted) => return Ok(Shown::Stop(untrusted)),
        };
        let ticked = match answer {
            Answer::Deny => ScopeSet::default(),
            // What was not asked for cannot be ticked.
            Answer::Allow(ticked) => {
                request.scopes.iter().filter(|scope| ticked.iter().any(|one| one == scope.as_str())).cloned().collect()
            }
        };
        if ticked.is_empty() {
            return Ok(Shown::Redirect(self.refusal(&request.redirect_uri, parameters, ACCESS_DENIED)));
        }
        let grant = self.allow(account, &client, &ticked).await?;
        Ok(Shown::Redirect(self.give(&grant, &request, &ticked, parameters).await?))
    }

    /// Remembers what was allowed: what was before, and what is new.
    async fn allow(&self, account: &Account, client: &ClientEntry, ticked: &ScopeSet) -> Result<Grant, StoreError> {
        // Twice: another form of the same person may be first, or may have taken it back in between.
        for _ in 0..2 {
            let before = self.ports.store.grant_of(account.id, client.client().id).await?;
            let mut work = self.ports.store.begin().await?;
            let (grant, done) = if let Some(mut grant) = before {
                grant.scopes = grant.scopes.iter().chain(ticked.iter()).cloned().collect();
                let done = work.grant_set_scopes(grant.id, &grant.scopes).await? == Consumed::Won;
                (grant, done)
            } else {
                let grant = Grant {
                    id: GrantId::from_uuid(self.ports.uuid()),
                    account: account.id,
                    client: client.client().id,
                    scopes: ticked.clone(),
                    created_at: self.ports.now(),
                    revoked_at: None,
                };
                let done = work.grant_add(&grant).await? == Inserted::Done;
                (grant, done)
            };
            if done {
                work.commit().await?;
                return Ok(grant);
            }
        }
        Err(StoreError::Unavailable("the grant is being changed too often".into()))
    }

    /// Gives a code, and says where it leads.
    async fn give(
        &self,
        grant: &Grant,
        request: &AuthorizationRequest,
        scopes: &ScopeSet,
        parameters: &Parameters,
    ) -> Result<String, StoreError> {
        let code = zeroize::Zeroizing::new(base62(self.ports.random(), Self::CODE_LENGTH));
        let stored = AuthorizationCode {
            id: self.ports.uuid(),
            digest: self.pepper.digest(code.as_bytes()),
            grant: grant.id,
            redirect_uri: request.redirect_uri.clone(),
            challenge: request.challenge.clone(),
            scopes: scopes.clone(),
            expires_at: self.ports.now() + Self::CODE_LIFE,
            consumed_at: None,
        };
        let mut work = self.ports.store.begin().await?;
        let _ = work.authorization_code_add(&stored).await?;
        work.commit().await?;
        Ok(self.answer_at(&request.redirect_uri, parameters, &[("code", &code)]))
    }

    async fn read(&self, parameters: &Parameters) -> Result<Read, StoreError> {
        let Some(id) = parameters.get("client_id").and_then(|text| text.parse::<ClientId>().ok()) else {
            return Ok(Err(Untrusted::Client));
        };
        let found = self.clients.find(&id, self.ports.now()).await?;
        let Some(client) = found
            .filter(|client| client.client().revoked_at.is_none() && client.client().kind == ClientKind::ThirdParty)
        else {
            return Ok(Err(Untrusted::Client));
        };
        let redirect_uri = match request::trusted_redirect(parameters, &client) {
            Ok(uri) => uri,
            Err(untrusted) => return Ok(Err(untrusted)),
        };
        Ok(Ok(match request::judge(parameters, &client, redirect_uri.clone()) {
            Ok(request) => Ok((client, request)),
            Err(error) => Err(self.refusal(&redirect_uri, parameters, error)),
        }))
    }

    fn refusal(&self, redirect_uri: &str, parameters: &Parameters, error: AuthorizationError) -> String {
        self.answer_at(redirect_uri, parameters, &[("error", error.code), ("error_description", error.description)])
    }

    /// The registered address with the answer's parameters, `state` as it came, and who answers (RFC 9207 section 2).
    fn answer_at(&self, redirect_uri: &str, parameters: &Parameters, answer: &[(&str, &str)]) -> String {
        // It was registered as a URL, so it is one.
        let Ok(mut url) = redirect_uri.parse::<Url>() else { return String::from("/") };
        {
            let mut query = url.query_pairs_mut();
            query.extend_pairs(answer);
            if let Some(state) = parameters.get("state") {
                query.append_pair("state", state);
            }
            query.append_pair("iss", &self.issuer);
        }
        url.into()
    }
}

type Read = Result<Result<(Arc<ClientEntry>, AuthorizationRequest), String>, Untrusted>;

const LOGIN_REQUIRED: AuthorizationError =
    AuthorizationError { code: "login_required", description: "nobody is signed in, and nobody may be asked to" };
const CONSENT_REQUIRED: AuthorizationError =
    AuthorizationError { code: "consent_required", description: "the person has not allowed this yet" };
const ACCESS_DENIED: AuthorizationError =
    AuthorizationError { code: "access_denied", description: "the person did not allow it" };
