//! E-mail addresses.

use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// An address as a person typed it, trimmed, with its domain in lower case.
///
/// Two addresses are the same account when their [`EmailAddress::canonical`] forms are equal.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct EmailAddress(String);

/// The text does not look like an address that mail could reach.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("Enter an e-mail address such as ada@example.org")]
pub struct ParseEmailError;

impl EmailAddress {
    /// RFC 5321 section 4.5.3.1.3: a path is at most 256 octets, its two brackets included.
    const MAX_LENGTH: usize = 254;

    /// The address as it is shown.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The form that accounts are counted by: all in lower case, so that `Ada@` and `ada@` cannot be two people.
    pub fn canonical(&self) -> String {
        self.0.to_lowercase()
    }
}

impl FromStr for EmailAddress {
    type Err = ParseEmailError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        let (local, domain) = text.rsplit_once('@').ok_or(ParseEmailError)?;
        let domain = domain.to_ascii_lowercase();
        let local_is_fine = !local.is_empty()
            && local.len() <= 64
            && !local.starts_with('.')
            && !local.ends_with('.')
            && !local.contains("..")
            && local.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~.".contains(&byte));
        let label_is_fine = |label: &str| {
            !label.is_empty()
                && label.len() <= 63
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        };
        let domain_is_fine = domain.contains('.') && domain.split('.').all(label_is_fine);
        if text.len() > Self::MAX_LENGTH || !local_is_fine || !domain_is_fine {
            return Err(ParseEmailError);
        }
        Ok(Self(format!("{local}@{domain}")))
    }
}

impl TryFrom<String> for EmailAddress {
    type Error = ParseEmailError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<EmailAddress> for String {
    fn from(email: EmailAddress) -> Self {
        email.0
    }
}

impl fmt::Display for EmailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_what_people_type() {
        let email: EmailAddress = "  Ada.Lovelace+keys@Example.ORG ".parse().unwrap();
        assert_eq!(email.as_str(), "Ada.Lovelace+keys@example.org");
        assert_eq!(email.canonical(), "ada.lovelace+keys@example.org");
    }

    #[test]
    fn refuses_what_mail_cannot_reach() {
        for bad in [
            "",
            "ada",
            "@example.org",
            "ada@",
            "ada@localhost",
            "ada@exa mple.org",
            "a da@example.org",
            "ada@example..org",
            ".ada@example.org",
            "ada@-example.org",
            "ada@example.org\r\nBcc: eve@example.org",
            "ada@example.org,eve@example.org",
            "<ada@example.org>",
        ] {
            assert_eq!(bad.parse::<EmailAddress>(), Err(ParseEmailError), "{bad:?}");
        }
    }
}
