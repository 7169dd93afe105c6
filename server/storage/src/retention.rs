//! How long things are kept.

use crate::{SeaStore, SeaUnitOfWork, setting};
use async_trait::async_trait;
use latchkey_core::port::{RetentionReader, RetentionWriter, StoreError};

/// The name of the setting.
const NAME: &str = "retention";

#[async_trait]
impl RetentionReader for SeaStore {
    async fn retention(&self) -> Result<Option<String>, StoreError> {
        setting::read(&self.reader, NAME).await
    }
}

#[async_trait]
impl RetentionWriter for SeaUnitOfWork {
    async fn retention_set(&mut self, written: &str) -> Result<(), StoreError> {
        setting::write(&self.transaction, NAME, written.to_owned()).await
    }
}
