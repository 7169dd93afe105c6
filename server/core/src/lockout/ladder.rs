//! How long a wait follows how many failures.

use crate::port::lockout::{AttemptCounter, CounterKind};
use time::{Duration, OffsetDateTime};

/// What is tried, as far as it makes a difference here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Guessed {
    /// A password: hard to guess, and asked of everybody who knows an address.
    Password,
    /// A short code: easy to guess, and asked only of whoever knows the password, or is signed in.
    Code,
}

/// The waits that follow one another.
const WAITS: [Duration; 5] =
    [Duration::minutes(1), Duration::minutes(10), Duration::minutes(15), Duration::hours(1), Duration::days(1)];

/// After this long without a try, everything is forgotten.
pub(crate) const FORGOTTEN_AFTER: Duration = Duration::days(1);

/// What one counter allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Allowance {
    /// Failures that cost nothing.
    free: u32,
    /// After how many more each longer wait follows.
    every: u32,
    /// The longest wait, as a place among [`WAITS`].
    longest: usize,
}

/// What a counter allows; none where failures make nobody wait this way.
const fn allowance(kind: CounterKind, guessed: Guessed) -> Option<Allowance> {
    match (kind, guessed) {
        (CounterKind::Pair, _) => Some(Allowance { free: 5, every: 1, longest: 4 }),
        (CounterKind::Network, _) => Some(Allowance { free: 20, every: 5, longest: 4 }),
        (CounterKind::Device, _) => Some(Allowance { free: 10, every: 2, longest: 3 }),
        // Strangers must not lock an owner out: they make one another slower instead.
        (CounterKind::Subject, Guessed::Password) => None,
        // Whoever guesses here knows the password: at most an hour, and the owner's own browser has its own allowance.
        (CounterKind::Subject, Guessed::Code) => Some(Allowance { free: 10, every: 5, longest: 3 }),
    }
}

/// Whether a try is taken now; if not, until when none is.
pub(super) fn locked(counter: &AttemptCounter, now: OffsetDateTime) -> Option<OffsetDateTime> {
    counter.locked_until.filter(|until| *until > now)
}

/// The counter with one failure more.
pub(super) fn counted(
    counter: AttemptCounter,
    kind: CounterKind,
    guessed: Guessed,
    now: OffsetDateTime,
) -> AttemptCounter {
    let before = if now - counter.last_at >= FORGOTTEN_AFTER { 0 } else { counter.failures };
    let failures = before.saturating_add(1);
    let locked_until = allowance(kind, guessed).and_then(|allowance| wait(allowance, failures)).map(|wait| now + wait);
    AttemptCounter { failures, last_at: now, locked_until }
}

/// The wait that so many failures end in: at the last free one, and then at every so many more.
fn wait(allowance: Allowance, failures: u32) -> Option<Duration> {
    let beyond = failures.checked_sub(allowance.free)?;
    let step = usize::try_from(beyond / allowance.every).unwrap_or(usize::MAX).min(allowance.longest);
    (beyond % allowance.every == 0).then(|| WAITS[step])
}

/// The counter without the failure that was no failure; `failures` is how many there were with it. A network's wait that somebody
/// else's failure began meanwhile stays: nobody shortens it with an account of their own.
pub(super) fn given_back(counter: AttemptCounter, kind: CounterKind, failures: u32) -> AttemptCounter {
    match kind {
        CounterKind::Network => not_counted(counter, failures),
        // Whoever knows what was guessed at begins anew.
        CounterKind::Pair | CounterKind::Subject | CounterKind::Device => {
            AttemptCounter { failures: 0, locked_until: None, ..counter }
        }
    }
}

/// The counter without a try of which nobody knows whether it was one; `failures` is how many there were with it.
pub(super) fn not_counted(counter: AttemptCounter, failures: u32) -> AttemptCounter {
    let locked_until = counter.locked_until.filter(|_| counter.failures != failures);
    AttemptCounter { failures: counter.failures.saturating_sub(1), locked_until, ..counter }
}

/// The wait of a network that tries many accounts.
pub(super) fn stuffing(counter: AttemptCounter, now: OffsetDateTime) -> AttemptCounter {
    let until = now + WAITS[2];
    AttemptCounter { locked_until: Some(counter.locked_until.map_or(until, |locked| locked.max(until))), ..counter }
}

/// How much later a stranger is answered who tries an account that many others have failed at: doubling, some seconds at most.
pub(super) fn cost(failures: u32) -> Duration {
    const FREE: u32 = 10;
    const FIRST: Duration = Duration::milliseconds(100);
    const LONGEST: Duration = Duration::seconds(5);
    match failures.checked_sub(FREE) {
        None | Some(0) => Duration::ZERO,
        Some(beyond) => (FIRST * 2_i32.saturating_pow(beyond.min(10) - 1)).min(LONGEST),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    const NOW: OffsetDateTime = datetime!(2026-11-26 12:00 UTC);

    fn none() -> AttemptCounter {
        AttemptCounter { failures: 0, last_at: NOW, locked_until: None }
    }

    /// The waits in minutes that failures end in, each made as soon as it may be.
    fn waits(kind: CounterKind, guessed: Guessed, tries: usize) -> Vec<i64> {
        let (mut counter, mut now, mut waits) = (none(), NOW, Vec::new());
        for _ in 0..tries {
            counter = counted(counter, kind, guessed, now);
            waits.push(counter.locked_until.map_or(0, |until| (until - now).whole_minutes()));
            now = counter.locked_until.unwrap_or(now);
        }
        waits
    }

    #[test]
    fn asvs_6_1_1_waits_grow_as_the_guide_says() {
        assert_eq!(waits(CounterKind::Pair, Guessed::Password, 9), [0, 0, 0, 0, 1, 10, 15, 60, 1440]);
        let network = waits(CounterKind::Network, Guessed::Password, 40);
        let waited: Vec<_> = network.iter().enumerate().filter(|(_, wait)| **wait > 0).collect();
        assert_eq!(waited, [(19, &1), (24, &10), (29, &15), (34, &60), (39, &1440)]);
        assert_eq!(waits(CounterKind::Device, Guessed::Password, 14), [0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 10, 0, 15]);
    }

    #[test]
    fn r45_no_number_of_strangers_locks_an_account() {
        assert!(waits(CounterKind::Subject, Guessed::Password, 5_000).iter().all(|wait| *wait == 0));
        assert_eq!(waits(CounterKind::Subject, Guessed::Code, 40).into_iter().max(), Some(60));
        assert_eq!(cost(10), Duration::ZERO);
        assert_eq!([cost(11), cost(12), cost(13)].map(Duration::whole_milliseconds), [100, 200, 400]);
        assert_eq!(cost(u32::MAX), Duration::seconds(5));
    }

    #[test]
    fn a_day_without_a_try_forgets_everything_and_a_right_one_gives_back() {
        let four = AttemptCounter { failures: 4, ..none() };
        assert!(counted(four, CounterKind::Pair, Guessed::Password, NOW).locked_until.is_some());
        let later = NOW + FORGOTTEN_AFTER;
        assert_eq!(counted(four, CounterKind::Pair, Guessed::Password, later).failures, 1);
        let tried = counted(four, CounterKind::Pair, Guessed::Password, NOW);
        assert_eq!(given_back(tried, CounterKind::Pair, 5), none());
        let network = counted(AttemptCounter { failures: 19, ..none() }, CounterKind::Network, Guessed::Password, NOW);
        assert!(network.locked_until.is_some());
        assert_eq!(given_back(network, CounterKind::Network, 20), AttemptCounter { failures: 19, ..none() });
        let others = given_back(network, CounterKind::Network, 19);
        assert_eq!(others, AttemptCounter { failures: 19, ..network }, "r43: the wait of a failure meanwhile stays");
    }
}
