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
    secret::{DigestKey, digests_equal, hex},
};
use latchkey_model::{AuditEventId, TeamId};
use std::collections::HashMap;
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
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Reads, seals and verifies the audit log.
#[derive(Clone)]
pub struct AuditService {
    ports: Ports,
    key: DigestKey,
}

impl AuditService {
    /// How many events a page shows.
    pub const ON_PAGE: u64 = 50;
    /// How many are read at once where all are.
    pub const AT_ONCE: u64 = 500;

    /// The service; days are sealed with this key.
    pub fn new(ports: Ports, key: DigestKey) -> Self {
        Self { ports, key }
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

    /// Seals the head of each chain, once a day.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn seal_heads(&self) -> Result<(), StoreError> {
        let day = day_of(self.ports.now());
        // The oldest come first: what stays is the newest of each.
        let newest: HashMap<_, _> =
            self.ports.store.audit_seals().await?.into_iter().map(|seal| (seal.head.tenant, seal)).collect();
        for head in self.ports.store.audit_heads().await? {
            // A chain to which nothing was added is sealed as it was.
            if newest.get(&head.tenant).is_some_and(|last| last.day >= day || last.head == head) {
                continue;
            }
            let mut work = self.ports.store.begin().await?;
            work.audit_seal_add(&AuditSeal { head, day, seal: self.seal(&head, day) }).await?;
            work.commit().await?;
        }
        Ok(())
    }

    fn seal(&self, head: &AuditHead, day: i64) -> [u8; 32] {
        let mut text = format!("{}|{day}|{}|", head.tenant, head.sequence).into_bytes();
        text.extend(head.digest);
        self.key.digest(&text)
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
        let day = day_of(before);
        let mut removed = 0;
        // What was begun before is brought to its end first.
        let bases = self.ports.store.audit_bases().await?;
        for base in &bases {
            if digests_equal(&self.base(&base.head).seal, &base.seal) {
                removed += self.remove_before(base.head).await?;
            }
        }
        let bases: HashMap<_, _> = bases.into_iter().map(|base| (base.head.tenant, base.head)).collect();
        // The oldest come first: what stays is the newest of each.
        let old = self.ports.store.audit_seals().await?.into_iter().filter(|seal| seal.day < day);
        let newest: HashMap<_, _> = old.map(|seal| (seal.head.tenant, seal)).collect();
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
        let all_seals = self.ports.store.audit_seals().await?;
        let heads = self.ports.store.audit_heads().await?;
        if let Some(seal) = all_seals.iter().find(|seal| heads.iter().all(|head| head.tenant != seal.head.tenant)) {
            return Err(Fault::Short { tenant: seal.head.tenant, found: 0, expected: seal.head.sequence });
        }
        for head in heads {
            let seals: Vec<_> = all_seals.iter().filter(|seal| seal.head.tenant == head.tenant).collect();
            for seal in &seals {
                if !digests_equal(&self.seal(&seal.head, seal.day), &seal.seal) {
                    return Err(seal_fault(seal, "this server did not make it"));
                }
            }
            let base = bases.iter().find(|base| base.head.tenant == head.tenant);
            if let Some(base) = base
                && !digests_equal(&self.base(&base.head).seal, &base.seal)
            {
                let (tenant, sequence) = (head.tenant, base.head.sequence);
                return Err(Fault::Beginning { tenant, sequence });
            }
            let base = base.map(|base| base.head);
            if let Some(base) = base {
                // What is left from before the beginning was about to be removed, or was put there since: it is shown to nobody as true.
                let first = self.ports.store.audit_chain(head.tenant, 0, 1).await?;
                if let Some(found) = first.first().filter(|found| found.sequence < base.sequence) {
                    let (tenant, sequence, id) = (head.tenant, found.sequence, found.event.id);
                    return Err(Fault::Event { tenant, sequence, id, what: "the chain begins after it" });
                }
            }
            let (mut previous, mut last) = (GENESIS, base.map_or(0, |base| base.sequence - 1));
            loop {
                let events = self.ports.store.audit_chain(head.tenant, last, Self::AT_ONCE).await?;
                for found in events.iter().filter(|found| found.sequence <= head.sequence) {
                    // What came before the beginning is gone: the event at it is held against what was sealed of it.
                    let begins = base.filter(|base| base.sequence == found.sequence);
                    let before = begins.map_or(previous, |_| found.previous);
                    let other = begins.is_some_and(|base| base.digest != found.digest);
                    let wrong =
                        wrong(found, &before, last).or(other.then_some("it is another one than the chain began with"));
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
                    (previous, last) = (found.digest, found.sequence);
                    verified.events += 1;
                }
                if (events.len() as u64) < Self::AT_ONCE || last >= head.sequence {
                    break;
                }
            }
            let expected = seals.iter().map(|seal| seal.head.sequence).max().unwrap_or(0).max(head.sequence);
            if last != expected || previous != head.digest {
                return Err(Fault::Short { tenant: head.tenant, found: last, expected });
            }
            verified.chains += 1;
        }
        Ok(verified)
    }
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
