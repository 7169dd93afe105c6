//! Rate limits by the generic cell rate algorithm: one atomic for each key, no lock, no timer.

use quick_cache::sync::Cache;
use std::{
    hash::Hash,
    net::{IpAddr, Ipv6Addr},
    num::NonZeroU32,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
};
use time::{Duration, OffsetDateTime};

/// So many requests in so long a window; all of them may come at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quota {
    /// Requests in a window.
    pub requests: NonZeroU32,
    /// The window, in whole seconds.
    pub window_seconds: NonZeroU32,
}

impl Quota {
    /// Nanoseconds that one request costs.
    fn cost(self) -> i64 {
        i64::from(self.window_seconds.get()) * 1_000_000_000 / i64::from(self.requests.get())
    }

    /// Nanoseconds that may be spent ahead of time.
    fn depth(self) -> i64 {
        i64::from(self.window_seconds.get()) * 1_000_000_000
    }
}

/// The limit after one request, as the `RateLimit` header tells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LimitState {
    /// The quota in force.
    pub quota: Quota,
    /// Requests that would be let in right now.
    pub remaining: u32,
    /// Until the quota is whole again.
    pub reset_after: Duration,
    /// How long to wait, where this request was one too many.
    pub retry_after: Option<Duration>,
}

/// A limiter for everything that has a key.
pub struct Limiter<K> {
    quota: Quota,
    /// The theoretical arrival time of each key's next request, in Unix nanoseconds. What is evicted, because more keys came
    /// than are kept in mind, starts again with a whole quota.
    arrivals: Cache<K, Arc<AtomicI64>>,
}

impl<K: Hash + Eq + Clone> Limiter<K> {
    /// How many keys are kept in mind.
    const CAPACITY: usize = 100_000;

    /// A limiter with one quota for every key.
    pub fn new(quota: Quota) -> Self {
        Self { quota, arrivals: Cache::new(Self::CAPACITY) }
    }

    /// Counts one request, and says whether it is within the quota. A refused request costs nothing.
    pub fn check(&self, key: &K, now: OffsetDateTime) -> LimitState {
        let arrival = self
            .arrivals
            .get_or_insert_with(key, || Ok::<_, std::convert::Infallible>(Arc::new(AtomicI64::new(i64::MIN))))
            .unwrap_or_else(|never| match never {});
        let now = i64::try_from(now.unix_timestamp_nanos()).unwrap_or(i64::MAX);
        let (cost, depth) = (self.quota.cost(), self.quota.depth());
        let mut current = arrival.load(Ordering::Relaxed);
        loop {
            // Nobody can be further ahead than a whole window: such an arrival is from before the clock was set back.
            let ahead = if current > now.saturating_add(depth) { now } else { current.max(now) };
            let next = ahead.saturating_add(cost);
            let spent = next.saturating_sub(now);
            if spent > depth {
                return self.state(ahead - now, Some(spent - depth));
            }
            match arrival.compare_exchange_weak(current, next, Ordering::Relaxed, Ordering::Relaxed) {
                Ok(_) => return self.state(spent, None),
                Err(seen) => current = seen,
            }
        }
    }

    fn state(&self, spent: i64, retry_after: Option<i64>) -> LimitState {
        let left = (self.quota.depth() - spent) / self.quota.cost();
        LimitState {
            quota: self.quota,
            remaining: u32::try_from(left).unwrap_or(0),
            reset_after: Duration::nanoseconds(spent),
            retry_after: retry_after.map(Duration::nanoseconds),
        }
    }
}

/// What one household or machine has: an IPv4 address, or the first 64 bits of an IPv6 address. Who counts by whole IPv6
/// addresses gives everybody 2⁶⁴ quotas.
pub fn network_of(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX))),
        v4 @ IpAddr::V4(_) => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    const START: OffsetDateTime = datetime!(2026-11-23 12:00 UTC);

    fn limiter(requests: u32, window_seconds: u32) -> Limiter<u8> {
        Limiter::new(Quota {
            requests: NonZeroU32::new(requests).unwrap(),
            window_seconds: NonZeroU32::new(window_seconds).unwrap(),
        })
    }

    #[test]
    fn lets_the_whole_quota_in_at_once_and_then_one_at_a_time() {
        let limiter = limiter(10, 60);
        for left in (0..10).rev() {
            let state = limiter.check(&1, START);
            assert_eq!((state.remaining, state.retry_after), (left, None));
        }
        let refused = limiter.check(&1, START);
        assert_eq!(refused.retry_after, Some(Duration::seconds(6)));
        assert_eq!(refused.remaining, 0);
        assert_eq!(limiter.check(&1, START + Duration::seconds(6)).retry_after, None);
        assert!(limiter.check(&1, START + Duration::seconds(6)).retry_after.is_some());
        assert_eq!(limiter.check(&2, START).remaining, 9, "another key has a quota of its own");
    }

    #[test]
    fn r50_exactly_the_quota_passes_under_concurrency() {
        let limiter = limiter(100, 3_600);
        let passed = std::sync::atomic::AtomicU32::new(0);
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for _ in 0..50 {
                        if limiter.check(&1, START).retry_after.is_none() {
                            passed.fetch_add(1, Ordering::Relaxed);
                        }
                    }
                });
            }
        });
        assert_eq!(passed.into_inner(), 100);
    }

    #[test]
    fn r49_one_ipv6_network_is_one() {
        let network = |text: &str| network_of(text.parse().unwrap());
        assert_eq!(network("2001:db8:1:2:3:4:5:6"), network("2001:db8:1:2:ffff::1"));
        assert_ne!(network("2001:db8:1:2::1"), network("2001:db8:1:3::1"));
        assert_ne!(network("203.0.113.1"), network("203.0.113.2"));
        assert_eq!(network("::ffff:203.0.113.1"), network("203.0.113.1"));
    }

    #[test]
    fn a_clock_set_back_locks_nobody_out() {
        let limiter = limiter(2, 60);
        let _ = limiter.check(&1, START + Duration::days(365));
        assert_eq!(limiter.check(&1, START).remaining, 1);
        assert_eq!(limiter.check(&1, START).remaining, 0);
        assert!(limiter.check(&1, START).retry_after.is_some_and(|wait| wait <= Duration::seconds(60)));
    }
}
