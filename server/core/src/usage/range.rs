//! How far back the usage page looks, and where each column of its chart begins: days are those of whoever looks.

use super::days::{self, Count};
use crate::port::rollup::{BucketSum, Buckets, Period, Steps};
use jiff::{Timestamp, ToSpan, civil::Date, tz::TimeZone};
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

    /// What a column of the chart is, and how many of them make the range.
    const fn columns(self) -> (Period, i64) {
        match self {
            Self::Hour => (Period::Minute, 60),
            Self::Day => (Period::Hour, 24),
            Self::Week => (Period::Hour, 7 * 24),
            Self::Month => (Period::Day, 30),
            Self::Quarter => (Period::Day, 90),
        }
    }

    /// The columns of the range that ends now, for somebody in this time zone.
    pub(super) fn span(self, now: OffsetDateTime, zone: &TimeZone) -> Span {
        let (unit, count) = self.columns();
        let last = unit.start_of(now);
        let today = today(now, zone);
        let bounds = (1 - 2 * count..=1).map(|place| match unit {
            Period::Day => start_of_day(today.saturating_add(place.days()), zone),
            Period::Minute | Period::Hour => last + place * unit.seconds(),
        });
        Span { unit, bounds: bounds.collect(), end_of_today: Period::Day.start_of(now) + Period::Day.seconds() }
    }
}

impl FromStr for Range {
    type Err = ParseRangeError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|range| range.as_str() == text).ok_or(ParseRangeError)
    }
}

/// On which day the present hour counts there: that on which it begins.
fn today(now: OffsetDateTime, zone: &TimeZone) -> Date {
    let hour = Timestamp::from_second(Period::Hour.start_of(now)).unwrap_or_default();
    zone.to_datetime(hour).date()
}

/// Where a day begins there: with its first full hour, since hours are counted as UTC has them, and a count cannot be taken apart.
fn start_of_day(day: Date, zone: &TimeZone) -> i64 {
    // No clock is near the end of the calendar.
    let midnight = day.to_zoned(zone.clone()).map(|at| at.timestamp().as_second()).unwrap_or_default();
    midnight + (-midnight).rem_euclid(Period::Hour.seconds())
}

/// Whether a bucket of UTC's days may begin then.
const fn is_utc_midnight(at: i64) -> bool {
    at % Period::Day.seconds() == 0
}

/// The columns of a chart, and as many before them to compare with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Span {
    /// What a column is.
    unit: Period,
    /// Where each column begins, those of the time before first, and where the last one ends, in Unix seconds.
    bounds: Vec<i64>,
    /// When today ends in UTC.
    end_of_today: i64,
}

impl Span {
    /// How many columns there are, without those of the time before.
    pub(super) fn count(&self) -> usize {
        self.bounds.len() / 2
    }

    /// The columns, with the counts that they are made of.
    pub(super) fn columns(&self) -> Vec<Buckets> {
        self.buckets().skip(self.count()).collect()
    }

    fn buckets(&self) -> impl Iterator<Item = Buckets> {
        let unit = self.unit;
        self.bounds.iter().zip(self.bounds.iter().skip(1)).map(move |(&since, &until)| {
            let of_utc = is_utc_midnight(since) && is_utc_midnight(until);
            let period = if unit == Period::Day && !of_utc { Period::Hour } else { unit };
            Buckets { period, since, until }
        })
    }

    /// What is read to know how many requests each column has.
    pub(super) fn steps(&self) -> Vec<Steps> {
        match (self.unit, &*self.bounds) {
            (Period::Day, bounds) => days::steps(bounds),
            (period, [since, .., until]) => {
                let buckets = Buckets { period, since: *since, until: *until };
                vec![Steps { buckets, seconds: period.seconds(), part: period.seconds() }]
            }
            _ => Vec::new(),
        }
    }

    /// How many requests each column has, those of the time before first.
    pub(super) fn counts(&self, sums: &[BucketSum]) -> Vec<Count> {
        if self.unit == Period::Day {
            return days::counts(&self.bounds, sums);
        }
        let mut counts = vec![Count::default(); 2 * self.count()];
        for one in sums {
            let place = self.bounds.binary_search(&one.start).ok();
            if let Some(count) = place.and_then(|place| counts.get_mut(place)) {
                *count += one;
            }
        }
        counts
    }

    /// The range in as few buckets as add up to the same: hours that make a day of UTC are counted by the day, too. Nothing comes later
    /// than now: all of today is as good as its hours so far.
    pub(super) fn parts(&self) -> Vec<Buckets> {
        let (first, end) = self.ends();
        let parts = match self.unit {
            Period::Minute => vec![Buckets { period: Period::Minute, since: first, until: end }],
            Period::Hour | Period::Day => {
                let midnight = first + (-first).rem_euclid(Period::Day.seconds());
                vec![
                    Buckets { period: Period::Hour, since: first, until: midnight },
                    Buckets { period: Period::Day, since: midnight, until: self.end_of_today },
                ]
            }
        };
        parts.into_iter().filter(|part| part.since < part.until).collect()
    }

    /// The same for addresses, which are not counted by the minute: whole hours then.
    pub(super) fn address_parts(&self) -> Vec<Buckets> {
        let (first, end) = self.ends();
        match self.unit {
            Period::Minute => {
                let hour = Period::Hour.seconds();
                vec![Buckets { period: Period::Hour, since: first - first.rem_euclid(hour), until: end }]
            }
            Period::Hour | Period::Day => self.parts(),
        }
    }

    /// From when on days are made of counts by the hour, where those of the time before are looked at too, and where they are not; none
    /// where all are days of UTC.
    pub(super) fn days_of_hours(&self) -> Option<(i64, i64)> {
        let first_behind = |place| {
            let of_hours = |buckets: &Buckets| self.unit == Period::Day && buckets.period == Period::Hour;
            self.buckets().skip(place).find(of_hours).map(|buckets| buckets.since)
        };
        Some((first_behind(0)?, first_behind(self.count()).unwrap_or(i64::MAX)))
    }

    fn ends(&self) -> (i64, i64) {
        let bound = |place: usize| self.bounds.get(place).copied().unwrap_or_default();
        (bound(self.count()), bound(self.bounds.len().saturating_sub(1)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::{Duration, macros::datetime};

    const ZONES: [&str; 6] =
        ["UTC", "Europe/Berlin", "Europe/London", "Asia/Kolkata", "Pacific/Pago_Pago", "Australia/Lord_Howe"];

    fn zone(name: &str) -> TimeZone {
        TimeZone::get(name).unwrap()
    }

    /// The last columns of a range, as times.
    fn last(count: usize, range: Range, now: OffsetDateTime, name: &str) -> Vec<(OffsetDateTime, OffsetDateTime)> {
        let columns = range.span(now, &zone(name)).columns();
        let at = |seconds| OffsetDateTime::from_unix_timestamp(seconds).unwrap();
        columns[columns.len() - count..].iter().map(|column| (at(column.since), at(column.until))).collect()
    }

    fn lengths(columns: &[(OffsetDateTime, OffsetDateTime)]) -> Vec<i64> {
        columns.iter().map(|(since, until)| (*until - *since).whole_hours()).collect()
    }

    #[test]
    fn parts_and_steps_cover_the_range_once() {
        for hour in 0..49 {
            let now = datetime!(2026-03-28 00:30 UTC) + Duration::hours(hour);
            for (range, name) in Range::ALL.into_iter().flat_map(|range| ZONES.map(|name| (range, name))) {
                let what = format!("{range:?} at {now}, {name}");
                let span = range.span(now, &zone(name));
                let columns = span.columns();
                let (first, end) = (columns[0].since, columns[columns.len() - 1].until);
                assert!(columns.iter().all(|column| column.since < column.until), "{what}");
                assert!(columns.windows(2).all(|pair| pair[0].until == pair[1].since), "{what}");
                let now = now.unix_timestamp();
                assert!(columns[columns.len() - 1].since <= now && now < end, "{what}");
                let parts = span.parts();
                assert_eq!(parts[0].since, first, "{what}");
                assert!(parts.windows(2).all(|pair| pair[0].until == pair[1].since), "{what}: {parts:?}");
                assert!(parts[parts.len() - 1].until > now, "{what}: {parts:?}");
                let steps = span.steps();
                // One request in each hour, or in each minute where columns are minutes.
                let counts = span.counts(&days::tests::read(&steps, |_| 1));
                let came =
                    |column: Buckets| u64::try_from((column.until - column.since).div_euclid(3_600)).unwrap().max(1);
                let expected: Vec<_> = span.buckets().map(came).collect();
                assert_eq!(
                    counts.iter().map(|count| count.requests).collect::<Vec<_>>(),
                    expected,
                    "{what}: {steps:?}"
                );
                for buckets in steps.into_iter().map(|step| step.buckets).chain(parts).chain(columns) {
                    let length = buckets.period.seconds();
                    assert_eq!((buckets.since % length, buckets.until % length), (0, 0), "{what}: {buckets:?}");
                }
            }
        }
    }

    #[test]
    fn few_counts_are_read_where_others_add_up_to_the_same() {
        let now = datetime!(2026-03-08 09:30 UTC);
        let since = datetime!(2026-03-08 08:00 UTC).unix_timestamp();
        assert_eq!(
            Range::Hour.span(now, &TimeZone::UTC).address_parts(),
            [Buckets { period: Period::Hour, since, until: since + 5_460 }],
            "all of both hours that it touches"
        );
        let lengths = |range: Range, name| {
            let parts = range.span(now, &zone(name)).parts();
            parts.iter().map(|part| (part.until - part.since) / part.period.seconds()).collect::<Vec<_>>()
        };
        assert_eq!(lengths(Range::Week, "UTC"), [14, 7], "hours to midnight, days");
        assert_eq!(lengths(Range::Quarter, "UTC"), [90]);
        assert_eq!(lengths(Range::Quarter, "Europe/Berlin"), [1, 90]);
        assert_eq!(lengths(Range::Quarter, "Pacific/Pago_Pago"), [13, 90], "it is the day before there");
    }

    #[test]
    fn days_are_those_of_whoever_looks() {
        let now = datetime!(2026-03-08 10:59 UTC);
        let begins = |now, name| last(1, Range::Month, now, name)[0].0;
        assert_eq!(begins(now, "UTC"), datetime!(2026-03-08 0:00 UTC));
        assert_eq!(begins(now, "Europe/Berlin"), datetime!(2026-03-07 23:00 UTC));
        // One minute to midnight, and midnight.
        assert_eq!(begins(now, "Pacific/Pago_Pago"), datetime!(2026-03-07 11:00 UTC));
        assert_eq!(begins(now + Duration::MINUTE, "Pacific/Pago_Pago"), datetime!(2026-03-08 11:00 UTC));
    }

    #[test]
    fn where_clocks_are_half_an_hour_apart_days_begin_with_their_first_full_hour() {
        // A quarter past midnight: that hour began on the day before.
        let now = datetime!(2026-03-08 18:45 UTC);
        let of = |now| last(1, Range::Month, now, "Asia/Kolkata")[0];
        assert_eq!(of(now), (datetime!(2026-03-07 19:00 UTC), datetime!(2026-03-08 19:00 UTC)));
        let later = now + Duration::minutes(15);
        assert_eq!(of(later), (datetime!(2026-03-08 19:00 UTC), datetime!(2026-03-09 19:00 UTC)));
    }

    #[test]
    fn a_day_on_which_clocks_are_changed_has_23_or_25_hours() {
        let spring = last(3, Range::Month, datetime!(2026-03-30 12:00 UTC), "Europe/Berlin");
        assert_eq!(spring[1], (datetime!(2026-03-28 23:00 UTC), datetime!(2026-03-29 22:00 UTC)));
        assert_eq!(lengths(&spring), [24, 23, 24]);
        let autumn = last(3, Range::Quarter, datetime!(2026-10-26 12:00 UTC), "Europe/Berlin");
        assert_eq!(autumn[1], (datetime!(2026-10-24 22:00 UTC), datetime!(2026-10-25 23:00 UTC)));
        assert_eq!(lengths(&autumn), [24, 25, 24]);
        // In this zone, the day after 29 December 2011 was the 31st.
        let apia = last(9, Range::Month, datetime!(2012-01-05 12:00 UTC), "Pacific/Apia");
        assert_eq!(lengths(&apia), [24, 0, 24, 24, 24, 24, 24, 24, 24]);
    }

    #[test]
    fn days_of_utc_need_no_hours() {
        let now = datetime!(2026-03-30 12:00 UTC);
        let days = |range: Range, name| range.span(now, &zone(name)).days_of_hours();
        assert_eq!((days(Range::Quarter, "UTC"), days(Range::Week, "Asia/Kolkata")), (None, None));
        let (all, own) = (datetime!(2026-01-29 23:00 UTC), datetime!(2026-02-28 23:00 UTC));
        assert_eq!(days(Range::Month, "Europe/Berlin"), Some((all.unix_timestamp(), own.unix_timestamp())));
        // Its winter is UTC's.
        let (all, own) = (datetime!(2025-10-01 23:00 UTC), datetime!(2026-03-29 0:00 UTC));
        assert_eq!(days(Range::Quarter, "Europe/London"), Some((all.unix_timestamp(), own.unix_timestamp())));
        let winter = Range::Month.span(datetime!(2026-11-30 12:00 UTC), &zone("Europe/London")).days_of_hours();
        assert_eq!(winter.map(|(_, own)| own), Some(i64::MAX), "those of the time before alone are made of hours");
    }
}
