//! Tokens for a code.

use super::{Consented, TokenRequest, TokenResponse, TokenService, still};
use crate::{
    authorization::OauthError,
    port::{Consumed, oauth_client::OauthClient},
    secret::sha256,
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

impl TokenService {
    /// Tokens for a code, once (RFC 6749 section 4.1.3). A code that comes a second time ends what it gave the first time (section 4.1.2).
    pub(super) async fn for_a_code(
        &self,
        client: &OauthClient,
        asked: TokenRequest<'_>,
    ) -> Result<TokenResponse, OauthError> {
        let code = asked.code.ok_or(OauthError::InvalidRequest("code is missing"))?;
        let now = self.ports.now();
        let digest = self.pepper.digest(code.as_bytes());
        let found = self.ports.store.authorization_code(&digest).await?;
        // Another client's code is as good as none, and stays good for that client.
        let found = found.filter(|(_, grant)| grant.client == client.id);
        if asked.code_verifier.is_none() && found.as_ref().is_none_or(|(code, _)| code.challenge.is_some()) {
            return Err(OauthError::InvalidRequest("code_verifier is missing"));
        }
        let (code, grant) = found.ok_or(OauthError::InvalidGrant)?;
        if code.consumed_at.is_some() {
            self.end_stolen(code.id, &grant, client, "a code came twice").await?;
            return Err(OauthError::InvalidGrant);
        }
        // OAuth 2.1 section 4.1.3 does without it, since the verifier says that both requests are one client's: RFC 6749 does not.
        let elsewhere = asked.redirect_uri.map_or_else(|| code.challenge.is_none(), |sent| sent != code.redirect_uri);
        let proven = match (&code.challenge, asked.code_verifier) {
            (Some(challenge), Some(verifier)) => proves(verifier, challenge),
            // A verifier for a code without a challenge is a sign that somebody took the challenge away (RFC 9700 section 4.8.2).
            (None, Some(_)) | (Some(_), None) => false,
            (None, None) => true,
        };
        let other_key = code.binding.is_some() && code.binding != asked.proven;
        if code.expires_at <= now || grant.revoked_at.is_some() || elsewhere || !proven || other_key {
            return Err(OauthError::InvalidGrant);
        }
        let consented = Consented {
            family: code.id,
            grant: grant.id,
            account: grant.account,
            scopes: still(&code.scopes, client)?,
            sign_in: code.sign_in,
        };
        let prepared = self.prepare(client, &consented, &asked.resources, asked.proven.as_ref()).await?;
        let mut work = self.ports.store.begin().await?;
        if work.authorization_code_consume(code.id, now).await? == Consumed::Lost {
            drop(work);
            self.end_stolen(code.id, &grant, client, "a code came twice").await?;
            return Err(OauthError::InvalidGrant);
        }
        self.open_family(work, client, consented, prepared, asked.proven).await
    }
}

/// Whether the verifier is written as one is, and hashes to the challenge (RFC 7636 sections 4.1 and 4.6).
fn proves(verifier: &str, challenge: &str) -> bool {
    let written = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~');
    (43..=128).contains(&verifier.len())
        && verifier.bytes().all(written)
        && URL_SAFE_NO_PAD.encode(sha256(verifier.as_bytes())) == challenge
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
}
