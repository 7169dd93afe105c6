//! Judging a proof: the twelve checks of RFC 9449 section 4.3.

use super::{
    nonces::Nonces,
    used_proofs::{Noted, UsedProofs},
};
use crate::{
    jose::{Compact, SigningAlgorithm},
    secret::{DigestKey, sha256},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::Deserialize;
use std::sync::Arc;
use time::{Duration, OffsetDateTime};
use url::Url;

/// A proof as it came, and what it must be for.
#[derive(Debug, Clone, Copy)]
pub struct PresentedProof<'a> {
    /// The first two `DPoP` fields: more than one is one too many.
    pub fields: [Option<&'a [u8]>; 2],
    /// The request's method.
    pub method: &'a str,
    /// The address that was asked, without its query.
    pub url: &'a str,
}

/// What is wrong with a proof: for the record; the caller is told the class alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ProofProblem {
    /// There is none.
    #[error("there is no proof")]
    Missing,
    /// There is more than one.
    #[error("there is more than one proof")]
    Many,
    /// It is no token with the claims that it needs.
    #[error("the proof cannot be read")]
    Malformed,
    /// It is a token of another kind.
    #[error("the proof's type is not dpop+jwt")]
    Type,
    /// Its header brings no public key for its algorithm.
    #[error("the proof brings no public key for its algorithm")]
    Key,
    /// Its key did not sign it.
    #[error("the proof's signature is not its key's")]
    Signature,
    /// It is for another method or address.
    #[error("the proof is for another request")]
    OtherRequest,
    /// It is for another token.
    #[error("the proof is for another token")]
    OtherToken,
    /// It says no nonce of ours, or one of long ago.
    #[error("the proof has no nonce of this server, or an old one")]
    Nonce,
    /// It was made too long ago, or in the future.
    #[error("the proof was made at another time")]
    Time,
    /// It was taken before.
    #[error("the proof was used before")]
    Used,
    /// There is no room to remember it.
    #[error("too many proofs came at once")]
    TooMany,
}

#[derive(Deserialize)]
struct Claims {
    jti: String,
    htm: String,
    htu: String,
    iat: i64,
    #[serde(default)]
    ath: Option<String>,
    #[serde(default)]
    nonce: Option<String>,
}

/// Judges proofs. Cloning it clones a handle.
#[derive(Clone)]
pub struct Proofs {
    nonces: Nonces,
    used: Arc<UsedProofs>,
}

impl Proofs {
    /// How long ago a proof may have been made.
    const AGE: Duration = Duration::minutes(5);
    /// How far a caller's clock may be ahead.
    const AHEAD: Duration = Duration::MINUTE;
    /// Names kept in one generation: 16 MB at most.
    const KEPT: usize = 1_000_000;
    const LONGEST_JTI: usize = 256;

    /// Proofs with nonces that are drawn under this key.
    pub fn new(key: DigestKey) -> Self {
        Self { nonces: Nonces::new(key), used: Arc::new(UsedProofs::new(Self::KEPT)) }
    }

    /// The nonce that proofs must carry from now on.
    pub fn nonce(&self, now: OffsetDateTime) -> String {
        self.nonces.current(now)
    }

    /// The thumbprint of the key that the caller holds, if the proof is good for this request, and for this token where one is sent. It
    /// is spent by it.
    ///
    /// # Errors
    /// [`ProofProblem`].
    pub fn judge(
        &self,
        presented: &PresentedProof<'_>,
        token: Option<&str>,
        now: OffsetDateTime,
    ) -> Result<String, ProofProblem> {
        let text = match presented.fields {
            [None, _] => return Err(ProofProblem::Missing),
            [Some(_), Some(_)] => return Err(ProofProblem::Many),
            [Some(field), None] => std::str::from_utf8(field).map_err(|_| ProofProblem::Malformed)?,
        };
        let compact = Compact::read(text.trim()).map_err(|_| ProofProblem::Malformed)?;
        if compact.header.typ.as_deref() != Some("dpop+jwt") {
            return Err(ProofProblem::Type);
        }
        let algorithm: SigningAlgorithm = compact.header.alg.parse().map_err(|_| ProofProblem::Key)?;
        let jwk = compact.header.jwk.as_ref().ok_or(ProofProblem::Key)?;
        // A private key is refused here, and so is one that is for something else.
        let key = jwk.verifying(algorithm).map_err(|_| ProofProblem::Key)?;
        let thumbprint = jwk.thumbprint().map_err(|_| ProofProblem::Key)?;
        let unproven: Claims = compact.unverified_claims().map_err(|_| ProofProblem::Malformed)?;
        // Cheap checks first: a signature costs more than all of them.
        if unproven.htm != presented.method || !is_for(&unproven.htu, presented.url) {
            return Err(ProofProblem::OtherRequest);
        }
        if unproven.jti.is_empty() || unproven.jti.len() > Self::LONGEST_JTI {
            return Err(ProofProblem::Malformed);
        }
        let claims: Claims = compact.verify(&key).map_err(|_| ProofProblem::Signature)?;
        let expected = token.map(|token| URL_SAFE_NO_PAD.encode(sha256(token.as_bytes())));
        if expected.is_some() && claims.ath != expected {
            return Err(ProofProblem::OtherToken);
        }
        if !claims.nonce.as_deref().is_some_and(|nonce| self.nonces.is_good(nonce, now)) {
            return Err(ProofProblem::Nonce);
        }
        let made = OffsetDateTime::from_unix_timestamp(claims.iat).map_err(|_| ProofProblem::Time)?;
        if now - made > Self::AGE || made - now > Self::AHEAD {
            return Err(ProofProblem::Time);
        }
        // Named after its key: nobody uses up another's names.
        let name =
            sha256(&[thumbprint.as_bytes(), &[0], presented.url.as_bytes(), &[0], claims.jti.as_bytes()].concat());
        match self.used.note(&name, now) {
            Noted::First => Ok(thumbprint),
            Noted::Again => Err(ProofProblem::Used),
            Noted::Full => Err(ProofProblem::TooMany),
        }
    }
}

/// Whether a proof's address is the one that was asked: without query and fragment, after the normalisation of RFC 3986 section 6.2.
fn is_for(htu: &str, asked: &str) -> bool {
    let normalised = |text: &str| {
        let mut url = text.parse::<Url>().ok()?;
        url.set_query(None);
        url.set_fragment(None);
        Some(url)
    };
    normalised(htu).is_some_and(|url| normalised(asked) == Some(url))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        jose::{Jwk, PrivateKey},
        secret::MasterKey,
    };
    use serde_json::{Value, json};
    use time::macros::datetime;

    const NOW: OffsetDateTime = datetime!(2026-11-25 12:00 UTC);
    const URL: &str = "https://latchkey.test/api/v1/posts";
    const TOKEN: &str = "eyJtoken";

    struct Holder {
        key: PrivateKey,
        proofs: Proofs,
    }

    impl Holder {
        fn new() -> Self {
            let (key, _) = PrivateKey::generate(SigningAlgorithm::Es256).unwrap();
            Self { key, proofs: Proofs::new(MasterKey::new([7; 32]).derive("dpop")) }
        }

        fn jwk(&self) -> Jwk {
            self.key.public_jwk("k")
        }

        fn claims(&self) -> Value {
            json!({
                "jti": "one", "htm": "GET", "htu": URL, "iat": NOW.unix_timestamp(),
                "ath": URL_SAFE_NO_PAD.encode(sha256(TOKEN.as_bytes())), "nonce": self.proofs.nonce(NOW),
            })
        }

        fn sign(&self, header: &Value, claims: &Value) -> String {
            let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
            let signed = format!("{}.{}", part(header), part(claims));
            let signature = URL_SAFE_NO_PAD.encode(self.key.sign(signed.as_bytes()).unwrap());
            format!("{signed}.{signature}")
        }

        fn header(&self) -> Value {
            json!({"typ": "dpop+jwt", "alg": "ES256", "jwk": self.jwk()})
        }

        fn judge(&self, proof: &str) -> Result<String, ProofProblem> {
            let presented = PresentedProof { fields: [Some(proof.as_bytes()), None], method: "GET", url: URL };
            self.proofs.judge(&presented, Some(TOKEN), NOW)
        }

        fn with(&self, claim: &str, value: Value) -> Result<String, ProofProblem> {
            let mut claims = self.claims();
            claims[claim] = value;
            self.judge(&self.sign(&self.header(), &claims))
        }
    }

    #[test]
    fn rfc9449_4_3_a_good_proof_names_its_key_and_is_taken_once() {
        let holder = Holder::new();
        let proof = holder.sign(&holder.header(), &holder.claims());
        assert_eq!(holder.judge(&proof), Ok(holder.jwk().thumbprint().unwrap()));
        assert_eq!(holder.judge(&proof), Err(ProofProblem::Used), "rfc9449_11_1");
        // Another key's proof of the same name is its own (one tenant cannot burn another's).
        let other = Holder { key: PrivateKey::generate(SigningAlgorithm::Es256).unwrap().0, ..holder };
        assert!(other.judge(&other.sign(&other.header(), &other.claims())).is_ok());
    }

    #[test]
    fn rfc9449_4_3_every_check_can_fail() {
        let holder = Holder::new();
        let nobody = |fields| PresentedProof { fields, method: "GET", url: URL };
        let proof = holder.sign(&holder.header(), &holder.claims());
        let bytes = Some(proof.as_bytes());
        assert_eq!(holder.proofs.judge(&nobody([None, None]), None, NOW), Err(ProofProblem::Missing));
        assert_eq!(holder.proofs.judge(&nobody([bytes, bytes]), None, NOW), Err(ProofProblem::Many), "check 1");
        assert_eq!(holder.judge("x"), Err(ProofProblem::Malformed), "check 2");
        for claim in ["jti", "htm", "htu", "iat"] {
            let mut claims = holder.claims();
            claims.as_object_mut().unwrap().remove(claim);
            assert_eq!(holder.judge(&holder.sign(&holder.header(), &claims)), Err(ProofProblem::Malformed), "{claim}");
        }
        let header = |change: Value| {
            let mut header = holder.header();
            for (name, value) in change.as_object().unwrap() {
                header[name] = value.clone();
            }
            holder.judge(&holder.sign(&header, &holder.claims()))
        };
        assert_eq!(header(json!({"typ": "JWT"})), Err(ProofProblem::Type), "check 4");
        for alg in ["none", "HS256", "EdDSA", "RS256"] {
            assert_eq!(header(json!({"alg": alg})), Err(ProofProblem::Key), "check 5: {alg}");
        }
        let stranger = PrivateKey::generate(SigningAlgorithm::Es256).unwrap().0.public_jwk("k");
        assert_eq!(header(json!({"jwk": stranger})), Err(ProofProblem::Signature), "check 6");
        assert_eq!(header(json!({"jwk": null})), Err(ProofProblem::Key));
        let mut private = serde_json::to_value(holder.jwk()).unwrap();
        private["d"] = json!("x");
        assert_eq!(header(json!({"jwk": private})), Err(ProofProblem::Key), "check 7");
        assert_eq!(holder.with("htm", json!("POST")), Err(ProofProblem::OtherRequest), "check 8");
        for other in [
            "https://latchkey.test/api/v1/post",
            "http://latchkey.test/api/v1/posts",
            "https://evil.test/api/v1/posts",
            "x",
        ] {
            assert_eq!(holder.with("htu", json!(other)), Err(ProofProblem::OtherRequest), "check 9: {other}");
        }
        assert_eq!(holder.with("nonce", json!("x")), Err(ProofProblem::Nonce), "check 10");
        assert_eq!(holder.with("nonce", Value::Null), Err(ProofProblem::Nonce), "rfc9449_11_3: no way back to none");
        for seconds in [-301, 61, -100_000] {
            let iat = json!(NOW.unix_timestamp() + seconds);
            assert_eq!(holder.with("iat", iat), Err(ProofProblem::Time), "check 11: {seconds}");
        }
        for ath in [json!("x"), Value::Null] {
            assert_eq!(holder.with("ath", ath), Err(ProofProblem::OtherToken), "check 12");
        }
        assert_eq!(holder.with("jti", json!("x".repeat(257))), Err(ProofProblem::Malformed));
    }

    #[test]
    fn rfc9449_4_3_9_addresses_are_compared_as_addresses() {
        for same in [
            "HTTPS://Latchkey.TEST/api/v1/posts",
            "https://latchkey.test:443/api/v1/posts",
            "https://latchkey.test/api/v1/posts?limit=5",
            "https://latchkey.test/api/v1/posts#x",
        ] {
            assert!(is_for(same, URL), "{same}");
        }
        for other in [
            "https://latchkey.test/api/v1/posts/",
            "https://latchkey.test/API/v1/posts",
            "https://latchkey.test:444/api/v1/posts",
        ] {
            assert!(!is_for(other, URL), "{other}");
        }
    }
}
