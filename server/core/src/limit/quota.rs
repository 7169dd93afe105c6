//! What may be asked for in which time.

use crate::leak::redacted;
use std::{fmt, num::NonZeroU32, str::FromStr};

/// So many requests in so long a window; all of them may come at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Quota {
    /// Requests in a window.
    pub requests: NonZeroU32,
    /// The window, in whole seconds.
    pub window_seconds: NonZeroU32,
}

impl Quota {
    /// So many requests in a minute.
    pub const fn per_minute(requests: NonZeroU32) -> Self {
        Self { requests, window_seconds: NonZeroU32::MIN.saturating_add(59) }
    }

    /// Nanoseconds that one request costs.
    pub(super) fn cost(self) -> i64 {
        // A quota of more than a thousand million requests a second is none: each costs at least a nanosecond.
        (self.depth() / i64::from(self.requests.get())).max(1)
    }

    /// Nanoseconds that may be spent ahead of time.
    pub(super) fn depth(self) -> i64 {
        i64::from(self.window_seconds.get()) * 1_000_000_000
    }
}

impl fmt::Display for Quota {
    /// `600/1m`: the largest unit that divides the window.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.window_seconds.get();
        let (unit, word) = [(86_400, "d"), (3_600, "h"), (60, "m")]
            .into_iter()
            .find(|(unit, _)| seconds.is_multiple_of(*unit))
            .unwrap_or((1, "s"));
        write!(f, "{}/{}{word}", self.requests, seconds / unit)
    }
}

/// The limits of one key, such as `20/1s 600/1m 10000/1d`; none means the limit that the operator set for every key.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct RateLimits(Vec<Quota>);

/// Why a text names no limits; each says which part.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseRateLimitsError {
    /// This part is no limit.
    #[error("{0} is not a limit such as 20/1s, 600/1m, 5000/1h or 10000/1d")]
    NotALimit(String),
    /// More windows than a key may have.
    #[error("A key may have {} limits", RateLimits::MAX_WINDOWS)]
    TooMany,
    /// Two limits for one window.
    #[error("There are two limits for the window of {0}")]
    SameWindow(String),
}

impl RateLimits {
    /// How many windows a key may have: all of them are asked for each request.
    pub const MAX_WINDOWS: usize = 4;
    /// The longest window, in seconds: 30 days.
    const MAX_WINDOW: u32 = 30 * 86_400;
    const MAX_REQUESTS: u32 = 1_000_000_000;

    /// Whether the key keeps to the limit of every key.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The limits, the shortest window first.
    pub fn quotas(&self) -> &[Quota] {
        &self.0
    }
}

impl FromStr for RateLimits {
    type Err = ParseRateLimitsError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut quotas: Vec<Quota> = Vec::new();
        for part in text.split([' ', ',', '\n', '\r', '\t']).filter(|part| !part.is_empty()) {
            if quotas.len() == Self::MAX_WINDOWS {
                return Err(ParseRateLimitsError::TooMany);
            }
            // It may be a secret that was typed into the wrong field.
            let shown = || redacted(part).chars().take(40).collect();
            let quota = quota(part).ok_or_else(|| ParseRateLimitsError::NotALimit(shown()))?;
            if quotas.iter().any(|other| other.window_seconds == quota.window_seconds) {
                let window = part.split_once('/').map(|(_, window)| window).unwrap_or_default();
                return Err(ParseRateLimitsError::SameWindow(window.to_owned()));
            }
            quotas.push(quota);
        }
        quotas.sort_unstable_by_key(|quota| quota.window_seconds);
        Ok(Self(quotas))
    }
}

fn quota(part: &str) -> Option<Quota> {
    let (requests, window) = part.split_once('/')?;
    let (unit, count) = match window.char_indices().next_back()? {
        (at, 's') => (1, &window[..at]),
        (at, 'm') => (60, &window[..at]),
        (at, 'h') => (3_600, &window[..at]),
        (at, 'd') => (86_400, &window[..at]),
        _ => return None,
    };
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(requests) || !(count.is_empty() || digits(count)) {
        return None;
    }
    let count: u32 = if count.is_empty() { 1 } else { count.parse().ok()? };
    let window = count.checked_mul(unit).filter(|window| *window <= RateLimits::MAX_WINDOW)?;
    let requests: u32 = requests.parse().ok().filter(|requests| *requests <= RateLimits::MAX_REQUESTS)?;
    Some(Quota { requests: NonZeroU32::new(requests)?, window_seconds: NonZeroU32::new(window)? })
}

impl fmt::Display for RateLimits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, quota) in self.0.iter().enumerate() {
            let space = if index == 0 { "" } else { " " };
            write!(f, "{space}{quota}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{api_key::PlainApiKey, random::SystemRandom};
    use latchkey_model::KeyKind;

    #[test]
    fn r53_a_key_that_is_typed_as_a_limit_is_not_repeated() {
        let key = PlainApiKey::generate(&SystemRandom, KeyKind::Personal);
        let told = format!("20/1s {}", key.expose()).parse::<RateLimits>().unwrap_err();
        assert_eq!(told, ParseRateLimitsError::NotALimit(key.hint()));
    }

    #[test]
    fn limits_read_and_write() {
        let limits: RateLimits = "10000/1d, 20/1s 600/60s".parse().unwrap();
        assert_eq!(limits.to_string(), "20/1s 600/1m 10000/1d");
        assert_eq!(limits.to_string().parse(), Ok(limits));
        assert_eq!("5/h".parse::<RateLimits>().unwrap().to_string(), "5/1h");
        assert!("".parse::<RateLimits>().unwrap().is_empty());
    }

    #[test]
    fn what_is_no_limit_is_named() {
        for wrong in
            ["600", "0/1m", "600/0m", "600/1w", "-1/1m", "+1/1m", "1/31d", "x/1m", "1/", "9999999999/1s", "1/é"]
        {
            assert_eq!(wrong.parse::<RateLimits>(), Err(ParseRateLimitsError::NotALimit(wrong.to_owned())));
        }
        assert_eq!("1/1s 1/1m 1/1h 1/1d 1/2d".parse::<RateLimits>(), Err(ParseRateLimitsError::TooMany));
        assert_eq!("1/60s 2/1m".parse::<RateLimits>(), Err(ParseRateLimitsError::SameWindow("1m".to_owned())));
    }
}
