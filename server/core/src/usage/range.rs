//! How far back the usage page looks.

use crate::port::request_log::Period;
use std::str::FromStr;
use time::OffsetDateTime;

/// How far back a page looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Range {
    /// One hour, by the minute.
    Hour,
    /// 24 hours, by the hour.
    Day,
    /// 7 days, by the hour.
    Week,
    /// 30 days, by the day.
    Month,
    /// 90 days, by the day.
    Quarter,
}

/// The text names no range.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a range is 1h, 24h, 7d, 30d or 90d")]
pub struct ParseRangeError;

impl Range {
    /// All ranges, the shortest first.
    pub const ALL: [Self; 5] = [Self::Hour, Self::Day, Self::Week, Self::Month, Self::Quarter];

    /// The word in URLs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Hour => "1h",
            Self::Day => "24h",
            Self::Week => "7d",
            Self::Month => "30d",
            Self::Quarter => "90d",
        }
    }

    /// The words on the page.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Hour => "1 hour",
            Self::Day => "24 hours",
            Self::Week => "7 days",
            Self::Month => "30 days",
            Self::Quarter => "90 days",
        }
    }

    /// The bucket of the stored roll-ups, and how many of them make the range.
    pub(super) const fn buckets(self) -> (Period, i64) {
        match self {
            Self::Hour => (Period::Minute, 60),
            Self::Day => (Period::Hour, 24),
            Self::Week => (Period::Hour, 7 * 24),
            Self::Month => (Period::Day, 30),
            Self::Quarter => (Period::Day, 90),
        }
    }

    /// The buckets by which addresses are counted.
    pub(super) const fn addresses(self) -> Period {
        match self {
            Self::Hour | Self::Day | Self::Week => Period::Hour,
            Self::Month | Self::Quarter => Period::Day,
        }
    }

    /// The period, and the first and last bucket, of the range that ends now.
    pub(super) fn span(self, now: OffsetDateTime) -> (Period, i64, i64) {
        let (period, count) = self.buckets();
        let last = period.start_of(now);
        (period, last - (count - 1) * period.seconds(), last)
    }
}

impl FromStr for Range {
    type Err = ParseRangeError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|range| range.as_str() == text).ok_or(ParseRangeError)
    }
}
