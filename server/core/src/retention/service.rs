//! Setting how long things are kept, and removing what is past its time.

use super::{Kept, Retention};
use crate::{
    actor::{Actor, NotAdmin, NotSignedIn},
    audit::{Act, Action, AuditService, Reason, Tenant},
    port::{
        Removed, StoreError, UnitOfWork,
        rollup::{Counted, Period},
    },
    ports::Ports,
};
use latchkey_model::FieldErrors;
use std::{
    future::{self, Future},
    ops::Range,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::{Duration as StdDuration, Instant},
};
use time::{Duration, OffsetDateTime, PrimitiveDateTime};

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

/// How long a network that a credential was used from is known, after its last use.
const NETWORK_LIFE: Duration = Duration::days(90);

/// How many rows were removed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Pruned {
    /// Single requests that were too old.
    pub requests: u64,
    /// Single requests that found no room.
    pub over_budget: u64,
    /// Counts.
    pub counts: u64,
    /// The longest that a batch held the writer.
    pub longest: StdDuration,
}

/// Some removing, in a transaction that goes on.
type Removing<'a, T> = Pin<Box<dyn Future<Output = Result<Removed<T>, StoreError>> + Send + 'a>>;

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
    /// How long a batch may hold the writer before its last part begins: whoever wants to write waits no longer than for a few of its
    /// own.
    const AT_A_STRETCH: StdDuration = StdDuration::from_millis(15);
    /// How long the writer is left to others after a batch.
    const PAUSE: StdDuration = StdDuration::from_millis(20);
    /// How many parts are read ahead, before the writer is held: what they need may lie on the disk. More than a batch removes.
    const AHEAD: u64 = 64;
    /// How many requests a part of a batch removes: so few that it is quick also where a page of theirs was not in memory after all. Each
    /// stands in a dozen and a half of indexes.
    const REQUESTS: u64 = 2;
    /// How many counts, which stand in two.
    const COUNTS: u64 = 8;
    /// How many addresses are told apart in an hour or a day that is over.
    const TOLD_APART: u64 = 50;

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
    /// [`StoreError`].
    pub async fn prune(&self) -> Result<Pruned, StoreError> {
        let (retention, now) = (self.current().await?, self.ports.now());
        let mut pruned = Pruned::default();
        if let Some(life) = retention.life(Kept::Requests) {
            let (removed, longest) = self.remove_requests(now - life, u64::MAX).await?;
            pruned.requests = removed;
            pruned.longest = pruned.longest.max(longest);
        }
        let (rows, bytes) = self.ports.store.request_log_size().await?;
        let room = self.request_bytes / bytes.max(1);
        // Whenever they came: a clock may have been wrong.
        let ever = PrimitiveDateTime::MAX.assume_utc();
        let (removed, longest) = self.remove_requests(ever, rows.saturating_sub(room)).await?;
        pruned.over_budget = removed;
        pruned.longest = pruned.longest.max(longest);
        for (period, kept) in
            [(Period::Minute, Kept::MinuteCounts), (Period::Hour, Kept::HourCounts), (Period::Day, Kept::DayCounts)]
        {
            let Some(life) = retention.life(kept) else { continue };
            for counted in Counted::ALL {
                let store = &self.ports.store;
                let (removed, longest) = self
                    .batches(
                        i64::MIN..(now - life).unix_timestamp(),
                        u64::MAX,
                        Self::COUNTS,
                        |starts, limit| store.rollups_read_ahead(counted, period, starts, limit),
                        |work, starts, limit| {
                            Box::pin(async move { work.rollup_prune(counted, period, starts, limit).await })
                        },
                    )
                    .await?;
                pruned.counts += removed;
                pruned.longest = pruned.longest.max(longest);
            }
        }
        let longest = self.count_addresses_together(&retention, now).await?;
        pruned.longest = pruned.longest.max(longest);
        self.prune_the_rest(&retention, now).await?;
        if let Some(life) = retention.life(Kept::AuditEvents) {
            self.audit.prune(now - life).await?;
        }
        Ok(pruned)
    }

    /// Removes requests that arrived before a time, the oldest first, and at most so many. Says as [`Self::batches`] does.
    async fn remove_requests(&self, before: OffsetDateTime, most: u64) -> Result<(u64, StdDuration), StoreError> {
        self.batches(
            PrimitiveDateTime::MIN.assume_utc()..before,
            most,
            Self::REQUESTS,
            |arrived, limit| self.ports.store.requests_read_ahead(arrived, limit),
            |work, arrived, limit| Box::pin(async move { work.request_prune(arrived, limit).await }),
        )
        .await
    }

    /// Removes parts of so many of the rows in a range, in one batch after the other, until one finds nothing more, or the most that may go
    /// are gone. Says how many, and for how long a batch held the writer at most.
    async fn batches<T: Copy, R: Future<Output = Result<(), StoreError>>>(
        &self,
        range: Range<T>,
        most: u64,
        part: u64,
        mut read_ahead: impl FnMut(Range<T>, u64) -> R,
        mut run: impl for<'a> FnMut(&'a mut dyn UnitOfWork, Range<T>, u64) -> Removing<'a, T> + Send,
    ) -> Result<(u64, StdDuration), StoreError> {
        let Range { mut start, end } = range;
        let (mut removed, mut longest, mut is_over) = (0, StdDuration::ZERO, most == 0);
        // How many were read and are there still.
        let mut ready = 0;
        while !is_over {
            if ready < part {
                ready = (part * Self::AHEAD).min(most - removed);
                if let Err(error) = read_ahead(start..end, ready).await {
                    // Then the writer is held for as long as the disk takes.
                    tracing::debug!(
                        error = &error as &dyn std::error::Error,
                        "what is to be removed was not read ahead"
                    );
                }
            }
            let mut work = self.ports.store.begin_housekeeping().await?;
            let began = Instant::now();
            while !is_over && ready > 0 && began.elapsed() < Self::AT_A_STRETCH {
                let limit = part.min(ready);
                let gone = run(&mut *work, start..end, limit).await?;
                removed += gone.rows;
                start = gone.rest;
                ready -= limit;
                is_over = gone.rows < limit || removed >= most;
            }
            work.commit().await?;
            longest = longest.max(began.elapsed());
            tokio::time::sleep(Self::PAUSE).await;
        }
        Ok((removed, longest))
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
            let life = retention.life(*kept).map_or(end, Duration::whole_seconds);
            let done = &self.told_apart[place];
            let mut start = done.load(Ordering::Relaxed).max(end - life);
            start -= start.rem_euclid(period.seconds());
            while start < end {
                let beyond = self.ports.store.addresses_beyond(*period, start, Self::TOLD_APART).await?;
                let (_, held) = self
                    .batches(
                        0..beyond.len(),
                        beyond.len() as u64,
                        Self::COUNTS,
                        // They were read just now.
                        |_, _| future::ready(Ok(())),
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
                longest = longest.max(held);
                start += period.seconds();
                done.store(start, Ordering::Relaxed);
            }
        }
        Ok(longest)
    }

    /// Small tables, each in a transaction of its own.
    async fn prune_the_rest(&self, retention: &Retention, now: OffsetDateTime) -> Result<(), StoreError> {
        let store = &self.ports.store;
        let mut work = store.begin().await?;
        work.session_prune(now - Duration::DAY).await?;
        work.commit().await?;
        let mut work = store.begin().await?;
        work.idempotent_answer_prune(now - Duration::DAY).await?;
        work.revoked_token_prune(now - Duration::DAY).await?;
        work.commit().await?;
        let mut work = store.begin().await?;
        work.grant_prune(now - Duration::WEEK).await?;
        work.commit().await?;
        let mut work = store.begin().await?;
        work.link_prune(now - Duration::WEEK).await?;
        work.passkey_ceremony_prune(now - Duration::HOUR).await?;
        if let Some(life) = retention.life(Kept::Notices) {
            work.notice_prune(now - life).await?;
        }
        if let Some(life) = retention.life(Kept::Blocks) {
            work.block_prune(now - life).await?;
        }
        if let Some(life) = retention.life(Kept::Alerts) {
            work.alert_prune(now - life).await?;
            work.delivery_prune(now - life).await?;
        }
        work.network_prune(now - NETWORK_LIFE).await?;
        if let Some(life) = retention.life(Kept::Mails) {
            work.mail_prune(now - life).await?;
        }
        work.commit().await
    }
}
