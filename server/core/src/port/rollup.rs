//! Counts of what went through the door: exact, however many rows of single requests there are.

use super::StoreError;
use async_trait::async_trait;
use latchkey_model::{AccountId, ApiKeyId, ApplicationId, Environment, OwnerId};
use std::net::IpAddr;
use time::OffsetDateTime;
use uuid::Uuid;

/// What is counted, each for itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counted {
    /// Requests by route and status.
    Routes,
    /// All requests of a bucket.
    Buckets,
    /// Requests by address.
    Addresses,
}

impl Counted {
    /// All of it.
    pub const ALL: [Self; 3] = [Self::Routes, Self::Buckets, Self::Addresses];
}

/// The length of bodies, in bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Volume {
    /// Of requests.
    pub received: u64,
    /// Of answers.
    pub sent: u64,
}

impl std::ops::AddAssign for Volume {
    fn add_assign(&mut self, more: Self) {
        self.received += more.received;
        self.sent += more.sent;
    }
}

/// The length of a roll-up's bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Period {
    /// 60 s.
    Minute,
    /// 3,600 s.
    Hour,
    /// 86,400 s, from midnight UTC.
    Day,
}

impl Period {
    /// All periods, the shortest first.
    pub const ALL: [Self; 3] = [Self::Minute, Self::Hour, Self::Day];

    /// Its length in seconds.
    pub const fn seconds(self) -> i64 {
        match self {
            Self::Minute => 60,
            Self::Hour => 3_600,
            Self::Day => 86_400,
        }
    }

    /// The stored word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Minute => "minute",
            Self::Hour => "hour",
            Self::Day => "day",
        }
    }

    /// The start of the bucket that a time falls into, in Unix seconds.
    pub fn start_of(self, at: OffsetDateTime) -> i64 {
        let seconds = at.unix_timestamp();
        seconds - seconds.rem_euclid(self.seconds())
    }
}

/// The buckets of a period that start at or after a time, and before another, in Unix seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Buckets {
    /// Minutes, hours or days.
    pub period: Period,
    /// The first start.
    pub since: i64,
    /// The first start that is not theirs.
    pub until: i64,
}

/// Buckets that are added up, as many at a time as begin in the same step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Steps {
    /// All of them.
    pub buckets: Buckets,
    /// How long a step is, in seconds: the first one begins with the first bucket.
    pub seconds: i64,
    /// For how long from its begin buckets of a step count, in seconds: the others are not read.
    pub part: i64,
}

/// The upper bounds of the latency buckets, in microseconds; a last bucket has no bound.
pub const LATENCY_BOUNDS_US: [u64; 11] =
    [250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 1_000_000];

/// Requests by latency: how many fell under each of [`LATENCY_BOUNDS_US`], and above the last.
pub type LatencyCounts = [u64; 12];

/// What a roll-up counts apart.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RollupKey {
    /// Minute, hour or day.
    pub period: Period,
    /// The start of the bucket, in Unix seconds.
    pub start: i64,
    /// Whose requests; none for those of everybody and nobody.
    pub owner_id: Option<OwnerId>,
    /// Made with which credential; none for all of the owner's together, so that a page about all of them reads few rows.
    pub credential: Option<Uuid>,
    /// To which route: method and pattern, such as `GET /api/v1/posts`.
    pub route: String,
    /// Answered how.
    pub status: u16,
    /// Whether the door refused it, whatever the status says.
    pub refused: bool,
}

/// What a roll-up counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RollupCounts {
    /// All requests.
    pub requests: u64,
    /// By latency.
    pub latency: LatencyCounts,
    /// The bodies of all of them.
    pub volume: Volume,
}

impl std::ops::AddAssign for RollupCounts {
    fn add_assign(&mut self, more: Self) {
        self.requests += more.requests;
        self.volume += more.volume;
        for (sum, new) in self.latency.iter_mut().zip(more.latency) {
            *sum += new;
        }
    }
}

/// By what requests are counted to tell from where they came: by the hour and the day alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AddressKey {
    /// Hour or day.
    pub period: Period,
    /// The start of the bucket, in Unix seconds.
    pub start: i64,
    /// Whose requests; none for those of everybody and nobody.
    pub owner_id: Option<OwnerId>,
    /// Made with which credential; none for all of the owner's together.
    pub credential: Option<Uuid>,
    /// From where; none for those beyond the first of an hour, together.
    pub address: Option<IpAddr>,
}

/// What came from an address.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct AddressCounts {
    /// All requests.
    pub requests: u64,
    /// Those that the door refused.
    pub refused: u64,
}

impl std::ops::AddAssign for AddressCounts {
    fn add_assign(&mut self, more: Self) {
        self.requests += more.requests;
        self.refused += more.refused;
    }
}

/// Whose requests are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CountsOf {
    /// Those of an environment of an application, if a team of the account owns it.
    Environment(AccountId, ApplicationId, Environment),
    /// Those of an application, likewise.
    Application(AccountId, ApplicationId),
    /// Those with a credential of this owner. The caller has seen that the account may know of it.
    Credential(OwnerId, Uuid),
    /// Everybody's and nobody's.
    Portal,
}

/// The requests of a step, whatever they asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BucketSum {
    /// What was added up.
    pub period: Period,
    /// The start of the step, in Unix seconds.
    pub start: i64,
    /// How many there were.
    pub requests: u64,
    /// How many of them the door refused.
    pub refused: u64,
}

/// The requests to a route that were answered alike, whenever they came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RouteSum {
    /// Method and pattern.
    pub route: String,
    /// Answered how.
    pub status: u16,
    /// Whether the door refused them.
    pub refused: bool,
    /// What was counted.
    pub counts: RollupCounts,
}

/// Questions about counts.
#[async_trait]
pub trait RollupReader {
    /// The roll-ups from a time on, of all credentials together where it is not about one.
    async fn rollups(
        &self,
        of: CountsOf,
        period: Period,
        since: i64,
    ) -> Result<Vec<(RollupKey, RollupCounts)>, StoreError>;

    /// So many of them at most, the oldest first, of one bucket by route, status and owner: those that come behind this one, where one is
    /// named.
    async fn rollups_page(
        &self,
        of: CountsOf,
        period: Period,
        since: i64,
        after: Option<&RollupKey>,
        limit: u64,
    ) -> Result<Vec<(RollupKey, RollupCounts)>, StoreError>;

    /// The requests of each of these steps: of an application, once for each of its environments.
    async fn bucket_sums(&self, of: CountsOf, steps: &[Steps]) -> Result<Vec<BucketSum>, StoreError>;

    /// From when on all that is counted by the day is there by the hour, too, in Unix seconds; none where it always was.
    async fn hours_since(&self, counted: Counted) -> Result<Option<i64>, StoreError>;

    /// The roll-ups of these buckets, added up by route and status: of an application, once for each of its environments, and once for
    /// each of these.
    async fn route_sums(&self, of: CountsOf, buckets: &[Buckets]) -> Result<Vec<RouteSum>, StoreError>;

    /// From where the requests of these buckets came, the busiest first; those beyond the first of each hour together.
    async fn addresses(
        &self,
        of: CountsOf,
        buckets: &[Buckets],
        limit: u64,
    ) -> Result<Vec<(Option<IpAddr>, AddressCounts)>, StoreError>;

    /// Of an hour or a day, the addresses beyond the busiest so many of each owner and each credential.
    async fn addresses_beyond(&self, period: Period, start: i64, busiest: u64) -> Result<Vec<AddressKey>, StoreError>;

    /// The routes that each of these keys was let in to, from a day on. The caller has seen the keys, which are all this owner's.
    async fn routes_called(
        &self,
        owner: OwnerId,
        keys: &[ApiKeyId],
        since: i64,
    ) -> Result<Vec<(ApiKeyId, String)>, StoreError>;
}

/// Changes to counts that are written; new ones come in a batch of the request log.
#[async_trait]
pub trait RollupWriter {
    /// Counts what came from these addresses with what came from others that are not told apart; returns from how many something came.
    async fn addresses_together(&mut self, keys: &[AddressKey]) -> Result<u64, StoreError>;
}
