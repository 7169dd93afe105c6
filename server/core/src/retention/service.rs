//! Setting how long things are kept, and removing what is past its time.

use super::{Kept, Retention};
use crate::{
    actor::{Actor, NotAdmin, NotSignedIn},
    audit::{Act, Action, AuditService, Reason, Tenant},
    batches::{Gone, remove_in_batches},
    port::{Perishable, Removed, StoreError, rollup::Period},
    ports::Ports,
};
use latchkey_model::FieldErrors;
use std::{
    future,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration as StdDuration,
};
use time::{Duration, OffsetDateTime, PrimitiveDateTime, Time};

/// Why it was not shown or set.
#[derive(Debug, thiserror::Error)]
pub enum RetentionError {
    /// Nobody is signed in.
    #[error(transparent)]
    NotSignedIn(#[from] NotSignedIn),
    /// Only an admin may.
    #[error("only an admin may set how long things are kept")]
    Forbidden,
    /// Fields need another look.
    #[error("fields need another look")]
    Invalid(FieldErrors),
    /// The store failed.
    #[error("how long things are kept could not be read or set")]
    Store(#[from] StoreError),
}

impl From<NotAdmin> for RetentionError {
    fn from(error: NotAdmin) -> Self {
        match error {
            NotAdmin::NotSignedIn(error) => Self::NotSignedIn(error),
            NotAdmin::Developer => Self::Forbidden,
        }
    }
}

/// How many rows were removed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Pruned {
    /// Single requests that were too old.
    pub requests: u64,
    /// Single requests that found no room.
    pub over_budget: u64,
    /// Counts.
    pub counts: u64,
    /// Everything else, the audit log apart.
    pub others: u64,
    /// The longest that a batch held the writer.
    pub longest: StdDuration,
}

impl Pruned {
    fn count(&mut self, what: Perishable, gone: Gone) {
        match what {
            Perishable::Requests => self.requests += gone.rows,
            Perishable::Counts(..) => self.counts += gone.rows,
            _ => self.others += gone.rows,
        }
        self.longest = self.longest.max(gone.longest);
    }
}

/// How many rows a part of a batch removes: so few that it is quick also where a page of theirs was not in memory after all. Each request
/// stands in about a dozen indexes.
const fn part(what: Perishable) -> u64 {
    match what {
        Perishable::Requests => 2,
        _ => 8,
    }
}

/// Before when something goes: hours by the day, so that there are all hours of a day, or none.
fn end_of(what: Perishable, before: OffsetDateTime) -> OffsetDateTime {
    match what {
        Perishable::Counts(_, Period::Hour) => before.replace_time(Time::MIDNIGHT),
        _ => before,
    }
}

/// Keeps things for as long as they are to be kept.
#[derive(Clone)]
pub struct RetentionService {
    ports: Ports,
    audit: AuditService,
    request_days: u16,
    /// The most bytes that rows of single requests may take.
    request_bytes: u64,
    /// Up to where addresses were looked at since the start: by the hour, by the day.
    told_apart: Arc<[AtomicI64; 2]>,
}

impl RetentionService {
    /// How many addresses a part of a batch counts together.
    const ADDRESSES: u64 = 8;
    /// How many addresses are told apart in an hour or a day that is over.
    const TOLD_APART: u64 = 50;
    /// How far back it looks at hours that were over when it started: those before were looked at by whoever ran then.
    const LOOKED_BACK: Duration = Duration::days(15);

    /// The service, and what the operator set.
    pub fn new(ports: Ports, audit: AuditService, request_days: u16, request_bytes: u64) -> Self {
        Self { ports, audit, request_days, request_bytes, told_apart: Arc::default() }
    }

    async fn current(&self) -> Result<Retention, StoreError> {
        let stored = self.ports.store.retention().await?.unwrap_or_default();
        let (written, seal) = stored.split_once('|').unwrap_or((&stored, ""));
        let mut retention = Retention::usual(self.request_days).read_over(written);
        if seal != self.audit.vouched(written) {
            // Not by this server: then nothing that tells who did what is removed.
            retention.set(Kept::AuditEvents, 0);
        }
        Ok(retention)
    }

    /// What holds.
    ///
    /// # Errors
    /// [`RetentionError`].
    pub async fn get(&self, actor: &Actor) -> Result<Retention, RetentionError> {
        actor.admin()?;
        Ok(self.current().await?)
    }

    /// Sets for how many days each is kept, by what was typed for it.
    ///
    /// # Errors
    /// [`RetentionError`].
    pub async fn set(
        &self,
        actor: &Actor,
        typed: impl Fn(Kept) -> String + Send,
        reason: &str,
    ) -> Result<(), RetentionError> {
        actor.admin()?;
        let before = self.current().await?;
        let (mut after, mut errors) = (before.clone(), FieldErrors::default());
        for kept in Kept::ALL {
            if let Some(days) = errors.check(kept.as_str(), kept.days(&typed(kept))) {
                after.set(kept, days);
            }
        }
        let reason = errors.check("reason", reason.parse::<Reason>());
        let (Some(reason), true) = (reason, errors.is_empty()) else { return Err(RetentionError::Invalid(errors)) };
        if after == before {
            return Ok(());
        }
        let mut act = Act::new(Tenant::Portal, Action::RetentionChanged, "retention", "");
        for kept in Kept::ALL {
            let (before, after) = (before.days(kept), after.days(kept));
            if before != after {
                act = act.change(kept.as_str(), before.to_string(), after.to_string());
            }
        }
        let mut work = self.ports.store.begin().await?;
        let written = after.written();
        let seal = self.audit.vouched(&written);
        work.retention_set(&format!("{written}|{seal}")).await?;
        act.because(reason.as_str()).commit_by(actor, work, &self.ports).await?;
        Ok(())
    }

    /// Removes what is past its time, and single requests beyond their room, the oldest first.
    ///
    /// # Errors
    /// [`StoreError`]: where one kind of things cannot be removed, once all others were.
    pub async fn prune(&self) -> Result<Pruned, StoreError> {
        let (retention, now) = (self.current().await?, self.ports.now());
        let (mut pruned, mut failed) = (Pruned::default(), None);
        for what in Perishable::all() {
            if let Some(stay) = retention.stay(what) {
                match self.remove(what, end_of(what, now - stay), u64::MAX).await {
                    Ok(gone) => pruned.count(what, gone),
                    Err(error @ StoreError::Internal(_)) => failed = failed.or(Some(error)),
                    // Where the store is out of reach, it is so for all of them.
                    Err(error) => return Err(error),
                }
            }
            if what == Perishable::Requests {
                let gone = self.remove_beyond_room().await?;
                pruned.over_budget = gone.rows;
                pruned.longest = pruned.longest.max(gone.longest);
            }
        }
        let longest = self.count_addresses_together(&retention, now).await?;
        pruned.longest = pruned.longest.max(longest);
        if let Some(life) = retention.life(Kept::AuditEvents) {
            self.audit.prune(now - life).await?;
        }
        failed.map_or(Ok(pruned), Err)
    }

    /// Removes single requests beyond their room, the oldest first. Says how many.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn make_room(&self) -> Result<u64, StoreError> {
        Ok(self.remove_beyond_room().await?.rows)
    }

    async fn remove_beyond_room(&self) -> Result<Gone, StoreError> {
        let (rows, bytes) = self.ports.store.request_log_size().await?;
        let room = self.request_bytes / bytes.max(1);
        // Whenever they came: a clock may have been wrong.
        let ever = PrimitiveDateTime::MAX.assume_utc();
        self.remove(Perishable::Requests, ever, rows.saturating_sub(room)).await
    }

    /// Removes what has its time before this one, the oldest first, and at most so many.
    async fn remove(&self, what: Perishable, before: OffsetDateTime, most: u64) -> Result<Gone, StoreError> {
        let store = &*self.ports.store;
        remove_in_batches(
            store,
            PrimitiveDateTime::MIN.assume_utc()..before,
            most,
            part(what),
            |times, limit| store.perishables_read_ahead(what, times, limit),
            |work, times, limit| Box::pin(async move { work.perishables_prune(what, times, limit).await }),
        )
        .await
    }

    /// Of hours and days that are over, tells the busiest addresses of each owner and credential apart, and counts the others
    /// together: a page that looks at three months reads some thousand rows, however many came. Says for how long it held the
    /// writer.
    async fn count_addresses_together(
        &self,
        retention: &Retention,
        now: OffsetDateTime,
    ) -> Result<StdDuration, StoreError> {
        let mut longest = StdDuration::ZERO;
        for (place, (period, kept)) in
            [(Period::Hour, Kept::HourCounts), (Period::Day, Kept::DayCounts)].iter().enumerate()
        {
            // What takes long is counted late.
            let end = period.start_of(now - Duration::HOUR);
            let mut life = retention.life(*kept).map_or(end, Duration::whole_seconds);
            if *period == Period::Hour {
                life = life.min(Self::LOOKED_BACK.whole_seconds());
            }
            let done = &self.told_apart[place];
            let mut start = done.load(Ordering::Relaxed).max(end - life);
            start -= start.rem_euclid(period.seconds());
            while start < end {
                let beyond = self.ports.store.addresses_beyond(*period, start, Self::TOLD_APART).await?;
                let gone = remove_in_batches(
                    &*self.ports.store,
                    0..beyond.len(),
                    beyond.len() as u64,
                    Self::ADDRESSES,
                    // They were read just now.
                    |_, limit| future::ready(Ok(limit)),
                    |work, places, limit| {
                        let most = usize::try_from(limit).unwrap_or(usize::MAX);
                        let part: Vec<_> = beyond[places.clone()].iter().take(most).copied().collect();
                        let rest = places.start + part.len();
                        Box::pin(async move {
                            work.addresses_together(&part).await?;
                            Ok(Removed { rows: part.len() as u64, rest })
                        })
                    },
                )
                .await?;
                longest = longest.max(gone.longest);
                start += period.seconds();
                done.store(start, Ordering::Relaxed);
            }
        }
        Ok(longest)
    }
}
