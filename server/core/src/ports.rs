//! The bundle of ports that every service holds.

use crate::{clock::Clock, port::Store, random::Random};
use std::sync::Arc;
use time::OffsetDateTime;
use uuid::Uuid;

/// The store, the clock and the randomness that services work with.
#[derive(Clone)]
pub struct Ports {
    /// The store.
    pub store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
}

impl Ports {
    /// Bundles them.
    pub fn new(store: Arc<dyn Store>, clock: Arc<dyn Clock>, random: Arc<dyn Random>) -> Self {
        Self { store, clock, random }
    }

    /// Now, in UTC.
    pub fn now(&self) -> OffsetDateTime {
        self.clock.now()
    }

    /// The clock itself.
    pub fn clock(&self) -> Arc<dyn Clock> {
        Arc::clone(&self.clock)
    }

    /// A new UUID version 7 (RFC 9562 section 5.7): ids made later sort later.
    pub fn uuid(&self) -> Uuid {
        self.uuid_at(self.now())
    }

    /// A new UUID version 7 for something that happened at this time.
    pub fn uuid_at(&self, at: OffsetDateTime) -> Uuid {
        let milliseconds = at.unix_timestamp() * 1_000 + i64::from(at.millisecond());
        let mut random = [0; 10];
        self.random.fill_id(&mut random);
        uuid::Builder::from_unix_timestamp_millis(u64::try_from(milliseconds).unwrap_or(0), &random).into_uuid()
    }

    /// The randomness itself.
    pub fn random(&self) -> &dyn Random {
        &*self.random
    }
}
