//! When a key ends by itself.

use std::str::FromStr;
use time::{Duration, OffsetDateTime};

/// When a key ends by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expiry {
    /// Not by itself.
    Never,
    /// After so many days.
    Days(u16),
    /// As it was: for a change of something else.
    Keep,
}

/// The text names no expiry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("Choose when the key ends: never, or after 1 to {} days", Expiry::MAX_DAYS)]
pub struct ParseExpiryError;

impl Expiry {
    /// The longest life that can be asked for.
    pub const MAX_DAYS: u16 = 3_660;

    /// The time at which a key ends that was made or changed now.
    pub(super) fn at(self, now: OffsetDateTime, before: Option<OffsetDateTime>) -> Option<OffsetDateTime> {
        match self {
            Self::Never => None,
            Self::Days(days) => now.checked_add(Duration::days(i64::from(days))),
            Self::Keep => before,
        }
    }
}

impl FromStr for Expiry {
    type Err = ParseExpiryError;

    /// Reads `never`, `keep` or a number of days.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "never" => Ok(Self::Never),
            "keep" => Ok(Self::Keep),
            _ => match text.parse() {
                Ok(days @ 1..=Self::MAX_DAYS) => Ok(Self::Days(days)),
                _ => Err(ParseExpiryError),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_expiry_is_never_or_some_days() {
        assert_eq!("never".parse(), Ok(Expiry::Never));
        assert_eq!("90".parse(), Ok(Expiry::Days(90)));
        for bad in ["", "0", "-1", "3661", "90 days", "99999999999"] {
            assert_eq!(bad.parse::<Expiry>(), Err(ParseExpiryError), "{bad:?}");
        }
    }
}
