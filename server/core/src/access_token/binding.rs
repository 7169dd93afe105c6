//! A token that is good only in the hands of whoever holds a key.

use crate::certificate::CertificateThumbprint;
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// The key that a token is bound to: without a proof that the caller holds it, the token is worth nothing.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Binding {
    /// The SHA-256 thumbprint of a JWK, proven with each request (RFC 9449 section 6).
    Dpop(String),
    /// A client certificate, proven by the TLS connection (RFC 8705 section 3).
    Certificate(CertificateThumbprint),
}

/// The stored text is no binding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a binding is jkt: or x5t: and a thumbprint")]
pub struct ParseBindingError;

impl Binding {
    /// What the token endpoint calls a token that is bound so (RFC 9449 section 5; RFC 8705 keeps the name).
    pub const fn token_type(binding: Option<&Self>) -> &'static str {
        match binding {
            Some(Self::Dpop(_)) => "DPoP",
            Some(Self::Certificate(_)) | None => "Bearer",
        }
    }
}

impl fmt::Display for Binding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dpop(thumbprint) => write!(f, "jkt:{thumbprint}"),
            Self::Certificate(thumbprint) => write!(f, "x5t:{thumbprint}"),
        }
    }
}

impl FromStr for Binding {
    type Err = ParseBindingError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once(':') {
            Some(("jkt", thumbprint)) => Ok(Self::Dpop(thumbprint.to_owned())),
            Some(("x5t", thumbprint)) => thumbprint.parse().map(Self::Certificate).map_err(|_| ParseBindingError),
            _ => Err(ParseBindingError),
        }
    }
}

/// The claim `cnf` (RFC 7800 section 3.1).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Confirmation {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    jkt: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none", rename = "x5t#S256")]
    certificate: Option<CertificateThumbprint>,
}

impl Confirmation {
    /// The key that it names.
    pub fn binding(&self) -> Option<Binding> {
        self.jkt.clone().map(Binding::Dpop).or_else(|| self.certificate.map(Binding::Certificate))
    }
}

impl From<&Binding> for Confirmation {
    fn from(binding: &Binding) -> Self {
        match binding {
            Binding::Dpop(thumbprint) => Self { jkt: Some(thumbprint.clone()), ..Self::default() },
            Binding::Certificate(thumbprint) => Self { certificate: Some(*thumbprint), ..Self::default() },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc9449_6_1_rfc8705_3_1_a_binding_survives_store_and_token() {
        let thumbprint = CertificateThumbprint::of(b"certificate");
        for (binding, claim) in [
            (Binding::Dpop("abc".to_owned()), r#"{"jkt":"abc"}"#.to_owned()),
            (Binding::Certificate(thumbprint), format!("{{\"x5t#S256\":\"{thumbprint}\"}}")),
        ] {
            assert_eq!(binding.to_string().parse(), Ok(binding.clone()));
            let confirmation = Confirmation::from(&binding);
            assert_eq!(serde_json::to_string(&confirmation).unwrap(), claim);
            assert_eq!(serde_json::from_str::<Confirmation>(&claim).unwrap().binding(), Some(binding));
        }
        assert_eq!("abc".parse::<Binding>(), Err(ParseBindingError));
        let unreadable = serde_json::from_str::<Confirmation>(r#"{"x5t#S256":"abc"}"#);
        assert!(unreadable.is_err(), "a token that is bound to nothing that can be read is no token that is free");
    }
}
