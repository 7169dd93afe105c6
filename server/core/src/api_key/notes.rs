//! What people want to remember about a key.

use std::{fmt, str::FromStr};

/// A text of several lines; never a secret, and never shown to callers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Notes(String);

/// Why a text is no note.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ParseNotesError {
    /// More than [`Notes::MAX_LENGTH`] characters.
    #[error("Use at most {} characters", Notes::MAX_LENGTH)]
    TooLong,
    /// A control character other than the end of a line.
    #[error("Use letters, digits, spaces and punctuation only")]
    Invisible,
    /// One of our own secrets.
    #[error("This holds a key. Notes are read by everybody in the team: remove it")]
    Secret,
}

impl Notes {
    /// In characters, not bytes.
    pub const MAX_LENGTH: usize = 2_000;

    /// The notes as they are shown.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Notes {
    type Err = ParseNotesError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.replace("\r\n", "\n").trim().to_owned();
        if text.chars().count() > Self::MAX_LENGTH {
            return Err(ParseNotesError::TooLong);
        }
        if text.chars().any(|character| character.is_control() && character != '\n' && character != '\t') {
            return Err(ParseNotesError::Invisible);
        }
        if crate::leak::finder::find(text.as_bytes()).next().is_some() {
            return Err(ParseNotesError::Secret);
        }
        Ok(Self(text))
    }
}

impl fmt::Display for Notes {
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
    fn notes_keep_their_lines() {
        assert_eq!(" one\r\ntwo ".parse::<Notes>().unwrap().as_str(), "one\ntwo");
        assert_eq!("".parse::<Notes>().unwrap(), Notes::default());
    }

    #[test]
    fn what_is_no_note_is_refused() {
        assert_eq!("é".repeat(2_001).parse::<Notes>(), Err(ParseNotesError::TooLong));
        assert_eq!("a\u{1b}[31m".parse::<Notes>(), Err(ParseNotesError::Invisible));
        let key = PlainApiKey::generate(&SystemRandom, KeyKind::Personal);
        assert_eq!(format!("use {}!", key.expose()).parse::<Notes>(), Err(ParseNotesError::Secret));
    }
}
