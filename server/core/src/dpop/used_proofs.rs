//! Which proofs have been taken (RFC 9449 section 11.1).

use std::{
    collections::HashSet,
    hash::{BuildHasher, RandomState},
    sync::{Mutex, PoisonError},
};
use time::{Duration, OffsetDateTime};

/// The names of proofs that were taken, until they would be too old to be taken anyway.
///
/// Two generations: while one is filled, the one before is kept. A name is in one of them for at least as long as a proof is good.
pub(super) struct UsedProofs {
    shards: Box<[Mutex<Generations>]>,
    /// Nobody outside knows which names share a shard: whoever chooses names cannot fill one of them.
    places: RandomState,
    most: usize,
}

struct Generations {
    began: OffsetDateTime,
    current: HashSet<[u8; 16]>,
    before: HashSet<[u8; 16]>,
}

/// What became of a proof's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use = "only a proof that comes for the first time is one"]
pub(super) enum Noted {
    /// It came for the first time.
    First,
    /// It came before.
    Again,
    /// There is no room to remember it, so it cannot be taken.
    Full,
}

impl UsedProofs {
    const SHARDS: usize = 64;
    /// Longer than any proof is good.
    pub(super) const GENERATION: Duration = Duration::minutes(7);

    /// A memory for so many names in one generation.
    pub(super) fn new(most: usize) -> Self {
        let empty = || {
            Mutex::new(Generations {
                began: OffsetDateTime::UNIX_EPOCH,
                current: HashSet::new(),
                before: HashSet::new(),
            })
        };
        Self {
            shards: (0..Self::SHARDS).map(|_| empty()).collect(),
            places: RandomState::new(),
            most: most / Self::SHARDS,
        }
    }

    /// Notes a name, by the digest of everything that makes the proof one of a kind.
    pub(super) fn note(&self, digest: &[u8; 32], now: OffsetDateTime) -> Noted {
        let mut name = [0; 16];
        name.copy_from_slice(&digest[..16]);
        let shard = self.places.hash_one(name) % Self::SHARDS as u64;
        let mut generations =
            self.shards[usize::try_from(shard).unwrap_or_default()].lock().unwrap_or_else(PoisonError::into_inner);
        let age = now - generations.began;
        if age >= Self::GENERATION {
            let full = std::mem::take(&mut generations.current);
            // After a quiet time what was kept is older than any proof.
            generations.before = if age >= Self::GENERATION * 2 { HashSet::new() } else { full };
            generations.began = now;
        }
        if generations.before.contains(&name) || generations.current.contains(&name) {
            return Noted::Again;
        }
        if generations.current.len() >= self.most {
            return Noted::Full;
        }
        generations.current.insert(name);
        Noted::First
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::sha256;
    use time::macros::datetime;

    #[test]
    fn rfc9449_11_1_a_name_is_kept_as_long_as_its_proof_is_good() {
        let start = datetime!(2026-11-25 12:00 UTC);
        for offset in 0..20 {
            let used = UsedProofs::new(64_000);
            let other = sha256(b"other");
            let _ = used.note(&other, start - Duration::minutes(offset));
            let name = sha256(&[u8::try_from(offset).unwrap()]);
            assert_eq!(used.note(&name, start), Noted::First);
            for minutes in 1..7 {
                assert_eq!(used.note(&name, start + Duration::minutes(minutes)), Noted::Again, "{offset} {minutes}");
            }
        }
    }

    #[test]
    fn a_flood_of_proofs_is_refused_not_forgotten() {
        let now = datetime!(2026-11-25 12:00 UTC);
        let used = UsedProofs::new(640);
        let outcomes: Vec<_> = (0..5_000_u32).map(|number| used.note(&sha256(&number.to_be_bytes()), now)).collect();
        assert!(outcomes.contains(&Noted::Full));
        assert!(outcomes.iter().filter(|outcome| **outcome == Noted::First).count() <= 640);
    }

    #[test]
    fn whoever_chooses_names_cannot_fill_a_part_of_the_memory() {
        let now = datetime!(2026-11-25 12:00 UTC);
        let used = UsedProofs::new(64_000);
        // Alike but for a few bytes: by themselves they would all come to one place.
        let alike = |number: u32| {
            let mut digest = [0; 32];
            digest[..4].copy_from_slice(&number.to_be_bytes());
            digest
        };
        assert!((0..20_000).all(|number| used.note(&alike(number), now) == Noted::First));
    }

    #[test]
    fn r22_of_all_who_send_one_proof_at_once_one_wins() {
        let now = datetime!(2026-11-25 12:00 UTC);
        let used = UsedProofs::new(64_000);
        for round in 0..200_u32 {
            let name = sha256(&round.to_be_bytes());
            let won = std::thread::scope(|scope| {
                let tries: Vec<_> = (0..8).map(|_| scope.spawn(|| used.note(&name, now))).collect();
                tries.into_iter().map(|one| one.join().unwrap()).filter(|one| *one == Noted::First).count()
            });
            assert_eq!(won, 1);
        }
    }
}
