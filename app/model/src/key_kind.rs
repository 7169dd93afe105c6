//! What a key identifies, as its prefix says.

use crate::Environment;

/// Whom a key stands for: the part after `lk_` says it to everybody who sees one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum KeyKind {
    /// An application in one environment: an API key.
    Api(Environment),
    /// A person: a personal access token.
    Personal,
    /// An OAuth client or a service account, to the token endpoint alone: a client secret.
    ClientSecret,
    /// An OAuth client that goes on with what a person allowed, to the token endpoint alone: a refresh token.
    RefreshToken,
    /// An OAuth client, to the API: an access token that means nothing but to this server.
    AccessToken,
    /// An app that registers itself, or manages that: a registration token.
    Registration,
}

impl KeyKind {
    /// All kinds.
    pub const ALL: [Self; 8] = [
        Self::Api(Environment::Development),
        Self::Api(Environment::Staging),
        Self::Api(Environment::Production),
        Self::Personal,
        Self::ClientSecret,
        Self::RefreshToken,
        Self::AccessToken,
        Self::Registration,
    ];

    /// The part of a key that names its kind: `lk_dev_…`, `lk_stg_…`, `lk_live_…`, `lk_pat_…`, `lk_sec_…`,
    /// `lk_ref_…`, `lk_tok_…`, `lk_reg_…`.
    pub const fn prefix(self) -> &'static str {
        match self {
            Self::Api(Environment::Development) => "dev",
            Self::Api(Environment::Staging) => "stg",
            Self::Api(Environment::Production) => "live",
            Self::Personal => "pat",
            Self::ClientSecret => "sec",
            Self::RefreshToken => "ref",
            Self::AccessToken => "tok",
            Self::Registration => "reg",
        }
    }

    /// The kind that a prefix names.
    pub fn from_prefix(prefix: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.prefix() == prefix)
    }

    /// The environment of an API key; a personal access token has none.
    pub const fn environment(self) -> Option<Environment> {
        match self {
            Self::Api(environment) => Some(environment),
            Self::Personal | Self::ClientSecret | Self::RefreshToken | Self::AccessToken | Self::Registration => None,
        }
    }

    /// What to call it in a sentence.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Api(Environment::Development) => "development key",
            Self::Api(Environment::Staging) => "staging key",
            Self::Api(Environment::Production) => "production key",
            Self::Personal => "personal access token",
            Self::ClientSecret => "client secret",
            Self::RefreshToken => "refresh token",
            Self::AccessToken => "access token",
            Self::Registration => "registration token",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_lead_back_and_differ() {
        for kind in KeyKind::ALL {
            assert_eq!(KeyKind::from_prefix(kind.prefix()), Some(kind));
        }
        assert_eq!(KeyKind::from_prefix("DEV"), None);
    }
}
