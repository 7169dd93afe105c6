//! Making, explaining and ending tokens.

use super::{Authenticated, OauthError};
use crate::{
    access_token::{AccessToken, Claims, Consent, FoundToken, KnownTokens, TYPE, demo_api},
    api_key::format::{PlainApiKey, PresentedKey},
    oauth_client::{ClientAuthMethod, GrantType},
    port::{
        Consumed, Inserted, UnitOfWork,
        api_key::KeyOwner,
        grant::RefreshToken,
        oauth_client::{OauthClient, RevokedToken},
    },
    ports::Ports,
    secret::{DigestKey, digests_equal, sha256},
    signing_key::KeyRing,
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use latchkey_model::{AccountId, KeyKind, ScopeSet};
use serde::Serialize;
use std::sync::Arc;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

/// What a client asks the token endpoint for.
#[derive(Debug, Clone, Copy)]
pub struct TokenRequest<'a> {
    /// By which grant.
    pub grant_type: &'a str,
    /// Which scopes, with spaces between; none for all that the client may have.
    pub scope: Option<&'a str>,
    /// A code (RFC 6749 section 4.1.3).
    pub code: Option<&'a str>,
    /// Where the code was sent.
    pub redirect_uri: Option<&'a str>,
    /// What proves that this is who asked for the code (RFC 7636 section 4.5).
    pub code_verifier: Option<&'a str>,
    /// A refresh token (RFC 6749 section 6).
    pub refresh_token: Option<&'a str>,
}

/// What the token endpoint answers (RFC 6749 section 5.1).
#[derive(Serialize)]
pub struct TokenResponse {
    access_token: String,
    token_type: &'static str,
    expires_in: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token: Option<String>,
    scope: String,
}

/// What a token is, for whom it concerns (RFC 7662 section 2.2).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Introspection {
    active: bool,
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    claims: Option<ActiveClaims>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct ActiveClaims {
    iss: String,
    sub: String,
    aud: String,
    client_id: String,
    scope: String,
    token_type: &'static str,
    jti: String,
    iat: i64,
    exp: i64,
}

impl Introspection {
    /// Everything that is not known to be good is told in the same words.
    const INACTIVE: Self = Self { active: false, claims: None };
}

/// Makes, explains and ends tokens.
#[derive(Clone)]
pub struct TokenService {
    ports: Ports,
    ring: KeyRing,
    tokens: KnownTokens,
    pepper: DigestKey,
    issuer: Arc<str>,
    audience: String,
}

impl TokenService {
    /// How long a refresh token is good if nobody uses it.
    pub const REFRESH_IDLE: Duration = Duration::days(30);
    /// How long a consent goes on without the person, however often it is refreshed.
    pub const FAMILY_LIFE: Duration = Duration::days(180);
    /// A client that lost an answer tries again after this, not sooner: whoever comes at the same moment is somebody else.
    pub const RETRY_AFTER: Duration = Duration::seconds(2);

    /// The service of this issuer; codes and refresh tokens are digested under this pepper.
    pub fn new(ports: Ports, ring: KeyRing, tokens: KnownTokens, pepper: DigestKey, issuer: &str) -> Self {
        Self { ports, ring, tokens, pepper, issuer: issuer.into(), audience: demo_api(issuer) }
    }

    /// Makes a token.
    ///
    /// # Errors
    /// [`OauthError`].
    pub async fn issue(&self, by: &Authenticated, asked: TokenRequest<'_>) -> Result<TokenResponse, OauthError> {
        match asked.grant_type.parse() {
            Ok(GrantType::ClientCredentials) => self.for_the_client(by, asked.scope).await,
            Ok(GrantType::AuthorizationCode) => self.for_a_code(by, asked).await,
            Ok(GrantType::RefreshToken) => self.for_a_refresh_token(by, asked).await,
            Err(_) => Err(OauthError::UnsupportedGrantType),
        }
    }

    /// A token that stands for the client itself (RFC 6749 section 4.4). Nothing is stored for it: it is good because it is signed.
    async fn for_the_client(&self, by: &Authenticated, scope: Option<&str>) -> Result<TokenResponse, OauthError> {
        let client = by.client();
        let settings = &client.settings;
        if settings.auth_method == ClientAuthMethod::None || !settings.grants.contains(GrantType::ClientCredentials) {
            return Err(OauthError::UnauthorizedClient);
        }
        let scopes = granted(scope, &settings.scopes)?;
        let (access_token, expires_in) = self.sign(client, &scopes, None).await?;
        Ok(TokenResponse {
            access_token,
            token_type: "Bearer",
            expires_in,
            refresh_token: None,
            scope: scopes.to_string(),
        })
    }

    /// Signs an access token: the client's own, or a person's.
    async fn sign(
        &self,
        client: &OauthClient,
        scopes: &ScopeSet,
        person: Option<(AccountId, Consent)>,
    ) -> Result<(String, i64), OauthError> {
        let now = self.ports.now();
        let (iat, life) = (now.unix_timestamp(), client.settings.access_token_life.whole_seconds());
        let claims = Claims {
            iss: self.issuer.to_string(),
            sub: person.map_or_else(|| client.client_id.to_string(), |(account, _)| account.to_string()),
            aud: self.audience.clone(),
            client_id: client.client_id.to_string(),
            scope: scopes.to_string(),
            jti: self.ports.uuid_at(now),
            iat,
            exp: iat + life,
            grant: person.map(|(_, consent)| consent.grant),
            family: person.map(|(_, consent)| consent.family),
        };
        Ok((self.ring.sign(client.settings.signing_algorithm, TYPE, &claims).await?, life))
    }

    /// Tokens for a code, once (RFC 6749 section 4.1.3). A code that comes a second time ends what it gave the first time (section 4.1.2).
    async fn for_a_code(&self, by: &Authenticated, asked: TokenRequest<'_>) -> Result<TokenResponse, OauthError> {
        let client = by.client();
        if !client.settings.grants.contains(GrantType::AuthorizationCode) {
            return Err(OauthError::UnauthorizedClient);
        }
        let code = asked.code.ok_or(OauthError::InvalidRequest("code is missing"))?;
        let verifier = asked.code_verifier.ok_or(OauthError::InvalidRequest("code_verifier is missing"))?;
        let now = self.ports.now();
        let digest = self.pepper.digest(code.as_bytes());
        let found = self.ports.store.authorization_code(&digest).await?;
        // Another client's code is as good as none, and stays good for that client.
        let (code, grant) = found.filter(|(_, grant)| grant.client == client.id).ok_or(OauthError::InvalidGrant)?;
        if code.consumed_at.is_some() {
            self.end_family(code.id).await?;
            return Err(OauthError::InvalidGrant);
        }
        let elsewhere = asked.redirect_uri.is_some_and(|sent| sent != code.redirect_uri);
        if code.expires_at <= now || grant.revoked_at.is_some() || elsewhere || !proves(verifier, &code.challenge) {
            return Err(OauthError::InvalidGrant);
        }
        let consent = Consent { grant: grant.id.as_uuid(), family: code.id };
        let (access_token, expires_in) = self.sign(client, &code.scopes, Some((grant.account, consent))).await?;
        let mut work = self.ports.store.begin().await?;
        if work.authorization_code_consume(code.id, now).await? == Consumed::Lost {
            drop(work);
            self.end_family(code.id).await?;
            return Err(OauthError::InvalidGrant);
        }
        if work.token_family_add(code.id, grant.id, now + Self::FAMILY_LIFE).await? == Inserted::Duplicate {
            return Err(OauthError::InvalidGrant);
        }
        let refresh_token = if client.settings.grants.contains(GrantType::RefreshToken) {
            Some(self.add_refresh_token(&mut *work, code.id, None, &code.scopes).await?)
        } else {
            None
        };
        work.commit().await?;
        let scope = code.scopes.to_string();
        Ok(TokenResponse { access_token, token_type: "Bearer", expires_in, refresh_token, scope })
    }

    /// Tokens for a refresh token, which is spent by it (RFC 6749 section 6, OAuth 2.1 section 4.3). A spent one is taken once more while
    /// nothing that it gave has been used, so that a lost answer signs nobody out; used after that, it was stolen, and the family ends.
    async fn for_a_refresh_token(
        &self,
        by: &Authenticated,
        asked: TokenRequest<'_>,
    ) -> Result<TokenResponse, OauthError> {
        let client = by.client();
        if !client.settings.grants.contains(GrantType::RefreshToken) {
            return Err(OauthError::UnauthorizedClient);
        }
        let text = asked.refresh_token.ok_or(OauthError::InvalidRequest("refresh_token is missing"))?;
        let now = self.ports.now();
        let (token, successor_used) = self.find_refresh_token(text).await?.ok_or(OauthError::InvalidGrant)?;
        let family = self.ports.store.token_family(token.family).await?.ok_or(OauthError::InvalidGrant)?;
        if family.grant.client != client.id || family.ended().is_some() || family.expires_at <= now {
            return Err(OauthError::InvalidGrant);
        }
        if token.consumed_at.is_some() && successor_used {
            tracing::warn!(client.id = %client.client_id, "a refresh token was used twice: its family is ended");
            self.end_family(family.id).await?;
            return Err(OauthError::InvalidGrant);
        }
        if token.ended_at.is_some() || token.expires_at <= now {
            return Err(OauthError::InvalidGrant);
        }
        let scopes = granted(asked.scope, &token.scopes)?;
        let consent = Consent { grant: family.grant.id.as_uuid(), family: family.id };
        let (access_token, expires_in) = self.sign(client, &scopes, Some((family.grant.account, consent))).await?;
        let mut work = self.ports.store.begin().await?;
        let spent = match token.consumed_at {
            None => work.refresh_token_consume(token.id, now).await?,
            Some(seen) if now - seen < Self::RETRY_AFTER => Consumed::Lost,
            Some(seen) => work.refresh_token_consume_again(token.id, seen, now).await?,
        };
        if spent == Consumed::Lost {
            return Err(OauthError::InvalidGrant);
        }
        // What an answer that was lost had in it is good no more; neither are others that stood beside this one.
        for parent in token.parent.into_iter().chain([token.id]) {
            work.refresh_token_end_unused(parent, now).await?;
        }
        let refresh_token = self.add_refresh_token(&mut *work, family.id, Some(token.id), &token.scopes).await?;
        work.commit().await?;
        let scope = scopes.to_string();
        Ok(TokenResponse { access_token, token_type: "Bearer", expires_in, refresh_token: Some(refresh_token), scope })
    }

    async fn find_refresh_token(&self, text: &str) -> Result<Option<(RefreshToken, bool)>, OauthError> {
        let Some(presented) = PresentedKey::parse(text).ok().filter(|key| key.kind() == KeyKind::RefreshToken) else {
            return Ok(None);
        };
        let found = self.ports.store.refresh_token(presented.public_id()).await?;
        let digest = presented.digest(&self.pepper);
        Ok(found.filter(|(token, _)| digests_equal(&token.digest, &digest)))
    }

    async fn add_refresh_token(
        &self,
        work: &mut dyn UnitOfWork,
        family: Uuid,
        parent: Option<Uuid>,
        scopes: &ScopeSet,
    ) -> Result<String, OauthError> {
        let plain = PlainApiKey::generate(self.ports.random(), KeyKind::RefreshToken);
        let token = RefreshToken {
            id: self.ports.uuid(),
            public_id: plain.public_id(),
            digest: plain.digest(&self.pepper),
            family,
            parent,
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

    /// What a token is. Only for its own client, and for the others of its environment: to everybody else it is as if it were none
    /// (RFC 7662 section 2.2).
    ///
    /// # Errors
    /// [`OauthError`].
    pub async fn introspect(&self, by: &Authenticated, text: &str) -> Result<Introspection, OauthError> {
        if by.client().settings.auth_method == ClientAuthMethod::None {
            return Err(OauthError::InvalidClient { by_header: false });
        }
        let now = self.ports.now();
        let digest = KnownTokens::digest(text);
        let entry = match self.tokens.remembered(&digest, now) {
            Some(entry) => entry,
            None => match self.tokens.look_up(text, digest, now).await? {
                FoundToken::Token(entry) => entry,
                FoundToken::Not(_) => return Ok(Introspection::INACTIVE),
            },
        };
        Ok(match entry.token() {
            Some(token) if token.client_owner.id() == by.client().owner.id() && token.is_good(now) => {
                self.explain(token)
            }
            _ => Introspection::INACTIVE,
        })
    }

    fn explain(&self, token: &AccessToken) -> Introspection {
        let claims = ActiveClaims {
            iss: self.issuer.to_string(),
            sub: match &token.owner {
                KeyOwner::Account { account_id, .. } => account_id.to_string(),
                KeyOwner::Environment { .. } => token.client_id.to_string(),
            },
            aud: self.audience.clone(),
            client_id: token.client_id.to_string(),
            scope: token.scopes.to_string(),
            token_type: "Bearer",
            jti: token.id.to_string(),
            iat: token.issued_at.unix_timestamp(),
            exp: token.expires_at.unix_timestamp(),
        };
        Introspection { active: true, claims: Some(claims) }
    }

    /// Ends a token (RFC 7009). When it returns, no request that begins from now on is let in with it. A token that is none, or is
    /// another client's, is not ended, and the answer does not tell.
    ///
    /// # Errors
    /// [`OauthError::Unavailable`]: then it may or may not be ended.
    pub async fn revoke(&self, by: &Authenticated, text: &str) -> Result<(), OauthError> {
        let client = by.client();
        if let Some((token, _)) = self.find_refresh_token(text).await? {
            let family = self.ports.store.token_family(token.family).await?;
            return match family.filter(|family| family.grant.client == client.id) {
                // Its access tokens end with it (section 2.1).
                Some(family) => self.end_family(family.id).await,
                None => Ok(()),
            };
        }
        let Ok(claims) = self.tokens.prove(text).await? else { return Ok(()) };
        if claims.client_id != client.client_id.as_str() {
            return Ok(());
        }
        let Ok(expires_at) = OffsetDateTime::from_unix_timestamp(claims.exp) else { return Ok(()) };
        let revoked = RevokedToken { id: claims.jti, client: client.id, revoked_at: self.ports.now(), expires_at };
        let mut work = self.ports.store.begin().await?;
        let _ = work.token_revoke(&revoked).await?;
        Ok(self.tokens.commit_end(work, revoked.id).await?)
    }
}

/// Whether the verifier is written as one is, and hashes to the challenge (RFC 7636 sections 4.1 and 4.6).
fn proves(verifier: &str, challenge: &str) -> bool {
    let written = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~');
    (43..=128).contains(&verifier.len())
        && verifier.bytes().all(written)
        && URL_SAFE_NO_PAD.encode(sha256(verifier.as_bytes())) == challenge
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
    fn rfc7636_4_6_a_verifier_proves_its_own_challenge_alone() {
        // The example of appendix B.
        let challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
        assert!(proves("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk", challenge));
        let long = "a".repeat(129);
        for bad in ["", "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXl", challenge, &long] {
            assert!(!proves(bad, challenge), "{bad}");
        }
        for bad in [&"a".repeat(42), &"a".repeat(129), &format!("{}=", "a".repeat(43)), &format!("{}+", "a".repeat(43))]
        {
            assert!(!proves(bad, &URL_SAFE_NO_PAD.encode(sha256(bad.as_bytes()))), "{bad}");
        }
    }

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
