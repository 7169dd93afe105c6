//! What an ID token of another provider must say (OpenID Connect Core section 3.1.3.7).

use crate::jose::{Compact, JwkSet, SigningAlgorithm};
use serde::Deserialize;
use time::{Duration, OffsetDateTime};

/// How far clocks may differ.
const LEEWAY: Duration = Duration::seconds(60);

/// What is expected of it.
pub(super) struct Expected<'a> {
    pub(super) issuer: &'a str,
    pub(super) client_id: &'a str,
    pub(super) nonce: &'a str,
    pub(super) now: OffsetDateTime,
}

/// One audience or several.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Many(Vec<String>),
}

/// Who signed in, by an ID token that was proven.
#[derive(Debug, Deserialize)]
pub(super) struct Claims {
    iss: String,
    pub(super) sub: String,
    aud: Audience,
    exp: i64,
    iat: i64,
    nonce: Option<String>,
    azp: Option<String>,
    pub(super) name: Option<String>,
    pub(super) email: Option<String>,
    pub(super) preferred_username: Option<String>,
}

/// Why an ID token proves nothing. For the operator: people read one sentence for all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum IdTokenProblem {
    /// It is no signed token.
    #[error("the ID token cannot be read")]
    Unreadable,
    /// No key of the provider's signed it.
    #[error("the ID token is not signed by a key of the provider")]
    Signature,
    /// It is of another issuer.
    #[error("the ID token is another provider's")]
    Issuer,
    /// It is for somebody else.
    #[error("the ID token is for another client")]
    Audience,
    /// It is not for now.
    #[error("the ID token has ended, or is from another time")]
    Time,
    /// It was not asked for here.
    #[error("the ID token answers another request")]
    Nonce,
    /// There is no name in it, or one that is too long.
    #[error("the ID token names nobody")]
    Subject,
}

/// Which key the token names, to find the keys that have it.
pub(super) fn key_name(text: &str) -> Option<String> {
    Compact::read(text).ok()?.header.kid
}

/// The claims, if everything about the token is as it must be.
pub(super) fn verify(text: &str, keys: &JwkSet, expected: &Expected<'_>) -> Result<Claims, IdTokenProblem> {
    let compact = Compact::read(text).map_err(|_| IdTokenProblem::Unreadable)?;
    // `none` and every symmetric algorithm are no algorithms here.
    let algorithm: SigningAlgorithm = compact.header.alg.parse().map_err(|_| IdTokenProblem::Signature)?;
    let kid = compact.header.kid.as_deref();
    let proven = keys.verifying(kid, algorithm).find_map(|key| compact.verify::<Claims>(&key).ok());
    let claims = proven.ok_or(IdTokenProblem::Signature)?;
    if claims.iss != expected.issuer {
        return Err(IdTokenProblem::Issuer);
    }
    let (ours, several) = match &claims.aud {
        Audience::One(one) => (one == expected.client_id, false),
        Audience::Many(all) => (all.iter().any(|one| one == expected.client_id), all.len() > 1),
    };
    let for_us = claims.azp.as_deref().map_or(!several, |azp| azp == expected.client_id);
    if !ours || !for_us {
        return Err(IdTokenProblem::Audience);
    }
    let at = |seconds: i64| OffsetDateTime::from_unix_timestamp(seconds).map_err(|_| IdTokenProblem::Time);
    if at(claims.exp)? + LEEWAY <= expected.now || at(claims.iat)? > expected.now + LEEWAY {
        return Err(IdTokenProblem::Time);
    }
    if claims.nonce.as_deref() != Some(expected.nonce) {
        return Err(IdTokenProblem::Nonce);
    }
    if claims.sub.is_empty() || claims.sub.len() > 255 {
        return Err(IdTokenProblem::Subject);
    }
    Ok(claims)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jose::{PrivateKey, sign};
    use serde_json::{Value, json};
    use time::macros::datetime;

    const NOW: OffsetDateTime = datetime!(2026-11-25 12:00 UTC);

    type Change = fn(&mut Value);

    fn judge(change: impl FnOnce(&mut Value)) -> Result<String, IdTokenProblem> {
        let (key, _) = PrivateKey::generate(SigningAlgorithm::Es256).unwrap();
        let keys: JwkSet = json!({"keys": [key.public_jwk("k")]}).to_string().parse().unwrap();
        let mut claims = json!({
            "iss": "https://id.example.org", "sub": "7", "aud": "latchkey", "nonce": "n",
            "iat": NOW.unix_timestamp(), "exp": NOW.unix_timestamp() + 300,
        });
        change(&mut claims);
        let signer =
            if claims.get("forged").is_some() { PrivateKey::generate(SigningAlgorithm::Es256).unwrap().0 } else { key };
        let text = sign(&signer, "k", "JWT", &claims).unwrap();
        let expected = Expected { issuer: "https://id.example.org", client_id: "latchkey", nonce: "n", now: NOW };
        verify(&text, &keys, &expected).map(|claims| claims.sub)
    }

    #[test]
    fn openid_3_1_3_7_every_check_of_an_id_token() {
        assert_eq!(judge(|_| ()), Ok("7".to_owned()));
        assert_eq!(judge(|claims| claims["aud"] = json!(["latchkey"])), Ok("7".to_owned()));
        let both = |claims: &mut Value| {
            claims["aud"] = json!(["latchkey", "other"]);
            claims["azp"] = json!("latchkey");
        };
        assert_eq!(judge(both), Ok("7".to_owned()));
        let changes: [(Change, IdTokenProblem); 11] = [
            (|claims| claims["iss"] = json!("https://id.example.org/"), IdTokenProblem::Issuer),
            (|claims| claims["aud"] = json!("other"), IdTokenProblem::Audience),
            (|claims| claims["aud"] = json!(["latchkey", "other"]), IdTokenProblem::Audience),
            (|claims| claims["azp"] = json!("other"), IdTokenProblem::Audience),
            (|claims| claims["exp"] = json!(NOW.unix_timestamp() - 61), IdTokenProblem::Time),
            (|claims| claims["iat"] = json!(NOW.unix_timestamp() + 61), IdTokenProblem::Time),
            (|claims| claims["exp"] = json!(i64::MAX), IdTokenProblem::Time),
            (|claims| claims["nonce"] = json!("other"), IdTokenProblem::Nonce),
            (|claims| claims["nonce"] = Value::Null, IdTokenProblem::Nonce),
            (|claims| claims["sub"] = json!(""), IdTokenProblem::Subject),
            (|claims| claims["forged"] = json!(true), IdTokenProblem::Signature),
        ];
        for (change, problem) in changes {
            assert_eq!(judge(change), Err(problem));
        }
        assert_eq!(judge(|claims| claims["exp"] = json!("4102444800")), Err(IdTokenProblem::Signature), "r33");
    }
}
