//! How far back the usage page looks.

use crate::port::rollup::{Buckets, Period};
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

    /// The range in as few buckets as add up to the same: hours that make a day are counted by the day, too.
    pub(super) fn parts(self, now: OffsetDateTime) -> Vec<Buckets> {
        let (period, first, last) = self.span(now);
        let end = last + period.seconds();
        let day = Period::Day.seconds();
        let (first_day, end_of_days) = (first + (-first).rem_euclid(day), end - end.rem_euclid(day));
        let part = |period, since, until| Buckets { period, since, until };
        let parts = match period {
            Period::Hour if first_day < end_of_days => vec![
                part(Period::Hour, first, first_day),
                part(Period::Day, first_day, end_of_days),
                part(Period::Hour, end_of_days, end),
            ],
            _ => vec![part(period, first, end)],
        };
        parts.into_iter().filter(|part| part.since < part.until).collect()
    }

    /// The same for addresses, which are not counted by the minute: whole hours then.
    pub(super) fn address_parts(self, now: OffsetDateTime) -> Vec<Buckets> {
        let (period, first, last) = self.span(now);
        match period {
            Period::Minute => {
                let hour = Period::Hour.seconds();
                vec![Buckets {
                    period: Period::Hour,
                    since: first - first.rem_euclid(hour),
                    until: last + period.seconds(),
                }]
            }
            Period::Hour | Period::Day => self.parts(now),
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

#[cfg(test)]
mod tests {
    use super::*;
    use time::{Duration, macros::datetime};

    #[test]
    fn parts_cover_the_range_once() {
        for hour in 0..49 {
            let now = datetime!(2026-03-01 00:30 UTC) + Duration::hours(hour);
            for range in Range::ALL {
                let (period, first, last) = range.span(now);
                let parts = range.parts(now);
                assert_eq!(parts.first().map(|part| part.since), Some(first));
                assert_eq!(parts.last().map(|part| part.until), Some(last + period.seconds()));
                assert!(parts.windows(2).all(|pair| pair[0].until == pair[1].since), "{range:?} at {now}: {parts:?}");
                for part in parts {
                    let length = part.period.seconds();
                    assert_eq!((part.since % length, part.until % length), (0, 0), "{range:?} at {now}: {part:?}");
                }
            }
        }
        let hour = Range::Hour.address_parts(datetime!(2026-03-08 09:30 UTC));
        let since = datetime!(2026-03-08 08:00 UTC).unix_timestamp();
        assert_eq!(
            hour,
            [Buckets { period: Period::Hour, since, until: since + 5_460 }],
            "all of both hours that it touches"
        );
        let week = Range::Week.parts(datetime!(2026-03-08 09:30 UTC));
        let lengths: Vec<_> = week.iter().map(|part| (part.until - part.since) / part.period.seconds()).collect();
        assert_eq!(lengths, [14, 6, 10], "hours to midnight, days, hours of today");
    }
}
