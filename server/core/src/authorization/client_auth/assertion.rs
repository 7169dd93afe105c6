//! A client that signs an assertion about itself (RFC 7523 section 3, with the one audience of draft-ietf-oauth-rfc7523bis).

use super::ClientAuthenticator;
use crate::{
    jose::{Compact, SigningAlgorithm},
    oauth_client::{ClientId, ClientKeys},
    port::{Inserted, StoreError, oauth_client::OauthClient},
    secret::sha256,
};
use serde::Deserialize;
use time::{Duration, OffsetDateTime};

/// The only kind of assertion that is taken (RFC 7523 section 2.2).
pub const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
/// What kinds of token an assertion may say it is; none is as good.
const TYPES: [&str; 2] = ["JWT", "client-authentication+jwt"];

/// What an assertion must say. A single audience, and whole numbers of seconds: anything else is not read at all.
#[derive(Debug, Deserialize)]
struct Assertion {
    iss: String,
    sub: String,
    aud: String,
    exp: i64,
    jti: String,
    #[serde(default)]
    iat: Option<i64>,
    #[serde(default)]
    nbf: Option<i64>,
}

/// An assertion before it is proven: it says who it is about.
pub(super) struct Presented<'a> {
    compact: Compact<'a>,
    pub client_id: ClientId,
}

impl<'a> Presented<'a> {
    /// Reads one, without believing it.
    pub(super) fn read(text: &'a str) -> Option<Self> {
        let compact = Compact::read(text).ok()?;
        let client_id = compact.unverified_claims::<Assertion>().ok()?.sub.parse().ok()?;
        Some(Self { compact, client_id })
    }
}

impl ClientAuthenticator {
    /// How far ahead an assertion may end.
    const LONGEST_LIFE: Duration = Duration::minutes(5);
    /// How far clocks may differ.
    const LEEWAY: Duration = Duration::seconds(10);
    const LONGEST_JTI: usize = 256;

    /// Whether the assertion is the client's own, for this server, for now, and comes for the first time.
    pub(super) async fn asserts(
        &self,
        presented: &Presented<'_>,
        client: &OauthClient,
        now: OffsetDateTime,
    ) -> Result<bool, StoreError> {
        let header = &presented.compact.header;
        let typed = header.typ.as_deref().is_none_or(|typ| TYPES.iter().any(|one| one.eq_ignore_ascii_case(typ)));
        let Ok(algorithm) = header.alg.parse::<SigningAlgorithm>() else { return Ok(false) };
        // FAPI 2.0 section 5.4.1: PS256, ES256 and EdDSA alone.
        if !typed || (client.settings.high_security && algorithm == SigningAlgorithm::Rs256) {
            return Ok(false);
        }
        let Some(claims) = self.proven(presented, client, algorithm, now).await else { return Ok(false) };
        let id = client.client_id.as_str();
        let at = |seconds: i64| OffsetDateTime::from_unix_timestamp(seconds).ok();
        let Some(ends) = at(claims.exp) else { return Ok(false) };
        let begun = claims
            .iat
            .iter()
            .chain(&claims.nbf)
            .all(|seconds| at(*seconds).is_some_and(|begins| begins <= now + Self::LEEWAY));
        let good = claims.iss == id
            && claims.sub == id
            && claims.aud == *self.issuer
            && ends > now
            && ends <= now + Self::LONGEST_LIFE + Self::LEEWAY
            && begun
            && !claims.jti.is_empty()
            && claims.jti.len() <= Self::LONGEST_JTI;
        Ok(good && self.is_first(client, &claims.jti, ends).await?)
    }

    /// The claims, if a key of the client's signed them.
    async fn proven(
        &self,
        presented: &Presented<'_>,
        client: &OauthClient,
        algorithm: SigningAlgorithm,
        now: OffsetDateTime,
    ) -> Option<Assertion> {
        let kid = presented.compact.header.kid.as_deref();
        let fetched;
        let keys = match client.settings.keys.as_ref()? {
            ClientKeys::Inline(keys) => keys,
            ClientKeys::At(url) => {
                fetched = self.fetch(client, url, |keys| keys.names(kid), now).await?;
                &*fetched
            }
            ClientKeys::Certificates(_) => return None,
        };
        keys.verifying(kid, algorithm).find_map(|key| presented.compact.verify(&key).ok())
    }

    /// Spends the assertion's name: of all who send it, to any node, one wins (RFC 7523 section 3, item 7).
    async fn is_first(&self, client: &OauthClient, jti: &str, ends: OffsetDateTime) -> Result<bool, StoreError> {
        // The client's own names: nobody uses up another's.
        let name = sha256(&[client.id.as_uuid().as_bytes(), jti.as_bytes()].concat());
        let mut work = self.ports.store.begin().await?;
        if work.used_name_add(&name, ends).await? == Inserted::Duplicate {
            return Ok(false);
        }
        work.commit().await?;
        Ok(true)
    }
}
