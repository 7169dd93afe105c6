//! How a credential is sought: by what may be written anywhere, never by a secret.

use crate::{
    api_key::format::{ID_LENGTH, MARK},
    leak::finder,
};
use latchkey_model::Name;
use std::fmt;

/// A part of a name, a client id, or what a public id begins with.
///
/// Whoever has found a key is likely to paste the whole of it. What is taken of it is its public id: the rest of it gets into no
/// address, no log and no question to the store.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CredentialSearch(String);

impl CredentialSearch {
    /// The longest run of letters and digits in what may be written anywhere: that of a client id.
    const LONGEST_RUN: usize = 20;

    /// What a person typed. What is longer than any name or id, or has a longer run of letters and digits, is a secret of some kind, or
    /// a part of one: nothing is taken of that.
    pub fn read(typed: &str) -> Self {
        let typed = typed.trim();
        // A key that is glued to other text is a key all the same.
        if let Some(found) = finder::find(typed.as_bytes()).next() {
            return Self(found.key.public_id().as_str().to_owned());
        }
        let begins_a_word = |at: &usize| {
            let before = typed[..*at].chars().next_back();
            // A signed token may have these three characters anywhere.
            before.is_none_or(|before| !before.is_ascii_alphanumeric() && !matches!(before, '-' | '_' | '.'))
        };
        if let Some(begin) = typed.match_indices(MARK).map(|(at, _)| at).find(begins_a_word) {
            // `lk_dev_7Gq2…x4Tb`, the hint of a key, is read as far as it says where the key begins.
            let after_kind = typed[begin + MARK.len()..].split_once('_').map_or("", |(_, rest)| rest);
            return Self(after_kind.chars().take_while(char::is_ascii_alphanumeric).take(ID_LENGTH).collect());
        }
        let runs = typed.split(|character: char| !character.is_ascii_alphanumeric());
        let is_too_long = typed.chars().count() > Name::MAX_LENGTH && !is_client_id(typed);
        if is_too_long || runs.map(str::len).any(|length| length > Self::LONGEST_RUN) {
            return Self::default();
        }
        Self(typed.to_owned())
    }

    /// Whether nothing is sought.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What is sought.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Whether it is the address of a client's document, which may be long.
fn is_client_id(text: &str) -> bool {
    text.parse::<crate::oauth_client::ClientId>().is_ok()
}

impl fmt::Display for CredentialSearch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{api_key::format::PlainApiKey, random::SystemRandom};
    use latchkey_model::{Environment, KeyKind};

    #[test]
    fn of_a_whole_key_only_its_public_id_goes_on() {
        for kind in [KeyKind::Api(Environment::Production), KeyKind::Personal, KeyKind::ClientSecret] {
            let key = PlainApiKey::generate(&SystemRandom, kind);
            let id = key.public_id();
            for typed in [key.expose().to_owned(), format!(" Bearer {}\n", key.expose()), format!("{}x", key.expose())]
            {
                assert_eq!(CredentialSearch::read(&typed).as_str(), id.as_str());
            }
            assert_eq!(CredentialSearch::read(&key.hint()).as_str(), &id.as_str()[..4]);
        }
    }

    #[test]
    fn r53_neither_a_key_that_is_glued_to_other_text_nor_a_part_of_one_goes_on() {
        for kind in [KeyKind::Api(Environment::Development), KeyKind::Personal, KeyKind::ClientSecret] {
            let key = PlainApiKey::generate(&SystemRandom, kind);
            let (text, id) = (key.expose(), key.public_id());
            for glued in ["\\n", "x_", "%22", "Bearer%20", "a", "https://client.example/x_"] {
                assert_eq!(CredentialSearch::read(&format!("{glued}{text}")).as_str(), id.as_str(), "{glued}");
            }
            let secret = &text[text.len() - 38..];
            for part in [&text[8..], secret, &secret[..32], &format!("https://client.example/{secret}")] {
                assert!(CredentialSearch::read(part).is_empty(), "{part}");
            }
        }
    }

    #[test]
    fn what_is_longer_than_a_name_is_not_sought() {
        assert!(CredentialSearch::read(&"eyJhbGciOiJFUzI1NiJ9.".repeat(8)).is_empty());
        assert!(CredentialSearch::read("lk_dev_").is_empty());
        assert!(CredentialSearch::read(&"eyJhbGlk_dev_7Gq2abcd".repeat(4)).is_empty());
        for typed in ["nightly import", "7Gq2abcdEFGH", "lkc_0123456789abcdefghij"] {
            assert_eq!(CredentialSearch::read(typed).as_str(), typed);
        }
    }
}
