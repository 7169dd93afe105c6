//! Names that people give to things: themselves, teams, applications, keys.

use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// 1 to 60 characters on one line, trimmed, with nothing invisible in them.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Name(String);

/// Why a text is no name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ParseNameError {
    /// Nothing but white space.
    #[error("Enter a name")]
    Empty,
    /// More than [`Name::MAX_LENGTH`] characters.
    #[error("Use at most {} characters", Name::MAX_LENGTH)]
    TooLong,
    /// A control character, or one that turns the direction of text.
    #[error("Use letters, digits, spaces and punctuation only")]
    Invisible,
}

impl Name {
    /// In characters, not bytes.
    pub const MAX_LENGTH: usize = 60;

    /// The name as it is shown.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Characters that would let one name pass for another, or break a line of the log.
fn is_invisible(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}')
}

impl FromStr for Name {
    type Err = ParseNameError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        if text.is_empty() {
            return Err(ParseNameError::Empty);
        }
        if text.chars().any(is_invisible) {
            return Err(ParseNameError::Invisible);
        }
        if text.chars().count() > Self::MAX_LENGTH {
            return Err(ParseNameError::TooLong);
        }
        Ok(Self(text.to_owned()))
    }
}

impl TryFrom<String> for Name {
    type Error = ParseNameError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Name> for String {
    fn from(name: Name) -> Self {
        name.0
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trims_and_keeps_every_script() {
        assert_eq!("  Bücherregal 本 ".parse::<Name>().unwrap().as_str(), "Bücherregal 本");
    }

    #[test]
    fn says_what_is_wrong() {
        assert_eq!(" ".parse::<Name>(), Err(ParseNameError::Empty));
        assert_eq!("é".repeat(60).parse::<Name>().map(|_| ()), Ok(()));
        assert_eq!("é".repeat(61).parse::<Name>(), Err(ParseNameError::TooLong));
        for r62 in ["a\nb", "a\u{1b}[31m", "a\u{2028}b", "a\u{202e}b", "a\u{0}"] {
            assert_eq!(r62.parse::<Name>(), Err(ParseNameError::Invisible), "{r62:?}");
        }
    }
}
