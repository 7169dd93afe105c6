//! Sets of public keys (RFC 7517 section 5).

use super::{Jwk, SigningAlgorithm, VerifyingKey};
use crate::certificate::CertificateThumbprint;
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// Public keys that somebody else publishes.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct JwkSet {
    keys: Vec<Jwk>,
}

/// Why a text is no set of keys that can be used here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ParseJwkSetError {
    /// It is no JSON of that form, or far too long.
    #[error("This is no JWK Set: {{\"keys\": […]}}")]
    Shape,
    /// A key of it is private, or a shared secret.
    #[error("There is a private key in it: publish the public half alone, and replace this one")]
    Private,
    /// No key of it can verify a signature here, or has a certificate.
    #[error("There is no key in it for ES256, EdDSA, RS256 or PS256, and no certificate")]
    Useless,
}

impl JwkSet {
    /// The longest set that is read, in bytes.
    pub const MAX_LENGTH: usize = 64 * 1024;
    const MAX_KEYS: usize = 64;

    /// The keys that a signature of this algorithm may be one of: the one that it names, or all where it names none.
    pub fn verifying(&self, kid: Option<&str>, algorithm: SigningAlgorithm) -> impl Iterator<Item = VerifyingKey> {
        self.keys
            .iter()
            .filter(move |key| kid.is_none() || key.kid.as_deref() == kid)
            .filter_map(move |key| key.verifying(algorithm).ok())
    }

    /// Whether this is the certificate of one of its keys.
    pub fn has_certificate(&self, thumbprint: CertificateThumbprint) -> bool {
        self.keys.iter().any(|key| key.certificate() == Some(thumbprint))
    }

    /// Whether any key of it has a certificate.
    pub fn has_certificates(&self) -> bool {
        self.keys.iter().any(|key| key.certificate().is_some())
    }

    /// What tells its keys apart: their thumbprints (RFC 7638), or the names of those that have none.
    pub fn thumbprints(&self) -> Vec<String> {
        let named = |key: &Jwk| key.kid.clone().unwrap_or_default();
        self.keys.iter().map(|key| key.thumbprint().unwrap_or_else(|_| named(key))).collect()
    }

    /// Whether it names this key.
    pub fn names(&self, kid: Option<&str>) -> bool {
        kid.is_none() || self.keys.iter().any(|key| key.kid.as_deref() == kid)
    }
}

impl FromStr for JwkSet {
    type Err = ParseJwkSetError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.len() > Self::MAX_LENGTH {
            return Err(ParseJwkSetError::Shape);
        }
        let set: Self = serde_json::from_str(text).map_err(|_| ParseJwkSetError::Shape)?;
        if set.keys.len() > Self::MAX_KEYS {
            return Err(ParseJwkSetError::Shape);
        }
        if set.keys.iter().any(Jwk::is_secret) {
            return Err(ParseJwkSetError::Private);
        }
        if set.keys.iter().all(|key| key.algorithms().is_empty() && key.certificate().is_none()) {
            return Err(ParseJwkSetError::Useless);
        }
        Ok(set)
    }
}

impl fmt::Display for JwkSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&serde_json::to_string(self).map_err(|_| fmt::Error)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jose::PrivateKey;

    #[test]
    fn rfc7517_5_a_set_has_public_keys_that_are_found_by_name() {
        let (one, _) = PrivateKey::generate(SigningAlgorithm::Es256).unwrap();
        let (other, _) = PrivateKey::generate(SigningAlgorithm::EdDsa).unwrap();
        let set = JwkSet { keys: vec![one.public_jwk("one"), other.public_jwk("other")] };
        let set: JwkSet = set.to_string().parse().unwrap();
        let found = |kid, algorithm| set.verifying(kid, algorithm).count();
        assert_eq!(found(Some("one"), SigningAlgorithm::Es256), 1);
        assert_eq!(found(Some("one"), SigningAlgorithm::EdDsa), 0);
        assert_eq!(found(None, SigningAlgorithm::EdDsa), 1);
        assert_eq!(found(Some("none"), SigningAlgorithm::Es256), 0);
    }

    #[test]
    fn what_is_no_set_of_public_keys_is_refused() {
        for (bad, expected) in [
            ("", ParseJwkSetError::Shape),
            ("[]", ParseJwkSetError::Shape),
            (r#"{"keys":[]}"#, ParseJwkSetError::Useless),
            (r#"{"keys":[{"kty":"EC","crv":"P-521","x":"a","y":"b"}]}"#, ParseJwkSetError::Useless),
            (r#"{"keys":[{"kty":"oct","k":"c2VjcmV0"}]}"#, ParseJwkSetError::Private),
            (
                r#"{"keys":[{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo","d":"x"}]}"#,
                ParseJwkSetError::Private,
            ),
        ] {
            assert_eq!(bad.parse::<JwkSet>(), Err(expected), "{bad}");
        }
    }
}
