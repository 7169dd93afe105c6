//! Tokens for a refresh token.

use super::{TokenRequest, TokenResponse, TokenService, answer, granted, still};
use crate::{
    access_token::Consent,
    api_key::format::PresentedKey,
    authorization::OauthError,
    port::{
        Consumed,
        grant::{RefreshToken, SignIn},
        oauth_client::OauthClient,
    },
    secret::digests_equal,
};
use latchkey_model::KeyKind;

impl TokenService {
    /// Tokens for a refresh token, which is spent by it (RFC 6749 section 6, OAuth 2.1 section 4.3). A spent one is taken once more while
    /// nothing that it gave has been used, so that a lost answer signs nobody out; used after that, it was stolen, and the family ends.
    pub(super) async fn for_a_refresh_token(
        &self,
        client: &OauthClient,
        asked: TokenRequest<'_>,
    ) -> Result<TokenResponse, OauthError> {
        let text = asked.refresh_token.ok_or(OauthError::InvalidRequest("refresh_token is missing"))?;
        let now = self.ports.now();
        let (token, successor_used) = self.find_refresh_token(text).await?.ok_or(OauthError::InvalidGrant)?;
        let family = self.ports.store.token_family(token.family).await?.ok_or(OauthError::InvalidGrant)?;
        if family.grant.client != client.id
            || family.ended().is_some()
            || family.suspended.is_some()
            || family.expires_at <= now
        {
            return Err(OauthError::InvalidGrant);
        }
        if family.binding.is_some() && family.binding != asked.proven {
            return Err(OauthError::InvalidGrant);
        }
        if token.consumed_at.is_some() && successor_used {
            tracing::warn!(client.id = %client.client_id, "a refresh token was used twice: its family is ended");
            self.end_stolen(family.id, &family.grant, client, "a refresh token came twice").await?;
            return Err(OauthError::InvalidGrant);
        }
        if token.ended_at.is_some() || token.expires_at <= now {
            return Err(OauthError::InvalidGrant);
        }
        let scopes = granted(asked.scope, &still(&token.scopes, client)?)?;
        let consent = Consent { grant: family.grant.id.as_uuid(), family: family.id };
        let on_behalf = self.on_behalf(client, family.grant.account, consent);
        let wanted = self.wanted(&scopes, &asked.resources).await?;
        let made = self.make(client, &wanted, Some(on_behalf), asked.proven.as_ref()).await?;
        // OpenID Connect Core section 12.2: the same sign-in, without the nonce of the first request.
        let sign_in = SignIn { nonce: None, ..family.sign_in };
        let id_token = self.id_token(client, &scopes, family.grant.account, &sign_in, &made).await?;
        let mut work = self.ports.store.begin().await?;
        let refresh_token = if client.settings.high_security {
            // FAPI 2.0 section 5.3.2.1: it is bound to a client that proves to be itself, and rotating would only lose answers.
            if work.refresh_token_prolong(token.id, now + Self::REFRESH_IDLE).await? == Consumed::Lost {
                return Err(OauthError::InvalidGrant);
            }
            text.to_owned()
        } else {
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
            self.add_refresh_token(&mut *work, family.id, Some(token.id), &token.scopes, made.id).await?
        };
        made.store(&mut *work).await?;
        work.commit().await?;
        let refresh_token = Some(refresh_token);
        Ok(TokenResponse { refresh_token, id_token, ..answer(made, &wanted.scopes, asked.proven.as_ref()) })
    }

    /// The refresh token that this is, and whether anything that was given for it has been used.
    pub(super) async fn find_refresh_token(&self, text: &str) -> Result<Option<(RefreshToken, bool)>, OauthError> {
        let Some(presented) = PresentedKey::parse(text).ok().filter(|key| key.kind() == KeyKind::RefreshToken) else {
            return Ok(None);
        };
        let found = self.ports.store.refresh_token(presented.public_id()).await?;
        let digest = presented.digest(&self.pepper);
        Ok(found.filter(|(token, _)| digests_equal(&token.digest, &digest)))
    }
}
