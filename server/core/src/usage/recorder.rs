//! The end that requests are given to for the record.
//!
//! Counting is exact: it happens in memory that belongs to the key, and the writer comes by to fetch it. Rows for single requests
//! have a budget: beyond it, a request that was let in is counted at the next that has a row, and one that was refused at one that is
//! alike. The path of a request never waits: what a full channel cannot take is counted as lost, and lets nobody in.

use super::{
    RouteName,
    folds::{Folds, Kind, Place},
    tally::{Counted, Slot, Tally},
    totals::{RouteTotals, Totals},
};
use crate::{
    authn::{Entry, Refusal, Verdict},
    limit::{Meter, Quota, Readings},
    port::{
        request_log::{CredentialId, Used},
        rollup::{Period, Volume},
    },
};
use latchkey_model::RequestId;
use std::{
    collections::{BTreeMap, HashMap},
    net::IpAddr,
    num::NonZeroU32,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};
use time::OffsetDateTime;
use tokio::sync::{Notify, mpsc, watch};

/// How many rows may wait for the writer.
pub(super) const CHANNEL_CAPACITY: usize = 16_384;

/// How many single requests get a row of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RowBudget {
    /// Requests that were let in, each second, on average of ten.
    pub served_per_second: NonZeroU32,
    /// Requests that were refused, likewise: they matter more. Beyond it, places are not told apart.
    pub refused_per_second: NonZeroU32,
}

impl RowBudget {
    /// Ten seconds' worth may come at once.
    fn meter(per_second: NonZeroU32) -> Meter {
        const SECONDS: NonZeroU32 = NonZeroU32::MIN.saturating_add(9);
        Meter::new(Quota { requests: per_second.saturating_mul(SECONDS), window_seconds: SECONDS })
    }
}

/// What happened to one request, as the door and the handler saw it: enough for its row.
#[derive(Debug, Clone)]
pub struct Served {
    /// Its id.
    pub id: RequestId,
    /// The HTTP method.
    pub method: &'static str,
    /// The route's pattern.
    pub route: RouteName,
    /// The path, without its query.
    pub path: String,
    /// The status of the answer.
    pub status: u16,
    /// The caller's own word about itself.
    pub user_agent: String,
    /// How long the answer took.
    pub duration: Duration,
    /// The length of the bodies.
    pub volume: Volume,
    /// For how many requests its row stands.
    pub owed: Owed,
    /// The decision.
    pub verdict: Box<Verdict>,
}

/// A request as it is counted, before anybody decides whether it gets a row.
#[derive(Debug, Clone)]
pub struct Passed {
    /// The HTTP method.
    pub method: &'static str,
    /// The route's pattern.
    pub route: RouteName,
    /// The status of the answer.
    pub status: u16,
    /// How long the answer took.
    pub duration: Duration,
    /// The length of the bodies.
    pub volume: Volume,
}

/// A request that is owed a row, and for how many that row stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Owed {
    pub(super) stands_for: u64,
    /// Of where it tells.
    pub(super) place: Place,
}

/// That nothing is written, though it should.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unwritten {
    /// Since when.
    pub since: Instant,
    /// Whether the store has no space left.
    pub no_space: bool,
}

/// What the recorder and the writer share.
pub(super) struct Shared {
    /// Keys that were used since the writer last came by.
    used: Mutex<Vec<Arc<Entry>>>,
    /// The counts of those who came with no credential that is known.
    pub(super) strangers: Tally,
    /// Refusals that are alike.
    pub(super) folds: Folds,
    /// What was counted since the start.
    pub(super) totals: Totals,
    /// How often the writer has written rows: whoever shows them as they come waits for it.
    pub(super) written: watch::Sender<u64>,
    /// Clients and secrets that asked for tokens since the writer last came by, and when last.
    pub(super) asked: Mutex<HashMap<Used, (OffsetDateTime, IpAddr)>>,
    pub(super) wake: Notify,
    /// A refusal has a row that waits: whoever watches for it does not wait for long.
    pub(super) refusal: Notify,
    /// There are people to be told of a key: it was written down as exposed, or is near a limit.
    pub(super) to_tell: Notify,
    /// Keys and clients that came near a limit since somebody asked, and near which.
    pub(super) near: Mutex<HashMap<CredentialId, Quota>>,
    pub(super) lost: AtomicU64,
    /// Whether the last batch could not be written, and since when none could.
    pub(super) unwritten: Mutex<Option<Unwritten>>,
    without_row: AtomicU64,
    served: Meter,
    refused: Meter,
    /// Refusals of those who came with no key that is known: they have a budget of their own, so that no stranger's flood takes
    /// the rows of anybody's keys.
    nobodys: Meter,
}

impl Shared {
    pub(super) fn used(&self) -> MutexGuard<'_, Vec<Arc<Entry>>> {
        self.used.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Takes requests for the record. Cloning it clones a handle.
#[derive(Clone)]
pub struct Recorder {
    sender: mpsc::Sender<Served>,
    shared: Arc<Shared>,
}

impl Recorder {
    pub(super) fn new(budget: RowBudget) -> (Self, mpsc::Receiver<Served>, Arc<Shared>) {
        let (sender, receiver) = mpsc::channel(CHANNEL_CAPACITY);
        let shared = Arc::new(Shared {
            used: Mutex::new(Vec::new()),
            strangers: Tally::default(),
            folds: Folds::default(),
            totals: Totals::default(),
            written: watch::Sender::new(0),
            asked: Mutex::default(),
            wake: Notify::new(),
            refusal: Notify::new(),
            to_tell: Notify::new(),
            near: Mutex::default(),
            lost: AtomicU64::new(0),
            unwritten: Mutex::default(),
            without_row: AtomicU64::new(0),
            served: RowBudget::meter(budget.served_per_second),
            refused: RowBudget::meter(budget.refused_per_second),
            nobodys: RowBudget::meter(budget.refused_per_second),
        });
        (Self { sender, shared: Arc::clone(&shared) }, receiver, shared)
    }

    /// Whether a request gets a row, which [`Recorder::keep`] then takes. Asked once for each.
    #[must_use = "a request that is owed a row gets it"]
    pub fn owes_row(&self, verdict: &Verdict, id: RequestId, method: &'static str, route: &RouteName) -> Option<Owed> {
        let at = verdict.facts.at;
        let granted = |budget: &Meter| !budget.spend(at).is_over();
        let tally = verdict.known.as_ref().map_or(&self.shared.strangers, |entry| entry.tally());
        let owed = if let Err(refusal) = &verdict.outcome {
            let budget = if verdict.known.is_some() { &self.shared.refused } else { &self.shared.nobodys };
            let kind = Kind::new(verdict, refusal, method, route);
            self.shared.folds.owes_row(kind, id, at, || granted(budget)).map(|place| Owed { stands_for: 1, place })
        } else if granted(if verdict.reported { &self.shared.refused } else { &self.shared.served }) {
            Some(Owed { stands_for: tally.stands_for(), place: Place::One })
        } else {
            tally.note_without_row();
            None
        };
        if owed.is_none() {
            self.shared.without_row.fetch_add(1, Ordering::Relaxed);
        }
        owed
    }

    /// Counts the reason of a refusal that the handler found out: the door had let the request in.
    pub fn refused_within(&self, refusal: &Refusal) {
        self.shared.folds.count(refusal.reason());
    }

    /// Counts a request.
    pub fn count(&self, verdict: &Verdict, passed: Passed) {
        let at = verdict.facts.at;
        let slot = Slot {
            minute: Period::Minute.start_of(at),
            method: passed.method,
            route: passed.route,
            status: passed.status,
            refused: verdict.outcome.is_err(),
        };
        let counted = Counted {
            slot,
            at,
            address: verdict.facts.address,
            duration: passed.duration,
            volume: passed.volume,
            exposed: verdict.exposed,
            near: verdict.readings.as_ref().and_then(Readings::near),
        };
        match &verdict.known {
            Some(entry) if entry.tally().count(&counted) => {
                self.shared.used().push(Arc::clone(entry));
                self.shared.wake.notify_one();
            }
            None if self.shared.strangers.count(&counted) => self.shared.wake.notify_one(),
            _ => {}
        }
    }

    /// Says, whenever it changes, that rows were written.
    pub fn written(&self) -> watch::Receiver<u64> {
        self.shared.written.subscribe()
    }

    /// Notes that these were used to ask for a token.
    pub fn note_asked(&self, used: &[Used], at: OffsetDateTime, address: IpAddr) {
        let mut asked = self.shared.asked.lock().unwrap_or_else(PoisonError::into_inner);
        let first = asked.is_empty();
        asked.extend(used.iter().map(|one| (*one, (at, address))));
        drop(asked);
        if first {
            self.shared.wake.notify_one();
        }
    }

    /// Takes the row of a request, if there is room.
    pub fn keep(&self, served: Served) {
        let is_refused = served.verdict.outcome.is_err();
        if self.sender.try_send(served).is_ok() {
            self.shared.wake.notify_one();
            if is_refused {
                self.shared.refusal.notify_one();
            }
        } else {
            self.shared.lost.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Waits until people are to be told of their keys. One waits at a time.
    pub async fn to_tell(&self) {
        self.shared.to_tell.notified().await;
    }

    /// Keys and clients that came near a limit since this was last asked, and near which.
    pub fn near_limits(&self) -> HashMap<CredentialId, Quota> {
        std::mem::take(&mut *self.shared.near.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// What was counted since the start, by route and status: the last seconds may be missing.
    pub fn totals(&self) -> Vec<RouteTotals> {
        self.shared.totals.read()
    }

    /// How many requests were refused since the start, by the reason.
    pub fn refusals(&self) -> BTreeMap<&'static str, u64> {
        self.shared.folds.reasons()
    }

    /// How many rows could not be written since the start, though they were owed.
    pub fn lost(&self) -> u64 {
        self.shared.lost.load(Ordering::Relaxed)
    }

    /// Whether somebody is there who writes.
    pub fn has_writer(&self) -> bool {
        !self.sender.is_closed()
    }

    /// Whether there is no room for another row right now.
    pub fn is_full(&self) -> bool {
        self.sender.capacity() == 0
    }

    /// Since when nothing could be written, if the last batch could not.
    pub fn unwritten(&self) -> Option<Unwritten> {
        *self.shared.unwritten.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many requests since the start were counted and have no row of their own, because more came than the budget allows.
    pub fn without_row(&self) -> u64 {
        self.shared.without_row.load(Ordering::Relaxed)
    }
}

/// From where a request came: kept beside its row.
pub(super) fn address_of(served: &Served) -> IpAddr {
    served.verdict.facts.address
}

/// When a request arrived.
pub(super) fn arrival_of(served: &Served) -> OffsetDateTime {
    served.verdict.facts.at
}
