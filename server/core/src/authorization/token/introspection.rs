//! Explaining tokens (RFC 7662).

use super::TokenService;
use crate::{
    access_token::{AccessToken, Audiences, Binding, Confirmation, FoundToken, KnownTokens},
    authorization::{Authenticated, OauthError},
};
use serde::Serialize;

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
    aud: Audiences,
    client_id: String,
    scope: String,
    token_type: &'static str,
    jti: String,
    iat: i64,
    exp: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    cnf: Option<Confirmation>,
}

impl Introspection {
    /// Everything that is not known to be good is told in the same words.
    const INACTIVE: Self = Self { active: false, claims: None };
}

impl TokenService {
    /// What a token is. Only for its own client, and for the others of its environment: to everybody else it is as if it were none
    /// (RFC 7662 section 2.2).
    ///
    /// # Errors
    /// [`OauthError`].
    pub async fn introspect(&self, by: &Authenticated, text: &str) -> Result<Introspection, OauthError> {
        if !by.client().can_authenticate() {
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
        let catalog = self.apis.catalog(now).await?;
        Ok(match entry.token() {
            Some(token)
                if token.client_owner.id() == by.client().owner.id()
                    && token.is_good(now)
                    && catalog.has_any_of(&token.audiences) =>
            {
                self.explain(token)
            }
            _ => Introspection::INACTIVE,
        })
    }

    fn explain(&self, token: &AccessToken) -> Introspection {
        let claims = ActiveClaims {
            iss: self.issuer.to_string(),
            sub: token.subject.clone(),
            aud: token.audiences.clone(),
            client_id: token.client_id.to_string(),
            scope: token.scopes.to_string(),
            token_type: Binding::token_type(token.binding.as_ref()),
            jti: token.id.to_string(),
            iat: token.issued_at.unix_timestamp(),
            exp: token.expires_at.unix_timestamp(),
            cnf: token.binding.as_ref().map(Confirmation::from),
        };
        Introspection { active: true, claims: Some(claims) }
    }
}
