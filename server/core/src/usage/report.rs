//! The usage page: requests over time by outcome, latency percentiles, routes, statuses and addresses, from roll-ups alone.

pub use super::range::{ParseRangeError, Range};

use crate::{
    actor::{Actor, NotSignedIn},
    port::{
        StoreError,
        rollup::{
            AddressCounts, BucketSum, CountsOf, LATENCY_BOUNDS_US, LatencyCounts, Period, RollupCounts, RollupKey,
            RouteSum, Volume,
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
    /// Every bucket of the range, empty ones too, the oldest first.
    pub columns: Vec<Column>,
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

    /// The usage of something in a range that ends now, and how many requests there were in the one before.
    ///
    /// # Errors
    /// [`UsageError::NotFound`] for what is a stranger's too.
    pub async fn usage(&self, actor: &Actor, of: UsageOf, range: Range) -> Result<Usage, UsageError> {
        let counts = self.counts_of(actor, of).await?;
        let (store, now) = (&self.ports.store, self.ports.now());
        let (period, first, last) = range.span(now);
        let length = last + period.seconds() - first;
        let (parts, address_parts) = (range.parts(now), range.address_parts(now));
        // At once: what one waits for the disk, another may use.
        let (buckets, routes, addresses) = tokio::try_join!(
            store.bucket_sums(counts, period, first - length),
            store.route_sums(counts, &parts),
            store.addresses(counts, &address_parts, ADDRESSES),
        )?;
        Ok(Usage { addresses, ..add_up(&buckets, routes, period, first, last) })
    }

    /// The roll-ups themselves, the oldest first.
    ///
    /// # Errors
    /// As for [`UsageService::usage`].
    pub async fn rollups(
        &self,
        actor: &Actor,
        of: UsageOf,
        range: Range,
    ) -> Result<Vec<(RollupKey, RollupCounts)>, UsageError> {
        let counts = self.counts_of(actor, of).await?;
        let (period, first, _) = range.span(self.ports.now());
        let mut rows = self.ports.store.rollups(counts, period, first).await?;
        rows.sort_by(|(one, _), (other, _)| {
            (one.start, &one.route, one.status, one.refused).cmp(&(
                other.start,
                &other.route,
                other.status,
                other.refused,
            ))
        });
        Ok(rows)
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

fn add_up(buckets: &[BucketSum], routes: Vec<RouteSum>, period: Period, first: i64, last: i64) -> Usage {
    let step = usize::try_from(period.seconds()).unwrap_or(1);
    let length = last + period.seconds() - first;
    let mut columns: BTreeMap<i64, Column> = (first..=last)
        .step_by(step)
        .filter_map(|start| {
            let at = OffsetDateTime::from_unix_timestamp(start).ok()?;
            Some((start, Column { start: at, served: 0, refused: 0, before: 0 }))
        })
        .collect();
    let mut usage = Usage::default();
    for one in buckets {
        if let Some(column) = columns.get_mut(&one.start) {
            column.refused += one.refused;
            column.served += one.requests.saturating_sub(one.refused);
        } else if let Some(column) = columns.get_mut(&(one.start + length)) {
            column.before += one.requests;
            usage.before.0 += one.requests;
            usage.before.1 += one.refused;
        }
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
    usage.columns = columns.into_values().collect();
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

    fn to_route(status: u16, refused: bool, requests: u64, latency: usize) -> RouteSum {
        let volume = Volume { received: requests, sent: 10 * requests };
        let mut counts = RollupCounts { requests, volume, ..RollupCounts::default() };
        counts.latency[latency] = requests;
        RouteSum { route: format!("GET /{status}"), status, refused, counts }
    }

    #[test]
    fn adds_up_and_keeps_empty_buckets() {
        let buckets = [(-240, 2, 2), (-120, 50, 0), (-60, 7, 0), (60, 97, 0), (120, 3, 2)]
            .map(|(start, requests, refused)| BucketSum { start, requests, refused });
        let routes = vec![to_route(200, false, 97, 0), to_route(401, true, 2, 3), to_route(404, false, 1, 11)];
        let usage = add_up(&buckets, routes, Period::Minute, 0, 180);
        assert_eq!(usage.columns.len(), 4);
        assert_eq!((usage.requests, usage.refused), (100, 2));
        assert_eq!((usage.columns[1].served, usage.columns[2].served, usage.columns[2].refused), (97, 1, 2));
        assert_eq!(usage.latency_us, Some([250, 250, 2_500]));
        assert_eq!(usage.before, (59, 2), "as long a time before");
        assert_eq!(usage.columns.iter().map(|column| column.before).collect::<Vec<_>>(), [2, 0, 50, 7]);
        assert_eq!(usage.volume, Volume { received: 100, sent: 1_000 });
        let busiest = RouteUsage { route: "GET /200".to_owned(), requests: 97, refused: 0, p95_us: 250 };
        assert_eq!(usage.routes[0], busiest);
        assert_eq!((usage.routes[1].refused, usage.routes[1].p95_us), (2, 2_500));
        assert_eq!(usage.statuses, [(200, 97), (401, 2), (404, 1)]);
    }

    #[test]
    fn nothing_is_nothing() {
        let usage = add_up(&[], Vec::new(), Period::Minute, 0, 60);
        assert_eq!((usage.requests, usage.latency_us, usage.columns.len()), (0, None, 2));
    }
}
