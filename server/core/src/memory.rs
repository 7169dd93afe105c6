//! A memory of what the store said, kept as long as it is true.
//!
//! A change is committed first, then forgotten here, then answered. Forgetting marks the entry, so that requests that hold it already
//! look again, and removes it together with any look-up that is under way: the look-up's own insert then finds its place gone, and
//! asks once more. So no request that begins after a change was answered sees what was before. What other nodes change is heard
//! through the database; while that line is broken a new epoch makes everything old, and entries live two seconds.

use crate::port::{Change, StoreError, UnitOfWork};
use quick_cache::sync::Cache;
use std::{
    hash::Hash,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};
use time::{Duration, OffsetDateTime};

/// Until when an entry is believed.
#[derive(Debug)]
pub struct Freshness {
    loaded_at: OffsetDateTime,
    /// Which age of the memory it belongs to: when the line to the other nodes breaks, a new age begins.
    epoch: u64,
    /// Set before a change is answered: whoever holds the entry must look again.
    outdated: AtomicBool,
}

impl Freshness {
    /// An entry that is loaded now, in this age.
    pub fn new(loaded_at: OffsetDateTime, epoch: u64) -> Self {
        Self { loaded_at, epoch, outdated: AtomicBool::new(false) }
    }

    /// Whether the entry still says what the store says, as far as this process knows.
    pub fn is_current(&self, now: OffsetDateTime, epoch: u64, life: Duration) -> bool {
        let age = now - self.loaded_at;
        // A clock that was set back makes ages negative: such an entry is as good as an old one.
        !self.outdated.load(Ordering::Acquire) && self.epoch == epoch && age <= life && age >= -Duration::SECOND
    }

    /// Says that the store may say something else by now.
    pub fn outdate(&self) {
        self.outdated.store(true, Ordering::Release);
    }
}

/// Something that is remembered.
pub trait Remembered: Send + Sync + 'static {
    /// Until when it is believed.
    fn freshness(&self) -> &Freshness;
}

/// Commits changes of credentials, tells the other nodes of them, and forgets what was true before: when it returns, no request that
/// begins from now on is judged by that.
///
/// It runs to its end even if whoever asked goes away: a change that is committed and not forgotten would leave a revoked credential
/// working.
///
/// # Errors
/// [`StoreError`]: then the changes may or may not be there, and whoever asks finds out anew in both cases.
pub async fn commit_and_forget(
    mut work: Box<dyn UnitOfWork>,
    changes: Vec<Change>,
    forget: impl FnOnce() + Send + 'static,
) -> Result<(), StoreError> {
    let finished = tokio::spawn(async move {
        let mut outcome = Ok(());
        for change in &changes {
            outcome = work.announce(change).await;
            if outcome.is_err() {
                break;
            }
        }
        if outcome.is_ok() {
            outcome = work.commit().await;
        }
        forget();
        outcome
    });
    finished.await.unwrap_or_else(|error| Err(StoreError::Internal(Box::new(error))))
}

/// Entries by what they are asked for.
pub struct Memory<K, V> {
    entries: Cache<K, Arc<V>>,
    epoch: AtomicU64,
    deaf: AtomicBool,
}

impl<K: Hash + Eq + Clone + Send + Sync, V: Remembered> Memory<K, V> {
    /// How long an entry is believed: a bound for whatever was changed without a word.
    pub const LIFE: Duration = Duration::seconds(60);
    /// The same while the line to the other nodes is broken.
    const DEAF_LIFE: Duration = Duration::seconds(2);
    /// How long a request waits for the store before it is refused.
    const PATIENCE: std::time::Duration = std::time::Duration::from_secs(6);
    /// How often a look-up that was overtaken by changes is tried again.
    const TRIES: usize = 16;

    /// An empty memory for so many entries.
    pub fn new(capacity: usize) -> Self {
        Self { entries: Cache::new(capacity), epoch: AtomicU64::new(0), deaf: AtomicBool::new(false) }
    }

    /// What is remembered and still believed, without asking anybody.
    pub fn remembered(&self, key: &K, now: OffsetDateTime) -> Option<Arc<V>> {
        self.entries.get(key).filter(|entry| self.is_current(entry, now))
    }

    /// What `load` says, unless it is remembered. However many ask for one key at once, one of them loads.
    ///
    /// # Errors
    /// [`StoreError`]: then nobody may be let in.
    pub async fn look_up<F>(
        &self,
        key: &K,
        now: OffsetDateTime,
        load: impl Fn(Freshness) -> F + Send + Sync,
    ) -> Result<Option<Arc<V>>, StoreError>
    where
        F: Future<Output = Result<Option<V>, StoreError>> + Send,
    {
        // Those who wait for one another's look-ups wait no longer than one of them may take.
        let found = tokio::time::timeout(Self::PATIENCE, self.ask(key, now, load)).await;
        found.unwrap_or_else(|_| Err(StoreError::Unavailable("the store did not answer in time".into())))
    }

    async fn ask<F>(
        &self,
        key: &K,
        now: OffsetDateTime,
        load: impl Fn(Freshness) -> F + Send + Sync,
    ) -> Result<Option<Arc<V>>, StoreError>
    where
        F: Future<Output = Result<Option<V>, StoreError>> + Send,
    {
        for _ in 0..Self::TRIES {
            let place = match self.entries.get_value_or_guard_async(key).await {
                Ok(entry) if self.is_current(&entry, now) => return Ok(Some(entry)),
                Ok(old) => {
                    self.entries.remove_if(key, |entry| Arc::ptr_eq(entry, &old));
                    continue;
                }
                Err(place) => place,
            };
            let Some(loaded) = load(Freshness::new(now, self.epoch.load(Ordering::Acquire))).await? else {
                return Ok(None);
            };
            let entry = Arc::new(loaded);
            match place.insert(Arc::clone(&entry)) {
                Ok(()) if self.is_current(&entry, now) => return Ok(Some(entry)),
                Ok(()) => {}
                // It was changed while we asked: those who waited for our answer must not take it either.
                Err(overtaken) => overtaken.freshness().outdate(),
            }
        }
        Err(StoreError::Unavailable("it is being changed too often".into()))
    }

    /// Forgets an entry: whoever asks from now on, asks the store.
    pub fn forget(&self, key: &K) {
        if let Some(entry) = self.entries.peek(key) {
            entry.freshness().outdate();
        }
        // Also removes a look-up that is under way.
        if let Some((_, entry)) = self.entries.remove(key) {
            entry.freshness().outdate();
        }
    }

    /// Forgets this entry, if it is still the one that is remembered.
    pub fn forget_entry(&self, key: &K, entry: &Arc<V>) {
        entry.freshness().outdate();
        self.entries.remove_if(key, |known| Arc::ptr_eq(known, entry));
    }

    /// Forgets everything, and what is being looked up.
    pub fn forget_all(&self) {
        self.epoch.fetch_add(1, Ordering::AcqRel);
    }

    /// Says whether the line to the other nodes is broken.
    pub fn set_deaf(&self, deaf: bool) {
        self.deaf.store(deaf, Ordering::Release);
    }

    fn is_current(&self, entry: &V, now: OffsetDateTime) -> bool {
        let life = if self.deaf.load(Ordering::Relaxed) { Self::DEAF_LIFE } else { Self::LIFE };
        entry.freshness().is_current(now, self.epoch.load(Ordering::Acquire), life)
    }
}
