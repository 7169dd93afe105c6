//! Asking a person, and what comes of it (RFC 6749 section 4.1, OpenID Connect Core section 3.1.2).

use super::{
    AuthorizationResponse, Parameters, ResponseMode, Untrusted,
    fresh_sign_in::FreshSignIn,
    pushed::PushedRequests,
    request::{self, AuthorizationError, AuthorizationRequest},
};
use crate::{
    actor::Actor,
    audit::{Act, Action},
    gateway::KnownApis,
    jose::Compact,
    oauth_client::{ClientEntry, ClientId, ClientKind, KnownClients, MetadataDocuments},
    openid::{Hint, Subjects, TYPE, identity_scopes},
    port::{
        Consumed, Inserted, StoreError,
        account::Account,
        api::ApiScope,
        grant::{AuthorizationCode, Grant, SignIn},
        oauth_client::OauthClient,
    },
    ports::Ports,
    random::base62,
    secret::DigestKey,
    signing_key::KeyRing,
};
use latchkey_model::{GrantId, ScopeSet};
use std::sync::Arc;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

/// What the person in front of the browser gets to see.
#[derive(Debug)]
pub enum Shown {
    /// The question.
    Consent(Box<Question>),
    /// They are led back to the client, with a code or an error.
    Respond(AuthorizationResponse),
    /// Somebody must sign in first.
    SignIn(SignInFirst),
    /// Nobody is led anywhere.
    Stop(Untrusted),
}

/// What the sign-in page must know of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignInFirst {
    /// The request to come back to.
    pub next: Parameters,
    /// Whether somebody is signed in already, and must do it again.
    pub again: bool,
    /// Who the client thinks it is.
    pub hint: Option<String>,
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
    ring: KeyRing,
    subjects: Subjects,
    pushed: PushedRequests,
    documents: MetadataDocuments,
    pepper: DigestKey,
    fresh: FreshSignIn,
    issuer: Arc<str>,
    apis: KnownApis,
}

/// What the service works with besides the ports.
pub struct AuthorizationParts {
    /// What is known of clients.
    pub clients: KnownClients,
    /// The keys that ID tokens are signed with.
    pub ring: KeyRing,
    /// What people are called.
    pub subjects: Subjects,
    /// What clients sent before.
    pub pushed: PushedRequests,
    /// What clients say that are known by a document.
    pub documents: MetadataDocuments,
    /// For which APIs tokens can be.
    pub apis: KnownApis,
    /// The key that codes are digested under.
    pub pepper: DigestKey,
    /// The key of the marks of requests that demand a fresh sign-in.
    pub marks: DigestKey,
    /// Who this server is.
    pub issuer: Arc<str>,
}

/// A request as far as it could be read: whoever it came from is known.
struct Read {
    client: Arc<ClientEntry>,
    /// As the client sent them, wherever that was.
    parameters: Parameters,
    pushed: Option<Uuid>,
    redirect_uri: String,
}

type Judged = Result<AuthorizationRequest, AuthorizationError>;

/// A person who may answer this request.
struct Person<'a> {
    account: &'a Account,
    sign_in: SignIn,
}

impl AuthorizationService {
    /// How long a code can be redeemed (ASVS 10.4.3).
    pub const CODE_LIFE: Duration = Duration::seconds(60);
    const CODE_LENGTH: usize = 43;

    /// The service.
    pub fn new(ports: Ports, rest: AuthorizationParts) -> Self {
        let AuthorizationParts { clients, ring, subjects, pushed, documents, apis, pepper, marks, issuer } = rest;
        Self { ports, clients, ring, subjects, pushed, documents, pepper, fresh: FreshSignIn::new(marks), issuer, apis }
    }

    /// What a request leads to. Nothing is given here unless it was allowed before, to a client that can prove to be itself.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn begin(&self, actor: &Actor, parameters: &Parameters) -> Result<Shown, StoreError> {
        let (read, request, person) = match self.open(actor, parameters).await? {
            Ok(opened) => opened,
            Err(shown) => return Ok(shown),
        };
        let client = read.client.client();
        let allowed = self.ports.store.grant_of(person.account.id, client.id).await?;
        let covered = allowed.as_ref().filter(|grant| request.scopes.is_subset(&grant.scopes));
        match covered {
            // A client that cannot prove to be itself is never let in silently (RFC 8252 section 8.6, R-08).
            Some(grant) if !request.prompt.consent && client.can_authenticate() => {
                let grant = grant.clone();
                self.give(&grant, &read, &request, &request.scopes, person.sign_in).await
            }
            _ if request.prompt.silent => Ok(self.refuse(&read, CONSENT_REQUIRED)),
            _ => Ok(Shown::Consent(Box::new(Question {
                client: client.clone(),
                scopes: self.in_words(&request.scopes).await?,
                allowed: allowed.map(|grant| grant.scopes).unwrap_or_default(),
                redirect_uri: request.redirect_uri.clone(),
                account: person.account.clone(),
            }))),
        }
    }

    /// What an answer leads to. Everything is judged anew: a form may say anything.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn answer(&self, actor: &Actor, parameters: &Parameters, answer: &Answer) -> Result<Shown, StoreError> {
        if matches!(actor, Actor::Anonymous) {
            // The session ended meanwhile: they come back to the question.
            let next = parameters.clone();
            return Ok(Shown::SignIn(SignInFirst { next, again: false, hint: None }));
        }
        let (read, request, person) = match self.open(actor, parameters).await? {
            Ok(opened) => opened,
            Err(shown) => return Ok(shown),
        };
        let ticked = match answer {
            Answer::Deny => ScopeSet::default(),
            // What was not asked for cannot be ticked.
            Answer::Allow(boxes) => ticked_of(&request.scopes, boxes),
        };
        if ticked.is_empty() {
            if !self.pushed.spend_alone(read.pushed).await? {
                return Ok(Shown::Stop(Untrusted::Pushed));
            }
            return Ok(self.refuse(&read, ACCESS_DENIED));
        }
        let grant = self.allow(actor, person.account, read.client.client(), &ticked).await?;
        self.give(&grant, &read, &request, &ticked, person.sign_in).await
    }

    /// A good request, and the person who may answer it; or what they see instead.
    async fn open<'a>(
        &self,
        actor: &'a Actor,
        parameters: &Parameters,
    ) -> Result<Result<(Read, AuthorizationRequest, Person<'a>), Shown>, StoreError> {
        let (read, judged) = match self.read(parameters).await? {
            Ok(found) => found,
            Err(untrusted) => return Ok(Err(Shown::Stop(untrusted))),
        };
        let request = match judged {
            Ok(request) => request,
            Err(error) => {
                // RFC 9700 section 4.11.2: nobody whom we do not know is led on by us, unless the client asked for silence.
                let silent = read.parameters.get("prompt") == Some("none");
                if matches!(actor, Actor::Anonymous) && !silent {
                    let next = parameters.clone();
                    return Ok(Err(Shown::SignIn(SignInFirst { next, again: false, hint: None })));
                }
                return Ok(Err(self.refuse(&read, error)));
            }
        };
        let person = self.person(actor, parameters, &read, &request).await?;
        Ok(person.map(|person| (read, request, person)))
    }

    /// What scopes mean, in the order in which they are shown.
    pub(super) async fn in_words(&self, scopes: &ScopeSet) -> Result<Vec<ApiScope>, StoreError> {
        let known = identity_scopes().into_iter().chain(self.ports.store.known_scopes().await?);
        Ok(known.filter(|one| scopes.contains(one.scope.as_str())).collect())
    }

    /// Whoever is signed in, if it is whom the request means, and they signed in as lately as it demands.
    async fn person<'a>(
        &self,
        actor: &'a Actor,
        parameters: &Parameters,
        read: &Read,
        request: &AuthorizationRequest,
    ) -> Result<Result<Person<'a>, Shown>, StoreError> {
        let now = self.ports.now();
        let hint = read.parameters.get("login_hint").map(str::to_owned);
        let sign_in = |next: Parameters, again| {
            if request.prompt.silent {
                self.refuse(read, LOGIN_REQUIRED)
            } else {
                Shown::SignIn(SignInFirst { next, again, hint: hint.clone() })
            }
        };
        let Actor::Account { account, session, signed_in_at, signed_in_by, .. } = actor else {
            return Ok(Err(sign_in(parameters.clone(), false)));
        };
        let subject = self.subjects.towards(account.id, &read.client.client().settings);
        let meant = match read.parameters.get("id_token_hint") {
            None => None,
            Some(hint) => match self.hinted(hint).await? {
                Some(hint) => Some(hint.sub),
                None => return Ok(Err(self.refuse(read, HINT_UNREADABLE))),
            },
        };
        let somebody_else = meant.iter().chain(&request.claims.subject).any(|sub| *sub != subject);
        // A provider may let somebody in without asking them anything: a password alone is a fresh sign-in.
        let asked_for_password = signed_in_by.is_ours();
        let too_long_ago = request.max_age.is_some_and(|age| !asked_for_password || now - *signed_in_at > age);
        let asked_at = self.fresh.asked_at(parameters, now);
        let did_since = asked_for_password && asked_at.is_some_and(|at| *signed_in_at >= at);
        if somebody_else && did_since {
            // They were asked, and are somebody else still (OpenID Connect Core section 5.5.1).
            return Ok(Err(self.refuse(read, LOGIN_REQUIRED)));
        }
        if (request.prompt.sign_in || too_long_ago || somebody_else) && !did_since {
            return Ok(Err(sign_in(self.fresh.mark(parameters, now), true)));
        }
        let sign_in = SignIn {
            at: *signed_in_at,
            by: *signed_in_by,
            session: *session,
            nonce: request.nonce.clone(),
            id_token_claims: request.claims.id_token.clone(),
        };
        Ok(Ok(Person { account, sign_in }))
    }

    /// An ID token of ours, whether or not it has ended.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn hinted(&self, text: &str) -> Result<Option<Hint>, StoreError> {
        let Ok(compact) = Compact::read(text) else { return Ok(None) };
        // Neither an access token nor the notice of a sign-out says who is meant.
        if compact.header.typ.as_deref() != Some(TYPE) {
            return Ok(None);
        }
        let Some(kid) = &compact.header.kid else { return Ok(None) };
        let Some(key) = self.ring.verifying(kid).await.map_err(StoreError::from)? else { return Ok(None) };
        Ok(compact.verify::<Hint>(&key).ok().filter(|hint| hint.iss == *self.issuer))
    }

    /// Remembers what was allowed: what was before, and what is new.
    pub(super) async fn allow(
        &self,
        actor: &Actor,
        account: &Account,
        client: &OauthClient,
        ticked: &ScopeSet,
    ) -> Result<Grant, StoreError> {
        // Twice: another form of the same person may be first, or may have taken it back in between.
        for _ in 0..2 {
            let before = self.ports.store.grant_of(account.id, client.id).await?;
            let allowed = before.as_ref().map(|grant| grant.scopes.to_string()).unwrap_or_default();
            let mut work = self.ports.store.begin().await?;
            let (grant, done) = if let Some(mut grant) = before {
                grant.scopes = grant.scopes.iter().chain(ticked.iter()).cloned().collect();
                let done = work.grant_set_scopes(grant.id, &grant.scopes).await? == Consumed::Won;
                (grant, done)
            } else {
                let grant = Grant {
                    id: GrantId::from_uuid(self.ports.uuid()),
                    account: account.id,
                    client: client.id,
                    scopes: ticked.clone(),
                    created_at: self.ports.now(),
                    revoked_at: None,
                };
                let done = work.grant_add(&grant).await? == Inserted::Done;
                (grant, done)
            };
            if done {
                Act::new(account.id, Action::GrantGiven, grant.id, &client.settings.name)
                    .change("scopes", allowed, &grant.scopes)
                    .by(actor, &mut *work, &self.ports)
                    .await?;
                work.commit().await?;
                return Ok(grant);
            }
        }
        Err(StoreError::Unavailable("the grant is being changed too often".into()))
    }

    /// Gives a code, and says where it leads. A request that the client had sent before is spent by it.
    async fn give(
        &self,
        grant: &Grant,
        read: &Read,
        request: &AuthorizationRequest,
        scopes: &ScopeSet,
        sign_in: SignIn,
    ) -> Result<Shown, StoreError> {
        let code = zeroize::Zeroizing::new(base62(self.ports.random(), Self::CODE_LENGTH));
        let now: OffsetDateTime = self.ports.now();
        let stored = AuthorizationCode {
            id: self.ports.uuid(),
            digest: self.pepper.digest(code.as_bytes()),
            grant: grant.id,
            redirect_uri: request.redirect_uri.clone(),
            challenge: request.challenge.clone(),
            scopes: scopes.clone(),
            sign_in: SignIn { id_token_claims: sign_in.id_token_claims.allowed_by(scopes), ..sign_in },
            binding: request.binding.clone(),
            expires_at: now + Self::CODE_LIFE,
            consumed_at: None,
        };
        let mut work = self.ports.store.begin().await?;
        if let Some(pushed) = read.pushed
            && work.pushed_request_consume(pushed, now).await? == Consumed::Lost
        {
            return Ok(Shown::Stop(Untrusted::Pushed));
        }
        let _ = work.authorization_code_add(&stored).await?;
        work.commit().await?;
        Ok(self.respond(read, vec![("code", code.to_string())]))
    }

    async fn read(&self, parameters: &Parameters) -> Result<Result<(Read, Judged), Untrusted>, StoreError> {
        let Some(id) = parameters.get("client_id").and_then(|text| text.parse::<ClientId>().ok()) else {
            return Ok(Err(Untrusted::Client));
        };
        self.documents.read(&id, self.ports.now()).await?;
        let found = self.clients.find(&id, self.ports.now()).await?;
        let Some(client) =
            found.filter(|client| client.client().works() && client.client().kind == ClientKind::ThirdParty)
        else {
            return Ok(Err(Untrusted::Client));
        };
        let (parameters, pushed) = match parameters.get("request_uri").filter(|uri| PushedRequests::made(uri)) {
            None => (parameters.clone(), None),
            Some(uri) if parameters.are_repeated() => {
                tracing::debug!(length = uri.len(), "a pushed request came with a parameter twice");
                return Ok(Err(Untrusted::Pushed));
            }
            Some(uri) => match self.pushed.find(client.client().id, uri).await? {
                Some((parameters, id)) => (parameters, Some(id)),
                None => return Ok(Err(Untrusted::Pushed)),
            },
        };
        let redirect_uri = match request::trusted_redirect(&parameters, &client) {
            Ok(uri) => uri,
            Err(untrusted) => return Ok(Err(untrusted)),
        };
        let judged = if pushed.is_none() && client.client().settings.pushed_only {
            Err(MUST_BE_PUSHED)
        } else {
            let catalog = self.apis.catalog(self.ports.now()).await?;
            request::judge(&parameters, &client, redirect_uri.clone(), &catalog)
        };
        Ok(Ok((Read { client, parameters, pushed, redirect_uri }, judged)))
    }

    fn refuse(&self, read: &Read, error: AuthorizationError) -> Shown {
        let pairs = vec![("error", error.code.to_owned()), ("error_description", error.description.to_owned())];
        self.respond(read, pairs)
    }

    /// The answer with `state` as it came, and who answers (RFC 9207 section 2).
    fn respond(&self, read: &Read, mut pairs: Vec<(&'static str, String)>) -> Shown {
        if let Some(state) = read.parameters.get("state") {
            pairs.push(("state", state.to_owned()));
        }
        pairs.push(("iss", self.issuer.to_string()));
        let mode: ResponseMode = request::response_mode(&read.parameters);
        Shown::Respond(AuthorizationResponse { redirect_uri: read.redirect_uri.clone(), mode, pairs })
    }
}

/// What was ticked of what was asked for: a form may say anything.
pub(super) fn ticked_of(asked: &ScopeSet, boxes: &[String]) -> ScopeSet {
    asked.iter().filter(|scope| boxes.iter().any(|one| one == scope.as_str())).cloned().collect()
}

const LOGIN_REQUIRED: AuthorizationError = AuthorizationError {
    code: "login_required",
    description: "nobody is signed in who is meant, or not as lately as was asked",
};
const CONSENT_REQUIRED: AuthorizationError =
    AuthorizationError { code: "consent_required", description: "the person has not allowed this yet" };
const ACCESS_DENIED: AuthorizationError =
    AuthorizationError { code: "access_denied", description: "the person did not allow it" };
const HINT_UNREADABLE: AuthorizationError =
    AuthorizationError { code: "invalid_request", description: "id_token_hint is no ID token of this server" };
const MUST_BE_PUSHED: AuthorizationError = AuthorizationError {
    code: "invalid_request",
    description: "this client sends its requests to the endpoint for pushed authorization requests",
};
