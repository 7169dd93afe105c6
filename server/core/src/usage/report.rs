//! The usage page: requests over time by outcome, latency percentiles, routes, statuses and addresses, from roll-ups alone.

pub use super::range::{ParseRangeError, Range};
pub use jiff::tz::TimeZone;

use super::range::Span;
use crate::{
    actor::{Actor, NotSignedIn},
    port::{
        StoreError,
        rollup::{
            AddressCounts, BucketSum, Buckets, Counted, CountsOf, LATENCY_BOUNDS_US, LatencyCounts, Period,
            RollupCounts, RollupKey, RouteSum, Volume,
        },
    },
    ports::Ports,
};
use latchkey_model::{AccountRole, ApiKeyId, ApplicationId, Environment, OauthClientId};
use std::{collections::BTreeMap, net::IpAddr};
use time::OffsetDateTime;

/// How many addresses the page shows.
const ADDRESSES: u64 = 10;

/// Whose usage is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UsageOf {
    /// An environment's of an application.
    Environment(ApplicationId, Environment),
    /// An application's, in all of its environments.
    Application(ApplicationId),
    /// A key's or a personal access token's.
    Key(ApiKeyId),
    /// An OAuth client's or a service account's.
    Client(OauthClientId),
    /// Everybody's and nobody's: for admins.
    Portal,
}

/// One column of the chart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// When it begins.
    pub start: OffsetDateTime,
    /// When it ends: the next one begins then.
    pub end: OffsetDateTime,
    /// Requests that were let in.
    pub served: u64,
    /// Requests that the door refused.
    pub refused: u64,
    /// All requests of the same column in the period before.
    pub before: u64,
}

/// What came to a route.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RouteUsage {
    /// Method and pattern.
    pub route: String,
    /// All requests.
    pub requests: u64,
    /// Those that the door refused.
    pub refused: u64,
    /// The latency under which 95 % of them were answered, in microseconds, drawn from bucket bounds.
    pub p95_us: u64,
}

/// What the usage page shows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Usage {
    /// Every column of the range, empty ones too, the oldest first.
    pub columns: Vec<Column>,
    /// Whether its days are those of UTC since others cannot be had: counts by the hour, which they are made of, were removed.
    pub utc_for_want_of_hours: bool,
    /// All requests.
    pub requests: u64,
    /// Those that the door refused.
    pub refused: u64,
    /// All requests, and those that were refused, of as long a time before.
    pub before: (u64, u64),
    /// Latency under which half, 95 % and 99 % of the requests were answered, in microseconds, drawn from bucket bounds.
    /// None where there were no requests.
    pub latency_us: Option<[u64; 3]>,
    /// The length of all bodies.
    pub volume: Volume,
    /// The busiest first.
    pub routes: Vec<RouteUsage>,
    /// Requests by status, in order.
    pub statuses: Vec<(u16, u64)>,
    /// The addresses with the most requests; none for those that were not counted apart.
    pub addresses: Vec<(Option<IpAddr>, AddressCounts)>,
}

impl Usage {
    /// Requests that were let in.
    pub fn served(&self) -> u64 {
        self.requests.saturating_sub(self.refused)
    }
}

/// What came to a route in a column and was answered alike: a line of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Its place. A day of whoever looks begins when theirs does, and is all owners' and credentials'.
    pub key: RollupKey,
    /// How long the column is.
    pub seconds: i64,
    /// What was counted.
    pub counts: RollupCounts,
}

/// Why there is no usage to show.
#[derive(Debug, thiserror::Error)]
pub enum UsageError {
    /// Nobody is signed in.
    #[error(transparent)]
    NotSignedIn(#[from] NotSignedIn),
    /// No such thing, as far as this account may know.
    #[error("no such usage")]
    NotFound,
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

    /// The usage of something in a range that ends now, and how many requests there were in the one before; its days are those of a time
    /// zone.
    ///
    /// # Errors
    /// [`UsageError::NotFound`] for what is a stranger's too.
    pub async fn usage(&self, actor: &Actor, of: UsageOf, range: Range, zone: &TimeZone) -> Result<Usage, UsageError> {
        let counts = self.counts_of(actor, of).await?;
        let store = &self.ports.store;
        let (span, utc_for_want_of_hours) = self.span(range, zone).await?;
        let (steps, parts, address_parts) = (span.steps(), span.parts(), span.address_parts());
        // At once: what one waits for the disk, another may use.
        let (sums, routes, addresses) = tokio::try_join!(
            store.bucket_sums(counts, &steps),
            store.route_sums(counts, &parts),
            store.addresses(counts, &address_parts, ADDRESSES),
        )?;
        Ok(Usage { utc_for_want_of_hours, addresses, ..add_up(&sums, routes, &span) })
    }

    /// The columns of a range, and whether they are those of UTC for want of counts by the hour.
    async fn span(&self, range: Range, zone: &TimeZone) -> Result<(Span, bool), StoreError> {
        let now = self.ports.now();
        let span = range.span(now, zone);
        let Some((with_the_time_before, without)) = span.days_of_hours() else { return Ok((span, false)) };
        let (charts, tables) = tokio::try_join!(
            self.ports.store.hours_since(Counted::Buckets),
            // Those of addresses are removed later than these.
            self.ports.store.hours_since(Counted::Routes),
        )?;
        let is_there = |since: Option<i64>, needed: i64| since.is_none_or(|since| since <= needed);
        if is_there(charts, with_the_time_before) && is_there(tables, without) {
            return Ok((span, false));
        }
        Ok((range.span(now, &TimeZone::UTC), true))
    }

    /// The lines of a file, the oldest first: those that come behind the last of the part before, so many at most; of days that are not
    /// UTC's, those of as many days as it takes to have so many.
    ///
    /// # Errors
    /// As for [`UsageService::usage`].
    pub async fn rollups(
        &self,
        actor: &Actor,
        of: UsageOf,
        (range, zone): (Range, &TimeZone),
        after: Option<&RollupKey>,
        limit: u64,
    ) -> Result<Vec<Line>, UsageError> {
        let counts = self.counts_of(actor, of).await?;
        let (span, _) = self.span(range, zone).await?;
        let columns = span.columns();
        if span.days_of_hours().is_some() {
            let done = columns.partition_point(|day| after.is_some_and(|last| day.since <= last.start));
            return Ok(self.lines_of_days(counts, &columns[done..], limit).await?);
        }
        // However long all parts take, the range begins where it began.
        let first = columns.first().map_or((Period::Day, 0), |column| (column.period, column.since));
        let (period, since) = after.map_or(first, |last| (last.period, last.start));
        let found = self.ports.store.rollups_page(counts, period, since, after, limit).await?;
        let line = |(key, counts): (RollupKey, RollupCounts)| Line { seconds: key.period.seconds(), key, counts };
        Ok(found.into_iter().map(line).collect())
    }

    /// The lines of days that are added up from hours: of the first of them, until there are so many.
    async fn lines_of_days(&self, of: CountsOf, days: &[Buckets], enough: u64) -> Result<Vec<Line>, StoreError> {
        let mut lines = Vec::new();
        for day in days {
            if lines.len() as u64 >= enough {
                break;
            }
            let mut sums = self.ports.store.route_sums(of, std::slice::from_ref(day)).await?;
            sums.sort_by(|one, other| {
                (&one.route, one.status, one.refused).cmp(&(&other.route, other.status, other.refused))
            });
            lines.extend(sums.into_iter().map(|RouteSum { route, status, refused, counts }| {
                let (period, start) = (Period::Day, day.since);
                let key = RollupKey { period, start, owner_id: None, credential: None, route, status, refused };
                Line { key, seconds: day.until - day.since, counts }
            }));
        }
        Ok(lines)
    }

    /// Which counts these are, once it is seen that the account may know of them.
    async fn counts_of(&self, actor: &Actor, of: UsageOf) -> Result<CountsOf, UsageError> {
        let account = actor.account()?;
        let (store, now) = (&self.ports.store, self.ports.now());
        Ok(match of {
            UsageOf::Environment(application, environment) => {
                store.application(account.id, application, now).await?.ok_or(UsageError::NotFound)?;
                CountsOf::Environment(account.id, application, environment)
            }
            UsageOf::Application(application) => {
                store.application(account.id, application, now).await?.ok_or(UsageError::NotFound)?;
                CountsOf::Application(account.id, application)
            }
            UsageOf::Key(key) => {
                let key = store.api_key(account.id, key).await?.ok_or(UsageError::NotFound)?;
                CountsOf::Credential(key.owner.id(), key.id.as_uuid())
            }
            UsageOf::Client(client) => {
                let client = store.oauth_client(account.id, client).await?.ok_or(UsageError::NotFound)?;
                CountsOf::Credential(client.owner.id(), client.id.as_uuid())
            }
            UsageOf::Portal if account.role == AccountRole::Admin => CountsOf::Portal,
            UsageOf::Portal => return Err(UsageError::NotFound),
        })
    }
}

/// What is added up for a route.
#[derive(Default)]
struct OfRoute {
    requests: u64,
    refused: u64,
    latency: LatencyCounts,
}

fn add_up(sums: &[BucketSum], routes: Vec<RouteSum>, span: &Span) -> Usage {
    let at = |seconds| OffsetDateTime::from_unix_timestamp(seconds).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    let empty = |one: Buckets| Column { start: at(one.since), end: at(one.until), served: 0, refused: 0, before: 0 };
    let mut columns: Vec<_> = span.columns().into_iter().map(empty).collect();
    let mut usage = Usage::default();
    let counts = span.counts(sums);
    let (before, own) = counts.split_at(span.count().min(counts.len()));
    // A column is compared with the one that has its place in the time before, however long that is.
    for ((column, own), before) in columns.iter_mut().zip(own).zip(before) {
        column.refused = own.refused;
        column.served = own.requests.saturating_sub(own.refused);
        column.before = before.requests;
        usage.before.0 += before.requests;
        usage.before.1 += before.refused;
    }
    let mut all = RollupCounts::default();
    let mut by_route: BTreeMap<String, OfRoute> = BTreeMap::new();
    let mut statuses: BTreeMap<u16, u64> = BTreeMap::new();
    for one in routes {
        all += one.counts;
        *statuses.entry(one.status).or_default() += one.counts.requests;
        let route = by_route.entry(one.route).or_default();
        route.requests += one.counts.requests;
        if one.refused {
            route.refused += one.counts.requests;
            usage.refused += one.counts.requests;
        }
        for (sum, new) in route.latency.iter_mut().zip(one.counts.latency) {
            *sum += new;
        }
    }
    usage.requests = all.requests;
    usage.volume = all.volume;
    usage.columns = columns;
    usage.routes = by_route
        .into_iter()
        .map(|(route, sums)| RouteUsage {
            route,
            requests: sums.requests,
            refused: sums.refused,
            p95_us: percentile(&sums.latency, 95),
        })
        .collect();
    usage.routes.sort_by(|one, other| other.requests.cmp(&one.requests).then_with(|| one.route.cmp(&other.route)));
    usage.statuses = statuses.into_iter().collect();
    usage.latency_us = (usage.requests > 0).then(|| [50, 95, 99].map(|percent| percentile(&all.latency, percent)));
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
    use time::{Duration, macros::datetime};

    fn to_route(status: u16, refused: bool, requests: u64, latency: usize) -> RouteSum {
        let volume = Volume { received: requests, sent: 10 * requests };
        let mut counts = RollupCounts { requests, volume, ..RollupCounts::default() };
        counts.latency[latency] = requests;
        RouteSum { route: format!("GET /{status}"), status, refused, counts }
    }

    #[test]
    fn adds_up_and_keeps_empty_buckets() {
        let now = datetime!(2026-03-08 09:30 UTC);
        let span = Range::Hour.span(now, &TimeZone::UTC);
        let minute = |place: i64| (now + Duration::minutes(place)).unix_timestamp();
        let sums =
            [(-62, 2, 2), (-61, 50, 0), (-60, 7, 0), (-58, 97, 0), (0, 3, 2)].map(|(place, requests, refused)| {
                BucketSum { period: Period::Minute, start: minute(place), requests, refused }
            });
        let routes = vec![to_route(200, false, 97, 0), to_route(401, true, 2, 3), to_route(404, false, 1, 11)];
        let usage = add_up(&sums, routes, &span);
        assert_eq!(usage.columns.len(), 60);
        assert_eq!((usage.requests, usage.refused), (100, 2));
        let served: Vec<_> = usage.columns.iter().map(|column| column.served).filter(|served| *served > 0).collect();
        assert_eq!((served, usage.columns[1].served, usage.columns[59].refused), (vec![97, 1], 97, 2));
        assert_eq!(usage.latency_us, Some([250, 250, 2_500]));
        assert_eq!(usage.before, (59, 2), "as long a time before");
        assert_eq!([57, 58, 59].map(|place| usage.columns[place].before), [2, 50, 7]);
        assert_eq!(usage.volume, Volume { received: 100, sent: 1_000 });
        let busiest = RouteUsage { route: "GET /200".to_owned(), requests: 97, refused: 0, p95_us: 250 };
        assert_eq!(usage.routes[0], busiest);
        assert_eq!((usage.routes[1].refused, usage.routes[1].p95_us), (2, 2_500));
        assert_eq!(usage.statuses, [(200, 97), (401, 2), (404, 1)]);
    }

    #[test]
    fn a_long_day_is_compared_with_the_one_in_its_place() {
        let berlin = TimeZone::get("Europe/Berlin").unwrap();
        let span = Range::Month.span(datetime!(2026-10-25 12:00 UTC), &berlin);
        let sum = |period, start: OffsetDateTime, requests| BucketSum {
            period,
            start: start.unix_timestamp(),
            requests,
            refused: 0,
        };
        let sums = [
            sum(Period::Day, datetime!(2026-09-25 0:00 UTC), 22),
            sum(Period::Hour, datetime!(2026-09-24 22:00 UTC), 2),
            sum(Period::Day, datetime!(2026-10-25 0:00 UTC), 25),
            sum(Period::Hour, datetime!(2026-10-25 23:00 UTC), 1),
            sum(Period::Hour, datetime!(2026-10-24 22:00 UTC), 1),
        ];
        let usage = add_up(&sums, Vec::new(), &span);
        let (start, end) = (datetime!(2026-10-24 22:00 UTC), datetime!(2026-10-25 23:00 UTC));
        assert_eq!(usage.columns.last(), Some(&Column { start, end, served: 25, refused: 0, before: 24 }));
    }

    #[test]
    fn nothing_is_nothing() {
        let span = Range::Day.span(datetime!(2026-03-08 09:30 UTC), &TimeZone::UTC);
        let usage = add_up(&[], Vec::new(), &span);
        assert_eq!((usage.requests, usage.latency_us, usage.columns.len()), (0, None, 24));
    }
}
