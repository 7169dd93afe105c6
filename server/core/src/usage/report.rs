//! The usage page: requests over time by outcome, latency percentiles, routes and statuses, from roll-ups alone.

use crate::{
    actor::{Actor, NotSignedIn},
    port::{
        StoreError,
        request_log::{LATENCY_BOUNDS_US, LatencyCounts, Period, RollupCounts, RollupKey},
    },
    ports::Ports,
};
use latchkey_model::{ApiKeyId, ApplicationId, Environment};
use std::{collections::BTreeMap, str::FromStr};
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
    const fn buckets(self) -> (Period, i64) {
        match self {
            Self::Hour => (Period::Minute, 60),
            Self::Day => (Period::Hour, 24),
            Self::Week => (Period::Hour, 7 * 24),
            Self::Month => (Period::Day, 30),
            Self::Quarter => (Period::Day, 90),
        }
    }

    /// The period, and the first and last bucket, of the range that ends now.
    fn span(self, now: OffsetDateTime) -> (Period, i64, i64) {
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

/// One column of the chart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// When it begins.
    pub start: OffsetDateTime,
    /// Requests that were let in.
    pub served: u64,
    /// Requests that the door refused.
    pub refused: u64,
}

/// What the usage page shows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Usage {
    /// Every bucket of the range, empty ones too, the oldest first.
    pub columns: Vec<Column>,
    /// All requests.
    pub requests: u64,
    /// Those that the door refused.
    pub refused: u64,
    /// Latency under which half, 95 % and 99 % of the requests were answered, in microseconds, drawn from bucket bounds.
    /// None where there were no requests.
    pub latency_us: Option<[u64; 3]>,
    /// Requests by route, the busiest first.
    pub routes: Vec<(String, u64)>,
    /// Requests by status, in order.
    pub statuses: Vec<(u16, u64)>,
}

impl Usage {
    /// Requests that were let in.
    pub fn served(&self) -> u64 {
        self.requests.saturating_sub(self.refused)
    }
}

/// Why there is no usage to show.
#[derive(Debug, thiserror::Error)]
pub enum UsageError {
    /// Nobody is signed in.
    #[error(transparent)]
    NotSignedIn(#[from] NotSignedIn),
    /// The store failed.
    #[error("the usage could not be read")]
    Store(#[from] StoreError),
}

/// Answers the usage page.
#[derive(Clone)]
pub struct UsageService {
    ports: Ports,
}

impl UsageService {
    /// The service on these ports.
    pub fn new(ports: Ports) -> Self {
        Self { ports }
    }

    /// The usage of an environment. A stranger's application has none.
    ///
    /// # Errors
    /// [`UsageError`].
    pub async fn usage(
        &self,
        actor: &Actor,
        application: ApplicationId,
        environment: Environment,
        range: Range,
    ) -> Result<Usage, UsageError> {
        let account = actor.account()?;
        let (period, first, last) = range.span(self.ports.now());
        let rows = self.ports.store.rollups(account.id, application, environment, period, first).await?;
        Ok(add_up(&rows, period, first, last))
    }

    /// The usage of one key. A stranger's key has none.
    ///
    /// # Errors
    /// [`UsageError`].
    pub async fn key_usage(&self, actor: &Actor, key: ApiKeyId, range: Range) -> Result<Usage, UsageError> {
        let account = actor.account()?;
        let (period, first, last) = range.span(self.ports.now());
        let rows = self.ports.store.key_rollups(account.id, key, period, first).await?;
        Ok(add_up(&rows, period, first, last))
    }
}

fn add_up(rows: &[(RollupKey, RollupCounts)], period: Period, first: i64, last: i64) -> Usage {
    let step = usize::try_from(period.seconds()).unwrap_or(1);
    let mut columns: BTreeMap<i64, Column> = (first..=last)
        .step_by(step)
        .filter_map(|start| {
            let column = Column { start: OffsetDateTime::from_unix_timestamp(start).ok()?, served: 0, refused: 0 };
            Some((start, column))
        })
        .collect();
    let mut usage = Usage::default();
    let mut latency = LatencyCounts::default();
    let mut routes: BTreeMap<&str, u64> = BTreeMap::new();
    let mut statuses: BTreeMap<u16, u64> = BTreeMap::new();
    for (key, counts) in rows {
        let Some(column) = columns.get_mut(&key.start) else { continue };
        usage.requests += counts.requests;
        if key.refused {
            usage.refused += counts.requests;
            column.refused += counts.requests;
        } else {
            column.served += counts.requests;
        }
        *routes.entry(&key.route).or_default() += counts.requests;
        *statuses.entry(key.status).or_default() += counts.requests;
        for (sum, count) in latency.iter_mut().zip(counts.latency) {
            *sum += count;
        }
    }
    usage.columns = columns.into_values().collect();
    usage.routes = routes.into_iter().map(|(route, count)| (route.to_owned(), count)).collect();
    usage.routes.sort_by(|one, other| other.1.cmp(&one.1).then_with(|| one.0.cmp(&other.0)));
    usage.statuses = statuses.into_iter().collect();
    usage.latency_us = (usage.requests > 0).then(|| [50, 95, 99].map(|percent| percentile(&latency, percent)));
    usage
}

/// The bound of the bucket in which the request at this percentile lies; for the last bucket, its lower bound.
fn percentile(latency: &LatencyCounts, percent: u64) -> u64 {
    let total: u64 = latency.iter().sum();
    let rank = (total * percent).div_ceil(100).max(1);
    let mut seen = 0;
    for (count, bound) in latency.iter().zip(LATENCY_BOUNDS_US) {
        seen += count;
        if seen >= rank {
            return bound;
        }
    }
    LATENCY_BOUNDS_US[LATENCY_BOUNDS_US.len() - 1]
}

#[cfg(test)]
mod tests {
    use super::*;
    use latchkey_model::OwnerId;
    use uuid::Uuid;

    fn row(start: i64, status: u16, refused: bool, requests: u64, bucket: usize) -> (RollupKey, RollupCounts) {
        let mut counts = RollupCounts { requests, ..RollupCounts::default() };
        counts.latency[bucket] = requests;
        let key = RollupKey {
            period: Period::Minute,
            start,
            owner_id: OwnerId::from_uuid(Uuid::nil()),
            credential: None,
            route: format!("GET /{status}"),
            status,
            refused,
        };
        (key, counts)
    }

    #[test]
    fn adds_up_and_keeps_empty_buckets() {
        let rows = [row(60, 200, false, 97, 0), row(120, 401, true, 2, 3), row(120, 404, false, 1, 11)];
        let usage = add_up(&rows, Period::Minute, 0, 180);
        assert_eq!(usage.columns.len(), 4);
        assert_eq!((usage.requests, usage.refused), (100, 2));
        assert_eq!((usage.columns[1].served, usage.columns[2].served, usage.columns[2].refused), (97, 1, 2));
        assert_eq!(usage.latency_us, Some([250, 250, 2_500]));
        assert_eq!(usage.routes[0], ("GET /200".to_owned(), 97));
        assert_eq!(usage.statuses, [(200, 97), (401, 2), (404, 1)]);
    }

    #[test]
    fn nothing_is_nothing() {
        let usage = add_up(&[], Period::Minute, 0, 60);
        assert_eq!((usage.requests, usage.latency_us, usage.columns.len()), (0, None, 2));
    }
}
