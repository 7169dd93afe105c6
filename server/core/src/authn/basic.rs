//! `Authorization: Basic` (RFC 7617), by which programs send a key that can send nothing else, as the user name with no password; or
//! their person's address and password, where that person lets them.

use base64::{Engine, engine::general_purpose::STANDARD};
use zeroize::Zeroizing;

/// The scheme and the space behind it; scheme names are case-insensitive (RFC 9110 section 11.1).
const SCHEME: &[u8] = b"basic ";

/// The name and password of a request, decoded. What is decoded goes with it.
pub struct Basic(Zeroizing<Vec<u8>>);

impl Basic {
    /// Reads the only `Authorization` field of a request. None where there is no such field, or more than one, or another scheme.
    pub fn read(authorization: [Option<&[u8]>; 2]) -> Option<Self> {
        let [Some(value), None] = authorization else { return None };
        let (scheme, encoded) = value.split_at_checked(SCHEME.len())?;
        if !scheme.eq_ignore_ascii_case(SCHEME) {
            return None;
        }
        // What cannot be decoded is nobody's name.
        Some(Self(Zeroizing::new(STANDARD.decode(encoded.trim_ascii()).unwrap_or_default())))
    }

    /// The user name and the password, where both are there.
    pub(super) fn name_and_password(&self) -> Option<(&str, &str)> {
        let (name, password) = std::str::from_utf8(&self.0).ok()?.split_once(':')?;
        (!name.is_empty() && !password.is_empty()).then_some((name, password))
    }

    /// The user name of whoever sends no password; section 2: it ends at the first colon.
    pub(super) fn name_alone(&self) -> Option<&[u8]> {
        let colon = self.0.iter().position(|byte| *byte == b':')?;
        (colon + 1 == self.0.len()).then(|| &self.0[..colon])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(value: &str) -> Option<String> {
        let basic = Basic::read([Some(value.as_bytes()), None])?;
        Some(String::from_utf8(basic.name_alone()?.to_vec()).unwrap())
    }

    #[test]
    fn rfc7617_2_a_name_without_a_password() {
        let encoded = |text: &str| format!("Basic {}", STANDARD.encode(text));
        assert_eq!(name(&encoded("key:")), Some("key".to_owned()));
        assert_eq!(name(&encoded("key:").replace("Basic", "bASIC")), Some("key".to_owned()));
        assert_eq!(name(&encoded(":")), Some(String::new()));
        for other in ["key", "key:secret", ":key", "key::", ""] {
            assert_eq!(name(&encoded(other)), None, "{other}");
        }
        for other in ["Basic", "Basic !!", "Bearer a2V5Og==", "Basica2V5Og=="] {
            assert_eq!(name(other), None, "{other}");
        }
        let both = |text: &str| {
            let value = encoded(text);
            let basic = Basic::read([Some(value.as_bytes()), None]).unwrap();
            basic.name_and_password().map(|(name, password)| (name.to_owned(), password.to_owned()))
        };
        assert_eq!(both("ada@example.org:a:b"), Some(("ada@example.org".to_owned(), "a:b".to_owned())));
        for other in ["key:", ":password", "nothing", ""] {
            assert_eq!(both(other), None, "{other}");
        }
        let value = Some(&b"Basic a2V5Og=="[..]);
        assert!(Basic::read([value, value]).is_none() && Basic::read([None, None]).is_none());
    }
}
