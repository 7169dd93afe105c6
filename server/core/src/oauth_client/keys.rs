//! The public keys of a client: by value, or at an address of its own (RFC 7591 section 2), or as certificates.

use crate::{
    certificate::{ParsePinnedError, PinnedCertificates},
    jose::{JwkSet, ParseJwkSetError},
};
use std::{fmt, str::FromStr};
use url::{Host, Url};

/// Where a client's public keys are.
#[derive(Debug, Clone, PartialEq)]
pub enum ClientKeys {
    /// Here.
    Inline(JwkSet),
    /// At an address, from which they are fetched when they are needed.
    At(Url),
    /// As certificates, which are known one by one.
    Certificates(PinnedCertificates),
}

/// Two keys are the same when they are written alike.
impl Eq for ClientKeys {}

/// Why what somebody wrote cannot be a client's keys.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseClientKeysError {
    /// It is no address that can be asked.
    #[error("Write an https:// address, the JWK Set itself, or certificates as PEM")]
    Address,
    /// It is no set of public keys.
    #[error(transparent)]
    Keys(#[from] ParseJwkSetError),
    /// It is no list of certificates.
    #[error(transparent)]
    Certificates(#[from] ParsePinnedError),
}

impl FromStr for ClientKeys {
    type Err = ParseClientKeysError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        if text.starts_with('{') {
            return Ok(Self::Inline(text.parse()?));
        }
        if text.starts_with(PinnedCertificates::BEGIN) {
            return Ok(Self::Certificates(text.parse()?));
        }
        match text.parse::<Url>() {
            Ok(url) if is_askable(&url) => Ok(Self::At(url)),
            _ => Err(ParseClientKeysError::Address),
        }
    }
}

/// Whether an address can be asked at all: by TLS, or on this machine, for whoever builds an app. Whether its host may be asked is decided
/// when it is (security: R-58).
pub(crate) fn is_askable(url: &Url) -> bool {
    let on_this_machine = match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(_)) | None => false,
    };
    (url.scheme() == "https" || (url.scheme() == "http" && on_this_machine))
        && url.host_str().is_some_and(|host| !host.is_empty())
        && url.username().is_empty()
        && url.password().is_none()
        && url.fragment().is_none()
        && url.as_str().len() <= 512
}

impl fmt::Display for ClientKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Inline(keys) => keys.fmt(f),
            Self::At(url) => url.fmt(f),
            Self::Certificates(certificates) => certificates.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_a_set_or_an_address_and_read_back() {
        let set = r#"{"keys":[{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#;
        let keys: ClientKeys = set.parse().unwrap();
        assert_eq!(keys.to_string().parse(), Ok(keys));
        let at: ClientKeys = " https://app.example.com/jwks.json ".parse().unwrap();
        assert_eq!(at.to_string(), "https://app.example.com/jwks.json");
        for bad in [
            "",
            "http://app.example.com/jwks.json",
            "https://ada:secret@app.example.com/jwks.json",
            "https://app.example.com/jwks.json#x",
            "file:///etc/passwd",
            "gopher://app.example.com/",
        ] {
            assert_eq!(bad.parse::<ClientKeys>(), Err(ParseClientKeysError::Address), "{bad}");
        }
        assert!(matches!(r#"{"keys":[]}"#.parse::<ClientKeys>(), Err(ParseClientKeysError::Keys(_))));
        let key = "-----BEGIN PRIVATE KEY-----";
        assert_eq!(key.parse::<ClientKeys>(), Err(ParseClientKeysError::Certificates(ParsePinnedError::Private)));
    }
}
