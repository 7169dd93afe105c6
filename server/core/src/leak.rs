//! Leaked keys: recognised offline by their checksum, told to their owners, and revoked where their settings ask for it.
//!
//! [`finder`] finds our secrets in any bytes; [`rules`] tells other scanners how; [`github`] reads what GitHub's secret scanning
//! sends; [`LeakDesk`] does what a report asks for.

use percent_encoding::percent_decode_str;
use std::borrow::Cow;

mod desk;
pub mod finder;
pub mod github;
pub mod rules;

pub use desk::{LeakDesk, LeakParts, LeakPlace};

/// A text without secrets: in the place of each of ours stands how a person recognises it, of a token that is signed its beginning is
/// left, and nothing of a text that holds a private key. A URL in which one is percent-encoded is decoded.
pub fn redacted(text: &str) -> Cow<'_, str> {
    if text.contains('%') {
        let decoded = percent_decode_str(text).decode_utf8_lossy();
        let clean = without_secrets(&decoded);
        if clean != decoded {
            return Cow::Owned(clean.into_owned());
        }
    }
    without_secrets(text)
}

fn without_secrets(text: &str) -> Cow<'_, str> {
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

/// The first characters of a text that a stranger wrote, on one line and without our secrets.
pub fn one_line(text: &str, at_most: usize) -> String {
    // A secret that was broken into lines is whole again on one; and what is decoded may have other lines.
    on_one_line(&redacted(&on_one_line(text))).chars().take(at_most).collect()
}

fn on_one_line(text: &str) -> Cow<'_, str> {
    if text.chars().any(breaks_a_line) {
        return Cow::Owned(text.chars().filter(|character| !breaks_a_line(*character)).collect());
    }
    Cow::Borrowed(text)
}

/// Whether a character would break a line of a log, a mail or a list, or turn its direction.
pub fn breaks_a_line(character: char) -> bool {
    character.is_control() || matches!(character, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{api_key::PlainApiKey, random::SystemRandom};
    use latchkey_model::KeyKind;

    #[test]
    fn r53_a_secret_in_a_url_is_taken_out_however_it_is_written() {
        let key = PlainApiKey::generate(&SystemRandom, KeyKind::Personal);
        let path = format!("/posts/{}/a%20b", key.expose().replace('_', "%5F"));
        assert_eq!(redacted(&path), format!("/posts/{}/a b", key.hint()));
        assert_eq!(redacted("/posts/eyJhbGciOiJFUzI1NiJ9%2EeyJzdWIiOiJ4In0%2Ec2ln"), "/posts/eyJ…");
        assert_eq!(redacted("/posts/a%20b"), "/posts/a%20b", "nothing else is");
    }

    #[test]
    fn r62_what_is_logged_stays_on_its_line() {
        assert_eq!(one_line("a\r\nb\u{1b}[31m\u{202e}c\u{2028}", 256), "ab[31mc");
        assert_eq!(one_line("ééé", 2), "éé");
    }

    #[test]
    fn r53_a_secret_that_is_broken_into_lines_is_not_put_together_again() {
        let key = PlainApiKey::generate(&SystemRandom, KeyKind::Personal);
        let (one, other) = key.expose().split_at(30);
        for between in ["\t", "\r\n", "\u{2028}"] {
            assert_eq!(one_line(&format!("Reader {one}{between}{other}"), 256), format!("Reader {}", key.hint()));
        }
    }

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
