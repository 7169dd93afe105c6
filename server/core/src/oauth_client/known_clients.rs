//! What the token endpoint and the door remember of clients.

use super::ClientId;
use crate::{
    memory::{Freshness, Memory, Remembered},
    port::{
        Store, StoreError,
        oauth_client::{ClientSecret, OauthClient, StoredClient},
    },
};
use std::sync::Arc;
use time::OffsetDateTime;

/// A client as the store described it.
pub struct ClientEntry {
    stored: StoredClient,
    freshness: Freshness,
}

impl ClientEntry {
    /// The client.
    pub fn client(&self) -> &OauthClient {
        &self.stored.client
    }

    /// Its secrets with their digests, ended ones too.
    pub fn secrets(&self) -> &[(ClientSecret, [u8; 32])] {
        &self.stored.secrets
    }
}

impl Remembered for ClientEntry {
    fn freshness(&self) -> &Freshness {
        &self.freshness
    }
}

/// Clients that were asked for. Cloning it clones a handle.
#[derive(Clone)]
pub struct KnownClients(Arc<Known>);

struct Known {
    store: Arc<dyn Store>,
    entries: Memory<ClientId, ClientEntry>,
}

impl KnownClients {
    /// How many clients are kept in mind.
    const CAPACITY: usize = 20_000;

    /// An empty memory.
    pub fn new(store: Arc<dyn Store>) -> Self {
        Self(Arc::new(Known { store, entries: Memory::new(Self::CAPACITY) }))
    }

    /// The client of this name, live or ended.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn find(&self, id: &ClientId, now: OffsetDateTime) -> Result<Option<Arc<ClientEntry>>, StoreError> {
        let known = &*self.0;
        if let Some(entry) = known.entries.remembered(id, now) {
            return Ok(Some(entry));
        }
        let load = |freshness| async move {
            let stored = known.store.oauth_client_for_token(id).await?;
            Ok(stored.map(|stored| ClientEntry { stored, freshness }))
        };
        Box::pin(known.entries.look_up(id, now, load)).await
    }

    /// Forgets a client: whoever asks from now on, asks the store.
    pub fn forget(&self, id: &ClientId) {
        self.0.entries.forget(id);
    }

    /// Forgets every client.
    pub fn forget_all(&self) {
        self.0.entries.forget_all();
    }

    /// Says whether the line to the other nodes is broken.
    pub fn set_deaf(&self, deaf: bool) {
        self.0.entries.set_deaf(deaf);
    }
}
