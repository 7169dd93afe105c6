//! The one thread that writes what was recorded: rows and counts together, in batches.

use super::{
    recorder::{Recorder, RowBudget, Served, Shared, address_of, arrival_of},
    tally::{Slot, latency_bucket, microseconds},
};
use crate::{
    authn::Refusal,
    limit::Quota,
    port::{
        Store, StoreError,
        request_log::{
            Attribution, CredentialId, LastUse, Period, RequestBatch, RequestRow, RollupCounts, RollupKey, Used,
        },
    },
};
use ::time::{Date, OffsetDateTime};
use latchkey_model::{ApiKeyId, GrantId, OwnerId};
use std::{
    collections::{BTreeMap, HashMap, HashSet, hash_map::Entry},
    sync::{Arc, PoisonError, atomic::Ordering},
    time::{Duration, Instant},
};
use tokio::sync::{mpsc, oneshot};

/// How many rows the writer takes at once.
const BATCH_SIZE: usize = 1_000;
/// How long the writer waits for more before it writes what it has.
const PAUSE: Duration = Duration::from_millis(100);
/// The longest it waits under load: a request is on the usage page within two seconds.
const LONGEST_PAUSE: Duration = Duration::from_millis(1_500);
/// A batch that took long to write is followed by so many times as long a pause: writing never takes more than a small part of
/// the machine from those who wait for an answer.
const REST: u32 = 30;
/// How many keys are counted before whoever waits for the core gets it.
const AT_A_STRETCH: usize = 64;
/// How many ids of mistyped keys are looked up for one batch: more come from somebody who makes them up.
const CLAIMS_AT_ONCE: usize = 100;
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
            counts: BTreeMap::new(),
            last_uses: HashMap::new(),
            exposures: BTreeMap::new(),
            near_today: (Date::MIN, HashSet::new()),
        };
        let runtime = tokio::runtime::Handle::current();
        std::thread::Builder::new().name("lk-record".to_owned()).spawn(move || {
            give_way();
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

/// Lets every other thread of the process go first. On Linux, where a thread's niceness is its own.
fn give_way() {
    const NICENESS: i32 = 10;
    if let Err(error) = rustix::process::setpriority_process(None, NICENESS) {
        tracing::debug!(%error, "the writer of the request log does not give way");
    }
}

struct Writer {
    store: Arc<dyn Store>,
    rows: mpsc::Receiver<Served>,
    shared: Arc<Shared>,
    /// Counts that are not written yet: a failed batch keeps them for the next one.
    counts: BTreeMap<RollupKey, RollupCounts>,
    last_uses: HashMap<Used, LastUse>,
    /// Keys that were seen where they must not be, until it is written.
    exposures: BTreeMap<ApiKeyId, OffsetDateTime>,
    /// Keys that came near a limit on this day.
    near_today: (Date, HashSet<ApiKeyId>),
}

impl Writer {
    async fn run(mut self, mut stopped: oneshot::Receiver<()>) {
        let mut pause = PAUSE;
        loop {
            let stopping = tokio::select! {
                () = self.shared.wake.notified() => tokio::time::timeout(pause, &mut stopped).await.is_ok(),
                _ = &mut stopped => true,
            };
            let began = Instant::now();
            while self.write_batch().await == BATCH_SIZE {}
            if stopping {
                return;
            }
            pause = (began.elapsed() * REST).clamp(PAUSE, LONGEST_PAUSE);
        }
    }

    /// Writes what is there, and says how many rows that were.
    async fn write_batch(&mut self) -> usize {
        let mut taken = Vec::new();
        while taken.len() < BATCH_SIZE {
            let Ok(served) = self.rows.try_recv() else { break };
            taken.push(served);
        }
        let count = taken.len();
        self.collect_counts();
        let mut batch = RequestBatch::default();
        self.attribute(taken, &mut batch).await;
        if batch.rows.is_empty() && self.counts.is_empty() && self.last_uses.is_empty() {
            return count;
        }
        batch.rollups = std::mem::take(&mut self.counts).into_iter().collect();
        batch.last_uses = self.last_uses.values().cloned().collect();
        batch.exposures = self.exposures.iter().map(|(key, at)| (*key, *at)).collect();
        match write(&*self.store, &batch).await {
            Ok(()) => {
                if !batch.exposures.is_empty() {
                    self.shared.to_tell.notify_one();
                }
                self.last_uses.clear();
                self.exposures.clear();
            }
            Err(error) => {
                self.counts = batch.rollups.into_iter().collect();
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

    /// Fetches what was counted for every key that was used.
    fn collect_counts(&mut self) {
        let asked = std::mem::take(&mut *self.shared.asked.lock().unwrap_or_else(PoisonError::into_inner));
        for (used, (at, address)) in asked {
            self.note_use(LastUse { used, at, address });
        }
        let used = std::mem::take(&mut *self.shared.used.lock().unwrap_or_else(PoisonError::into_inner));
        for (index, entry) in used.into_iter().enumerate() {
            if index % AT_A_STRETCH == AT_A_STRETCH - 1 {
                std::thread::yield_now();
            }
            let (owner, id) = (entry.counted_for().id(), entry.credential_id());
            let seen = entry.tally().hand_over(|slot, sums| self.add(owner, id, &slot, &sums));
            // A token that was seen where it must not be ends by itself soon.
            if let (Some(at), CredentialId::Key(id)) = (seen.exposed_at, id) {
                self.exposures.entry(id).or_insert(at);
            }
            if let (Some((at, quota)), CredentialId::Key(id)) = (seen.near, id) {
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

    /// Notes that a key came near a limit: once a day, since its people are told once a day.
    fn note_near(&mut self, key: ApiKeyId, quota: Quota, today: Date) {
        if self.near_today.0 != today {
            self.near_today = (today, HashSet::new());
        }
        if self.near_today.1.insert(key) {
            self.shared.near.lock().unwrap_or_else(PoisonError::into_inner).insert(key, quota);
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

    /// Adds to the counts of the credential, and to those of all of its owner, by the minute, the hour and the day.
    fn add(&mut self, owner_id: OwnerId, credential: CredentialId, slot: &Slot, sums: &RollupCounts) {
        let counted =
            [Some(credential.as_uuid()), None].into_iter().flat_map(|key| Period::ALL.map(|period| (key, period)));
        for (credential, period) in counted {
            let key = RollupKey {
                period,
                start: slot.minute - slot.minute.rem_euclid(period.seconds()),
                owner_id,
                credential,
                route: format!("{} {}", slot.method, slot.route),
                status: slot.status,
                refused: slot.refused,
            };
            let counts = self.counts.entry(key).or_default();
            counts.requests += sums.requests;
            for (sum, new) in counts.latency.iter_mut().zip(sums.latency) {
                *sum += new;
            }
        }
    }

    /// Draws rows. The owners of keys that were mistyped are found here, off the path of the request, once for each key and
    /// batch; such a request is counted here too, since it was nobody's when it came.
    async fn attribute(&mut self, taken: Vec<Served>, batch: &mut RequestBatch) {
        let mut claimed: HashMap<_, Option<Attribution>> = HashMap::new();
        for served in taken {
            let mut attribution = served.verdict.attribution();
            if let (None, Some(public_id)) = (&attribution, served.verdict.claimed_public_id) {
                let room = claimed.len() < CLAIMS_AT_ONCE;
                attribution = match claimed.entry(public_id) {
                    Entry::Occupied(known) => known.get().clone(),
                    Entry::Vacant(unknown) if room => unknown.insert(self.owner_of(public_id).await).clone(),
                    Entry::Vacant(_) => None,
                };
                if let Some(owner) = &attribution {
                    self.count_late(owner, &served);
                }
            }
            batch.rows.push(row(served, attribution));
        }
    }

    async fn owner_of(&self, public_id: crate::api_key::format::PublicId) -> Option<Attribution> {
        match self.store.api_key_for_door(public_id).await {
            Ok(found) => found.map(|stored| crate::authn::attribution_of(&stored.key)),
            Err(error) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "an owner could not be looked up");
                None
            }
        }
    }

    fn count_late(&mut self, owner: &Attribution, served: &Served) {
        let mut sums = RollupCounts { requests: 1, ..RollupCounts::default() };
        sums.latency[latency_bucket(microseconds(served.duration))] = 1;
        let slot = Slot {
            minute: Period::Minute.start_of(arrival_of(served)),
            method: served.method,
            route: served.route.clone(),
            status: served.status,
            refused: served.verdict.outcome.is_err(),
        };
        self.add(owner.owner.id(), owner.credential, &slot, &sums);
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
