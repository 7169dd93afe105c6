//! Why somebody did something, in their own words.

use crate::leak::{breaks_a_line, redacted};
use std::{fmt, str::FromStr};

/// 3 to 300 characters on one line, trimmed, without our own secrets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason(String);

/// Why a text is no reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ParseReasonError {
    /// Too short to say anything.
    #[error("Say why, in a few words: it is kept in the audit log")]
    TooShort,
    /// More than [`Reason::MAX_LENGTH`] characters.
    #[error("Use at most {} characters", Reason::MAX_LENGTH)]
    TooLong,
    /// It has characters that would break its line.
    #[error("Write it on one line")]
    NotOneLine,
}

impl Reason {
    const MIN_LENGTH: usize = 3;
    const MAX_LENGTH: usize = 300;

    /// The words.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Reason {
    type Err = ParseReasonError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        // What is left without secrets must still say something.
        let text = redacted(text.trim());
        match text.chars().count() {
            short if short < Self::MIN_LENGTH => Err(ParseReasonError::TooShort),
            long if long > Self::MAX_LENGTH => Err(ParseReasonError::TooLong),
            _ if text.chars().any(breaks_a_line) => Err(ParseReasonError::NotOneLine),
            _ => Ok(Self(text.into_owned())),
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{api_key::PlainApiKey, random::SystemRandom};
    use latchkey_model::KeyKind;

    #[test]
    fn a_reason_says_something_on_one_line() {
        assert_eq!(" a scan ".parse::<Reason>().unwrap().as_str(), "a scan");
        assert_eq!("-".parse::<Reason>(), Err(ParseReasonError::TooShort));
        assert_eq!("a\nb c".parse::<Reason>(), Err(ParseReasonError::NotOneLine));
        assert_eq!("x".repeat(301).parse::<Reason>(), Err(ParseReasonError::TooLong));
        let key = PlainApiKey::generate(&SystemRandom, KeyKind::Personal);
        let holding = format!("found {} in a chat", key.expose());
        let reason = holding.parse::<Reason>().unwrap();
        assert_eq!(reason.as_str(), format!("found {} in a chat", key.hint()), "r53");
        let private = "-----BEGIN PRIVATE KEY----- MC4C".parse::<Reason>();
        assert_eq!(private, Err(ParseReasonError::TooShort), "nothing is left of it");
    }
}
