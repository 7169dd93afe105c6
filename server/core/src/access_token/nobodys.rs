//! Certificates that are nobody's, so that whoever comes with one again does not have all machines read again.
//!
//! Whichever client is made or changed, one of them may be its own: all of it is old then. How often that was so is taken before the store
//! is asked, and kept with the answer. So what is changed meanwhile makes the answer old before it is kept.

use crate::certificate::CertificateThumbprint;
use quick_cache::sync::Cache;
use std::sync::atomic::{AtomicU64, Ordering};
use time::{Duration, OffsetDateTime};

/// What a certificate is known by: which it is, and whether an authority that is trusted signed it.
pub(super) type CertificateName = (CertificateThumbprint, bool);

/// How often clients were changed, as far as this process knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Generation(u64);

/// Certificates that speak for no machine.
pub(super) struct Nobodys {
    known: Cache<CertificateName, (Generation, OffsetDateTime)>,
    generation: AtomicU64,
}

impl Nobodys {
    const CAPACITY: usize = 10_000;
    /// How long a certificate stays nobody's without asking: a bound for whatever was changed without a word.
    const LIFE: Duration = Duration::seconds(5);

    /// An empty memory.
    pub(super) fn new() -> Self {
        Self { known: Cache::new(Self::CAPACITY), generation: AtomicU64::new(0) }
    }

    /// Which generation an answer of the store belongs to that is asked for after this.
    pub(super) fn generation(&self) -> Generation {
        Generation(self.generation.load(Ordering::Acquire))
    }

    /// Keeps that a certificate is nobody's, by what the store was asked in this generation.
    pub(super) fn keep(&self, name: CertificateName, generation: Generation, now: OffsetDateTime) {
        self.known.insert(name, (generation, now));
    }

    /// Whether a certificate is nobody's, without asking anybody.
    pub(super) fn have(&self, name: &CertificateName, now: OffsetDateTime) -> bool {
        self.known.get(name).is_some_and(|(generation, since)| {
            let age = now - since;
            generation == self.generation() && age <= Self::LIFE && age >= Duration::ZERO
        })
    }

    /// Forgets all of them, and those that are being asked for.
    pub(super) fn forget(&self) {
        self.generation.fetch_add(1, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    const NOW: OffsetDateTime = datetime!(2026-11-23 12:00 UTC);

    #[test]
    fn a_certificate_is_nobodys_for_a_while() {
        let (nobodys, name) = (Nobodys::new(), (CertificateThumbprint::of(b"x"), true));
        assert!(!nobodys.have(&name, NOW));
        nobodys.keep(name, nobodys.generation(), NOW);
        assert!(nobodys.have(&name, NOW) && nobodys.have(&name, NOW + Nobodys::LIFE));
        assert!(!nobodys.have(&name, NOW + Nobodys::LIFE + Duration::SECOND));
        assert!(!nobodys.have(&name, NOW - Duration::SECOND), "a clock that was set back");
        assert!(!nobodys.have(&(name.0, false), NOW), "who signed it counts");
        nobodys.forget();
        assert!(!nobodys.have(&name, NOW));
    }

    #[test]
    fn what_is_changed_while_the_store_is_asked_wins() {
        let (nobodys, name) = (Nobodys::new(), (CertificateThumbprint::of(b"x"), false));
        let asked = nobodys.generation();
        nobodys.forget();
        nobodys.keep(name, asked, NOW);
        assert!(!nobodys.have(&name, NOW));
        nobodys.keep(name, nobodys.generation(), NOW);
        assert!(nobodys.have(&name, NOW));
    }
}
