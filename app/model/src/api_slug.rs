//! The short name of an API, for addresses and logs.

use serde::{Deserialize, Serialize};
use std::{borrow::Borrow, fmt, str::FromStr};

/// 1 to 32 lower-case letters, digits and hyphens, the first of them a letter.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ApiSlug(String);

/// The text is no short name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("Use 1 to {} lower-case letters, digits and hyphens, and begin with a letter", ApiSlug::MAX_LENGTH)]
pub struct ParseApiSlugError;

impl ApiSlug {
    /// In characters.
    pub const MAX_LENGTH: usize = 32;

    /// The name as it is written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ApiSlug {
    type Err = ParseApiSlugError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let legal = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        let begins = text.as_bytes().first().is_some_and(u8::is_ascii_lowercase);
        if begins && text.len() <= Self::MAX_LENGTH && text.bytes().all(legal) {
            Ok(Self(text.to_owned()))
        } else {
            Err(ParseApiSlugError)
        }
    }
}

/// They compare and hash like their text: whoever looks one up need not make it first.
impl Borrow<str> for ApiSlug {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for ApiSlug {
    type Error = ParseApiSlugError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<ApiSlug> for String {
    fn from(slug: ApiSlug) -> Self {
        slug.0
    }
}

impl fmt::Display for ApiSlug {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_name_needs_no_escape_anywhere() {
        for good in ["a", "orders", "orders-v2", &"a".repeat(32)] {
            assert_eq!(good.parse::<ApiSlug>().unwrap().as_str(), good);
        }
        for bad in ["", "Orders", "2nd", "-a", "a b", "a/b", "ä", &"a".repeat(33)] {
            assert_eq!(bad.parse::<ApiSlug>(), Err(ParseApiSlugError), "{bad:?}");
        }
    }
}
