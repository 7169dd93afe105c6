//! The compact form of a signed token: `header.payload.signature` (RFC 7515 section 7.1).

use super::{Jwk, PrivateKey, PrivateKeyError, VerifyingKey};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

/// The header of a token, read and not believed.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Header {
    /// What it says that it is signed with. Compared with what is expected, never obeyed.
    pub alg: String,
    /// What kind of token it says it is.
    #[serde(default)]
    pub typ: Option<String>,
    /// Which key it names.
    #[serde(default)]
    pub kid: Option<String>,
    /// A key that it brings: good for a proof of possession (RFC 9449), and for nothing else.
    #[serde(default)]
    pub jwk: Option<Jwk>,
    #[serde(default)]
    crit: Option<serde::de::IgnoredAny>,
}

/// A token in its parts, not verified yet.
pub struct Compact<'a> {
    /// The header.
    pub header: Header,
    signed: &'a str,
    payload: Vec<u8>,
    signature: Vec<u8>,
}

/// Why a text is no token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CompactError {
    /// It is not three parts of base64url.
    #[error("the token is not three parts of base64url")]
    Shape,
    /// It is longer than any token of ours, or its header or payload is no JSON object with the members it needs.
    #[error("the token's header or claims cannot be read")]
    Json,
    /// Its header demands an extension (RFC 7515 section 4.1.11).
    #[error("the token demands an extension")]
    Critical,
    /// The signature is not the key's.
    #[error("the token's signature is not valid")]
    Signature,
}

impl<'a> Compact<'a> {
    /// The longest token that is read, in bytes.
    pub const MAX_LENGTH: usize = 8 * 1024;

    /// Takes a text apart. Exactly two dots, no padding, nothing around it.
    ///
    /// # Errors
    /// [`CompactError`].
    pub fn read(text: &'a str) -> Result<Self, CompactError> {
        if text.len() > Self::MAX_LENGTH {
            return Err(CompactError::Json);
        }
        let (signed, signature) = text.rsplit_once('.').ok_or(CompactError::Shape)?;
        let (header, payload) = signed.split_once('.').ok_or(CompactError::Shape)?;
        let decode = |part: &str| URL_SAFE_NO_PAD.decode(part).map_err(|_| CompactError::Shape);
        let header: Header = serde_json::from_slice(&decode(header)?).map_err(|_| CompactError::Json)?;
        if header.crit.is_some() {
            return Err(CompactError::Critical);
        }
        // A dot in the payload is no base64url, so more than three parts end here.
        Ok(Self { header, signed, payload: decode(payload)?, signature: decode(signature)? })
    }

    /// The claims, once the signature is proven to be the key's, and the header to say so.
    ///
    /// # Errors
    /// [`CompactError::Signature`], [`CompactError::Json`].
    pub fn verify<T: DeserializeOwned>(&self, key: &VerifyingKey) -> Result<T, CompactError> {
        if self.header.alg.parse() != Ok(key.algorithm()) || !key.verify(self.signed.as_bytes(), &self.signature) {
            return Err(CompactError::Signature);
        }
        self.unverified_claims()
    }

    /// The claims before anything is proven: to find the key by which to prove them.
    ///
    /// # Errors
    /// [`CompactError::Json`].
    pub fn unverified_claims<T: DeserializeOwned>(&self) -> Result<T, CompactError> {
        serde_json::from_slice(&self.payload).map_err(|_| CompactError::Json)
    }
}

#[derive(Serialize)]
struct Signed<'a> {
    alg: &'static str,
    typ: &'a str,
    kid: &'a str,
}

/// Signs claims as a token of this type.
///
/// # Errors
/// [`PrivateKeyError::Sign`].
pub fn sign(key: &PrivateKey, kid: &str, typ: &str, claims: &impl Serialize) -> Result<String, PrivateKeyError> {
    let header = Signed { alg: key.algorithm().as_str(), typ, kid };
    let header = serde_json::to_vec(&header).map_err(|_| PrivateKeyError::Sign)?;
    let claims = serde_json::to_vec(claims).map_err(|_| PrivateKeyError::Sign)?;
    let mut token = String::with_capacity((header.len() + claims.len() + 256) * 4 / 3 + 4);
    URL_SAFE_NO_PAD.encode_string(header, &mut token);
    token.push('.');
    URL_SAFE_NO_PAD.encode_string(claims, &mut token);
    let signature = key.sign(token.as_bytes())?;
    token.push('.');
    URL_SAFE_NO_PAD.encode_string(signature, &mut token);
    Ok(token)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jose::SigningAlgorithm;
    use serde_json::{Value, json};

    fn key() -> (PrivateKey, VerifyingKey) {
        let (key, _) = PrivateKey::generate(SigningAlgorithm::Es256).unwrap();
        let public = key.public_jwk("k").verifying(SigningAlgorithm::Es256).unwrap();
        (key, public)
    }

    fn encode(text: &str) -> String {
        URL_SAFE_NO_PAD.encode(text)
    }

    #[test]
    fn what_is_signed_reads_back_and_any_change_is_refused() {
        let (key, public) = key();
        let token = sign(&key, "k", "at+jwt", &json!({"sub": "ada"})).unwrap();
        let read = Compact::read(&token).unwrap();
        assert_eq!((read.header.typ.as_deref(), read.header.kid.as_deref()), (Some("at+jwt"), Some("k")));
        assert_eq!(read.verify::<Value>(&public), Ok(json!({"sub": "ada"})));
        for place in 0..token.len() {
            let mut changed = token.clone().into_bytes();
            changed[place] = if changed[place] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(changed).unwrap();
            let verified = Compact::read(&changed).and_then(|read| read.verify::<Value>(&public));
            assert!(verified.is_err(), "byte {place}");
        }
    }

    #[test]
    fn asvs_9_1_2_the_header_does_not_choose_how_it_is_verified() {
        let (_, public) = key();
        let payload = encode(r#"{"sub":"ada"}"#);
        for alg in ["none", "None", "HS256", "ES384", "RS256", ""] {
            let token = format!("{}.{payload}.", encode(&format!(r#"{{"alg":"{alg}"}}"#)));
            let verified = Compact::read(&token).and_then(|read| read.verify::<Value>(&public));
            assert_eq!(verified, Err(CompactError::Signature), "{alg}");
        }
    }

    #[test]
    fn rfc7515_4_1_11_a_header_that_demands_an_extension_is_refused() {
        let header = encode(r#"{"alg":"ES256","crit":["b64"],"b64":false}"#);
        assert_eq!(Compact::read(&format!("{header}.e30.AA")).err(), Some(CompactError::Critical));
    }

    #[test]
    fn r40_bombs_are_refused_before_they_are_read() {
        for (text, expected) in [
            (".".repeat(1_000_000), CompactError::Json),
            (".".repeat(5_000), CompactError::Json),
            ("a.b".to_owned(), CompactError::Shape),
            ("a.b.c.d.e".to_owned(), CompactError::Shape),
            (format!("{}.e30.AA", encode("[]")), CompactError::Json),
            (format!("{}.e30.AA", encode(r#"{"alg":"ES256","alg":"none"}"#)), CompactError::Json),
            (format!(" {}.e30.AA", encode(r#"{"alg":"ES256"}"#)), CompactError::Shape),
            (format!("{}=.e30.AA", encode(r#"{"alg":"ES256"}"#)), CompactError::Shape),
        ] {
            assert_eq!(Compact::read(&text).err(), Some(expected), "{}", &text[..text.len().min(40)]);
        }
    }
}
