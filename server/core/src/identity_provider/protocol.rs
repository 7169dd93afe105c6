//! How a provider is spoken to.

use serde::{Deserialize, Serialize};
use url::Url;

/// The language of a provider, and where it is spoken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Protocol {
    /// OpenID Connect: everything else is found from the issuer (OpenID Connect Discovery).
    Openid {
        /// The issuer, to the letter.
        issuer: String,
    },
    /// GitHub, or a GitHub Enterprise server.
    Github {
        /// Where it is.
        url: Url,
    },
    /// Any other OAuth 2 server that says whose a token is.
    Oauth2(OauthEndpoints),
}

/// Where an OAuth 2 server is asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OauthEndpoints {
    /// Where people are sent.
    pub authorization: Url,
    /// Where a code is redeemed.
    pub token: Url,
    /// What says whose a token is.
    pub userinfo: Url,
    /// The member of its answer that names the person for good: never an address, which may pass to somebody else.
    pub subject: String,
}

/// The kinds, as words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProtocolKind {
    /// OpenID Connect.
    Openid,
    /// GitHub.
    Github,
    /// OAuth 2.
    Oauth2,
}

impl ProtocolKind {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Openid, Self::Github, Self::Oauth2];

    /// The word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Openid => "openid",
            Self::Github => "github",
            Self::Oauth2 => "oauth2",
        }
    }
}

impl Protocol {
    /// Its kind.
    pub const fn kind(&self) -> ProtocolKind {
        match self {
            Self::Openid { .. } => ProtocolKind::Openid,
            Self::Github { .. } => ProtocolKind::Github,
            Self::Oauth2(_) => ProtocolKind::Oauth2,
        }
    }
}

/// Where a client puts its name and secret (RFC 6749 section 2.3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClientPlace {
    /// In `Authorization: Basic`.
    Header,
    /// In the body.
    Body,
}
