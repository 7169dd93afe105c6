//! Making, explaining and ending tokens.

use super::{Authenticated, OauthError};
use crate::{
    access_token::{AUDIENCE, AccessToken, Claims, FoundToken, KnownTokens, TYPE},
    oauth_client::{ClientAuthMethod, GrantType},
    port::{StoreError, oauth_client::RevokedToken},
    ports::Ports,
    signing_key::KeyRing,
};
use latchkey_model::ScopeSet;
use serde::Serialize;
use std::sync::Arc;

/// What a client asks the token endpoint for.
#[derive(Debug, Clone, Copy)]
pub struct TokenRequest<'a> {
    /// By which grant.
    pub grant_type: &'a str,
    /// Which scopes, with spaces between; none for all that the client may have.
    pub scope: Option<&'a str>,
}

/// What the token endpoint answers (RFC 6749 section 5.1).
#[derive(Serialize)]
pub struct TokenResponse {
    access_token: String,
    token_type: &'static str,
    expires_in: i64,
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
    aud: &'static str,
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
    issuer: Arc<str>,
}

impl TokenService {
    /// The service of this issuer.
    pub fn new(ports: Ports, ring: KeyRing, tokens: KnownTokens, issuer: &str) -> Self {
        Self { ports, ring, tokens, issuer: issuer.into() }
    }

    /// Makes a token.
    ///
    /// # Errors
    /// [`OauthError`].
    pub async fn issue(&self, by: &Authenticated, asked: TokenRequest<'_>) -> Result<TokenResponse, OauthError> {
        match asked.grant_type.parse() {
            Ok(GrantType::ClientCredentials) => self.for_the_client(by, asked.scope).await,
            Ok(GrantType::AuthorizationCode | GrantType::RefreshToken) | Err(_) => {
                Err(OauthError::UnsupportedGrantType)
            }
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
        let now = self.ports.now();
        let iat = now.unix_timestamp();
        let life = settings.access_token_life.whole_seconds();
        let claims = Claims {
            iss: self.issuer.to_string(),
            sub: client.client_id.to_string(),
            aud: AUDIENCE.to_owned(),
            client_id: client.client_id.to_string(),
            scope: scopes.to_string(),
            jti: self.ports.uuid_at(now),
            iat,
            exp: iat + life,
        };
        let access_token = self.ring.sign(settings.signing_algorithm, TYPE, &claims).await?;
        Ok(TokenResponse { access_token, token_type: "Bearer", expires_in: life, scope: claims.scope })
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
            Some(token) if token.owner.id() == by.client().owner.id() && token.is_good(now) => self.explain(token),
            _ => Introspection::INACTIVE,
        })
    }

    fn explain(&self, token: &AccessToken) -> Introspection {
        let claims = ActiveClaims {
            iss: self.issuer.to_string(),
            sub: token.client_id.to_string(),
            aud: AUDIENCE,
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
        let Ok(claims) = self.tokens.prove(text).await? else { return Ok(()) };
        let client = by.client();
        if claims.client_id != client.client_id.as_str() {
            return Ok(());
        }
        let Ok(expires_at) = time::OffsetDateTime::from_unix_timestamp(claims.exp) else { return Ok(()) };
        let revoked = RevokedToken { id: claims.jti, client: client.id, revoked_at: self.ports.now(), expires_at };
        let mut work = self.ports.store.begin().await?;
        let tokens = self.tokens.clone();
        // It runs to its end even if whoever asked goes away: what is committed must be forgotten.
        let finished = tokio::spawn(async move {
            let outcome = async {
                // Ended before is as good as ended now.
                let _ = work.token_revoke(&revoked).await?;
                work.token_announce(revoked.id).await?;
                work.commit().await
            };
            let outcome = outcome.await;
            tokens.forget_token(revoked.id);
            outcome
        });
        let outcome: Result<(), StoreError> =
            finished.await.unwrap_or_else(|error| Err(StoreError::Internal(Box::new(error))));
        Ok(outcome?)
    }
}

/// The scopes that were asked for, each of which the client may have; all of them where none was.
fn granted(asked: Option<&str>, ceiling: &ScopeSet) -> Result<ScopeSet, OauthError> {
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
