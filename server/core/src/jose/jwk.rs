//! Public keys as JWK (RFC 7517, RFC 7518 section 6, RFC 8037 section 2).

use super::SigningAlgorithm;
use crate::{certificate::CertificateThumbprint, secret::sha256};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ED25519, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RSA_PSS_2048_8192_SHA256,
    RsaPublicKeyComponents,
};
use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use serde::{Deserialize, Serialize};

/// A public key. Members that it does not know are ignored, as RFC 7517 section 4 asks; a private one is noticed, and refused.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Jwk {
    kty: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    crv: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    x: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    y: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    n: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    e: Option<String>,
    /// What tokens call it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kid: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    alg: Option<String>,
    #[serde(rename = "use", skip_serializing_if = "Option::is_none")]
    usage: Option<String>,
    /// The key's certificate and those that lead to it, in plain base64 (RFC 7517 section 4.7).
    #[serde(rename = "x5c", default, skip_serializing_if = "Vec::is_empty")]
    certificates: Vec<String>,
    /// A private member: its presence alone is the fault.
    #[serde(default, skip_serializing)]
    d: Option<serde::de::IgnoredAny>,
    /// A shared secret: never a public key.
    #[serde(default, skip_serializing)]
    k: Option<serde::de::IgnoredAny>,
}

/// Why a JWK cannot be used to verify.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum JwkError {
    /// It has a private member.
    #[error("the key is private: publish its public half alone")]
    Private,
    /// Its type or curve is not used here.
    #[error("only P-256, Ed25519 and RSA keys are used")]
    Unsupported,
    /// A member is missing or is not what its type needs.
    #[error("the key is not well formed")]
    Malformed,
    /// It is for something else than signatures, or for another algorithm.
    #[error("the key is not for this use")]
    OtherUse,
}

impl Jwk {
    /// A key on P-256: `x` and `y`, of 32 bytes each.
    pub(super) fn p256(point: &[u8], kid: &str) -> Self {
        let (x, y) = point.split_at(point.len() / 2);
        Self {
            crv: Some("P-256".to_owned()),
            x: Some(encoded(x)),
            y: Some(encoded(y)),
            ..Self::of("EC", SigningAlgorithm::Es256, kid)
        }
    }

    pub(super) fn ed25519(bytes: &[u8], kid: &str) -> Self {
        Self {
            crv: Some("Ed25519".to_owned()),
            x: Some(encoded(bytes)),
            ..Self::of("OKP", SigningAlgorithm::EdDsa, kid)
        }
    }

    pub(super) fn rsa(modulus: &[u8], exponent: &[u8], algorithm: SigningAlgorithm, kid: &str) -> Self {
        Self { n: Some(encoded(modulus)), e: Some(encoded(exponent)), ..Self::of("RSA", algorithm, kid) }
    }

    fn of(kty: &str, algorithm: SigningAlgorithm, kid: &str) -> Self {
        Self {
            kty: kty.to_owned(),
            alg: Some(algorithm.as_str().to_owned()),
            usage: Some("sig".to_owned()),
            kid: Some(kid.to_owned()),
            ..Self::default()
        }
    }

    /// The key, ready to verify signatures of this algorithm.
    ///
    /// # Errors
    /// [`JwkError`].
    pub fn verifying(&self, algorithm: SigningAlgorithm) -> Result<VerifyingKey, JwkError> {
        if self.is_secret() {
            return Err(JwkError::Private);
        }
        if self.usage.as_deref().is_some_and(|usage| usage != "sig")
            || self.alg.as_deref().is_some_and(|alg| alg.parse() != Ok(algorithm))
        {
            return Err(JwkError::OtherUse);
        }
        let malformed = |_| JwkError::Malformed;
        let parsed = match (self.kty.as_str(), self.crv.as_deref(), algorithm) {
            ("EC", Some("P-256"), SigningAlgorithm::Es256) => {
                let (x, y) = (bytes(self.x.as_deref(), 32)?, bytes(self.y.as_deref(), 32)?);
                let point = [&[4], &*x, &*y].concat();
                ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).map_err(malformed)?
            }
            ("OKP", Some("Ed25519"), SigningAlgorithm::EdDsa) => {
                ParsedPublicKey::new(&ED25519, bytes(self.x.as_deref(), 32)?).map_err(malformed)?
            }
            ("RSA", _, SigningAlgorithm::Rs256 | SigningAlgorithm::Ps256) => {
                let components =
                    RsaPublicKeyComponents { n: decoded(self.n.as_deref())?, e: decoded(self.e.as_deref())? };
                let padding = if algorithm == SigningAlgorithm::Rs256 {
                    &RSA_PKCS1_2048_8192_SHA256
                } else {
                    &RSA_PSS_2048_8192_SHA256
                };
                components.to_parsed_public_key(padding).map_err(malformed)?
            }
            _ => return Err(JwkError::Unsupported),
        };
        Ok(VerifyingKey { algorithm, key: parsed })
    }

    /// Whether it has a private member, or is a shared secret.
    pub(super) fn is_secret(&self) -> bool {
        self.d.is_some() || self.k.is_some()
    }

    /// What names the certificate of this key, where it has one.
    pub(super) fn certificate(&self) -> Option<CertificateThumbprint> {
        STANDARD.decode(self.certificates.first()?).ok().map(|der| CertificateThumbprint::of(&der))
    }

    /// The algorithms that this key can verify.
    pub fn algorithms(&self) -> Vec<SigningAlgorithm> {
        SigningAlgorithm::ALL.into_iter().filter(|algorithm| self.verifying(*algorithm).is_ok()).collect()
    }

    /// The SHA-256 thumbprint (RFC 7638 section 3): the required members alone, in the order of their names.
    ///
    /// # Errors
    /// [`JwkError`].
    pub fn thumbprint(&self) -> Result<String, JwkError> {
        let member = |value: &Option<String>| value.clone().ok_or(JwkError::Malformed);
        let text = match self.kty.as_str() {
            "EC" => format!(
                r#"{{"crv":"{}","kty":"EC","x":"{}","y":"{}"}}"#,
                member(&self.crv)?,
                member(&self.x)?,
                member(&self.y)?
            ),
            "OKP" => format!(r#"{{"crv":"{}","kty":"OKP","x":"{}"}}"#, member(&self.crv)?, member(&self.x)?),
            "RSA" => format!(r#"{{"e":"{}","kty":"RSA","n":"{}"}}"#, member(&self.e)?, member(&self.n)?),
            _ => return Err(JwkError::Unsupported),
        };
        Ok(URL_SAFE_NO_PAD.encode(sha256(text.as_bytes())))
    }
}

fn encoded(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

fn decoded(text: Option<&str>) -> Result<Vec<u8>, JwkError> {
    URL_SAFE_NO_PAD.decode(text.ok_or(JwkError::Malformed)?).map_err(|_| JwkError::Malformed)
}

fn bytes(text: Option<&str>, length: usize) -> Result<Vec<u8>, JwkError> {
    decoded(text).and_then(|bytes| if bytes.len() == length { Ok(bytes) } else { Err(JwkError::Malformed) })
}

/// A public key that verifies signatures of one algorithm.
#[derive(Debug, Clone)]
pub struct VerifyingKey {
    algorithm: SigningAlgorithm,
    key: ParsedPublicKey,
}

impl VerifyingKey {
    /// The algorithm of the signatures that it verifies.
    pub fn algorithm(&self) -> SigningAlgorithm {
        self.algorithm
    }

    /// Whether the signature is this key's.
    #[must_use]
    pub fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        self.key.verify_sig(message, signature).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jose::PrivateKey;

    #[test]
    fn rfc7638_3_1_the_thumbprint_of_the_example() {
        let jwk: Jwk = serde_json::from_str(
            r#"{"kty":"RSA","n":"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw","e":"AQAB","alg":"RS256","kid":"2011-04-29"}"#,
        )
        .unwrap();
        assert_eq!(jwk.thumbprint().unwrap(), "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
    }

    #[test]
    fn every_algorithm_signs_what_its_public_half_verifies() {
        for algorithm in SigningAlgorithm::ALL {
            let (key, pkcs8) = PrivateKey::generate(algorithm).unwrap();
            let again = PrivateKey::from_pkcs8(algorithm, &pkcs8).unwrap();
            let jwk = key.public_jwk("k");
            let text = serde_json::to_string(&jwk).unwrap();
            assert!(!text.contains("\"d\""), "{text}");
            let public = serde_json::from_str::<Jwk>(&text).unwrap().verifying(algorithm).unwrap();
            let signature = again.sign(b"message").unwrap();
            assert!(public.verify(b"message", &signature));
            assert!(!public.verify(b"messagf", &signature));
            assert!(!public.verify(b"message", &vec![0; signature.len()]), "r39: a signature of zeros");
            assert!(!public.verify(b"message", b""));
            assert_eq!(jwk.algorithms(), [algorithm]);
            assert_eq!(format!("{key:?}"), format!("PrivateKey({algorithm})"));
        }
    }

    #[test]
    fn rfc9449_4_3_7_a_private_key_and_a_shared_secret_are_refused() {
        let with = |more: &str| {
            let text = format!(r#"{{"kty":"OKP","crv":"Ed25519","x":"{}"{more}}}"#, URL_SAFE_NO_PAD.encode([7; 32]));
            serde_json::from_str::<Jwk>(&text).unwrap().verifying(SigningAlgorithm::EdDsa).map(drop)
        };
        assert_eq!(with(""), Ok(()));
        assert_eq!(with(r#","d":"x""#), Err(JwkError::Private));
        assert_eq!(with(r#","k":"x""#), Err(JwkError::Private));
        assert_eq!(with(r#","use":"enc""#), Err(JwkError::OtherUse));
        assert_eq!(with(r#","alg":"ES256""#), Err(JwkError::OtherUse));
    }

    #[test]
    fn r34_a_key_is_of_one_algorithm() {
        let (key, _) = PrivateKey::generate(SigningAlgorithm::Es256).unwrap();
        assert_eq!(key.public_jwk("k").verifying(SigningAlgorithm::EdDsa).map(drop), Err(JwkError::OtherUse));
        let oct: Jwk = serde_json::from_str(r#"{"kty":"oct","k":"c2VjcmV0"}"#).unwrap();
        assert!(oct.algorithms().is_empty());
    }
}
