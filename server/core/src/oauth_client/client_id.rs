//! The public name of an OAuth client (RFC 6749 section 2.2).

use crate::random::{Random, base62};
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// `lkc_` and 20 base-62 digits. No account's id looks like it, so no client can pass for a person where a token's `sub` is read
/// (RFC 9700 section 4.15).
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ClientId(String);

/// The text is no client id of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a client id is lkc_ and 20 digits of base 62")]
pub struct ParseClientIdError;

impl ClientId {
    const MARK: &'static str = "lkc_";
    const DIGITS: usize = 20;

    /// A new one.
    pub fn generate(random: &dyn Random) -> Self {
        Self(format!("{}{}", Self::MARK, base62(random, Self::DIGITS)))
    }

    /// The id as it is written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ClientId {
    type Err = ParseClientIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.strip_prefix(Self::MARK) {
            Some(digits) if digits.len() == Self::DIGITS && digits.bytes().all(|byte| byte.is_ascii_alphanumeric()) => {
                Ok(Self(text.to_owned()))
            }
            _ => Err(ParseClientIdError),
        }
    }
}

impl TryFrom<String> for ClientId {
    type Error = ParseClientIdError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<ClientId> for String {
    fn from(id: ClientId) -> Self {
        id.0
    }
}

impl fmt::Display for ClientId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::SystemRandom;

    #[test]
    fn rfc9700_4_15_1_a_client_id_is_no_accounts_id() {
        let id = ClientId::generate(&SystemRandom);
        assert_eq!(id.as_str().parse(), Ok(id.clone()));
        assert!(id.as_str().parse::<latchkey_model::AccountId>().is_err());
        for bad in [
            "",
            "lkc_",
            "lkc_short",
            &format!("{id}x"),
            &id.as_str().replace("lkc_", "lkd_"),
            "lkc_0123456789012345678é",
        ] {
            assert_eq!(bad.parse::<ClientId>(), Err(ParseClientIdError), "{bad}");
        }
    }
}
