//! What was planted, in every form in which it would be found, and what was seen since.

use crate::support::Answer;
use base64::{
    Engine,
    alphabet::URL_SAFE,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use http::header;

/// Bytes as a text with one character for each, in which a text is looked for quickly.
pub(super) fn text_of(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| char::from(*byte)).collect()
}

/// What is said of a secret that is found in one.
pub(super) const DATABASE: &str = "the database";

/// A secret, and where alone it is shown.
struct Secret {
    what: String,
    forms: Vec<String>,
    shown: Option<&'static str>,
    /// Whether the database has it as it is.
    kept: bool,
}

/// Every secret, and everything that was seen.
#[derive(Default)]
pub(super) struct Planted {
    secrets: Vec<Secret>,
    credentials: Vec<(String, String)>,
    seen: Vec<(String, String)>,
}

impl Planted {
    /// Plants a secret that is shown nowhere any more.
    pub(super) fn plant(&mut self, what: &str, secret: &str) {
        self.plant_shown(what, secret, None);
    }

    /// Plants one that is shown by what begins so.
    pub(super) fn plant_shown(&mut self, what: &str, secret: &str, shown: Option<&'static str>) {
        assert!(secret.len() >= 8, "{what} would be found by chance: {secret}");
        self.secrets.push(Secret { what: what.to_owned(), forms: forms(secret), shown, kept: false });
    }

    /// Plants one that the database needs as it is, and that is shown by what begins so.
    pub(super) fn plant_kept(&mut self, what: &str, secret: &str, shown: &'static str) {
        let secret = Secret { what: what.to_owned(), forms: forms(secret), shown: Some(shown), kept: true };
        self.secrets.push(secret);
    }

    /// Plants bytes that are never written as text.
    pub(super) fn plant_bytes(&mut self, what: &str, bytes: &[u8]) {
        self.secrets.push(Secret { what: what.to_owned(), forms: vec![text_of(bytes)], shown: None, kept: false });
    }

    /// Plants one that programs send to get in.
    pub(super) fn plant_credential(&mut self, what: &str, credential: &str) {
        self.plant(what, credential);
        self.credentials.push((what.to_owned(), credential.to_owned()));
    }

    /// What programs send, right and wrong.
    pub(super) fn credentials(&self) -> &[(String, String)] {
        &self.credentials
    }

    /// Notes an answer, but for the cookies that a browser must get.
    pub(super) fn saw(&mut self, what: &str, answer: &Answer) {
        let mut headers = answer.headers.clone();
        headers.remove(header::SET_COOKIE);
        self.seen.push((what.to_owned(), format!("{headers:?}\n{}", text_of(&answer.body))));
    }

    /// Notes a text.
    pub(super) fn saw_text(&mut self, what: &str, text: &str) {
        self.seen.push((what.to_owned(), text_of(text.as_bytes())));
    }

    /// None of them is there.
    pub(super) fn are_not_in(&self, place: &str, text: &str) {
        for secret in self.secrets.iter().filter(|secret| !secret.kept || place != DATABASE) {
            for form in &secret.forms {
                let found = text.find(form.as_str()).map(|at| around(text, at));
                assert_eq!(found, None, "{} is in {place}", secret.what);
            }
        }
    }

    /// None of them was seen but where it is shown.
    pub(super) fn were_not_seen(&self) {
        assert!(self.seen.len() > 500, "{} answers are few", self.seen.len());
        for secret in &self.secrets {
            for (what, text) in &self.seen {
                if secret.shown.is_some_and(|shown| what.starts_with(shown)) {
                    continue;
                }
                for form in &secret.forms {
                    let found = text.find(form.as_str()).map(|at| around(text, at));
                    assert_eq!(found, None, "{} is in {what}", secret.what);
                }
            }
        }
    }
}

/// What stands before a place: enough to know what wrote it.
fn around(text: &str, at: usize) -> String {
    let before: String = text[..at].chars().rev().take(120).collect();
    before.chars().rev().filter(|character| !character.is_control()).collect()
}

/// The part that is secret, as it is, as in a query, and as the bytes that it stands for.
fn forms(secret: &str) -> Vec<String> {
    let parts: Vec<_> = secret.split('.').collect();
    let part = if secret.starts_with("lk_") {
        // What follows the id, without the checksum.
        let (_, rest) = secret.rsplit_once('_').unwrap();
        &rest[..32]
    } else if parts.len() == 3 && secret.starts_with("eyJ") {
        // Who has a token without its signature has nothing.
        parts[2]
    } else {
        secret
    };
    let mut forms = vec![text_of(part.as_bytes())];
    let in_query: String = url::form_urlencoded::byte_serialize(part.as_bytes()).collect();
    if in_query != part {
        forms.push(in_query);
    }
    let lenient = GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true);
    if let Ok(bytes) = GeneralPurpose::new(&URL_SAFE, lenient).decode(part)
        && bytes.len() >= 12
    {
        forms.push(text_of(&bytes));
    }
    let pairs: Option<Vec<u8>> = (part.len() % 2 == 0 && part.len() >= 32)
        .then(|| (0..part.len()).step_by(2).map(|at| u8::from_str_radix(part.get(at..at + 2)?, 16).ok()).collect())
        .flatten();
    forms.extend(pairs.map(|bytes| text_of(&bytes)));
    forms
}

#[test]
fn a_secret_is_found_in_every_form() {
    let mut planted = Planted::default();
    planted.plant("a password", "a canary sings");
    planted.plant("an id", "AAECAwQFBgcICQoLDA0ODw");
    for holding in [
        "x a canary sings",
        "x=a+canary+sings&",
        "\0\u{1}\u{2}\u{3}\u{4}\u{5}\u{6}\u{7}\u{8}\t\n\u{b}\u{c}\r\u{e}\u{f}",
    ] {
        let looked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| planted.are_not_in("here", holding)));
        assert!(looked.is_err(), "{holding:?}");
    }
    planted.are_not_in("here", "nothing of theirs");
}
