//! ID tokens (OpenID Connect Core section 2).

use super::claims::PersonClaims;
use crate::jose::SigningAlgorithm;
use aws_lc_rs::digest::{SHA256, SHA512, digest};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};

/// The `typ` of an ID token.
pub const TYPE: &str = "JWT";
/// The class of authentication: a person proved with one factor to be who they are (ISO/IEC 29115, level 1).
pub const ACR: &str = "1";

/// What an ID token says.
#[derive(Debug, Serialize)]
pub struct IdToken<'a> {
    /// Who made it.
    pub iss: &'a str,
    /// Who signed in.
    pub sub: String,
    /// For which client it is.
    pub aud: &'a str,
    /// When it ends, in Unix seconds.
    pub exp: i64,
    /// When it was made, in Unix seconds.
    pub iat: i64,
    /// When the person signed in, in Unix seconds.
    pub auth_time: i64,
    /// What the client sent to recognise its own request by.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nonce: Option<&'a str>,
    /// The class of authentication.
    pub acr: &'static str,
    /// The methods, where they are known.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub amr: &'static [&'static str],
    /// Which access token came with it.
    pub at_hash: String,
    /// Which session of the person's it came from (OpenID Connect Back-Channel Logout section 2.1).
    pub sid: String,
    /// What the client asked to be told in it.
    #[serde(flatten)]
    pub person: PersonClaims,
}

/// An ID token that comes back, to say who is meant. It may have ended long ago (OpenID Connect Core section 3.1.2.1).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Hint {
    /// Who made it.
    pub iss: String,
    /// Who signed in.
    pub sub: String,
    /// For which client it was.
    pub aud: String,
    /// Which session it came from.
    #[serde(default)]
    pub sid: Option<String>,
}

/// The left half of the access token's hash, by the hash of the signature (section 3.1.3.6).
pub fn access_token_hash(access_token: &str, algorithm: SigningAlgorithm) -> String {
    let hash = match algorithm {
        SigningAlgorithm::Es256 | SigningAlgorithm::Rs256 | SigningAlgorithm::Ps256 => &SHA256,
        // Ed25519 hashes with SHA-512 itself.
        SigningAlgorithm::EdDsa => &SHA512,
    };
    let hashed = digest(hash, access_token.as_bytes());
    let hashed = hashed.as_ref();
    URL_SAFE_NO_PAD.encode(&hashed[..hashed.len() / 2])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn oidc_core_3_1_3_6_the_hash_of_the_example() {
        // Appendix A.3 of OpenID Connect Core.
        let hash = access_token_hash("jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y", SigningAlgorithm::Rs256);
        assert_eq!(hash, "77QmUPtjPfzWtF2AnpK9RQ");
        assert_eq!(access_token_hash("x", SigningAlgorithm::EdDsa).len(), 43);
    }
}
