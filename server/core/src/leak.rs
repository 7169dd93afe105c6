//! Leaked keys: recognised offline by their checksum, told to their owners, and revoked where their settings ask for it.
//!
//! [`finder`] finds our secrets in any bytes; [`rules`] tells other scanners how; [`github`] reads what GitHub's secret scanning
//! sends; [`LeakDesk`] does what a report asks for.

use std::borrow::Cow;

mod desk;
pub mod finder;
pub mod github;
pub mod rules;

pub use desk::{LeakDesk, LeakParts, LeakPlace};

/// A text without secrets: in the place of each of ours stands how a person recognises it, of a token that is signed its beginning is
/// left, and nothing of a text that holds a private key.
pub fn redacted(text: &str) -> Cow<'_, str> {
    if holds_private_key(text) {
        return Cow::Borrowed("");
    }
    let mut clean = without_signed_tokens(text);
    for found in finder::find(text.as_bytes()) {
        clean = Cow::Owned(clean.replace(found.key.expose(), &found.key.hint()));
    }
    clean
}

/// A text without tokens that are signed: they are three parts, the first of which is a JSON object in base64url (RFC 7515 section 7.1).
fn without_signed_tokens(text: &str) -> Cow<'_, str> {
    const BEGINNING: &str = "eyJ";
    let goes_on = |character: char| character.is_ascii_alphanumeric() || matches!(character, '-' | '_' | '.');
    let (mut clean, mut rest) = (String::new(), text);
    while let Some(at) = rest.find(BEGINNING) {
        let (before, token) = rest.split_at(at);
        let (token, after) = token.split_at(token.find(|character| !goes_on(character)).unwrap_or(token.len()));
        clean.push_str(before);
        clean.push_str(if token.matches('.').count() < 2 { token } else { "eyJ…" });
        rest = after;
    }
    if clean.is_empty() { Cow::Borrowed(text) } else { Cow::Owned(clean + rest) }
}

/// Whether it is a private key, as PEM (RFC 7468) or as JWK: those of RSA, curves and octets have a private member (RFC 7518 section 6).
fn holds_private_key(text: &str) -> bool {
    let has = |name: &str| {
        let mut found = text.split(name).skip(1);
        found.any(|rest| rest.trim_start().starts_with(':'))
    };
    text.contains("PRIVATE KEY-----") || (has("\"kty\"") && ["\"d\"", "\"p\"", "\"k\""].into_iter().any(has))
}

/// Whether a character would break a line of a log, a mail or a list, or turn its direction.
pub fn breaks_a_line(character: char) -> bool {
    character.is_control() || matches!(character, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r68_nothing_is_left_of_a_text_with_a_private_key() {
        for private in [
            "-----BEGIN CERTIFICATE-----\nMA==\n-----END CERTIFICATE-----\n-----BEGIN EC PRIVATE KEY-----\nMA==",
            "-----BEGIN PRIVATE KEY-----\nMA==",
            r#"{"keys":[{"kty":"EC","crv":"P-256","x":"a","y":"b","d":"c"}]}"#,
            r#"{"kty":"oct","k":"c"}"#,
        ] {
            assert_eq!(redacted(private), "", "{private}");
        }
        let signed = "/posts/eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJ4In0.c2lnbmF0dXJl/7 and eyJh";
        assert_eq!(redacted(signed), "/posts/eyJ…/7 and eyJh");
        assert_eq!(redacted("eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJ4In0.c2ln"), "eyJ…");
        let public = r#"{"keys":[{"kty":"EC","crv":"P-256","kid":"d","x":"a","y":"b"}]}"#;
        for fine in [public, "-----BEGIN CERTIFICATE-----\nMA==", r#"{"kty":"EC","x":"a","y":"b"}"#, "read:posts \"d\""]
        {
            assert_eq!(redacted(fine), fine);
        }
    }
}
