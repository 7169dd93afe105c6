//! The batch writer: requests go by a bounded channel to one task, which writes rows and roll-ups together.
//!
//! The path of a request never waits for it: a full channel counts what it could not take, and lets nobody in for it.

use crate::{
    authn::{Verdict, attribution_of},
    port::{
        Store, StoreError,
        request_log::{
            Attribution, LATENCY_BOUNDS_US, LastUse, Period, RequestBatch, RequestRow, RollupCounts, RollupKey,
        },
    },
};
use latchkey_model::{ApiKeyId, RequestId};
use std::{
    collections::{BTreeMap, HashMap},
    net::IpAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use time::OffsetDateTime;
use tokio::sync::mpsc;

/// How many requests may wait for the writer.
const CHANNEL_CAPACITY: usize = 16_384;
/// How many the writer takes at once.
const BATCH_SIZE: usize = 1_000;
/// How long the writer waits for more before it writes what it has.
const PAUSE: Duration = Duration::from_millis(100);
/// How often a batch is tried again when the store is out of reach.
const TRIES: u32 = 5;

/// What happened to one request, as the door and the handler saw it.
#[derive(Debug, Clone)]
pub struct Served {
    /// Its id.
    pub id: RequestId,
    /// When it arrived.
    pub at: OffsetDateTime,
    /// The HTTP method.
    pub method: String,
    /// The route's pattern.
    pub route: &'static str,
    /// The path, without its query.
    pub path: String,
    /// The status of the answer.
    pub status: u16,
    /// From where.
    pub address: IpAddr,
    /// The caller's own word about itself.
    pub user_agent: String,
    /// How long the answer took.
    pub duration: Duration,
    /// The decision.
    pub verdict: Verdict,
}

/// The end that requests are given to.
#[derive(Clone)]
pub struct Recorder {
    sender: mpsc::Sender<Served>,
    lost: Arc<AtomicU64>,
}

impl Recorder {
    /// Takes a request to be recorded, if there is room.
    pub fn record(&self, served: Served) {
        if self.sender.try_send(served).is_err() {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// How many requests could not be recorded since the start.
    pub fn lost(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }
}

/// The task that writes.
pub struct Recording(tokio::task::JoinHandle<()>);

impl Recording {
    /// Starts the writer.
    pub fn start(store: Arc<dyn Store>) -> (Recorder, Self) {
        let (sender, receiver) = mpsc::channel(CHANNEL_CAPACITY);
        let lost = Arc::new(AtomicU64::new(0));
        let recorder = Recorder { sender, lost: Arc::clone(&lost) };
        (recorder, Self(tokio::spawn(write_all(store, receiver, lost))))
    }

    /// Waits until everything taken so far is written. It ends once every [`Recorder`] is gone.
    pub async fn finish(self) {
        if let Err(error) = self.0.await {
            tracing::error!(%error, "the writer of the request log ended badly");
        }
    }
}

async fn write_all(store: Arc<dyn Store>, mut receiver: mpsc::Receiver<Served>, lost: Arc<AtomicU64>) {
    let mut waiting = Vec::with_capacity(BATCH_SIZE);
    while receiver.recv_many(&mut waiting, BATCH_SIZE).await > 0 {
        if waiting.len() < BATCH_SIZE {
            tokio::time::sleep(PAUSE).await;
            while waiting.len() < BATCH_SIZE {
                let Ok(served) = receiver.try_recv() else { break };
                waiting.push(served);
            }
        }
        let served = std::mem::take(&mut waiting);
        let count = served.len() as u64;
        let batch = fold(attribute(&*store, served).await);
        if let Err(error) = write(&*store, &batch).await {
            lost.fetch_add(count, Ordering::Relaxed);
            tracing::error!(
                error = &error as &dyn std::error::Error,
                requests = count,
                "the request log could not be written"
            );
        }
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

/// Finds the owners of keys that were mistyped or exposed: off the path of the request, once for each key and batch.
async fn attribute(store: &dyn Store, served: Vec<Served>) -> Vec<Served> {
    let mut known: HashMap<String, Option<Attribution>> = HashMap::new();
    let mut attributed = Vec::with_capacity(served.len());
    for mut request in served {
        if let (None, Some(public_id)) = (&request.verdict.attribution, &request.verdict.claimed_public_id) {
            if !known.contains_key(public_id) {
                let found = match store.api_key_for_door(public_id).await {
                    Ok(found) => found.map(|stored| attribution_of(&stored.key)),
                    Err(error) => {
                        tracing::warn!(error = &error as &dyn std::error::Error, "an owner could not be looked up");
                        None
                    }
                };
                known.insert(public_id.clone(), found);
            }
            request.verdict.attribution = known.get(public_id).cloned().flatten();
        }
        attributed.push(request);
    }
    attributed
}

/// Turns requests into rows, and into the counts that they add up to.
fn fold(served: Vec<Served>) -> RequestBatch {
    let mut rollups: BTreeMap<RollupKey, RollupCounts> = BTreeMap::new();
    let mut last_uses: HashMap<ApiKeyId, LastUse> = HashMap::new();
    let mut batch = RequestBatch::default();
    for request in served {
        let refusal = request.verdict.outcome.as_ref().err();
        let duration_us = u64::try_from(request.duration.as_micros()).unwrap_or(u64::MAX);
        if let Some(owner) = &request.verdict.attribution {
            for period in Period::ALL {
                let key = RollupKey {
                    period,
                    start: period.start_of(request.at),
                    environment_id: owner.environment_id,
                    api_key_id: owner.api_key_id,
                    route: format!("{} {}", request.method, request.route),
                    status: request.status,
                    refused: refusal.is_some(),
                };
                let counts = rollups.entry(key).or_default();
                counts.requests += 1;
                counts.latency[latency_bucket(duration_us)] += 1;
            }
            if refusal.is_none() {
                let used = LastUse { api_key_id: owner.api_key_id, at: request.at, address: request.address };
                last_uses
                    .entry(owner.api_key_id)
                    .and_modify(|last| {
                        if last.at < used.at {
                            *last = used.clone();
                        }
                    })
                    .or_insert(used);
            }
            if request.verdict.exposed {
                batch.exposures.push((owner.api_key_id, request.at));
            }
        }
        batch.rows.push(RequestRow {
            id: request.id,
            at: request.at,
            method: request.method,
            route: request.route.to_owned(),
            path: request.path,
            status: request.status,
            reason: refusal.map(|refusal| refusal.reason().to_owned()),
            address: request.address,
            user_agent: request.user_agent,
            duration_us,
            remedy: refusal.map(crate::authn::Refusal::remedy),
            attribution: request.verdict.attribution,
            trace: request.verdict.trace,
        });
    }
    batch.rollups = rollups.into_iter().collect();
    batch.last_uses = last_uses.into_values().collect();
    batch
}

fn latency_bucket(duration_us: u64) -> usize {
    LATENCY_BOUNDS_US.iter().position(|bound| duration_us <= *bound).unwrap_or(LATENCY_BOUNDS_US.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn latencies_fall_into_the_bucket_that_bounds_them() {
        assert_eq!(latency_bucket(0), 0);
        assert_eq!(latency_bucket(250), 0);
        assert_eq!(latency_bucket(251), 1);
        assert_eq!(latency_bucket(1_000_000), 10);
        assert_eq!(latency_bucket(u64::MAX), 11);
    }
}
