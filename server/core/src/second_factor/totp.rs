//! Codes of an app (RFC 6238): six digits, every thirty seconds, the step before and the one after taken, too.

use crate::random::Random;
use std::fmt;
use time::OffsetDateTime;
use totp_rs::{Builder, Totp, TotpError};
use zeroize::Zeroizing;

/// What an app's codes are made from: 160 bits (RFC 4226 section 4).
pub(super) struct Seed(Zeroizing<[u8; Self::LENGTH]>);

impl Seed {
    const LENGTH: usize = 20;
    const STEP_SECONDS: u64 = 30;

    pub(super) fn new(random: &dyn Random) -> Self {
        let mut bytes = Zeroizing::new([0; Self::LENGTH]);
        random.fill(&mut *bytes);
        Self(bytes)
    }

    /// A seed that was stored.
    pub(super) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(|bytes| Self(Zeroizing::new(bytes)))
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        &*self.0
    }

    /// The seed as people type it, and the address that an app reads from a picture.
    pub(super) fn written(&self, email: &str) -> Result<(Zeroizing<String>, Zeroizing<String>), TotpError> {
        let totp = self.totp(email)?;
        Ok((Zeroizing::new(totp.secret().to_base32()), Zeroizing::new(totp.to_url()?)))
    }

    /// The step that a code is of, if it is one of now.
    pub(super) fn step_of(&self, code: &str, now: OffsetDateTime) -> Option<i64> {
        let code: String = code.chars().filter(|letter| !letter.is_whitespace()).collect();
        let seconds = u64::try_from(now.unix_timestamp()).ok()?;
        let is_code = code.len() == 6 && code.bytes().all(|byte| byte.is_ascii_digit());
        let step = is_code.then(|| self.totp("").ok()?.check(&code, seconds)).flatten()?;
        i64::try_from(step).ok()
    }

    fn totp(&self, email: &str) -> Result<Totp, TotpError> {
        Builder::new()
            .with_secret(self.0.to_vec())
            .with_step_duration(Self::STEP_SECONDS)
            .with_skew(1)
            .with_issuer(Some("Latchkey"))
            .with_account_name(email)
            .build()
    }
}

impl fmt::Debug for Seed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Seed")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc6238_appendix_b_codes_are_what_they_are_elsewhere() {
        let seed = Seed::from_bytes(b"12345678901234567890").unwrap();
        for (seconds, code) in [(59, "287082"), (1_111_111_109, "081804"), (1_234_567_890, "005924")] {
            let now = OffsetDateTime::from_unix_timestamp(seconds).unwrap();
            assert_eq!(seed.step_of(code, now), Some(seconds / 30), "{code}");
        }
    }

    #[test]
    fn r47_the_window_is_one_step_to_either_side() {
        let seed = Seed::from_bytes(b"12345678901234567890").unwrap();
        let at = |seconds| OffsetDateTime::from_unix_timestamp(seconds).unwrap();
        for (seconds, found) in [(0, true), (59, true), (89, true), (90, false), (-1, false)] {
            assert_eq!(seed.step_of("287 082", at(seconds)).is_some(), found, "{seconds}");
        }
        for bad in ["", "28708", "2870822", "28708a", "２８７０８２"] {
            assert_eq!(seed.step_of(bad, at(59)), None, "{bad}");
        }
    }

    #[test]
    fn an_app_reads_who_and_where() {
        let seed = Seed::from_bytes(b"12345678901234567890").unwrap();
        let (secret, url) = seed.written("ada@example.org").unwrap();
        assert_eq!(*secret, "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
        assert!(
            url.starts_with("otpauth://totp/Latchkey:ada%40example.org?") && url.contains("issuer=Latchkey"),
            "{}",
            *url
        );
    }
}
