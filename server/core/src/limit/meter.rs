//! Counting against one quota.

use super::Quota;
use std::{
    num::NonZeroI64,
    sync::atomic::{AtomicI64, Ordering},
};
use time::{Duration, OffsetDateTime};

/// Counts requests against one quota.
#[derive(Debug)]
pub struct Meter {
    quota: Quota,
    /// What one request costs, and how much may be spent ahead of time, in nanoseconds: divided once, not for each request.
    cost: i64,
    depth: i64,
    /// The theoretical arrival time of the next request, in Unix nanoseconds.
    arrival: AtomicI64,
}

/// A quota after one request. Small: every request carries several along.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reading {
    /// The quota.
    pub quota: Quota,
    /// Requests that would be let in right now.
    pub remaining: u32,
    reset_nanoseconds: i64,
    retry_nanoseconds: Option<NonZeroI64>,
}

impl Reading {
    /// Until the quota is whole again.
    pub fn reset_after(&self) -> Duration {
        Duration::nanoseconds(self.reset_nanoseconds)
    }

    /// How long to wait, where this request was one too many.
    pub fn retry_after(&self) -> Option<Duration> {
        self.retry_nanoseconds.map(|wait| Duration::nanoseconds(wait.get()))
    }

    /// Whether this request was one too many.
    pub fn is_over(&self) -> bool {
        self.retry_nanoseconds.is_some()
    }
}

/// A time in Unix nanoseconds.
pub(super) fn nanoseconds(at: OffsetDateTime) -> i64 {
    i64::try_from(at.unix_timestamp_nanos()).unwrap_or(i64::MAX)
}

impl Meter {
    /// A meter with its whole quota.
    pub fn new(quota: Quota) -> Self {
        Self { quota, cost: quota.cost(), depth: quota.depth(), arrival: AtomicI64::new(i64::MIN) }
    }

    /// Counts one request, and says whether it is within the quota. A refused request costs nothing.
    pub fn spend(&self, now: OffsetDateTime) -> Reading {
        self.spend_at(nanoseconds(now))
    }

    /// What [`Meter::spend`] would say, without counting anything.
    pub fn look(&self, now: OffsetDateTime) -> Reading {
        let now = nanoseconds(now);
        let ahead = self.ahead(self.arrival.load(Ordering::Relaxed), now);
        let spent = ahead.saturating_add(self.cost).saturating_sub(now);
        let over = spent - self.depth;
        self.reading(ahead - now, (over > self.leeway()).then_some(over))
    }

    pub(super) fn spend_at(&self, now: i64) -> Reading {
        let (cost, depth) = (self.cost, self.depth);
        let mut current = self.arrival.load(Ordering::Relaxed);
        loop {
            let ahead = self.ahead(current, now);
            let next = ahead.saturating_add(cost);
            let spent = next.saturating_sub(now);
            if spent - depth > self.leeway() {
                return self.reading(ahead - now, Some(spent - depth));
            }
            match self.arrival.compare_exchange_weak(current, next, Ordering::Relaxed, Ordering::Relaxed) {
                Ok(_) => return self.reading(spent, None),
                Err(seen) => current = seen,
            }
        }
    }

    /// Gives one request back, where another meter refused it.
    pub(crate) fn give_back(&self) {
        self.arrival.fetch_sub(self.cost, Ordering::Relaxed);
    }

    /// Nobody can be much further ahead than a whole window: such an arrival is from before the clock was set back. A little
    /// further is whoever reads the clock first and comes second, and must not find the quota whole again for it.
    fn ahead(&self, arrival: i64, now: i64) -> i64 {
        const SLACK: i64 = 5_000_000_000;
        if arrival > now.saturating_add(self.depth).saturating_add(SLACK) { now } else { arrival.max(now) }
    }

    /// Callers at once read their clocks a moment apart and come in another order. Less than one request's worth, so that it
    /// lets none in beyond the quota.
    fn leeway(&self) -> i64 {
        const APART: i64 = 5_000_000;
        APART.min(self.cost / 2)
    }

    fn reading(&self, spent: i64, retry_after: Option<i64>) -> Reading {
        let left = (self.depth + self.leeway() - spent) / self.cost;
        Reading {
            quota: self.quota,
            remaining: u32::try_from(left).unwrap_or(0),
            reset_nanoseconds: spent,
            retry_nanoseconds: retry_after.and_then(NonZeroI64::new),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{num::NonZeroU32, sync::atomic::AtomicU32};
    use time::macros::datetime;

    const START: OffsetDateTime = datetime!(2026-11-23 12:00 UTC);

    fn meter(requests: u32, window_seconds: u32) -> Meter {
        Meter::new(Quota {
            requests: NonZeroU32::new(requests).unwrap(),
            window_seconds: NonZeroU32::new(window_seconds).unwrap(),
        })
    }

    #[test]
    fn lets_the_whole_quota_in_at_once_and_then_one_at_a_time() {
        let meter = meter(10, 60);
        for left in (0..10).rev() {
            let state = meter.spend(START);
            assert_eq!((state.remaining, state.retry_after()), (left, None));
        }
        let refused = meter.spend(START);
        assert_eq!(refused.retry_after(), Some(Duration::seconds(6)));
        assert_eq!(refused.remaining, 0);
        assert_eq!(meter.look(START).retry_after(), Some(Duration::seconds(6)));
        assert_eq!(meter.look(START + Duration::seconds(6)).retry_after(), None);
        assert_eq!(meter.spend(START + Duration::seconds(6)).retry_after(), None);
        assert!(meter.spend(START + Duration::seconds(6)).is_over());
    }

    #[test]
    fn r50_exactly_the_quota_passes_under_concurrency() {
        let meter = meter(100, 3_600);
        let passed = AtomicU32::new(0);
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for _ in 0..50 {
                        if !meter.spend(START).is_over() {
                            passed.fetch_add(1, Ordering::Relaxed);
                        }
                    }
                });
            }
        });
        assert_eq!(passed.into_inner(), 100);
    }

    #[test]
    fn r50_who_read_the_clock_a_little_earlier_finds_no_new_quota() {
        let meter = meter(10, 60);
        for number in 0..200 {
            let at = START - Duration::microseconds(number * 137 % 5_000);
            assert_eq!(!meter.spend(at).is_over(), number < 10, "request {number}");
        }
    }

    #[test]
    fn a_clock_set_back_locks_nobody_out() {
        let meter = meter(2, 60);
        let _ = meter.spend(START + Duration::days(365));
        assert_eq!(meter.spend(START).remaining, 1);
        assert_eq!(meter.spend(START).remaining, 0);
        assert!(meter.spend(START).retry_after().is_some_and(|wait| wait <= Duration::seconds(60)));
    }

    #[test]
    fn a_clock_set_ahead_gives_no_more_than_one_whole_quota() {
        let meter = meter(2, 60);
        let _ = meter.spend(START);
        let later = START + Duration::days(365);
        assert_eq!(meter.spend(later).remaining, 1);
        assert_eq!(meter.spend(later).remaining, 0);
        assert!(meter.spend(later).is_over());
    }
}
