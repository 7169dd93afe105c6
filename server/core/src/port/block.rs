//! Networks that are kept out.

use super::{Consumed, StoreError};
use crate::{audit::Reason, block::BlockedNetwork};
use async_trait::async_trait;
use latchkey_model::{AccountId, BlockId};
use time::OffsetDateTime;

/// A network that is kept out for a while.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    /// Its id.
    pub id: BlockId,
    /// What is kept out.
    pub network: BlockedNetwork,
    /// Why.
    pub reason: Reason,
    /// By whom.
    pub created_by: AccountId,
    /// Since when.
    pub created_at: OffsetDateTime,
    /// Until when.
    pub expires_at: OffsetDateTime,
}

/// Questions about blocks.
#[async_trait]
pub trait BlockReader {
    /// Those that hold at a time, the newest first.
    async fn blocks(&self, now: OffsetDateTime) -> Result<Vec<Block>, StoreError>;
}

/// Changes to blocks.
#[async_trait]
pub trait BlockWriter {
    /// Adds one.
    async fn block_add(&mut self, block: &Block) -> Result<(), StoreError>;

    /// Ends one that holds.
    async fn block_end(&mut self, id: BlockId, at: OffsetDateTime) -> Result<Consumed, StoreError>;
}
