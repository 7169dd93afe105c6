//! Making tokens.

mod code;
mod device;
mod exchange;
mod introspection;
mod refresh;
mod revocation;

pub use exchange::Exchange;
pub use introspection::Introspection;

use super::{Authenticated, OauthError};
use crate::{
    access_token::{ActingClient, Audiences, Binding, Claims, Confirmation, Consent, Derived, KnownTokens, TYPE},
    api_key::format::PlainApiKey,
    audit::{Act, Action},
    certificate::CertificateThumbprint,
    gateway::KnownApis,
    oauth_client::{GrantType, TokenForm},
    openid::{self, ACR, IdToken, OPENID, PersonClaims, Subjects, access_token_hash},
    port::{
        Consumed, Inserted, UnitOfWork,
        account::Account,
        grant::{Grant, NewTokenFamily, RefreshToken, SignIn, session_name},
        oauth_client::{OauthClient, OpaqueToken},
    },
    ports::Ports,
    secret::DigestKey,
    signing_key::KeyRing,
};
use latchkey_model::{AccountId, GrantId, KeyKind, ScopeSet};
use serde::Serialize;
use std::sync::Arc;
use time::Duration;
use uuid::Uuid;

/// What a client asks the token endpoint for.
#[derive(Debug, Clone, Default)]
pub struct TokenRequest<'a> {
    /// By which grant.
    pub grant_type: &'a str,
    /// Which scopes, with spaces between; none for all that the client may have.
    pub scope: Option<&'a str>,
    /// For which APIs (RFC 8707).
    pub resources: Vec<&'a str>,
    /// A code (RFC 6749 section 4.1.3).
    pub code: Option<&'a str>,
    /// Where the code was sent.
    pub redirect_uri: Option<&'a str>,
    /// What proves that this is who asked for the code (RFC 7636 section 4.5).
    pub code_verifier: Option<&'a str>,
    /// A refresh token (RFC 6749 section 6).
    pub refresh_token: Option<&'a str>,
    /// A device's code (RFC 8628 section 3.4).
    pub device_code: Option<&'a str>,
    /// What is exchanged for another token (RFC 8693 section 2.1).
    pub exchange: Exchange<'a>,
    /// The key that the client proved to hold: what it is given is bound to it.
    pub proven: Option<Binding>,
    /// The certificate of its connection: what it is given is bound to that, where the client is one whose tokens are.
    pub certificate: Option<CertificateThumbprint>,
}

/// What the token endpoint answers (RFC 6749 section 5.1, OpenID Connect Core section 3.1.3.3).
#[derive(Serialize)]
pub struct TokenResponse {
    access_token: String,
    token_type: &'static str,
    expires_in: i64,
    /// What kind of token it is (RFC 8693 section 2.2.1).
    #[serde(skip_serializing_if = "Option::is_none")]
    issued_token_type: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    id_token: Option<String>,
    scope: String,
}

/// Makes, explains and ends tokens.
#[derive(Clone)]
pub struct TokenService {
    ports: Ports,
    ring: KeyRing,
    tokens: KnownTokens,
    subjects: Subjects,
    pepper: DigestKey,
    /// The pepper of devices' codes.
    devices: DigestKey,
    apis: KnownApis,
    issuer: Arc<str>,
}

/// What the service works with besides the ports.
pub struct TokenParts {
    /// The keys that sign.
    pub ring: KeyRing,
    /// What the door remembers of tokens.
    pub tokens: KnownTokens,
    /// What people are called.
    pub subjects: Subjects,
    /// For which APIs tokens can be.
    pub apis: KnownApis,
    /// The key that codes and refresh tokens are digested under.
    pub pepper: DigestKey,
    /// The key that devices' codes are digested under.
    pub devices: DigestKey,
    /// Who this server is.
    pub issuer: Arc<str>,
}

/// An access token that is made and not given yet.
struct Made {
    id: Uuid,
    text: String,
    expires_in: i64,
    /// Where it means nothing without a row.
    row: Option<OpaqueToken>,
}

impl Made {
    /// Stores what there is to be stored of it.
    async fn store(&self, work: &mut dyn UnitOfWork) -> Result<(), OauthError> {
        let Some(row) = &self.row else { return Ok(()) };
        match work.opaque_token_add(row).await? {
            Inserted::Done => Ok(()),
            Inserted::Duplicate => Err(OauthError::InvalidGrant),
        }
    }
}

/// What an access token is for.
struct Wanted {
    audiences: Audiences,
    scopes: ScopeSet,
}

/// For whom an access token is made, where that is not the client itself.
struct OnBehalf {
    subject: String,
    consent: Option<Consent>,
    /// The token that it was exchanged for.
    derived: Option<Derived>,
    /// The longest that it may live, in seconds.
    at_most: i64,
}

/// What a person said yes to, before its tokens are made.
struct Consented {
    family: Uuid,
    grant: GrantId,
    account: AccountId,
    scopes: ScopeSet,
    sign_in: SignIn,
}

/// The first tokens of a family, before they are given.
struct Prepared {
    made: Made,
    /// What the access token may do; a refresh token keeps everything that was consented to.
    scopes: ScopeSet,
    id_token: Option<String>,
}

impl TokenService {
    /// How long a refresh token is good if nobody uses it.
    pub const REFRESH_IDLE: Duration = Duration::days(30);
    /// How long a consent goes on without the person, however often it is refreshed.
    pub const FAMILY_LIFE: Duration = Duration::days(180);
    /// A client that lost an answer tries again after this, not sooner: whoever comes at the same moment is somebody else. It is also
    /// longer than a use of the answer's access token takes to be written.
    pub const RETRY_AFTER: Duration = Duration::seconds(2);

    /// The service.
    pub fn new(ports: Ports, rest: TokenParts) -> Self {
        let TokenParts { ring, tokens, subjects, apis, pepper, devices, issuer } = rest;
        Self { ports, ring, tokens, subjects, pepper, devices, apis, issuer }
    }

    /// Makes a token.
    ///
    /// # Errors
    /// [`OauthError`].
    pub async fn issue(&self, by: &Authenticated, mut asked: TokenRequest<'_>) -> Result<TokenResponse, OauthError> {
        let grant: GrantType = asked.grant_type.parse().map_err(|_| OauthError::UnsupportedGrantType)?;
        let client = by.client();
        if !client.settings.grants.contains(grant) {
            return Err(OauthError::UnauthorizedClient);
        }
        if client.settings.dpop_required && asked.proven.is_none() {
            return Err(OauthError::InvalidDpopProof("this client's tokens are bound to a key: send a proof"));
        }
        if client.settings.certificate_bound && asked.proven.is_none() {
            let certificate = asked.certificate.ok_or(OauthError::InvalidRequest(
                "this client's tokens are bound to its certificate: connect with one",
            ))?;
            asked.proven = Some(Binding::Certificate(certificate));
        }
        match grant {
            GrantType::ClientCredentials => self.for_the_client(client, asked).await,
            GrantType::AuthorizationCode => self.for_a_code(client, asked).await,
            GrantType::RefreshToken => self.for_a_refresh_token(client, asked).await,
            GrantType::DeviceCode => self.for_a_device(client, asked).await,
            GrantType::TokenExchange => self.for_another_token(client, asked).await,
        }
    }

    /// A token that stands for the client itself (RFC 6749 section 4.4). Nothing is stored for a signed one: it is good because it is
    /// signed.
    async fn for_the_client(&self, client: &OauthClient, asked: TokenRequest<'_>) -> Result<TokenResponse, OauthError> {
        if !client.can_authenticate() {
            return Err(OauthError::UnauthorizedClient);
        }
        let catalog = self.apis.catalog(self.ports.now()).await?;
        let wanted = if catalog.is_for_gateway(&asked.resources) {
            let audiences = Audiences::new(asked.resources.iter().map(|name| (*name).to_owned()).collect());
            Wanted { audiences, scopes: ScopeSet::default() }
        } else {
            self.wanted(&granted(asked.scope, &client.settings.scopes)?, &asked.resources).await?
        };
        let made = self.make(client, &wanted, None, asked.proven.as_ref()).await?;
        self.store_alone(&made).await?;
        Ok(answer(made, &wanted.scopes, asked.proven.as_ref()))
    }

    /// Stores what there is to be stored of a token that comes of no family.
    async fn store_alone(&self, made: &Made) -> Result<(), OauthError> {
        if made.row.is_none() {
            return Ok(());
        }
        let mut work = self.ports.store.begin().await?;
        made.store(&mut *work).await?;
        Ok(work.commit().await?)
    }

    /// What an access token is for, where these scopes could be had: for the APIs that the client names, with what is left of the
    /// scopes there (RFC 8707 section 2.2), or else for all that the scopes are about.
    async fn wanted(&self, scopes: &ScopeSet, resources: &[&str]) -> Result<Wanted, OauthError> {
        let catalog = self.apis.catalog(self.ports.now()).await?;
        let scopes = catalog.narrowed(scopes, resources.iter().copied()).ok_or(OauthError::InvalidTarget)?;
        Ok(Wanted { audiences: catalog.audiences(&scopes, resources), scopes })
    }

    /// Makes an access token: the client's own, or a person's.
    async fn make(
        &self,
        client: &OauthClient,
        wanted: &Wanted,
        on_behalf: Option<OnBehalf>,
        binding: Option<&Binding>,
    ) -> Result<Made, OauthError> {
        let now = self.ports.now();
        let settings = &client.settings;
        let life = settings.access_token_life.whole_seconds();
        let expires_in = on_behalf.as_ref().map_or(life, |other| other.at_most.min(life));
        let iat = now.unix_timestamp();
        let consent = on_behalf.as_ref().and_then(|other| other.consent);
        let (subject, derived) = match on_behalf {
            Some(other) => (other.subject, other.derived),
            None => (client.client_id.to_string(), None),
        };
        let claims = Claims {
            iss: self.issuer.to_string(),
            sub: subject,
            aud: wanted.audiences.clone(),
            client_id: client.client_id.to_string(),
            scope: wanted.scopes.to_string(),
            jti: self.ports.uuid_at(now),
            iat,
            exp: iat + expires_in,
            grant: consent.map(|consent| consent.grant),
            family: consent.map(|consent| consent.family),
            act: derived.is_some().then(|| ActingClient { sub: client.client_id.to_string() }),
            derived,
            cnf: binding.map(Confirmation::from),
        };
        let id = claims.jti;
        Ok(match settings.token_form {
            TokenForm::Jwt => {
                let text = self.ring.sign(settings.signing_algorithm, TYPE, &claims).await?;
                Made { id, text, expires_in, row: None }
            }
            TokenForm::Opaque => {
                let plain = PlainApiKey::generate(self.ports.random(), KeyKind::AccessToken);
                let row = OpaqueToken {
                    public_id: plain.public_id(),
                    digest: KnownTokens::digest(plain.expose()),
                    client: client.id,
                    claims,
                };
                Made { id, text: plain.expose().to_owned(), expires_in, row: Some(row) }
            }
        })
    }

    /// A person, as a token for this client speaks of them.
    fn on_behalf(&self, client: &OauthClient, account: AccountId, consent: Consent) -> OnBehalf {
        let subject = self.subjects.towards(account, &client.settings);
        OnBehalf { subject, consent: Some(consent), derived: None, at_most: i64::MAX }
    }

    /// Makes the first tokens of a family. Nothing is stored yet: whoever asked may lose to another.
    async fn prepare(
        &self,
        client: &OauthClient,
        consented: &Consented,
        resources: &[&str],
        binding: Option<&Binding>,
    ) -> Result<Prepared, OauthError> {
        self.giver(consented.account).await?;
        let consent = Consent { grant: consented.grant.as_uuid(), family: consented.family };
        let on_behalf = self.on_behalf(client, consented.account, consent);
        let wanted = self.wanted(&consented.scopes, resources).await?;
        let made = self.make(client, &wanted, Some(on_behalf), binding).await?;
        let id_token = self.id_token(client, &consented.scopes, consented.account, &consented.sign_in, &made).await?;
        Ok(Prepared { made, scopes: wanted.scopes, id_token })
    }

    /// Opens a family in the transaction that spent what it is given for, and gives its first tokens.
    async fn open_family(
        &self,
        mut work: Box<dyn UnitOfWork>,
        client: &OauthClient,
        consented: Consented,
        prepared: Prepared,
        proven: Option<Binding>,
    ) -> Result<TokenResponse, OauthError> {
        let Prepared { made, scopes, id_token } = prepared;
        let family = NewTokenFamily {
            id: consented.family,
            grant: consented.grant,
            sign_in: consented.sign_in,
            // Whoever proves to be itself needs no other proof; a refresh token of everybody else is bound (RFC 9449 section 5).
            binding: proven.clone().filter(|_| !client.can_authenticate()),
            expires_at: self.ports.now() + Self::FAMILY_LIFE,
        };
        if work.token_family_add(&family).await? == Inserted::Duplicate {
            return Err(OauthError::InvalidGrant);
        }
        made.store(&mut *work).await?;
        let refresh_token = if client.settings.grants.contains(GrantType::RefreshToken) {
            Some(self.add_refresh_token(&mut *work, family.id, None, &consented.scopes, made.id).await?)
        } else {
            None
        };
        work.commit().await?;
        Ok(TokenResponse { refresh_token, id_token, ..answer(made, &scopes, proven.as_ref()) })
    }

    /// Whoever said yes: while their account is suspended, nothing is given in their name.
    async fn giver(&self, account: AccountId) -> Result<Account, OauthError> {
        let found = self.ports.store.account(account).await?;
        found.filter(|account| account.suspended.is_none()).ok_or(OauthError::InvalidGrant)
    }

    /// Says who signed in, where the person let the client know (OpenID Connect Core section 2).
    async fn id_token(
        &self,
        client: &OauthClient,
        scopes: &ScopeSet,
        account: AccountId,
        sign_in: &SignIn,
        made: &Made,
    ) -> Result<Option<String>, OauthError> {
        if !scopes.contains(OPENID) {
            return Ok(None);
        }
        let account = self.giver(account).await?;
        let iat = self.ports.now().unix_timestamp();
        let algorithm = client.settings.signing_algorithm;
        let token = IdToken {
            iss: &self.issuer,
            sub: self.subjects.towards(account.id, &client.settings),
            aud: client.client_id.as_str(),
            exp: iat + made.expires_in,
            iat,
            auth_time: sign_in.at.unix_timestamp(),
            nonce: sign_in.nonce.as_deref(),
            acr: ACR,
            amr: sign_in.by.amr(),
            at_hash: access_token_hash(&made.text, algorithm),
            sid: session_name(&sign_in.session),
            person: PersonClaims::of(&account, &sign_in.id_token_claims),
        };
        Ok(Some(self.ring.sign(algorithm, openid::TYPE, &token).await?))
    }

    async fn add_refresh_token(
        &self,
        work: &mut dyn UnitOfWork,
        family: Uuid,
        parent: Option<Uuid>,
        scopes: &ScopeSet,
        access_token: Uuid,
    ) -> Result<String, OauthError> {
        let plain = PlainApiKey::generate(self.ports.random(), KeyKind::RefreshToken);
        let token = RefreshToken {
            id: self.ports.uuid(),
            public_id: plain.public_id(),
            digest: plain.digest(&self.pepper),
            family,
            parent,
            access_token,
            scopes: scopes.clone(),
            expires_at: self.ports.now() + Self::REFRESH_IDLE,
            consumed_at: None,
            ended_at: None,
        };
        match work.refresh_token_add(&token).await? {
            Inserted::Done => Ok(plain.expose().to_owned()),
            Inserted::Duplicate => Err(OauthError::InvalidGrant),
        }
    }

    /// Ends every token of a consent in one browser.
    async fn end_family(&self, family: Uuid) -> Result<(), OauthError> {
        let mut work = self.ports.store.begin().await?;
        // Ended before is as good as ended now.
        let _ = work.token_family_end(family, self.ports.now()).await?;
        Ok(self.tokens.commit_end(work, family).await?)
    }

    /// Ends every token of a consent in one browser, since something came twice that works once. Its person reads of it in their log, once.
    async fn end_stolen(
        &self,
        family: Uuid,
        grant: &Grant,
        client: &OauthClient,
        what: &'static str,
    ) -> Result<(), OauthError> {
        let mut work = self.ports.store.begin().await?;
        if work.token_family_end(family, self.ports.now()).await? == Consumed::Won {
            let act = Act::new(grant.account, Action::StolenEnded, grant.id, &client.settings.name).because(what);
            act.by_nobody(&mut *work, &self.ports).await?;
        }
        Ok(self.tokens.commit_end(work, family).await?)
    }
}

/// An answer with an access token alone.
fn answer(made: Made, scopes: &ScopeSet, binding: Option<&Binding>) -> TokenResponse {
    TokenResponse {
        access_token: made.text,
        token_type: Binding::token_type(binding),
        expires_in: made.expires_in,
        issued_token_type: None,
        refresh_token: None,
        id_token: None,
        scope: scopes.to_string(),
    }
}

/// What is left of what a person allowed: a client is given nothing that it may not have any more.
pub(super) fn still(allowed: &ScopeSet, client: &OauthClient) -> Result<ScopeSet, OauthError> {
    let left = allowed.intersection(&client.settings.scopes);
    if left.is_empty() { Err(OauthError::InvalidScope) } else { Ok(left) }
}

/// The scopes that were asked for, each of which the client may have; all of them where none was.
pub(super) fn granted(asked: Option<&str>, ceiling: &ScopeSet) -> Result<ScopeSet, OauthError> {
    /// Longer lists are no request of a client of ours.
    const LONGEST: usize = 2_048;
    let Some(text) = asked else { return Ok(ceiling.clone()) };
    if text.len() > LONGEST {
        return Err(OauthError::InvalidScope);
    }
    let scopes: ScopeSet = text.parse().map_err(|_| OauthError::InvalidScope)?;
    // Every scope is checked itself.
    if scopes.is_empty() || !scopes.is_subset(ceiling) {
        return Err(OauthError::InvalidScope);
    }
    Ok(scopes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r64_every_scope_that_is_asked_for_is_checked() {
        let ceiling: ScopeSet = "read:posts write:posts".parse().unwrap();
        assert_eq!(granted(None, &ceiling).unwrap(), ceiling);
        assert_eq!(granted(Some("read:posts"), &ceiling).unwrap().to_string(), "read:posts");
        for bad in ["", " ", "read:posts admin", "admin read:posts", "read:posts\"", "openid"] {
            assert!(matches!(granted(Some(bad), &ceiling), Err(OauthError::InvalidScope)), "{bad}");
        }
        let many = "read:posts ".repeat(500_000);
        assert!(matches!(granted(Some(&many), &ceiling), Err(OauthError::InvalidScope)), "r61");
    }
}
