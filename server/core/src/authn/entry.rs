//! What is remembered of a key between requests.

use crate::{
    limit::Meters,
    port::{
        api_key::{ApiKey, KeyOwner, StoredApiKey},
        request_log::{AttributedTo, Attribution},
    },
    usage::tally::Tally,
};
use bytes::Bytes;
use std::sync::{
    Arc, OnceLock,
    atomic::{AtomicBool, Ordering},
};
use time::{Duration, OffsetDateTime};

/// A key as the store described it, its meters, and what was counted for it.
pub struct Entry {
    stored: StoredApiKey,
    /// Kept, since it is told and recorded with every request.
    hint: String,
    meters: Arc<Meters>,
    tally: Tally,
    drawn: Drawn,
    loaded_at: OffsetDateTime,
    /// Which age of the memory it belongs to: when the line to the other nodes breaks, a new age begins.
    epoch: u64,
    /// Set before a change of the key is answered: whoever holds the entry must look again.
    outdated: AtomicBool,
    /// Whether the key takes over from another at its first use. The first request to see it so begins the takeover.
    awaits_first_use: AtomicBool,
}

/// Texts that are drawn from an entry once and told with every answer: it never changes, and neither do they.
#[derive(Debug, Default)]
pub struct Drawn {
    /// The limits of the key.
    pub limits: OnceLock<Bytes>,
    /// Who the key is, as its caller may see it.
    pub introduction: OnceLock<Bytes>,
}

impl Entry {
    /// An entry for what the store said.
    pub fn new(stored: StoredApiKey, meters: Arc<Meters>, loaded_at: OffsetDateTime, epoch: u64) -> Self {
        let awaits_first_use = AtomicBool::new(stored.key.is_pending());
        Self {
            hint: stored.key.hint(),
            stored,
            meters,
            tally: Tally::default(),
            drawn: Drawn::default(),
            loaded_at,
            epoch,
            outdated: AtomicBool::new(false),
            awaits_first_use,
        }
    }

    /// The key.
    pub fn key(&self) -> &ApiKey {
        &self.stored.key
    }

    /// How a person recognises the key.
    pub fn hint(&self) -> &str {
        &self.hint
    }

    /// The digest that a presented key must have.
    pub fn digest(&self) -> &[u8; 32] {
        &self.stored.digest
    }

    /// What the key must keep to.
    pub fn meters(&self) -> &Meters {
        &self.meters
    }

    /// What was counted since the writer last came by.
    pub fn tally(&self) -> &Tally {
        &self.tally
    }

    /// What answers say of the key.
    pub fn drawn(&self) -> &Drawn {
        &self.drawn
    }

    /// Whether it still says what the store says, as far as this process knows.
    pub fn is_current(&self, now: OffsetDateTime, epoch: u64, life: Duration) -> bool {
        let age = now - self.loaded_at;
        // A clock that was set back makes ages negative: such an entry is as good as an old one.
        !self.outdated.load(Ordering::Acquire) && self.epoch == epoch && age <= life && age >= -Duration::SECOND
    }

    /// Says that the store may say something else by now.
    pub fn outdate(&self) {
        self.outdated.store(true, Ordering::Release);
    }

    /// Whether this call is the one that begins the takeover.
    pub fn begin_takeover(&self) -> bool {
        self.awaits_first_use.load(Ordering::Relaxed) && self.awaits_first_use.swap(false, Ordering::AcqRel)
    }

    /// Says that the takeover could not be begun: the next request tries again.
    pub fn retry_takeover(&self) {
        self.awaits_first_use.store(true, Ordering::Release);
    }

    /// Whom a request with this key belongs to.
    pub fn attribution(&self) -> Attribution {
        attribution_of(self.key())
    }
}

/// Whom a request made with this key belongs to.
pub(crate) fn attribution_of(key: &ApiKey) -> Attribution {
    let owner = match &key.owner {
        KeyOwner::Environment { environment_id, environment, application_id, team_id, .. } => {
            AttributedTo::Environment {
                team_id: *team_id,
                application_id: *application_id,
                environment_id: *environment_id,
                environment: *environment,
            }
        }
        KeyOwner::Account { account_id, .. } => AttributedTo::Account(*account_id),
    };
    Attribution { owner, api_key_id: key.id, key_hint: key.hint(), key_name: key.settings.name.as_str().to_owned() }
}

impl std::fmt::Debug for Entry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Entry").field(&self.stored.key.public_id).finish()
    }
}
