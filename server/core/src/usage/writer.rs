//! The one thread that writes what was recorded, in batches: rows soon, counts with them or, while very many credentials are busy, some
//! after the others.

use super::{
    claimed::Claimed,
    folds::{self, Place, Unwritten},
    networks::Networks,
    pending::Pending,
    recorder::{Recorder, RowBudget, Served, Shared, Unwritten as NotWritten, address_of, arrival_of},
    tally::{Slot, Sums, latency_bucket, microseconds},
    waiting::Waiting,
};
use crate::{
    authn::{Entry, Refusal},
    courtesy::{self, Courtesy},
    limit::Quota,
    port::{
        Store, StoreError,
        request_log::{Attribution, CredentialId, Folded, LastUse, RequestBatch, RequestRow, Used},
        rollup::{AddressCounts, AddressKey, Period, RollupCounts},
    },
};
use ::time::{Date, OffsetDateTime};
use latchkey_model::{ApiKeyId, GrantId};
use std::{
    collections::{BTreeMap, HashMap, HashSet, VecDeque},
    sync::{Arc, MutexGuard, PoisonError, atomic::Ordering},
    time::{Duration, Instant},
};
use tokio::sync::{mpsc, oneshot};

/// How many rows a batch has at most, however many wait.
const ROWS_A_BATCH: usize = 1_000;
/// How many it has where fewer wait than sixteen times as many. A batch is committed at once, and a commit keeps the core for as long as it
/// takes to write every page that changed: a row changes one in each of its indexes.
const FEW_ROWS: usize = 32;
/// How many parts of the rows that wait make a batch.
const PARTS_OF_ROWS: usize = 16;
/// How long the writer waits for more before it writes what it has.
const PAUSE: Duration = Duration::from_millis(100);
/// The longest it waits under load: a request is in the log within two seconds.
const LONGEST_PAUSE: Duration = Duration::from_millis(1_500);
/// Of how many credentials a batch has counts at least: those of a thousand busy keys are many thousands, which would keep others from
/// the core and the database for a tenth of a second at once.
const CREDENTIALS_A_BATCH: usize = 8;
/// How many batches a visit writes at least, as long as there are counts for them.
const BATCHES_OF_COUNTS: usize = 2;
/// How many counts by address it has at least, where they are due.
const ADDRESSES_A_BATCH: usize = 32;
/// The longest that the row of a refusal waits: whoever watches a log is told within a second.
const REFUSAL_PAUSE: Duration = Duration::from_millis(500);
/// While many requests come, a visit that took long is followed by so many times as long a pause: writing never takes more than a
/// small part of the machine from those who wait for an answer.
const REST: u32 = 30;
/// How often counts by address are written while requests come: they are many, and nobody waits for them.
const ADDRESSES_PAUSE: Duration = Duration::from_secs(10);
/// How a mistyped key is answered.
const MISTYPED: u16 = 401;
/// How often a batch is tried again when the store is out of reach.
const TRIES: u32 = 5;

/// The thread that writes.
pub struct Recording {
    stop: oneshot::Sender<()>,
    ended: oneshot::Receiver<()>,
}

impl Recording {
    /// Starts the writer, inside of a Tokio runtime that outlives it. It has a thread of its own, which gives way to requests:
    /// adding up what a second brought takes some milliseconds, for which no request shall wait.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn start(store: Arc<dyn Store>, budget: RowBudget) -> std::io::Result<(Recorder, Self)> {
        let (recorder, rows, shared) = Recorder::new(budget);
        let (stop, stopped) = oneshot::channel();
        let (end, ended) = oneshot::channel();
        let writer = Writer {
            store,
            rows,
            shared,
            busy: Waiting::default(),
            pending: Pending::default(),
            due_addresses: Waiting::default(),
            addresses_written: Instant::now(),
            folded: VecDeque::new(),
            last_uses: HashMap::new(),
            exposures: BTreeMap::new(),
            networks: Networks::default(),
            near_today: (Date::MIN, HashSet::new()),
            courtesy: Courtesy::default(),
        };
        let runtime = tokio::runtime::Handle::current();
        std::thread::Builder::new().name("lk-record".to_owned()).spawn(move || {
            courtesy::give_way(None);
            runtime.block_on(writer.run(stopped));
            // Nobody may be waiting.
            let _ = end.send(());
        })?;
        Ok((recorder, Self { stop, ended }))
    }

    /// Writes what was recorded so far, and ends.
    pub async fn finish(self) {
        // The writer may have died; then there is nobody to tell, and the wait ends with an error.
        let _ = self.stop.send(());
        if self.ended.await.is_err() {
            tracing::error!("the writer of the request log ended badly");
        }
    }
}

struct Writer {
    store: Arc<dyn Store>,
    rows: mpsc::Receiver<Served>,
    shared: Arc<Shared>,
    /// Credentials that were used, whose counts are to be fetched.
    busy: Waiting<Arc<Entry>>,
    /// Counts that were fetched: a failed batch keeps them for the next one.
    pending: Pending,
    /// Counts by address whose time has come: they are written less often.
    due_addresses: Waiting<(AddressKey, AddressCounts)>,
    addresses_written: Instant,
    /// Refusals that are counted at other rows, and how many rows are still to be taken before those are.
    folded: VecDeque<(usize, Vec<Unwritten>)>,
    last_uses: HashMap<Used, LastUse>,
    /// Keys that were seen where they must not be, until it is written.
    exposures: BTreeMap<ApiKeyId, OffsetDateTime>,
    /// Networks that credentials are used from.
    networks: Networks,
    /// Keys and clients that came near a limit on this day.
    near_today: (Date, HashSet<CredentialId>),
    /// After each credential and each row, others go first.
    courtesy: Courtesy,
}

impl Writer {
    async fn run(mut self, mut stopped: oneshot::Receiver<()>) {
        let mut pause = PAUSE;
        loop {
            let stopping = tokio::select! {
                () = self.shared.wake.notified() => tokio::select! {
                    () = self.rest(pause) => false,
                    _ = &mut stopped => true,
                },
                _ = &mut stopped => true,
            };
            let began = Instant::now();
            let few_came = self.few_came();
            // Rows that come meanwhile are for the next visit, if there is one.
            let mut waiting = if stopping { usize::MAX } else { self.rows.len() };
            let mut claimed = Claimed::default();
            for batches in 1.. {
                let taken = self.write_batch(&mut claimed, stopping).await;
                waiting = waiting.saturating_sub(taken);
                let has_counts = batches < BATCHES_OF_COUNTS && !self.busy.is_empty();
                if (taken == 0 || waiting == 0) && !has_counts {
                    break;
                }
            }
            if stopping {
                // What was counted at the last rows.
                self.write_batch(&mut claimed, stopping).await;
                return;
            }
            // What waits for the next visit, or could not be written, does not wait for the next request.
            if self.has_more() {
                self.shared.wake.notify_one();
            }
            pause = if few_came { PAUSE } else { (began.elapsed() * REST).clamp(PAUSE, LONGEST_PAUSE) };
        }
    }

    /// Whether what came since the last visit fits in one batch: then few requests wait for an answer, and what was left for later
    /// visits is written without long pauses.
    fn few_came(&self) -> bool {
        self.rows.len() <= FEW_ROWS && self.shared.used().len() <= CREDENTIALS_A_BATCH
    }

    /// Whether something is left for the next visit, for which nobody else may wake the writer.
    fn has_more(&self) -> bool {
        !self.folded.is_empty()
            || !self.busy.is_empty()
            || !self.shared.used().is_empty()
            || !self.pending.addresses.is_empty()
            || !self.due_addresses.is_empty()
            || !self.pending.counts.is_empty()
            || !self.last_uses.is_empty()
    }

    /// Waits for more that can be written together, less long where a refusal is among it.
    async fn rest(&self, pause: Duration) {
        let refused = async {
            self.shared.refusal.notified().await;
            tokio::time::sleep(REFUSAL_PAUSE).await;
        };
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = refused => {}
        }
    }

    /// Writes what is there, and says how many rows that were.
    async fn write_batch(&mut self, claimed: &mut Claimed, stopping: bool) -> usize {
        let part = self.rows.len().div_ceil(PARTS_OF_ROWS).clamp(FEW_ROWS, ROWS_A_BATCH);
        // At the end there are no requests to let go first, and a store that is out of reach is waited for with each batch.
        let part = if stopping { ROWS_A_BATCH } else { part };
        let mut taken = Vec::with_capacity(part.min(self.rows.len()));
        while taken.len() < part {
            let Ok(served) = self.rows.try_recv() else { break };
            taken.push(served);
        }
        let count = taken.len();
        let folded = self.due_folds(count);
        self.collect_asked();
        self.collect_counts(stopping);
        self.collect_strangers();
        let mut batch = RequestBatch::default();
        let has_rows = !taken.is_empty() || !folded.is_empty();
        batch.folded = folds::by_row(&folded);
        self.attribute(taken, folded, claimed, &mut batch).await;
        let is_idle = !has_rows && self.pending.counts.is_empty();
        batch.addresses = self.due_addresses(stopping, is_idle);
        if !has_rows && self.pending.counts.is_empty() && self.last_uses.is_empty() && batch.addresses.is_empty() {
            return count;
        }
        batch.rollups = std::mem::take(&mut self.pending.counts).into_iter().collect();
        batch.last_uses = self.last_uses.values().cloned().collect();
        batch.exposures = self.exposures.iter().map(|(key, at)| (*key, *at)).collect();
        batch.networks = self.networks.unwritten().to_vec();
        match write(&*self.store, &batch).await {
            Ok(()) => {
                *self.unwritten() = None;
                if !batch.exposures.is_empty() {
                    self.shared.to_tell.notify_one();
                }
                self.last_uses.clear();
                self.exposures.clear();
                self.networks.written();
                if has_rows {
                    self.shared.written.send_modify(|times| *times += 1);
                }
            }
            Err(error) => {
                let no_space = matches!(error, StoreError::NoSpace(_));
                let since = self.unwritten().map_or_else(Instant::now, |before| before.since);
                *self.unwritten() = Some(NotWritten { since, no_space });
                self.pending.counts = batch.rollups.into_iter().collect();
                self.pending.add_addresses(batch.addresses);
                let folded: u64 = batch.folded.iter().map(|folded: &Folded| folded.more).sum();
                self.shared.lost.fetch_add(folded, Ordering::Relaxed);
                self.shared.lost.fetch_add(count as u64, Ordering::Relaxed);
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    rows = count,
                    "the request log could not be written; its counts are kept for the next time"
                );
            }
        }
        count
    }

    /// The counts by address that are written now. None is there twice: PostgreSQL adds to a row once in a statement.
    fn due_addresses(&mut self, stopping: bool, is_idle: bool) -> Vec<(AddressKey, AddressCounts)> {
        if stopping {
            let waiting = self.due_addresses.all();
            self.pending.add_addresses(waiting);
            return std::mem::take(&mut self.pending.addresses).into_iter().collect();
        }
        if self.due_addresses.is_empty() && (is_idle || self.addresses_written.elapsed() >= ADDRESSES_PAUSE) {
            self.due_addresses.add(std::mem::take(&mut self.pending.addresses));
            self.addresses_written = Instant::now();
        }
        self.due_addresses.next(ADDRESSES_A_BATCH)
    }

    fn unwritten(&self) -> MutexGuard<'_, Option<NotWritten>> {
        self.shared.unwritten.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The refusals whose rows are written by now, or with the rows that were taken just now; what came since waits for its own.
    fn due_folds(&mut self, taken: usize) -> Vec<Unwritten> {
        for (rows, _) in &mut self.folded {
            *rows = rows.saturating_sub(taken);
        }
        let mut due = Vec::new();
        while self.folded.front().is_some_and(|(rows, _)| *rows == 0) {
            due.extend(self.folded.pop_front().into_iter().flat_map(|(_, folded)| folded));
        }
        let fetched = self.shared.folds.fetch();
        if !fetched.is_empty() {
            // One whose row is handed over this moment is among them: it waits for the next visit at least.
            self.folded.push_back((self.rows.len(), fetched));
        }
        due
    }

    /// Fetches what asked for tokens.
    fn collect_asked(&mut self) {
        let asked = std::mem::take(&mut *self.shared.asked.lock().unwrap_or_else(PoisonError::into_inner));
        for (used, (at, address)) in asked {
            self.note_use(LastUse { used, at, address });
        }
    }

    /// Fetches what was counted for credentials that were used: for those whose turn it is, or at the end for all.
    fn collect_counts(&mut self, all: bool) {
        let mut came = std::mem::take(&mut *self.shared.used());
        // Counts of neighbours lie on the same pages, of which a batch then changes fewer.
        came.sort_by_cached_key(|entry| (entry.counted_for().id(), entry.credential_id().as_uuid()));
        self.busy.add(came);
        let fetched = if all { self.busy.all() } else { self.busy.next(CREDENTIALS_A_BATCH) };
        for entry in fetched {
            self.courtesy.show();
            let (owner, id) = (entry.counted_for().id(), entry.credential_id());
            let mut came = Vec::new();
            let count = |slot: Slot, sums: Sums| {
                self.pending.add(owner, id, &slot, &sums.counts);
                self.pending.add_to_portal(&self.shared.totals, &slot, &sums);
            };
            let seen = entry.tally().hand_over(count, |hour, address, sums| came.push((hour, address, sums)));
            for (hour, address, sums) in came {
                if let (Some(address), true, CredentialId::Key(_) | CredentialId::Client(_)) =
                    (address, sums.requests > sums.refused, id)
                {
                    self.networks.note(owner, id.as_uuid(), address, hour);
                }
                self.pending.add_address(Some((owner, id)), hour, address, sums);
            }
            // A token that was seen where it must not be is ended without us.
            if let (Some(at), CredentialId::Key(id)) = (seen.exposed_at, id) {
                self.exposures.entry(id).or_insert(at);
            }
            if let (Some((at, quota)), CredentialId::Key(_) | CredentialId::Client(_)) = (seen.near, id) {
                self.note_near(id, quota, at.date());
            }
            if let Some((at, address)) = seen.last_use {
                if let Some(used) = Used::credential(id) {
                    self.note_use(LastUse { used, at, address });
                }
                if let Some((token, consent)) = entry.token().and_then(|token| Some((token, token.consent?))) {
                    self.note_use(LastUse { used: Used::Grant(GrantId::from_uuid(consent.grant)), at, address });
                    self.note_use(LastUse { used: Used::AccessToken(token.id), at, address });
                }
            }
        }
    }

    /// Fetches what was counted for those whom nobody knows.
    fn collect_strangers(&mut self) {
        let mut came = Vec::new();
        self.shared.strangers.hand_over(
            |slot, sums| self.pending.add_to_portal(&self.shared.totals, &slot, &sums),
            |hour, address, sums| came.push((hour, address, sums)),
        );
        for (hour, address, sums) in came {
            self.pending.add_address(None, hour, address, sums);
        }
    }

    /// Notes that a key or a client came near a limit: once a day, since its people are told once a day.
    fn note_near(&mut self, id: CredentialId, quota: Quota, today: Date) {
        if self.near_today.0 != today {
            self.near_today = (today, HashSet::new());
        }
        if self.near_today.1.insert(id) {
            self.shared.near.lock().unwrap_or_else(PoisonError::into_inner).insert(id, quota);
            self.shared.to_tell.notify_one();
        }
    }

    fn note_use(&mut self, last: LastUse) {
        match self.last_uses.get_mut(&last.used) {
            Some(known) if known.at >= last.at => {}
            _ => {
                self.last_uses.insert(last.used, last);
            }
        }
    }

    /// Draws rows. The owners of keys that were mistyped are found here, off the path of the request, once for each key and
    /// visit; such a request is counted for its owner here too, since it was nobody's when it came.
    async fn attribute(
        &mut self,
        taken: Vec<Served>,
        folded: Vec<Unwritten>,
        claimed: &mut Claimed,
        batch: &mut RequestBatch,
    ) {
        for served in taken {
            self.courtesy.show();
            let mut attribution = served.verdict.attribution();
            if let (None, Some(public_id)) = (&attribution, served.verdict.claimed_public_id) {
                attribution = claimed.owner_of(&*self.store, public_id).await;
                if let Some(owner) = &attribution {
                    let mut sums = RollupCounts { requests: 1, volume: served.volume, ..RollupCounts::default() };
                    sums.latency[latency_bucket(microseconds(served.duration))] = 1;
                    let slot = Slot {
                        minute: Period::Minute.start_of(arrival_of(&served)),
                        method: served.method,
                        route: served.route.clone(),
                        status: served.status,
                        refused: served.verdict.outcome.is_err(),
                    };
                    self.pending.add(owner.owner.id(), owner.credential, &slot, &sums);
                }
            }
            batch.rows.push(row(served, attribution));
        }
        for Unwritten { folded, claimed: whose } in folded {
            let Some((public_id, method, route)) = whose else { continue };
            let Some(owner) = claimed.owner_of(&*self.store, public_id).await else { continue };
            // A key is mistyped as far as its checksum says: that is found out before anything takes time.
            let mut sums = RollupCounts { requests: folded.more, ..RollupCounts::default() };
            sums.latency[0] = folded.more;
            let minute = Period::Minute.start_of(folded.last_at);
            let slot = Slot { minute, method, route, status: MISTYPED, refused: true };
            self.pending.add(owner.owner.id(), owner.credential, &slot, &sums);
        }
    }
}

fn row(served: Served, attribution: Option<Attribution>) -> RequestRow {
    let refusal = served.verdict.outcome.as_ref().err();
    RequestRow {
        id: served.id,
        at: arrival_of(&served),
        method: served.method.to_owned(),
        route: served.route.to_string(),
        status: served.status,
        reason: refusal.map(|refusal| refusal.reason().to_owned()),
        reported: served.verdict.reported.then(|| Refusal::REPORTABLE.to_owned()),
        address: address_of(&served),
        duration_us: microseconds(served.duration),
        volume: served.volume,
        stands_for: served.owed.stands_for,
        from_many: served.owed.place == Place::Many,
        last_at: None,
        remedy: refusal.map(Refusal::remedy),
        trace: served.verdict.trace(),
        path: served.path,
        user_agent: served.user_agent,
        attribution,
    }
}

async fn write(store: &dyn Store, batch: &RequestBatch) -> Result<(), StoreError> {
    let mut pause = PAUSE;
    for _ in 1..TRIES {
        match write_once(store, batch).await {
            Err(StoreError::Unavailable(_)) => tokio::time::sleep(pause).await,
            result => return result,
        }
        pause *= 2;
    }
    write_once(store, batch).await
}

async fn write_once(store: &dyn Store, batch: &RequestBatch) -> Result<(), StoreError> {
    let mut work = store.begin().await?;
    work.record(batch).await?;
    work.commit().await
}
