//! The counts of one key between two visits of the writer: exact, however many requests come.

use super::RouteName;
use crate::{
    limit::Quota,
    port::rollup::{AddressCounts, LATENCY_BOUNDS_US, Period, RollupCounts, Volume},
};
use smallvec::SmallVec;
use std::{
    net::IpAddr,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use time::OffsetDateTime;

/// What is counted apart in a minute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slot {
    /// The start of the minute, in Unix seconds.
    pub minute: i64,
    /// The HTTP method.
    pub method: &'static str,
    /// The route's pattern.
    pub route: RouteName,
    /// The status of the answer.
    pub status: u16,
    /// Whether the door refused it.
    pub refused: bool,
}

/// What was counted of a slot.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sums {
    /// What the roll-ups keep.
    pub counts: RollupCounts,
    /// How long all of them took together, in microseconds.
    pub duration_us: u64,
}

/// A request as it is counted.
#[derive(Debug, Clone)]
pub struct Counted {
    /// Where it belongs.
    pub slot: Slot,
    /// When it arrived.
    pub at: OffsetDateTime,
    /// From where.
    pub address: IpAddr,
    /// How long the answer took.
    pub duration: Duration,
    /// The length of its bodies.
    pub volume: Volume,
    /// Whether the key was seen where it must not be.
    pub exposed: bool,
    /// A limit of which little was left after it.
    pub near: Option<Quota>,
}

/// An hour and an address, and what came from there.
type CountedFrom = ((i64, Option<IpAddr>), AddressCounts);

/// What was counted since the last visit. The first slot and address lie here, and mostly there are no others: whoever counts for many
/// keys in turn waits for everything that lies elsewhere.
#[derive(Debug, Default)]
pub struct Counts {
    /// Mostly one or two slots: a key calls few routes in a few seconds.
    pub slots: SmallVec<[(Slot, Sums); 1]>,
    /// By hour and address; none for those that found no room.
    pub addresses: SmallVec<[CountedFrom; 1]>,
    /// When a request was last let in, and from where.
    pub last_use: Option<(OffsetDateTime, IpAddr)>,
    /// When the key was first seen where it must not be.
    pub exposed_at: Option<OffsetDateTime>,
    /// A limit of which little was left, and when.
    pub near: Option<(OffsetDateTime, Quota)>,
}

impl Counts {
    fn came_from(&mut self, counted: &Counted) {
        let hour = Period::Hour.start_of(counted.at);
        let known = self.addresses.iter().position(|(key, _)| *key == (hour, Some(counted.address)));
        let at = known.unwrap_or_else(|| {
            let room = self.addresses.len() < Tally::ADDRESSES;
            let key = (hour, room.then_some(counted.address));
            let others = self.addresses.iter().position(|(known, _)| *known == key);
            others.unwrap_or_else(|| {
                self.addresses.push((key, AddressCounts::default()));
                self.addresses.len() - 1
            })
        });
        let sums = &mut self.addresses[at].1;
        sums.requests += 1;
        sums.refused += u64::from(counted.slot.refused);
    }
}

/// What is said of a key beside its counts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Seen {
    /// When a request was last let in, and from where.
    pub last_use: Option<(OffsetDateTime, IpAddr)>,
    /// When it was first seen where it must not be.
    pub exposed_at: Option<OffsetDateTime>,
    /// A limit of which little was left, and when.
    pub near: Option<(OffsetDateTime, Quota)>,
}

/// The counts of one key. Its lock is held for some nanoseconds, and only requests with the same key can meet at it.
#[derive(Debug, Default)]
pub struct Tally {
    counts: Mutex<Counts>,
    /// Requests that were let in and have no row, since the last that has one.
    without_row: AtomicU64,
}

impl Tally {
    /// How many addresses are told apart between two visits; more come from somebody who has many to spare.
    const ADDRESSES: usize = 64;

    /// Counts a request; says whether it is the first since the last visit.
    pub fn count(&self, counted: &Counted) -> bool {
        let mut counts = self.lock();
        let first = counts.slots.is_empty();
        let known = counts.slots.iter().position(|(slot, _)| *slot == counted.slot);
        let at = known.unwrap_or(counts.slots.len());
        if known.is_none() {
            counts.slots.push((counted.slot.clone(), Sums::default()));
        }
        let sums = &mut counts.slots[at].1;
        let duration_us = microseconds(counted.duration);
        sums.counts.requests += 1;
        sums.counts.latency[latency_bucket(duration_us)] += 1;
        sums.counts.volume += counted.volume;
        sums.duration_us += duration_us;
        counts.came_from(counted);
        if !counted.slot.refused && counts.last_use.is_none_or(|(last, _)| last <= counted.at) {
            counts.last_use = Some((counted.at, counted.address));
        }
        if counted.exposed && counts.exposed_at.is_none() {
            counts.exposed_at = Some(counted.at);
        }
        counts.near = counts.near.or(counted.near.map(|quota| (counted.at, quota)));
        first
    }

    /// Hands over what was counted, and begins anew, also with no more room than there was at first.
    pub fn hand_over(
        &self,
        mut take: impl FnMut(Slot, Sums),
        mut take_address: impl FnMut(i64, Option<IpAddr>, AddressCounts),
    ) -> Seen {
        let mut counts = self.lock();
        for (slot, sums) in counts.slots.drain(..) {
            take(slot, sums);
        }
        for ((hour, address), sums) in counts.addresses.drain(..) {
            take_address(hour, address, sums);
        }
        counts.slots.shrink_to_fit();
        counts.addresses.shrink_to_fit();
        Seen { last_use: counts.last_use.take(), exposed_at: counts.exposed_at.take(), near: counts.near.take() }
    }

    /// Notes that a request was let in and has no row.
    pub fn note_without_row(&self) {
        self.without_row.fetch_add(1, Ordering::Relaxed);
    }

    /// For how many requests the next row stands: itself, and those before it that have none.
    pub fn stands_for(&self) -> u64 {
        // Mostly there are none; then nothing is written to what others read.
        if self.without_row.load(Ordering::Relaxed) == 0 {
            return 1;
        }
        1 + self.without_row.swap(0, Ordering::Relaxed)
    }

    fn lock(&self) -> MutexGuard<'_, Counts> {
        // A panic in between can at worst have lost the count of one request.
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A duration in whole microseconds.
pub(super) fn microseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

/// The bucket of the roll-ups into which a latency falls.
pub(super) fn latency_bucket(duration_us: u64) -> usize {
    LATENCY_BOUNDS_US.iter().position(|bound| duration_us <= *bound).unwrap_or(LATENCY_BOUNDS_US.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;
    use time::macros::datetime;

    fn counted(status: u16, refused: bool) -> Counted {
        Counted {
            slot: Slot { minute: 60, method: "GET", route: RouteName::Own("/x"), status, refused },
            at: datetime!(2026-11-23 12:00 UTC),
            address: Ipv4Addr::LOCALHOST.into(),
            duration: Duration::from_micros(300),
            volume: Volume { received: 3, sent: 40 },
            exposed: false,
            near: None,
        }
    }

    #[test]
    fn latencies_fall_into_the_bucket_that_bounds_them() {
        assert_eq!(latency_bucket(0), 0);
        assert_eq!(latency_bucket(250), 0);
        assert_eq!(latency_bucket(251), 1);
        assert_eq!(latency_bucket(1_000_000), 10);
        assert_eq!(latency_bucket(u64::MAX), 11);
    }

    #[test]
    fn nothing_is_lost_between_counting_and_handing_over() {
        let tally = Tally::default();
        let (mut served, mut refused) = (0, 0);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for number in 0..5_000 {
                        tally.count(&if number % 5 == 0 { counted(401, true) } else { counted(200, false) });
                    }
                });
            }
            for _ in 0..50 {
                tally.hand_over(
                    |slot, sums| *if slot.refused { &mut refused } else { &mut served } += sums.counts.requests,
                    |_, _, _| {},
                );
                std::thread::yield_now();
            }
        });
        tally.hand_over(
            |slot, sums| *if slot.refused { &mut refused } else { &mut served } += sums.counts.requests,
            |_, _, _| {},
        );
        assert_eq!((served, refused), (16_000, 4_000));
    }

    #[test]
    fn only_what_was_let_in_is_a_use() {
        let tally = Tally::default();
        assert!(tally.count(&counted(401, true)), "the first since the last visit");
        assert!(!tally.count(&counted(401, true)));
        assert_eq!(tally.hand_over(|_, _| {}, |_, _, _| {}), Seen::default());
        assert!(tally.count(&counted(200, false)));
        assert!(tally.hand_over(|_, _| {}, |_, _, _| {}).last_use.is_some());
    }

    #[test]
    fn addresses_are_told_apart_as_long_as_there_is_room() {
        let tally = Tally::default();
        let most = u8::try_from(Tally::ADDRESSES).unwrap();
        for number in 0..most + 4 {
            let address = Ipv4Addr::new(192, 0, 2, number).into();
            tally.count(&Counted { address, ..counted(if number < 5 { 401 } else { 200 }, number < 5) });
        }
        tally.count(&Counted { address: Ipv4Addr::new(192, 0, 2, 0).into(), ..counted(200, false) });
        let mut found = Vec::new();
        tally.hand_over(|_, _| {}, |_, address, sums| found.push((address, sums.requests, sums.refused)));
        assert_eq!(found.len(), Tally::ADDRESSES + 1);
        assert_eq!(found[0], (Some(Ipv4Addr::new(192, 0, 2, 0).into()), 2, 1));
        assert_eq!(found[Tally::ADDRESSES], (None, 4, 0), "the rest is counted together");
    }

    #[test]
    fn a_row_stands_for_those_before_it_that_have_none() {
        let tally = Tally::default();
        assert_eq!(tally.stands_for(), 1);
        (0..4).for_each(|_| tally.note_without_row());
        assert_eq!((tally.stands_for(), tally.stands_for()), (5, 1));
    }
}
