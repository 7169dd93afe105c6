//! Apps that register themselves, and manage that (RFC 7591, RFC 7592, OpenID Connect Dynamic Client Registration).

mod document;
mod metadata;
mod service;

pub use document::MetadataDocuments;
pub use metadata::ClientMetadata;
pub use service::{Registered, RegistrationError, RegistrationInView, Registrations};

use super::ParseWordError;
use std::{fmt, str::FromStr};

/// Who may register apps in an environment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RegistrationPolicy {
    /// Nobody: people fill in the form.
    #[default]
    Closed,
    /// Whoever has the environment's registration token.
    Token,
    /// Anybody. One environment of the whole portal can be so, and an admin decides which.
    Open,
}

impl RegistrationPolicy {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Closed, Self::Token, Self::Open];

    /// The stored word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Token => "token",
            Self::Open => "open",
        }
    }
}

impl FromStr for RegistrationPolicy {
    type Err = ParseWordError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|one| one.as_str() == text).ok_or(ParseWordError)
    }
}

impl fmt::Display for RegistrationPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
