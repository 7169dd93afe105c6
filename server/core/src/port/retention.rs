//! How long things are kept.

use super::StoreError;
use async_trait::async_trait;

/// Questions about how long things are kept.
#[async_trait]
pub trait RetentionReader {
    /// What was set, as it was written; none where nobody has set anything.
    async fn retention(&self) -> Result<Option<String>, StoreError>;
}

/// Changes to how long things are kept.
#[async_trait]
pub trait RetentionWriter {
    /// Sets it.
    async fn retention_set(&mut self, written: &str) -> Result<(), StoreError>;
}
