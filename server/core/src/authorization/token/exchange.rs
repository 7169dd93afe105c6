//! A token for another one: narrower, never wider, and no longer than it (RFC 8693).

use super::{OnBehalf, TokenRequest, TokenResponse, TokenService, answer, granted};
use crate::{
    access_token::{Derived, FoundToken, KnownTokens},
    authorization::OauthError,
    port::oauth_client::OauthClient,
};

/// The kind of token that is taken and given (RFC 8693 section 3).
const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";

/// What a request for an exchange says besides (RFC 8693 section 2.1).
#[derive(Debug, Clone, Copy, Default)]
pub struct Exchange<'a> {
    /// The token that says for whom.
    pub subject_token: Option<&'a str>,
    /// What kind it is.
    pub subject_token_type: Option<&'a str>,
    /// What kind is wanted.
    pub requested_token_type: Option<&'a str>,
    /// A token that says who asks: the client itself does that here.
    pub actor_token: Option<&'a str>,
    /// For which API, by its name.
    pub audience: Option<&'a str>,
}

impl TokenService {
    /// A token with which a service goes on for whoever called it. It ends with the token that it was given for, and with everything
    /// that one rests on.
    pub(super) async fn for_another_token(
        &self,
        client: &OauthClient,
        asked: TokenRequest<'_>,
    ) -> Result<TokenResponse, OauthError> {
        let exchange = asked.exchange;
        if !client.can_authenticate() {
            return Err(OauthError::UnauthorizedClient);
        }
        let text = exchange.subject_token.ok_or(OauthError::InvalidRequest("subject_token is missing"))?;
        if exchange.subject_token_type != Some(ACCESS_TOKEN) {
            return Err(OauthError::InvalidRequest("subject_token_type must be that of an access token"));
        }
        if exchange.requested_token_type.is_some_and(|kind| kind != ACCESS_TOKEN) {
            return Err(OauthError::InvalidRequest("requested_token_type must be that of an access token"));
        }
        if exchange.actor_token.is_some() {
            return Err(OauthError::InvalidRequest("the client itself is the actor: send no actor_token"));
        }
        // Section 2.1: an API may be named in two ways, which mean the same here.
        let apis: Vec<_> = asked.resources.iter().copied().chain(exchange.audience).collect();
        let now = self.ports.now();
        let digest = KnownTokens::digest(text);
        let FoundToken::Token(entry) = self.tokens.look_up(text, digest, now).await? else {
            return Err(OauthError::InvalidGrant);
        };
        // A token of another environment is as good as none; one that was exchanged before goes no further.
        let subject = entry
            .token()
            .filter(|token| {
                token.client_owner.id() == client.owner.id() && token.is_good(now) && token.derived.is_none()
            })
            .ok_or(OauthError::InvalidGrant)?;
        // What both hold, and of that what is asked for.
        let both = subject.scopes.iter().filter(|scope| client.settings.scopes.contains(scope.as_str()));
        let wanted = self.wanted(&granted(asked.scope, &both.cloned().collect())?, &apis).await?;
        if wanted.scopes.is_empty() {
            return Err(OauthError::InvalidScope);
        }
        let on_behalf = OnBehalf {
            subject: subject.subject.clone(),
            consent: subject.consent,
            derived: Some(Derived { from: subject.id, client: subject.client_id.clone() }),
            at_most: (subject.expires_at - now).whole_seconds(),
        };
        let made = self.make(client, &wanted, Some(on_behalf), asked.proven.as_ref()).await?;
        self.store_alone(&made).await?;
        let answer = answer(made, &wanted.scopes, asked.proven.as_ref());
        Ok(TokenResponse { issued_token_type: Some(ACCESS_TOKEN), ..answer })
    }
}
