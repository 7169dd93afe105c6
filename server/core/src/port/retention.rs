//! How long things are kept.

use super::StoreError;
use async_trait::async_trait;

/// Questions about how long things are kept.
#[async_trait]
pub trait RetentionReader {
    /// What was set, as it was written; none where nobody has set anything.
    async fn retention(&self) -> Result<Option<String>, StoreError>;
}

/// What a part of a batch removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Removed<T> {
    /// How many rows.
    pub rows: u64,
    /// Where those that are left begin: nothing from before is there any more. Whoever goes on from here does not step over what is gone,
    /// which PostgreSQL keeps in its indexes for a while.
    pub rest: T,
}

/// Changes to how long things are kept.
#[async_trait]
pub trait RetentionWriter {
    /// Sets it.
    async fn retention_set(&mut self, written: &str) -> Result<(), StoreError>;
}
