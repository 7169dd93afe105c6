//! The public name of an OAuth client (RFC 6749 section 2.2).

use super::is_askable;
use crate::random::{Random, base62};
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};
use url::Url;

/// `lkc_` and 20 base-62 digits, or the address of a document that the client publishes about itself. No account's id looks like either,
/// so no client can pass for a person where a token's `sub` is read (RFC 9700 section 4.15).
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ClientId(String);

/// The text is no client id of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a client id is lkc_ and 20 digits of base 62, or the address of a document")]
pub struct ParseClientIdError;

impl ClientId {
    const MARK: &'static str = "lkc_";
    const DIGITS: usize = 20;

    /// A new one.
    pub fn generate(random: &dyn Random) -> Self {
        Self(format!("{}{}", Self::MARK, base62(random, Self::DIGITS)))
    }

    /// The address of the client's document, where it is known by one.
    pub fn address(&self) -> Option<Url> {
        if self.0.starts_with(Self::MARK) { None } else { self.0.parse().ok() }
    }

    /// Whether a text is an address of a document (draft-ietf-oauth-client-id-metadata-document section 3): with a path, and written in the
    /// one way in which it reads alike everywhere.
    fn is_address(text: &str) -> bool {
        const LONGEST: usize = 255;
        text.len() <= LONGEST
            && text.parse::<Url>().is_ok_and(|url| {
                is_askable(&url) && url.as_str() == text && url.path().len() > 1 && url.query().is_none()
            })
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
            None if Self::is_address(text) => Ok(Self(text.to_owned())),
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
        assert_eq!(id.address(), None);
        let address = "https://agent.example/oauth/client.json";
        assert_eq!(address.parse::<ClientId>().unwrap().address().map(String::from).as_deref(), Some(address));
        for bad in [
            "https://agent.example",
            "https://agent.example/",
            "http://agent.example/client.json",
            "https://agent.example/client.json?x=1",
            "https://agent.example/client.json#x",
            "https://ada@agent.example/client.json",
            "https://AGENT.example/client.json",
            "https://agent.example/a/../client.json",
            "javascript:alert(1)//x",
            &format!("https://agent.example/{}", "x".repeat(255)),
        ] {
            assert_eq!(bad.parse::<ClientId>(), Err(ParseClientIdError), "{bad}");
        }
    }
}
