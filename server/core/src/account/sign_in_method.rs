//! How somebody proved to be who they are.

use std::{fmt, str::FromStr};

/// What a person is known by.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum FirstFactor {
    /// Their password.
    #[default]
    Password,
    /// A passkey, which has asked them for a gesture of their own.
    Passkey,
    /// Another provider, which does not tell us how they proved it there.
    Provider,
}

/// What they brought beside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SecondFactor {
    /// A code of their app.
    Totp,
    /// One of the codes that they keep for when the app is gone.
    RecoveryCode,
    /// A passkey.
    Passkey,
}

/// How a person signed in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SignInMethod {
    /// What they are known by.
    pub first: FirstFactor,
    /// What they brought beside it, if anything.
    pub second: Option<SecondFactor>,
}

/// The stored word is no method.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a way to sign in")]
pub struct ParseSignInMethodError;

impl SignInMethod {
    /// With a password alone.
    pub const PASSWORD: Self = Self { first: FirstFactor::Password, second: None };
    /// With a passkey alone, which is two factors: the thing, and what it asks its person for.
    pub const PASSKEY: Self = Self { first: FirstFactor::Passkey, second: None };
    /// With another provider alone.
    pub const PROVIDER: Self = Self { first: FirstFactor::Provider, second: None };

    const ALL: [Self; 9] = [
        Self::PASSWORD,
        Self::PASSWORD.and(SecondFactor::Totp),
        Self::PASSWORD.and(SecondFactor::RecoveryCode),
        Self::PASSWORD.and(SecondFactor::Passkey),
        Self::PASSKEY,
        Self::PROVIDER,
        Self::PROVIDER.and(SecondFactor::Totp),
        Self::PROVIDER.and(SecondFactor::RecoveryCode),
        Self::PROVIDER.and(SecondFactor::Passkey),
    ];

    /// The same, with something beside it.
    #[must_use]
    pub const fn and(self, second: SecondFactor) -> Self {
        Self { first: self.first, second: Some(second) }
    }

    /// The word.
    pub const fn as_str(self) -> &'static str {
        match (self.first, self.second) {
            (FirstFactor::Password, None) => "password",
            (FirstFactor::Password, Some(SecondFactor::Totp)) => "password+totp",
            (FirstFactor::Password, Some(SecondFactor::RecoveryCode)) => "password+recovery_code",
            (FirstFactor::Password, Some(SecondFactor::Passkey)) => "password+passkey",
            (FirstFactor::Passkey, _) => "passkey",
            (FirstFactor::Provider, None) => "provider",
            (FirstFactor::Provider, Some(SecondFactor::Totp)) => "provider+totp",
            (FirstFactor::Provider, Some(SecondFactor::RecoveryCode)) => "provider+recovery_code",
            (FirstFactor::Provider, Some(SecondFactor::Passkey)) => "provider+passkey",
        }
    }

    /// Whether two factors were shown.
    pub const fn is_whole(self) -> bool {
        self.second.is_some() || matches!(self.first, FirstFactor::Passkey)
    }

    /// Whether we saw the first proof ourselves. Another provider may not have asked its person for anything.
    pub const fn is_ours(self) -> bool {
        match self.first {
            FirstFactor::Password | FirstFactor::Passkey => true,
            FirstFactor::Provider => false,
        }
    }

    /// The words for it in ID tokens (RFC 8176 section 2); none where we were not told.
    pub const fn amr(self) -> &'static [&'static str] {
        match (self.first, self.second) {
            (FirstFactor::Password, None) => &["pwd"],
            (FirstFactor::Password, Some(SecondFactor::Totp | SecondFactor::RecoveryCode)) => &["pwd", "otp", "mfa"],
            (FirstFactor::Password, Some(SecondFactor::Passkey)) => &["pwd", "pop", "mfa"],
            (FirstFactor::Passkey, _) => &["pop", "user", "mfa"],
            (FirstFactor::Provider, None) => &[],
            (FirstFactor::Provider, Some(SecondFactor::Totp | SecondFactor::RecoveryCode)) => &["otp"],
            (FirstFactor::Provider, Some(SecondFactor::Passkey)) => &["pop", "user"],
        }
    }
}

impl FromStr for SignInMethod {
    type Err = ParseSignInMethodError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|one| one.as_str() == text).ok_or(ParseSignInMethodError)
    }
}

impl fmt::Display for SignInMethod {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_survives_its_word() {
        for method in SignInMethod::ALL {
            assert_eq!(method.as_str().parse(), Ok(method));
        }
        assert_eq!("passkey+totp".parse::<SignInMethod>(), Err(ParseSignInMethodError));
    }

    #[test]
    fn rfc8176_more_than_one_factor_is_said_where_we_saw_it() {
        for method in SignInMethod::ALL {
            let several = method.is_ours() && (method.second.is_some() || method.first == FirstFactor::Passkey);
            assert_eq!(method.amr().contains(&"mfa"), several, "{method}");
        }
    }
}
