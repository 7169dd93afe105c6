//! Nonces that proofs must carry (RFC 9449 section 8): every node makes and recognises them, and nobody else can.

use crate::secret::DigestKey;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use subtle::ConstantTimeEq;
use time::OffsetDateTime;

/// Makes and recognises nonces.
#[derive(Clone)]
pub(super) struct Nonces(DigestKey);

impl Nonces {
    /// How long one nonce is given out, in seconds.
    const PERIOD: i64 = 60;
    /// How many periods it is good for after that.
    const GRACE: i64 = 4;

    pub(super) fn new(key: DigestKey) -> Self {
        Self(key)
    }

    /// The nonce of now.
    pub(super) fn current(&self, now: OffsetDateTime) -> String {
        self.of(now.unix_timestamp().div_euclid(Self::PERIOD))
    }

    /// Whether it was given out a moment ago.
    pub(super) fn is_good(&self, nonce: &str, now: OffsetDateTime) -> bool {
        let period = now.unix_timestamp().div_euclid(Self::PERIOD);
        // One ahead, for another node's clock.
        (-1..=Self::GRACE).any(|ago| self.of(period - ago).as_bytes().ct_eq(nonce.as_bytes()).into())
    }

    fn of(&self, period: i64) -> String {
        URL_SAFE_NO_PAD.encode(&self.0.digest(&period.to_be_bytes())[..24])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::MasterKey;
    use time::{Duration, macros::datetime};

    #[test]
    fn rfc9449_8_a_nonce_is_ours_and_of_a_moment_ago() {
        let now = datetime!(2026-11-25 12:00 UTC);
        let nonces = Nonces::new(MasterKey::new([7; 32]).derive("nonce"));
        let nonce = nonces.current(now);
        assert!(nonces.is_good(&nonce, now) && nonces.is_good(&nonce, now + Duration::minutes(4)));
        assert!(!nonces.is_good(&nonce, now + Duration::minutes(5)));
        assert!(!nonces.is_good("", now) && !nonces.is_good(&nonce[1..], now));
        let other = Nonces::new(MasterKey::new([8; 32]).derive("nonce"));
        assert!(!nonces.is_good(&other.current(now), now), "somebody else's");
        assert_ne!(nonce, nonces.current(now + Duration::MINUTE));
    }
}
