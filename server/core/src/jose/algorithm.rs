//! The signature algorithms, by their names of RFC 7518 section 3.1 and RFC 8037 section 3.1.

use std::{fmt, str::FromStr};

/// How a token is signed. All of them have a public key to verify with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum SigningAlgorithm {
    /// ECDSA on P-256 with SHA-256.
    Es256,
    /// Ed25519.
    EdDsa,
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    Rs256,
    /// RSASSA-PSS with SHA-256.
    Ps256,
}

/// The text names no algorithm that is used here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not one of ES256, EdDSA, RS256 and PS256")]
pub struct ParseAlgorithmError;

impl SigningAlgorithm {
    /// All of them, the preferred one first.
    pub const ALL: [Self; 4] = [Self::Es256, Self::EdDsa, Self::Rs256, Self::Ps256];

    /// The name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Es256 => "ES256",
            Self::EdDsa => "EdDSA",
            Self::Rs256 => "RS256",
            Self::Ps256 => "PS256",
        }
    }
}

impl FromStr for SigningAlgorithm {
    type Err = ParseAlgorithmError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        // RFC 9864 section 2.2: the name that says which curve, beside the older one that leaves it open.
        if text == "Ed25519" {
            return Ok(Self::EdDsa);
        }
        Self::ALL.into_iter().find(|algorithm| algorithm.as_str() == text).ok_or(ParseAlgorithmError)
    }
}

impl fmt::Display for SigningAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc9864_2_2_ed25519_has_two_names() {
        assert_eq!("Ed25519".parse(), Ok(SigningAlgorithm::EdDsa));
        for algorithm in SigningAlgorithm::ALL {
            assert_eq!(algorithm.as_str().parse(), Ok(algorithm));
        }
        for bad in ["none", "HS256", "Ed448", "ed25519", ""] {
            assert_eq!(bad.parse::<SigningAlgorithm>(), Err(ParseAlgorithmError), "{bad}");
        }
    }
}
