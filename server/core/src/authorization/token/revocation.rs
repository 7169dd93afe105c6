//! Ending tokens (RFC 7009).

use super::TokenService;
use crate::{
    authorization::{Authenticated, OauthError},
    port::oauth_client::RevokedToken,
};
use time::OffsetDateTime;

impl TokenService {
    /// Ends a token. When it returns, no request that begins from now on is let in with it. A token that is none, or is another
    /// client's, is not ended, and the answer does not tell.
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
