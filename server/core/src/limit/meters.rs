//! Everything that one key must keep to: its own windows, and the limit of whoever owns it.

use super::{
    Quota, RateLimits,
    meter::{Meter, Reading, nanoseconds},
};
use std::sync::Arc;
use time::{Duration, OffsetDateTime};

/// Most readings that one request gives: a key's windows and the owner's.
const MOST: usize = RateLimits::MAX_WINDOWS + 1;

/// The meters of a key. Keys that take over from one another share them, so that a rotation gives nobody a second quota.
#[derive(Debug)]
pub struct Meters {
    windows: Vec<Meter>,
    owner: Arc<Meter>,
}

/// What every meter of a key says after one request: copied, never allocated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Readings {
    readings: [Reading; MOST],
    windows: u8,
}

impl Meters {
    /// Meters for these quotas, of which there is at least one; those beyond [`RateLimits::MAX_WINDOWS`] are left out.
    pub fn new(first: Quota, others: &[Quota], owner: Arc<Meter>) -> Self {
        let quotas = std::iter::once(first).chain(others.iter().copied()).take(RateLimits::MAX_WINDOWS);
        Self { windows: quotas.map(Meter::new).collect(), owner }
    }

    /// Counts one request against every meter, or against none when one of them refuses.
    pub fn spend(&self, now: OffsetDateTime) -> Readings {
        let at = nanoseconds(now);
        let owner = self.owner.spend_at(at);
        if owner.is_over() {
            return self.look(now).with(0, owner);
        }
        let mut readings = Readings::of(owner);
        for (index, meter) in self.windows.iter().enumerate() {
            let reading = meter.spend_at(at);
            if reading.is_over() {
                self.windows.iter().take(index).for_each(Meter::give_back);
                self.owner.give_back();
                return self.look(now).with(index + 1, reading);
            }
            readings = readings.and(reading);
        }
        readings
    }

    /// Gives one request back to every meter, where a limit that is not among them refused it.
    pub(crate) fn give_back(&self) {
        self.windows.iter().for_each(Meter::give_back);
        self.owner.give_back();
    }

    /// What every meter says, without counting anything.
    pub fn look(&self, now: OffsetDateTime) -> Readings {
        self.windows.iter().fold(Readings::of(self.owner.look(now)), |readings, meter| readings.and(meter.look(now)))
    }
}

impl Readings {
    /// The owner's limit alone: for tests and for requests that no key's window was asked about.
    pub fn of(owner: Reading) -> Self {
        Self { readings: [owner; MOST], windows: 0 }
    }

    /// With one more window.
    #[must_use]
    pub fn and(mut self, window: Reading) -> Self {
        if usize::from(self.windows) < RateLimits::MAX_WINDOWS {
            self.windows += 1;
            self.readings[usize::from(self.windows)] = window;
        }
        self
    }

    /// The limit of whoever owns the key.
    pub fn owner(&self) -> &Reading {
        &self.readings[0]
    }

    /// The key's own windows, the shortest first.
    pub fn windows(&self) -> &[Reading] {
        &self.readings[1..=usize::from(self.windows)]
    }

    /// The reading that refused the request, the one with the longest wait where there are several, and whether it is the
    /// owner's: who waits so long is let in by all of them.
    pub fn refused(&self) -> Option<(&Reading, bool)> {
        let all = self.readings[..=usize::from(self.windows)].iter().enumerate();
        all.filter(|(_, reading)| reading.is_over())
            .max_by_key(|(index, reading)| (reading.retry_after(), std::cmp::Reverse(*index)))
            .map(|(index, reading)| (reading, index == 0))
    }

    /// A limit of the key's own of which less than a fifth is left, the one with the least: its people are told before it refuses.
    /// Windows of seconds are there to be used up.
    pub fn near(&self) -> Option<Quota> {
        let near = self.windows().iter().filter(|reading| {
            reading.quota.window_seconds.get() >= 60 && reading.remaining < reading.quota.requests.get() / 5
        });
        near.min_by_key(|reading| reading.remaining).map(|reading| reading.quota)
    }

    /// How long to wait until this request would be let in.
    pub fn retry_after(&self) -> Option<Duration> {
        self.refused().and_then(|(reading, _)| reading.retry_after())
    }

    fn with(mut self, index: usize, reading: Reading) -> Self {
        self.readings[index] = reading;
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::num::NonZeroU32;
    use time::macros::datetime;

    const START: OffsetDateTime = datetime!(2026-11-23 12:00 UTC);

    fn quota(requests: u32, window_seconds: u32) -> Quota {
        Quota { requests: NonZeroU32::new(requests).unwrap(), window_seconds: NonZeroU32::new(window_seconds).unwrap() }
    }

    #[test]
    fn a_limit_is_near_when_less_than_a_fifth_is_left() {
        let owner = Arc::new(Meter::new(quota(100, 60)));
        let meters = Meters::new(quota(10, 1), &[quota(20, 3_600), quota(4, 3_600)], owner);
        let near: Vec<_> = (0..4).map(|_| meters.spend(START).near()).collect();
        assert_eq!(near, [None; 4], "neither seconds nor a handful");
        let owner = Arc::new(Meter::new(quota(100, 60)));
        let meters = Meters::new(quota(20, 3_600), &[], owner);
        let near: Vec<_> = (0..18).map(|_| meters.spend(START).near().is_some()).collect();
        assert_eq!(near.iter().position(|near| *near), Some(16), "three are left");
    }

    #[test]
    fn a_request_that_one_window_refuses_costs_nothing_in_the_others() {
        let owner = Arc::new(Meter::new(quota(100, 60)));
        let meters = Meters::new(quota(1, 1), &[quota(5, 3_600)], Arc::clone(&owner));
        assert_eq!(meters.spend(START).retry_after(), None);
        for _ in 0..20 {
            assert_eq!(meters.spend(START).retry_after(), Some(Duration::SECOND));
        }
        let later = START + Duration::seconds(1);
        let readings = meters.spend(later);
        assert_eq!(readings.retry_after(), None);
        assert_eq!(readings.windows()[1].remaining, 3, "the hour paid for two requests, not for 22");
    }

    #[test]
    fn what_is_given_back_costs_nothing_at_any_meter() {
        let owner = Arc::new(Meter::new(quota(100, 60)));
        let meters = Meters::new(quota(5, 60), &[quota(9, 3_600)], owner);
        let first = meters.spend(START);
        for _ in 0..20 {
            assert_eq!(meters.spend(START).retry_after(), None);
            meters.give_back();
        }
        let second = meters.spend(START);
        assert_eq!((first.windows()[0].remaining, second.windows()[0].remaining), (4, 3));
        assert_eq!((second.windows()[1].remaining, second.owner().remaining), (7, 98));
    }

    #[test]
    fn the_owner_refuses_before_any_window_is_asked() {
        let owner = Arc::new(Meter::new(quota(2, 60)));
        let (one, other) = (Meters::new(quota(9, 60), &[], Arc::clone(&owner)), Meters::new(quota(9, 60), &[], owner));
        assert_eq!(one.spend(START).retry_after(), None);
        assert_eq!(other.spend(START).retry_after(), None);
        let refused = one.spend(START);
        assert_eq!(refused.refused().map(|(_, owners)| owners), Some(true));
        assert_eq!(refused.windows()[0].remaining, 8, "the window paid for the first one alone");
    }
}
