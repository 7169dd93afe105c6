//! Reading the audit log, sealing it each day, and finding out whether anybody has changed it.

use super::{
    Tenant,
    chain::{GENESIS, chained},
};
use crate::{
    actor::{Actor, NotAdmin, NotSignedIn},
    batches::remove_in_batches,
    port::{
        StoreError,
        audit::{AuditBase, AuditEvent, AuditFilter, AuditHead, AuditSeal},
    },
    ports::Ports,
    secret::{DigestKey, digests_equal, hex, sha256},
};
use latchkey_model::{AuditEventId, TeamId};
use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
};
use time::OffsetDateTime;

/// Why the log was not shown.
#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    /// Nobody is signed in.
    #[error(transparent)]
    NotSignedIn(#[from] NotSignedIn),
    /// Only an admin may read this.
    #[error("only an admin may read this")]
    Forbidden,
    /// No such team, as far as this account may know.
    #[error("no such team")]
    NotFound,
    /// The store failed.
    #[error("the audit log could not be read")]
    Store(#[from] StoreError),
}

impl From<NotAdmin> for AuditError {
    fn from(error: NotAdmin) -> Self {
        match error {
            NotAdmin::NotSignedIn(error) => Self::NotSignedIn(error),
            NotAdmin::Developer => Self::Forbidden,
        }
    }
}

/// Which log somebody reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuditScope {
    /// Their own.
    Own,
    /// That of a team which they are in.
    Team(TeamId),
    /// Everything, for admins.
    Portal,
}

/// Some events, the newest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditPage {
    /// The events.
    pub events: Vec<AuditEvent>,
    /// Where the older ones begin, if there are any.
    pub older: Option<AuditEventId>,
}

/// What was found out about the log.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Verified {
    /// Chains that were read.
    pub chains: u64,
    /// Events in them.
    pub events: u64,
    /// Seals that were compared.
    pub seals: u64,
}

/// The first thing in a chain that is not as it was written.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// An event that was changed, put in, or follows one that was taken out.
    #[error("{tenant}, event {sequence} ({id}): {what}")]
    Event {
        /// In whose chain.
        tenant: Tenant,
        /// At which place.
        sequence: i64,
        /// Its id.
        id: AuditEventId,
        /// What is wrong with it.
        what: &'static str,
    },
    /// Somebody else than this server says that the events before this place may be missing.
    #[error("{tenant}: this server did not say that the chain may begin at event {sequence}")]
    Beginning {
        /// In whose chain.
        tenant: Tenant,
        /// At which place.
        sequence: i64,
    },
    /// Events are missing at the end.
    #[error("{tenant}: the chain ends at event {found}, and went to {expected}")]
    Short {
        /// In whose chain.
        tenant: Tenant,
        /// The last that is there.
        found: i64,
        /// The last that there was.
        expected: i64,
    },
    /// A seal that this server did not make, or that is of another chain.
    #[error("{tenant}, the seal of day {day} (event {sequence}): {what}")]
    Seal {
        /// In whose chain.
        tenant: Tenant,
        /// Of which day, in days since the Unix epoch.
        day: i64,
        /// At which place.
        sequence: i64,
        /// What is wrong with it.
        what: &'static str,
    },
    /// Other seals are there than when the last ones were made.
    #[error("seals are missing, or others are there: since day {day}, {expected} chains are sealed; now {found} are")]
    Seals {
        /// When the last ones were made, in days since the Unix epoch.
        day: i64,
        /// How many chains were sealed then.
        expected: u64,
        /// How many are now.
        found: u64,
    },
    /// What tells which seals there must be is none of this server's.
    #[error("which seals there must be cannot be told, and seals may be missing: {what}")]
    Tally {
        /// What is wrong with it.
        what: &'static str,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Reads, seals and verifies the audit log.
#[derive(Clone)]
pub struct AuditService {
    ports: Ports,
    key: DigestKey,
    /// The day of the newest tally that was right since the start: from then on, no older one is, and there must be one.
    tallied: Arc<AtomicI64>,
}

impl AuditService {
    /// How many events a page shows.
    pub const ON_PAGE: u64 = 50;
    /// How many are read at once where all are.
    pub const AT_ONCE: u64 = 500;
    /// How many seals are added in one transaction.
    const SEALS_AT_ONCE: usize = 100;
    /// Before every tally.
    const NEVER: i64 = i64::MIN;

    /// The service; days are sealed with this key.
    pub fn new(ports: Ports, key: DigestKey) -> Self {
        Self { ports, key, tallied: Arc::new(AtomicI64::new(Self::NEVER)) }
    }

    /// Events that the actor may read and that pass a filter, the newest first.
    ///
    /// # Errors
    /// [`AuditError`].
    pub async fn page(
        &self,
        actor: &Actor,
        scope: AuditScope,
        filter: &AuditFilter,
        limit: u64,
    ) -> Result<AuditPage, AuditError> {
        let account = actor.account()?;
        let tenant = match scope {
            AuditScope::Own => Some(Tenant::Account(account.id)),
            AuditScope::Team(team) => {
                let own = self.ports.store.memberships(account.id).await?;
                if own.iter().all(|one| one.team_id != team) {
                    return Err(AuditError::NotFound);
                }
                Some(Tenant::Team(team))
            }
            AuditScope::Portal => {
                actor.admin()?;
                None
            }
        };
        let mut events = self.ports.store.audit_events(tenant, filter, limit + 1).await?;
        let more = events.len() as u64 > limit;
        events.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        let older = events.last().filter(|_| more).map(|last| last.event.id);
        Ok(AuditPage { events, older })
    }

    /// Seals the head of each chain, once a day, and writes down which seals there are: one that is taken away later is missed. What is
    /// not as it was written is not sealed.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn seal_heads(&self) -> Result<(), StoreError> {
        let today = day_of(self.ports.now());
        let sealed = self.sealed().await?;
        let last_day = match self.check_tally(&sealed) {
            Ok(day) => day,
            Err(fault) => {
                tracing::error!(%fault, "the audit log is not as it was written: it is not sealed any more");
                return Ok(());
            }
        };
        let mut newest = newest_of(&sealed.seals);
        let of_today = sealed.seals.iter().filter(|seal| seal.day == today).map(|seal| seal.head.tenant);
        let of_today: BTreeSet<Tenant> = of_today.collect();
        let mut tally = sealed.tally;
        let (mut due, mut ahead) = (Vec::new(), 0_u64);
        for head in self.ports.store.audit_heads().await? {
            let last = newest.get(&head.tenant);
            // A chain to which nothing was added is sealed as it was.
            if of_today.contains(&head.tenant) || last.is_some_and(|last| last.head == head) {
                continue;
            }
            match self.goes_on(&head, last).await {
                Ok(()) => {
                    ahead += u64::from(last.is_some_and(|last| last.day > today));
                    due.push(AuditSeal { head, day: today, seal: self.seal(Self::TALLIED, &head, today) });
                }
                Err(Fault::Store(error)) => return Err(error),
                Err(fault) => {
                    tracing::error!(%fault, "a chain of the audit log is not as it was written: it is not sealed any more");
                }
            }
        }
        if ahead > 0 {
            tracing::warn!(
                chains = ahead,
                "the last seal of some chains is of a day that has not come: a clock was ahead, or is behind now"
            );
        }
        let mut parts: Vec<_> = due.chunks(Self::SEALS_AT_ONCE).collect();
        if parts.is_empty() && tally.is_none() {
            // What there are from a version before is written down.
            parts.push(&[]);
        }
        // The clock of another node may be ahead, or have been.
        let day = last_day.map_or(today, |last| last.max(today));
        for part in parts {
            let mut work = self.ports.store.begin().await?;
            if work.audit_tally_hold().await? != tally {
                // Another node seals: what is left for this one is found in an hour.
                return Ok(());
            }
            for seal in part {
                work.audit_seal_add(seal).await?;
                newest.insert(seal.head.tenant, *seal);
            }
            let next = self.tally(day, &newest);
            work.audit_tally_set(&next).await?;
            work.commit().await?;
            self.tallied.fetch_max(day, Ordering::Relaxed);
            // Where lines of the log are kept elsewhere, this one tells of a database that was put back as a whole.
            tracing::info!(tally = %next, "the audit log was sealed");
            tally = Some(next);
        }
        Ok(())
    }

    /// Every seal, and the tally that was written with the last of them.
    async fn sealed(&self) -> Result<Sealed, StoreError> {
        // First: whatever is read after it is not older.
        let known = self.tallied.load(Ordering::Relaxed);
        let mut tally = self.ports.store.audit_tally().await?;
        loop {
            let seals = self.ports.store.audit_seals().await?;
            let now = self.ports.store.audit_tally().await?;
            if now == tally {
                return Ok(Sealed { seals, tally, known });
            }
            tally = now;
        }
    }

    /// How a seal begins that is in a tally. Those of the versions before begin with nothing.
    const TALLIED: &str = "tallied|";

    fn seal(&self, form: &str, head: &AuditHead, day: i64) -> [u8; 32] {
        let mut text = format!("{form}{}|{day}|{}|", head.tenant, head.sequence).into_bytes();
        text.extend(head.digest);
        self.key.digest(&text)
    }

    fn is_tallied(&self, seal: &AuditSeal) -> bool {
        digests_equal(&self.seal(Self::TALLIED, &seal.head, seal.day), &seal.seal)
    }

    fn check_seal(&self, seal: &AuditSeal) -> Result<(), Fault> {
        if self.is_tallied(seal) || digests_equal(&self.seal("", &seal.head, seal.day), &seal.seal) {
            return Ok(());
        }
        Err(seal_fault(seal, "this server did not make it"))
    }

    /// Which seal is the newest of each chain, as this server vouches for it: the day, how many there are, and a digest of them.
    fn tally(&self, day: i64, newest: &BTreeMap<Tenant, AuditSeal>) -> String {
        let mut text = Vec::new();
        for (tenant, last) in newest {
            text.extend(format!("{tenant}|{}|{}|", last.day, last.head.sequence).into_bytes());
            text.extend(last.head.digest);
        }
        let tally = format!("{day}|{}|{}", newest.len(), hex(&sha256(&text)));
        let vouched = self.vouched_tally(&tally);
        format!("{tally}|{vouched}")
    }

    fn vouched_tally(&self, tally: &str) -> String {
        hex(&self.key.digest(format!("tally|{tally}").as_bytes()))
    }

    /// Compares the seals with the tally of them; returns its day. A database in which no seal is of this version may have none yet.
    fn check_tally(&self, sealed: &Sealed) -> Result<Option<i64>, Fault> {
        let Some(written) = &sealed.tally else {
            let was_there = sealed.known != Self::NEVER || sealed.seals.iter().any(|seal| self.is_tallied(seal));
            return if was_there { Err(Fault::Tally { what: "the tally of them is missing" }) } else { Ok(None) };
        };
        let (tally, vouched) = written.rsplit_once('|').unwrap_or_default();
        if vouched != self.vouched_tally(tally) {
            return Err(Fault::Tally { what: "this server did not make the tally of them" });
        }
        let mut words = tally.split('|');
        let day = words.next().and_then(|day| day.parse().ok()).unwrap_or(Self::NEVER);
        let expected = words.next().and_then(|chains| chains.parse().ok()).unwrap_or_default();
        if day < sealed.known {
            return Err(Fault::Tally { what: "an older tally of them was put back" });
        }
        let newest = newest_of(&sealed.seals);
        if self.tally(day, &newest) != *written {
            return Err(Fault::Seals { day, expected, found: newest.len() as u64 });
        }
        self.tallied.fetch_max(day, Ordering::Relaxed);
        Ok(Some(day))
    }

    /// What a setting says, as this server vouches for it: whoever has the database alone cannot have things removed that tell of them.
    pub(crate) fn vouched(&self, setting: &str) -> String {
        hex(&self.key.digest(format!("setting|{setting}").as_bytes()))
    }

    fn base(&self, head: &AuditHead) -> AuditBase {
        let mut text = format!("{}|begins|{}|", head.tenant, head.sequence).into_bytes();
        text.extend(head.digest);
        AuditBase { head: *head, seal: self.key.digest(&text) }
    }

    /// Removes events from before a time, as far as a seal proves what they came to. The event at the seal stays: each chain begins
    /// with it from then on, which this server's secret vouches for.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn prune(&self, before: OffsetDateTime) -> Result<u64, StoreError> {
        let (day, today) = (day_of(before), day_of(self.ports.now()));
        let mut removed = 0;
        // What was begun before is brought to its end first.
        let bases = self.ports.store.audit_bases().await?;
        for base in &bases {
            if digests_equal(&self.base(&base.head).seal, &base.seal) {
                removed += self.remove_before(base.head).await?;
            }
        }
        let bases: HashMap<_, _> = bases.into_iter().map(|base| (base.head.tenant, base.head)).collect();
        let (mut newest, mut younger) = (HashMap::new(), HashSet::new());
        // A day that has not come says nothing of when a seal was made: a clock was ahead then.
        for seal in self.ports.store.audit_seals().await?.into_iter().filter(|seal| seal.day <= today) {
            let tenant = seal.head.tenant;
            if seal.day >= day {
                younger.insert(tenant);
            } else if !younger.contains(&tenant) {
                // The oldest come first. One that comes after a younger one was made while a clock was behind.
                newest.insert(tenant, seal);
            }
        }
        let due: Vec<_> = newest
            .into_values()
            .filter(|seal| seal.head.sequence > 1)
            .filter(|seal| bases.get(&seal.head.tenant).is_none_or(|base| base.sequence < seal.head.sequence))
            .collect();
        if due.is_empty() {
            return Ok(removed);
        }
        // Nothing is removed from a log that is not as it was written: what shows that would be gone.
        match self.verify().await {
            Ok(_) => {}
            Err(Fault::Store(error)) => return Err(error),
            Err(fault) => {
                tracing::error!(%fault, "the audit log is not as it was written: nothing is removed from it");
                return Ok(removed);
            }
        }
        for seal in due {
            let mut work = self.ports.store.begin().await?;
            work.audit_base_set(&self.base(&seal.head)).await?;
            work.commit().await?;
            removed += self.remove_before(seal.head).await?;
        }
        Ok(removed)
    }

    async fn remove_before(&self, base: AuditHead) -> Result<u64, StoreError> {
        const PART: u64 = 8;
        let store = &*self.ports.store;
        let removed = remove_in_batches(
            store,
            0..base.sequence,
            u64::MAX,
            PART,
            |sequences, limit| store.audit_read_ahead(&base, sequences.start, limit),
            move |work, sequences, limit| {
                Box::pin(async move { work.audit_prune(&base, sequences.start, limit).await })
            },
        );
        Ok(removed.await?.rows)
    }

    /// Reads every chain from its beginning, and compares it with what its digests and seals say.
    ///
    /// # Errors
    /// [`Fault`], of the first thing that is not as it was written.
    pub async fn verify(&self) -> Result<Verified, Fault> {
        let mut bases = self.ports.store.audit_bases().await?;
        loop {
            let found = self.verify_from(&bases).await;
            // Where something was removed meanwhile, it is missing by right.
            let now = self.ports.store.audit_bases().await?;
            if found.is_ok() || now == bases {
                return found;
            }
            bases = now;
        }
    }

    async fn verify_from(&self, bases: &[AuditBase]) -> Result<Verified, Fault> {
        let mut verified = Verified::default();
        // Seals first: what is added while this runs is in neither.
        let sealed = self.sealed().await?;
        let mut of_chains: BTreeMap<Tenant, Vec<&AuditSeal>> = BTreeMap::new();
        for seal in &sealed.seals {
            of_chains.entry(seal.head.tenant).or_default().push(seal);
        }
        for head in self.ports.store.audit_heads().await? {
            let seals = of_chains.remove(&head.tenant).unwrap_or_default();
            for seal in &seals {
                self.check_seal(seal)?;
            }
            let base = bases.iter().find(|base| base.head.tenant == head.tenant);
            if let Some(base) = base
                && !digests_equal(&self.base(&base.head).seal, &base.seal)
            {
                let (tenant, sequence) = (head.tenant, base.head.sequence);
                return Err(Fault::Beginning { tenant, sequence });
            }
            let base = base.map(|base| base.head);
            let (last, digest) = self.walk(&head, base, i64::MIN, &seals, &mut verified).await?;
            let expected = seals.iter().map(|seal| seal.head.sequence).max().unwrap_or(0).max(head.sequence);
            if last != expected || digest != head.digest {
                return Err(Fault::Short { tenant: head.tenant, found: last, expected });
            }
            verified.chains += 1;
        }
        if let Some(seal) = of_chains.values().flatten().next() {
            return Err(Fault::Short { tenant: seal.head.tenant, found: 0, expected: seal.head.sequence });
        }
        // Each chain fits what is there of its seals: what was taken away with its seals is missed here.
        self.check_tally(&sealed)?;
        Ok(verified)
    }

    /// Whether a chain goes on from its last seal as it was written.
    async fn goes_on(&self, head: &AuditHead, last: Option<&AuditSeal>) -> Result<(), Fault> {
        if let Some(last) = last {
            self.check_seal(last)?;
        }
        let sealed = last.map(|last| last.head);
        let after = sealed.map_or(i64::MIN, |sealed| sealed.sequence - 1);
        let (found, digest) = self.walk(head, sealed, after, &[], &mut Verified::default()).await?;
        if (found, digest) == (head.sequence, head.digest) {
            return Ok(());
        }
        let expected = sealed.map_or(head.sequence, |sealed| sealed.sequence.max(head.sequence));
        Err(Fault::Short { tenant: head.tenant, found, expected })
    }

    /// Reads a chain from after a place up to its head, and compares it with these seals of it; returns the place and the digest of the last
    /// event that is there. Where the digest of an event is known with which it begins, what is left from before, and is about to be
    /// removed, must lead up to that one.
    async fn walk(
        &self,
        head: &AuditHead,
        begins: Option<AuditHead>,
        mut after: i64,
        seals: &[&AuditSeal],
        verified: &mut Verified,
    ) -> Result<(i64, [u8; 32]), Fault> {
        let (mut previous, mut last) = (GENESIS, 0);
        loop {
            let events = self.ports.store.audit_chain(head.tenant, after, Self::AT_ONCE).await?;
            for found in events.iter().filter(|found| found.sequence <= head.sequence) {
                // What came before the first is not there: the event that is known vouches for all that leads up to it.
                if last == 0 && begins.is_some_and(|begins| (1..=begins.sequence).contains(&found.sequence)) {
                    (previous, last) = (found.previous, found.sequence - 1);
                }
                let begins = begins.filter(|begins| begins.sequence == found.sequence);
                let other = begins.is_some_and(|begins| begins.digest != found.digest);
                let wrong = wrong(found, &previous, last).or(other.then_some("it is another one than was sealed"));
                if let Some(what) = wrong {
                    let (tenant, sequence, id) = (head.tenant, found.sequence, found.event.id);
                    return Err(Fault::Event { tenant, sequence, id, what });
                }
                for seal in seals.iter().filter(|seal| seal.head.sequence == found.sequence) {
                    if seal.head.digest != found.digest {
                        return Err(seal_fault(seal, "the chain was another one then"));
                    }
                    verified.seals += 1;
                }
                verified.events += 1;
                (previous, last) = (found.digest, found.sequence);
            }
            match events.last().map(|found| found.sequence) {
                Some(end) if events.len() as u64 == Self::AT_ONCE && end < head.sequence => after = end,
                _ => return Ok((last, previous)),
            }
        }
    }
}

/// What there is of seals.
struct Sealed {
    /// Every one; of each chain, the oldest first.
    seals: Vec<AuditSeal>,
    /// What was written of them with the last.
    tally: Option<String>,
    /// The day of the newest tally that was right before.
    known: i64,
}

/// The newest seal of each chain.
fn newest_of(seals: &[AuditSeal]) -> BTreeMap<Tenant, AuditSeal> {
    // The oldest come first: what stays is the newest of each.
    seals.iter().map(|seal| (seal.head.tenant, *seal)).collect()
}

fn wrong(found: &AuditEvent, previous: &[u8; 32], last: i64) -> Option<&'static str> {
    if found.sequence != last + 1 {
        return Some("the events before it are missing");
    }
    if found.previous != *previous {
        return Some("it does not follow the event before it");
    }
    (chained(previous, found.sequence, &found.event) != found.digest).then_some("it was changed")
}

fn seal_fault(seal: &AuditSeal, what: &'static str) -> Fault {
    Fault::Seal { tenant: seal.head.tenant, day: seal.day, sequence: seal.head.sequence, what }
}

fn day_of(at: OffsetDateTime) -> i64 {
    at.unix_timestamp().div_euclid(86_400)
}
