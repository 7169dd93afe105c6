//! What the door remembers of tokens, so that the second request with one costs no more than one with a key: no signature is verified
//! twice, and the store is not asked again.

use super::{
    AccessToken, AtHome, Binding, Claims, Confirmation, Consent, Derived, TYPE, TokenEnd, TokenProblem, demo_api,
    gateway,
    nobodys::{CertificateName, Nobodys},
};
use crate::{
    api_key::format::{MARK, PresentedKey},
    authn::Entry,
    certificate::ClientCertificate,
    gateway::KnownApis,
    jose::Compact,
    limit::{Limiter, Meters, Quota},
    memory::{Freshness, Memory, commit_and_forget},
    oauth_client::{ClientId, KnownClients},
    openid::Subjects,
    port::{
        Change, Store, StoreError, UnitOfWork,
        api_key::{Holder, KeyOwner},
        oauth_client::OauthClient,
        suspension::Suspension,
    },
    secret::{digests_equal, sha256},
    signing_key::{KeyRing, KeyRingError},
};
use latchkey_model::{KeyKind, OauthClientId, OwnerId};
use quick_cache::sync::Cache;
use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};
use time::OffsetDateTime;
use uuid::Uuid;

/// What is known of a token.
#[derive(Debug, Clone)]
pub enum FoundToken {
    /// It is one of ours.
    Token(Arc<Entry>),
    /// It is not.
    Not(TokenProblem),
}

/// What tells of tokens besides the store.
pub struct TokenSurroundings {
    /// The keys that sign them.
    pub ring: KeyRing,
    /// The clients that hold them.
    pub clients: KnownClients,
    /// What people are called in them.
    pub subjects: Subjects,
    /// The APIs that they are for.
    pub apis: KnownApis,
    /// The limit of all tokens of one client for one person, or for itself.
    pub quota: Quota,
    /// The limits of all credentials of one owner together.
    pub owners: Arc<Limiter<Holder>>,
}

/// What the door remembers of tokens. Cloning it clones a handle.
#[derive(Clone)]
pub struct KnownTokens(Arc<Known>);

struct Known {
    store: Arc<dyn Store>,
    ring: KeyRing,
    clients: KnownClients,
    subjects: Subjects,
    issuer: String,
    demo: String,
    gateway: String,
    apis: KnownApis,
    /// Certificates that speak for a client by themselves, with whether an authority that is trusted signed them.
    certificates: Memory<CertificateName, Entry>,
    /// Those that speak for none.
    nobodys: Nobodys,
    /// By the digest of the whole token, so that nothing which is not that very token finds what is remembered of it.
    entries: Memory<[u8; 32], Entry>,
    /// All tokens of one client for one person, or for itself, share a limit.
    meters: Cache<(OauthClientId, OwnerId), Arc<Meters>>,
    owners: Arc<Limiter<Holder>>,
    quota: Quota,
    changes: Changes,
}

/// What was changed about tokens and clients, counted. A token is judged by what the counts were when it was looked up: whichever of
/// them went on since, it is looked up again. There are fewer counts than tokens, so one change may make a few look again that it
/// does not concern, and never misses one that it does.
struct Changes([AtomicU64; 1_024]);

impl Changes {
    fn of(&self, name: &[u8]) -> &AtomicU64 {
        &self.0[crc32fast::hash(name) as usize % self.0.len()]
    }

    fn note(&self, name: &[u8]) {
        self.of(name).fetch_add(1, Ordering::AcqRel);
    }

    /// Counts go up only, so their sum is the same only if each of them is.
    fn sum(&self, token: Uuid, client: &ClientId, consent: Option<Consent>, derived: Option<&Derived>) -> u64 {
        let consent = consent.map(|consent| [consent.grant, consent.family]);
        let ids = consent.iter().flatten().chain([&token]).chain(derived.map(|derived| &derived.from));
        let clients = [client].into_iter().chain(derived.map(|derived| &derived.client));
        let names = ids.map(|id| id.as_bytes().as_slice()).chain(clients.map(|client| client.as_str().as_bytes()));
        names.fold(0, |sum, name| sum.wrapping_add(self.of(name).load(Ordering::Acquire)))
    }
}

impl KnownTokens {
    /// How many tokens are kept in mind.
    const CAPACITY: usize = 100_000;
    /// How often a look-up that was overtaken by changes is tried again.
    const TRIES: usize = 16;

    /// An empty memory of the tokens of this issuer.
    pub fn new(store: Arc<dyn Store>, issuer: String, rest: TokenSurroundings) -> Self {
        let TokenSurroundings { ring, clients, subjects, apis, quota, owners } = rest;
        Self(Arc::new(Known {
            store,
            ring,
            clients,
            subjects,
            demo: demo_api(&issuer),
            gateway: gateway(&issuer),
            issuer,
            apis,
            certificates: Memory::new(Self::CAPACITY),
            nobodys: Nobodys::new(),
            entries: Memory::new(Self::CAPACITY),
            meters: Cache::new(Self::CAPACITY),
            owners,
            quota,
            changes: Changes(std::array::from_fn(|_| AtomicU64::new(0))),
        }))
    }

    /// What is remembered of this very token, without asking anybody.
    pub fn remembered(&self, digest: &[u8; 32], now: OffsetDateTime) -> Option<Arc<Entry>> {
        let entry = self.0.entries.remembered(digest, now)?;
        self.0.is_unchanged(&entry).then_some(entry)
    }

    /// What is remembered of the machine whose certificate this is, without asking anybody.
    pub fn remembered_by(&self, certificate: &ClientCertificate, now: OffsetDateTime) -> Option<Arc<Entry>> {
        let entry = self.0.certificates.remembered(&(certificate.thumbprint, certificate.trusted), now)?;
        self.0.is_unchanged(&entry).then_some(entry)
    }

    /// The machine whose certificate this is: what it may do with one, it may do without asking for a token first. None where it is
    /// nobody's, or more than one's.
    ///
    /// # Errors
    /// [`StoreError`]: then nobody may be let in.
    pub async fn look_up_by(
        &self,
        certificate: &ClientCertificate,
        now: OffsetDateTime,
    ) -> Result<Option<Arc<Entry>>, StoreError> {
        let name = (certificate.thumbprint, certificate.trusted);
        for _ in 0..Self::TRIES {
            let load = |freshness| self.0.load_by(certificate, now, freshness);
            let Some(entry) = self.0.certificates.look_up(&name, now, load).await? else { return Ok(None) };
            if self.0.is_unchanged(&entry) {
                return Ok(Some(entry));
            }
            self.0.certificates.forget_entry(&name, &entry);
        }
        Err(StoreError::Unavailable("the client is being changed too often".into()))
    }

    /// The digest by which a token is remembered.
    pub fn digest(text: &str) -> [u8; 32] {
        sha256(text.as_bytes())
    }

    /// Proves a token, and finds out whether it was ended.
    ///
    /// # Errors
    /// [`StoreError`]: then nobody may be let in.
    pub async fn look_up(&self, text: &str, digest: [u8; 32], now: OffsetDateTime) -> Result<FoundToken, StoreError> {
        let claims = match self.prove(text).await? {
            Ok(claims) => claims,
            Err(problem) => return Ok(FoundToken::Not(problem)),
        };
        let Some(client_id) = claims.client() else { return Ok(FoundToken::Not(TokenProblem::Client)) };
        for _ in 0..Self::TRIES {
            let load = |freshness| self.0.load(&claims, &client_id, now, freshness);
            let Some(entry) = self.0.entries.look_up(&digest, now, load).await? else {
                return Ok(FoundToken::Not(TokenProblem::Client));
            };
            if self.0.is_unchanged(&entry) {
                return Ok(FoundToken::Token(entry));
            }
            // Whoever looked it up did so before a change.
            self.0.entries.forget_entry(&digest, &entry);
        }
        Err(StoreError::Unavailable("the token is being changed too often".into()))
    }

    /// The claims of a token that is ours, and is an access token (RFC 9068 section 4). For which API it is, and whether it has ended,
    /// is not asked here.
    ///
    /// # Errors
    /// [`StoreError`], when our own keys cannot be read.
    pub async fn prove(&self, text: &str) -> Result<Result<Claims, TokenProblem>, StoreError> {
        if text.starts_with(MARK) {
            return self.find_opaque(text).await;
        }
        let Ok(compact) = Compact::read(text) else { return Ok(Err(TokenProblem::Malformed)) };
        if compact.header.typ.as_deref() != Some(TYPE) {
            return Ok(Err(TokenProblem::Type));
        }
        let Some(kid) = &compact.header.kid else { return Ok(Err(TokenProblem::Signer)) };
        let key = match self.0.ring.verifying(kid).await {
            Ok(Some(key)) => key,
            Ok(None) => return Ok(Err(TokenProblem::Signer)),
            Err(KeyRingError::Store(error)) => return Err(error),
            Err(error) => return Err(StoreError::Internal(Box::new(error))),
        };
        let Ok(claims) = compact.verify::<Claims>(&key) else { return Ok(Err(TokenProblem::Signature)) };
        Ok(if claims.iss == self.0.issuer { Ok(claims) } else { Err(TokenProblem::Issuer) })
    }

    /// The claims of a token that means nothing but to us.
    async fn find_opaque(&self, text: &str) -> Result<Result<Claims, TokenProblem>, StoreError> {
        let Ok(presented) = PresentedKey::parse(text) else { return Ok(Err(TokenProblem::Malformed)) };
        if presented.kind() != KeyKind::AccessToken {
            return Ok(Err(TokenProblem::Type));
        }
        let found = self.0.store.opaque_token(presented.public_id()).await?;
        let found = found.filter(|token| digests_equal(&token.digest, &Self::digest(text)));
        Ok(found.map(|token| token.claims).ok_or(TokenProblem::Signature))
    }

    /// Commits that a token, a family of tokens or a grant ended, as [`commit_and_forget`] does.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn commit_end(&self, work: Box<dyn UnitOfWork>, ended: Uuid) -> Result<(), StoreError> {
        let known = self.clone();
        commit_and_forget(work, vec![Change::Token(ended)], move || known.forget_token(ended)).await
    }

    /// Forgets a token, a family or a grant: whoever asks from now on, asks the store.
    pub fn forget_token(&self, id: Uuid) {
        self.0.changes.note(id.as_bytes());
    }

    /// Forgets the tokens of a client, and that certificates are nobody's: one of them may be the client's.
    pub fn forget_client(&self, id: &ClientId) {
        self.0.changes.note(id.as_str().as_bytes());
        self.0.nobodys.forget();
    }

    /// Forgets every token.
    pub fn forget_all(&self) {
        self.0.entries.forget_all();
        self.0.certificates.forget_all();
        self.0.nobodys.forget();
    }

    /// Says whether the line to the other nodes is broken.
    pub fn set_deaf(&self, deaf: bool) {
        self.0.entries.set_deaf(deaf);
        self.0.certificates.set_deaf(deaf);
    }
}

fn suspension_of(client: &OauthClient) -> Option<Suspension> {
    client.suspended.as_ref().map(|suspended| suspended.suspension)
}

impl Known {
    fn is_unchanged(&self, entry: &Entry) -> bool {
        entry.token().is_some_and(|token| {
            entry.changes() == self.changes.sum(token.id, &token.client_id, token.consent, token.derived.as_ref())
        })
    }

    async fn load(
        &self,
        claims: &Claims,
        client_id: &ClientId,
        now: OffsetDateTime,
        freshness: Freshness,
    ) -> Result<Option<Entry>, StoreError> {
        // Before anything is asked: what is changed after this makes the answers old.
        let consent = claims.grant.zip(claims.family).map(|(grant, family)| Consent { grant, family });
        let derived = claims.derived.as_ref();
        let changes = self.changes.sum(claims.jti, client_id, consent, derived);
        let Some(known) = self.clients.find(client_id, now).await? else { return Ok(None) };
        let client = known.client();
        let mut revoked = self.store.token_revoked_at(claims.jti).await?;
        let mut client_revoked = client.revoked_at;
        let mut suspended = suspension_of(client);
        if client.has_ended(claims.jti) {
            revoked = revoked.or(client.tokens_ended_at);
        }
        // Whom it was made for is told by the client that it was first made for.
        let first = match derived {
            None => Arc::clone(&known),
            Some(derived) => {
                let Some(first) = self.clients.find(&derived.client, now).await? else { return Ok(None) };
                revoked = revoked.or(self.store.token_revoked_at(derived.from).await?);
                client_revoked = client_revoked.or(first.client().revoked_at);
                suspended = suspended.or(suspension_of(first.client()));
                if first.client().has_ended(derived.from) {
                    revoked = revoked.or(first.client().tokens_ended_at);
                }
                first
            }
        };
        let first = first.client();
        let (owner, consent_ended) = match consent {
            None if claims.sub == first.client_id.as_str() => (first.owner.clone(), None),
            None => return Ok(None),
            Some(consent) => match self.store.token_family(consent.family).await? {
                Some(family) if family.grant.id.as_uuid() == consent.grant && family.grant.client == first.id => {
                    let account_id = family.grant.account;
                    if claims.sub != self.subjects.towards(account_id, &first.settings) {
                        return Ok(None);
                    }
                    let ended = family.ended();
                    suspended = suspended.or(family.suspended);
                    (KeyOwner::Account { account_id, account_name: family.account_name }, ended)
                }
                // What it rests on is gone.
                _ => return Ok(None),
            },
        };
        let ended = match (client_revoked, revoked, consent_ended) {
            (Some(at), ..) => Some(TokenEnd::ClientEnded(at)),
            (None, Some(at), _) => Some(TokenEnd::Revoked(at)),
            (None, None, Some(at)) => Some(TokenEnd::ConsentEnded(at)),
            // What has ended stays so when a suspension is over.
            (None, None, None) => suspended.map(TokenEnd::Suspended),
        };
        let time = OffsetDateTime::from_unix_timestamp;
        let (Ok(scopes), Ok(issued_at), Ok(expires_at)) = (claims.scope.parse(), time(claims.iat), time(claims.exp))
        else {
            return Ok(None);
        };
        let token = AccessToken {
            id: claims.jti,
            client: client.id,
            client_id: client.client_id.clone(),
            client_name: client.settings.name.clone(),
            subject: claims.sub.clone(),
            binding: claims.cnf.as_ref().and_then(Confirmation::binding),
            owner,
            client_owner: client.owner.clone(),
            consent,
            derived: claims.derived.clone(),
            at_home: AtHome { demo: claims.aud.contain(&self.demo), gateway: claims.aud.contain(&self.gateway) },
            audiences: claims.aud.clone(),
            certificate_alone: false,
            scopes,
            issued_at,
            expires_at,
            ended,
        };
        let meters = self.meters_of(&token);
        Ok(Some(Entry::for_token(token, meters, freshness, changes)))
    }

    async fn load_by(
        &self,
        certificate: &ClientCertificate,
        now: OffsetDateTime,
        freshness: Freshness,
    ) -> Result<Option<Entry>, StoreError> {
        let name = (certificate.thumbprint, certificate.trusted);
        // Whoever asked before us may have found that it is nobody's.
        if self.nobodys.have(&name, now) {
            return Ok(None);
        }
        let generation = self.nobodys.generation();
        let machines = self.store.machines_with_certificates().await?;
        let mut shown = machines.into_iter().filter(|client| client.settings.is_shown_by(certificate));
        let (Some(found), None) = (shown.next(), shown.next()) else {
            self.nobodys.keep(name, generation, now);
            return Ok(None);
        };
        let id = found.id.as_uuid();
        let changes = self.changes.sum(id, &found.client_id, None, None);
        // What is changed after this makes the answer old.
        let Some(known) = self.clients.find(&found.client_id, now).await? else { return Ok(None) };
        let client = known.client();
        if client.revoked_at.is_some() || !client.settings.is_shown_by(certificate) {
            return Ok(None);
        }
        let audiences = self.apis.catalog(now).await?.audiences(&client.settings.scopes, &[]);
        let token = AccessToken {
            id,
            client: client.id,
            client_id: client.client_id.clone(),
            client_name: client.settings.name.clone(),
            subject: client.client_id.to_string(),
            binding: Some(Binding::Certificate(certificate.thumbprint)),
            owner: client.owner.clone(),
            client_owner: client.owner.clone(),
            consent: None,
            derived: None,
            // It speaks for the machine itself, wherever machines are asked for.
            at_home: AtHome { demo: audiences.contain(&self.demo), gateway: true },
            audiences,
            certificate_alone: true,
            scopes: client.settings.scopes.clone(),
            issued_at: certificate.not_before,
            expires_at: certificate.not_after,
            ended: suspension_of(client).map(TokenEnd::Suspended),
        };
        let meters = self.meters_of(&token);
        Ok(Some(Entry::for_token(token, meters, freshness, changes)))
    }

    fn meters_of(&self, token: &AccessToken) -> Arc<Meters> {
        let new = || {
            let owner = self.owners.meter(&token.owner.holder());
            Ok::<_, std::convert::Infallible>(Arc::new(Meters::new(self.quota, &[], owner)))
        };
        self.meters.get_or_insert_with(&(token.client, token.owner.id()), new).unwrap_or_else(|never| match never {})
    }
}
