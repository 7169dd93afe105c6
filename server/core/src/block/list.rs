//! Who is kept out right now, in memory: it is asked for every request.

use super::BlockedNetwork;
use crate::port::{Store, StoreError, block::Block};
use std::{
    net::IpAddr,
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicBool, Ordering},
    },
};
use time::OffsetDateTime;
use tokio::sync::Mutex;

/// Networks, and until when each is kept out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BlockList(Vec<(BlockedNetwork, OffsetDateTime)>);

impl BlockList {
    /// The list of these blocks.
    pub fn new(blocks: &[Block]) -> Self {
        Self(blocks.iter().map(|block| (block.network, block.expires_at)).collect())
    }

    /// The network that an address is kept out with, and until when.
    pub fn covering(&self, address: IpAddr, now: OffsetDateTime) -> Option<(BlockedNetwork, OffsetDateTime)> {
        self.0.iter().copied().find(|(network, until)| *until > now && network.contains(address))
    }
}

struct Known {
    list: RwLock<Arc<BlockList>>,
    /// Mostly nobody is kept out; then a request costs the reading of this alone.
    any: AtomicBool,
    /// Held while it is read anew: of two who do so at once, the later one's list stays.
    loading: Mutex<()>,
}

/// What this node knows of blocks. Cloning it clones a handle.
#[derive(Clone)]
pub struct Blocks {
    store: Arc<dyn Store>,
    known: Arc<Known>,
}

impl Blocks {
    /// Nobody is kept out until the first [`Blocks::load`].
    pub fn new(store: Arc<dyn Store>) -> Self {
        Self {
            store,
            known: Arc::new(Known { list: RwLock::default(), any: AtomicBool::new(false), loading: Mutex::default() }),
        }
    }

    /// Learns what the store knows.
    ///
    /// # Errors
    /// [`StoreError`]; then what was known before holds on.
    pub async fn load(&self, now: OffsetDateTime) -> Result<(), StoreError> {
        let _turn = self.known.loading.lock().await;
        let list = BlockList::new(&self.store.blocks(now).await?);
        self.known.any.store(!list.0.is_empty(), Ordering::Release);
        *self.known.list.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(list);
        Ok(())
    }

    /// The network that an address is kept out with, and until when.
    pub fn covering(&self, address: IpAddr, now: OffsetDateTime) -> Option<(BlockedNetwork, OffsetDateTime)> {
        if !self.known.any.load(Ordering::Acquire) {
            return None;
        }
        let list = Arc::clone(&self.known.list.read().unwrap_or_else(PoisonError::into_inner));
        list.covering(address, now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::{Duration, macros::datetime};

    #[test]
    fn a_block_ends_by_itself() {
        let now = datetime!(2026-11-26 12:00 UTC);
        let network: BlockedNetwork = "203.0.113.0/24".parse().unwrap();
        let list = BlockList(vec![(network, now + Duration::HOUR)]);
        let inside = "203.0.113.7".parse().unwrap();
        assert_eq!(list.covering(inside, now), Some((network, now + Duration::HOUR)));
        assert_eq!(list.covering(inside, now + Duration::HOUR), None);
        assert_eq!(list.covering("198.51.100.1".parse().unwrap(), now), None);
    }
}
