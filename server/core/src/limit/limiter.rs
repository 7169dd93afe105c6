//! A meter for everything that has a name.

use super::{Meter, Quota, Reading};
use quick_cache::sync::Cache;
use std::{
    hash::Hash,
    net::{IpAddr, Ipv6Addr},
    sync::Arc,
};
use time::OffsetDateTime;

/// A limiter with one quota for every key.
pub struct Limiter<K> {
    quota: Quota,
    /// What is evicted, because more keys came than are kept in mind, starts again with a whole quota.
    meters: Cache<K, Arc<Meter>>,
}

impl<K: Hash + Eq + Clone> Limiter<K> {
    /// How many keys are kept in mind.
    const CAPACITY: usize = 50_000;

    /// A limiter with one quota for every key.
    pub fn new(quota: Quota) -> Self {
        Self { quota, meters: Cache::new(Self::CAPACITY) }
    }

    /// Counts one request, and says whether it is within the quota.
    pub fn check(&self, key: &K, now: OffsetDateTime) -> Reading {
        self.meter(key).spend(now)
    }

    /// What [`Limiter::check`] would say, without counting anything.
    pub fn look(&self, key: &K, now: OffsetDateTime) -> Reading {
        match self.meters.get(key) {
            Some(meter) => meter.look(now),
            None => Meter::new(self.quota).look(now),
        }
    }

    /// The meter of one key, to be kept at hand.
    pub fn meter(&self, key: &K) -> Arc<Meter> {
        self.meters
            .get_or_insert_with(key, || Ok::<_, std::convert::Infallible>(Arc::new(Meter::new(self.quota))))
            .unwrap_or_else(|never| match never {})
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
    use std::num::NonZeroU32;
    use time::macros::datetime;

    #[test]
    fn each_key_has_a_quota_of_its_own_and_looking_is_free() {
        let now = datetime!(2026-11-23 12:00 UTC);
        let limiter = Limiter::new(Quota::per_minute(NonZeroU32::MIN));
        assert!(!limiter.look(&1, now).is_over());
        assert!(!limiter.check(&1, now).is_over());
        assert!(limiter.look(&1, now).is_over());
        assert!(limiter.check(&1, now).is_over());
        assert!(!limiter.check(&2, now).is_over());
    }

    #[test]
    fn r49_one_ipv6_network_is_one() {
        let network = |text: &str| network_of(text.parse().unwrap());
        assert_eq!(network("2001:db8:1:2:3:4:5:6"), network("2001:db8:1:2:ffff::1"));
        assert_ne!(network("2001:db8:1:2::1"), network("2001:db8:1:3::1"));
        assert_ne!(network("203.0.113.1"), network("203.0.113.2"));
        assert_eq!(network("::ffff:203.0.113.1"), network("203.0.113.1"));
    }
}
