//! What names a certificate in tokens.

use crate::secret::sha256;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};
use std::{borrow::Cow, fmt, str::FromStr};

/// The SHA-256 of a certificate's DER encoding: `x5t#S256`, without padding (RFC 8705 section 3.1).
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct CertificateThumbprint([u8; 32]);

/// The text is no thumbprint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a thumbprint is 32 bytes in base64url, without padding")]
pub struct ParseThumbprintError;

impl CertificateThumbprint {
    /// The thumbprint of these bytes.
    pub fn of(der: &[u8]) -> Self {
        Self(sha256(der))
    }
}

impl fmt::Display for CertificateThumbprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&URL_SAFE_NO_PAD.encode(self.0))
    }
}

impl fmt::Debug for CertificateThumbprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for CertificateThumbprint {
    type Err = ParseThumbprintError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| ParseThumbprintError)?;
        bytes.try_into().map(Self).map_err(|_| ParseThumbprintError)
    }
}

impl Serialize for CertificateThumbprint {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for CertificateThumbprint {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Cow::<str>::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc8705_3_1_a_thumbprint_has_43_characters_and_no_padding() {
        let thumbprint = CertificateThumbprint::of(b"certificate");
        let text = thumbprint.to_string();
        assert_eq!((text.len(), text.contains('=')), (43, false));
        assert_eq!(text.parse(), Ok(thumbprint));
        for bad in ["", "abc", &format!("{text}="), &format!("{text}A")] {
            assert_eq!(bad.parse::<CertificateThumbprint>(), Err(ParseThumbprintError), "{bad}");
        }
    }
}
