//! How somebody proved to be who they are.

use std::{fmt, str::FromStr};

/// How a person signed in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum SignInMethod {
    /// With their password.
    #[default]
    Password,
    /// With another provider, which does not tell us how they proved it there.
    Provider,
}

/// The stored word is no method.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a way to sign in")]
pub struct ParseSignInMethodError;

impl SignInMethod {
    /// The word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Password => "password",
            Self::Provider => "provider",
        }
    }

    /// Whether we saw the proof ourselves. Another provider may not have asked its person for anything.
    pub const fn is_ours(self) -> bool {
        match self {
            Self::Password => true,
            Self::Provider => false,
        }
    }

    /// The words for it in ID tokens (RFC 8176 section 2); none where we were not told.
    pub const fn amr(self) -> &'static [&'static str] {
        match self {
            Self::Password => &["pwd"],
            Self::Provider => &[],
        }
    }
}

impl FromStr for SignInMethod {
    type Err = ParseSignInMethodError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        [Self::Password, Self::Provider].into_iter().find(|one| one.as_str() == text).ok_or(ParseSignInMethodError)
    }
}

impl fmt::Display for SignInMethod {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
