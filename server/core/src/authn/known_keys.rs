//! The memory of the door: what the store said of each key, kept as long as it is true.
//!
//! A change is committed first, then forgotten here, then answered. Forgetting marks the entry, so that requests that hold it
//! already look again, and removes it together with any look-up that is under way: the look-up's own insert then finds its
//! place gone, and asks once more. So no request that begins after a revocation was answered sees the key as it was.
//! What other nodes change is heard through the database; while that line is broken a new epoch makes everything old, and
//! entries live two seconds.

use super::entry::Entry;
use crate::{
    api_key::{Notes, format::PublicId},
    limit::{Limiter, Meters, Quota, RateLimits},
    port::{
        Change, Changes, Store, StoreError,
        api_key::{Holder, StoredApiKey},
    },
};
use latchkey_model::ApiKeyId;
use quick_cache::sync::Cache;
use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicU64, Ordering},
};
use time::{Duration, OffsetDateTime};

/// What is known of a public id.
#[derive(Debug, Clone)]
pub enum Found {
    /// A key has it.
    Key(Arc<Entry>),
    /// No key has it.
    Nothing,
}

/// What the door remembers. Cloning it clones a handle.
#[derive(Clone)]
pub struct KnownKeys(Arc<Memory>);

struct Memory {
    store: Arc<dyn Store>,
    entries: Cache<PublicId, Arc<Entry>>,
    /// Ids that no key has, and when that was so. Apart from the entries, so that nobody pushes those out with made-up keys.
    nothing: Cache<PublicId, OffsetDateTime>,
    /// Ids that the store has named once, whether or not what it said is still remembered.
    existing: Cache<PublicId, ()>,
    /// By lineage and limits: they outlive the entries, and keys that take over from one another share them.
    meters: Cache<(ApiKeyId, RateLimits), Arc<Meters>>,
    owners: Limiter<Holder>,
    key_quota: Quota,
    epoch: AtomicU64,
    deaf: AtomicBool,
}

impl KnownKeys {
    /// How many keys are kept in mind.
    const CAPACITY: usize = 100_000;
    const NOTHING_CAPACITY: usize = 10_000;
    /// How long an entry is believed: a bound for whatever was changed without a word.
    const LIFE: Duration = Duration::seconds(60);
    /// The same while the line to the other nodes is broken.
    const DEAF_LIFE: Duration = Duration::seconds(2);
    /// How long an unknown id stays unknown without asking.
    const NOTHING_LIFE: Duration = Duration::seconds(5);
    /// How long a request waits for the store before it is refused.
    const PATIENCE: std::time::Duration = std::time::Duration::from_secs(6);
    /// How often a look-up that was overtaken by changes is tried again.
    const TRIES: usize = 16;

    /// An empty memory.
    pub fn new(store: Arc<dyn Store>, key_quota: Quota, owner_quota: Quota) -> Self {
        Self(Arc::new(Memory {
            store,
            entries: Cache::new(Self::CAPACITY),
            nothing: Cache::new(Self::NOTHING_CAPACITY),
            existing: Cache::new(Self::CAPACITY),
            meters: Cache::new(Self::CAPACITY),
            owners: Limiter::new(owner_quota),
            key_quota,
            epoch: AtomicU64::new(0),
            deaf: AtomicBool::new(false),
        }))
    }

    /// What is remembered of a key, without asking anybody.
    pub fn remembered(&self, id: PublicId, now: OffsetDateTime) -> Option<Found> {
        let memory = &*self.0;
        if let Some(entry) = memory.entries.get(&id) {
            return memory.is_current(&entry, now).then_some(Found::Key(entry));
        }
        let since = memory.nothing.get(&id)?;
        let age = now - since;
        (age <= Self::NOTHING_LIFE && age >= Duration::ZERO).then_some(Found::Nothing)
    }

    /// Whether the store has ever named a key with this id, as far as this process remembers.
    pub fn exists(&self, id: PublicId) -> bool {
        self.0.existing.contains_key(&id)
    }

    /// What the store says of a key. However many ask for one key at once, the store is asked once.
    ///
    /// # Errors
    /// [`StoreError`]: then nobody may be let in.
    pub async fn look_up(&self, id: PublicId, now: OffsetDateTime) -> Result<Found, StoreError> {
        // Those who wait for one another's look-ups wait no longer than one of them may take.
        let found = tokio::time::timeout(Self::PATIENCE, self.ask(id, now)).await;
        found.unwrap_or_else(|_| Err(StoreError::Unavailable("the store did not answer in time".into())))
    }

    async fn ask(&self, id: PublicId, now: OffsetDateTime) -> Result<Found, StoreError> {
        let memory = &*self.0;
        for _ in 0..Self::TRIES {
            let place = match memory.entries.get_value_or_guard_async(&id).await {
                Ok(entry) if memory.is_current(&entry, now) => return Ok(Found::Key(entry)),
                Ok(old) => {
                    memory.entries.remove_if(&id, |entry| Arc::ptr_eq(entry, &old));
                    continue;
                }
                Err(place) => place,
            };
            // Whoever asked before us may have found that nobody has it.
            if let Some(Found::Nothing) = self.remembered(id, now) {
                return Ok(Found::Nothing);
            }
            let epoch = memory.epoch.load(Ordering::Acquire);
            let Some(mut stored) = memory.store.api_key_for_door(id).await? else {
                memory.nothing.insert(id, now);
                return Ok(Found::Nothing);
            };
            memory.existing.insert(id, ());
            // What only people read need not be remembered for each of many keys.
            stored.key.settings.notes = Notes::default();
            stored.key.leaked = None;
            let meters = memory.meters_of(&stored);
            let entry = Arc::new(Entry::new(stored, meters, now, epoch));
            match place.insert(Arc::clone(&entry)) {
                Ok(()) if memory.is_current(&entry, now) => return Ok(Found::Key(entry)),
                Ok(()) => {}
                // It was changed while we asked: those who waited for our answer must not take it either.
                Err(overtaken) => overtaken.outdate(),
            }
        }
        Err(StoreError::Unavailable("the key is being changed too often".into()))
    }

    /// Forgets a key: whoever asks from now on, asks the store.
    pub fn forget(&self, id: PublicId) {
        let memory = &*self.0;
        if let Some(entry) = memory.entries.peek(&id) {
            entry.outdate();
        }
        // Also removes a look-up that is under way.
        if let Some((_, entry)) = memory.entries.remove(&id) {
            entry.outdate();
        }
        memory.nothing.remove(&id);
    }

    /// Forgets every key, and those that are being looked up.
    pub fn forget_all(&self) {
        self.0.epoch.fetch_add(1, Ordering::AcqRel);
        self.0.nothing.clear();
    }

    /// Listens to what other nodes change, until they are gone.
    pub async fn listen(self, changes: Changes) {
        let Changes::Heard(mut changes) = changes else { return };
        // Until the line stands, nothing is heard.
        self.0.deaf.store(true, Ordering::Release);
        while let Some(change) = changes.recv().await {
            match change {
                Change::Key(id) => self.forget(id),
                Change::Deaf => {
                    self.0.deaf.store(true, Ordering::Release);
                    self.forget_all();
                }
                Change::Hearing => {
                    self.forget_all();
                    self.0.deaf.store(false, Ordering::Release);
                }
            }
        }
        self.0.deaf.store(true, Ordering::Release);
        self.forget_all();
    }
}

impl Memory {
    fn is_current(&self, entry: &Entry, now: OffsetDateTime) -> bool {
        let life = if self.deaf.load(Ordering::Relaxed) { KnownKeys::DEAF_LIFE } else { KnownKeys::LIFE };
        entry.is_current(now, self.epoch.load(Ordering::Acquire), life)
    }

    /// The meters of a key's lineage under its limits: those that there are, or new ones.
    fn meters_of(&self, stored: &StoredApiKey) -> Arc<Meters> {
        let place = (stored.key.lineage, stored.key.settings.limits.clone());
        let new = || {
            let owner = self.owners.meter(&stored.key.owner.holder());
            let meters = match stored.key.settings.limits.quotas() {
                [] => Meters::new(self.key_quota, &[], owner),
                [first, others @ ..] => Meters::new(*first, others, owner),
            };
            Ok::<_, std::convert::Infallible>(Arc::new(meters))
        };
        self.meters.get_or_insert_with(&place, new).unwrap_or_else(|never| match never {})
    }
}
