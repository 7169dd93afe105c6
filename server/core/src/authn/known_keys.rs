//! The memory of the door: what the store said of each key ([`Memory`]), ids that no key has, and the meters of keys.

use super::entry::Entry;
use crate::{
    api_key::{Notes, format::PublicId},
    limit::{Limiter, Meters, Quota, RateLimits},
    memory::{self, Freshness},
    port::{
        Store, StoreError,
        api_key::{Holder, StoredApiKey},
    },
};
use latchkey_model::ApiKeyId;
use quick_cache::sync::Cache;
use std::sync::Arc;
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
    entries: memory::Memory<PublicId, Entry>,
    /// Ids that no key has, and when that was so. Apart from the entries, so that nobody pushes those out with made-up keys.
    nothing: Cache<PublicId, OffsetDateTime>,
    /// Ids that the store has named once, whether or not what it said is still remembered.
    existing: Cache<PublicId, ()>,
    /// By lineage and limits: they outlive the entries, and keys that take over from one another share them.
    meters: Cache<(ApiKeyId, RateLimits), Arc<Meters>>,
    owners: Arc<Limiter<Holder>>,
    key_quota: Quota,
}

impl KnownKeys {
    /// How many keys are kept in mind.
    const CAPACITY: usize = 100_000;
    const NOTHING_CAPACITY: usize = 10_000;
    /// How long an unknown id stays unknown without asking.
    const NOTHING_LIFE: Duration = Duration::seconds(5);

    /// An empty memory.
    pub fn new(store: Arc<dyn Store>, key_quota: Quota, owners: Arc<Limiter<Holder>>) -> Self {
        Self(Arc::new(Memory {
            store,
            entries: memory::Memory::new(Self::CAPACITY),
            nothing: Cache::new(Self::NOTHING_CAPACITY),
            existing: Cache::new(Self::CAPACITY),
            meters: Cache::new(Self::CAPACITY),
            owners,
            key_quota,
        }))
    }

    /// What is remembered of a key, without asking anybody.
    pub fn remembered(&self, id: PublicId, now: OffsetDateTime) -> Option<Found> {
        let memory = &*self.0;
        if let Some(entry) = memory.entries.remembered(&id, now) {
            return Some(Found::Key(entry));
        }
        memory.is_nothing(id, now).then_some(Found::Nothing)
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
        let memory = &*self.0;
        let found = memory.entries.look_up(&id, now, |freshness| memory.load(id, now, freshness)).await?;
        Ok(found.map_or(Found::Nothing, Found::Key))
    }

    /// Forgets a key: whoever asks from now on, asks the store.
    pub fn forget(&self, id: PublicId) {
        self.0.entries.forget(&id);
        self.0.nothing.remove(&id);
    }

    /// Forgets every key, and those that are being looked up.
    pub fn forget_all(&self) {
        self.0.entries.forget_all();
        self.0.nothing.clear();
    }

    /// Says whether the line to the other nodes is broken.
    pub fn set_deaf(&self, deaf: bool) {
        self.0.entries.set_deaf(deaf);
    }
}

impl Memory {
    /// What the store says of a key. What nobody has is remembered too, for a while.
    async fn load(&self, id: PublicId, now: OffsetDateTime, freshness: Freshness) -> Result<Option<Entry>, StoreError> {
        // Whoever asked before us may have found that nobody has it.
        if self.is_nothing(id, now) {
            return Ok(None);
        }
        let Some(mut stored) = self.store.api_key_for_door(id).await? else {
            self.nothing.insert(id, now);
            return Ok(None);
        };
        self.existing.insert(id, ());
        // What only people read need not be remembered for each of many keys.
        stored.key.settings.notes = Notes::default();
        stored.key.leaked = None;
        let meters = self.meters_of(&stored);
        Ok(Some(Entry::for_key(stored, meters, freshness)))
    }

    fn is_nothing(&self, id: PublicId, now: OffsetDateTime) -> bool {
        self.nothing.get(&id).is_some_and(|since| {
            let age = now - since;
            age <= KnownKeys::NOTHING_LIFE && age >= Duration::ZERO
        })
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
