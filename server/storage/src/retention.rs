//! How long things are kept.

use crate::{SeaStore, SeaUnitOfWork, entity::setting, error::store_error};
use async_trait::async_trait;
use latchkey_core::port::{RetentionReader, RetentionWriter, StoreError};
use sea_orm::{ActiveValue::Set, EntityTrait, sea_query::OnConflict};

/// The name of the setting.
const NAME: &str = "retention";

#[async_trait]
impl RetentionReader for SeaStore {
    async fn retention(&self) -> Result<Option<String>, StoreError> {
        let row = setting::Entity::find_by_id(NAME).one(&self.reader).await.map_err(store_error)?;
        Ok(row.map(|row| row.value))
    }
}

#[async_trait]
impl RetentionWriter for SeaUnitOfWork {
    async fn retention_set(&mut self, written: &str) -> Result<(), StoreError> {
        let row = setting::ActiveModel { name: Set(NAME.to_owned()), value: Set(written.to_owned()) };
        let replace = OnConflict::column(setting::Column::Name).update_column(setting::Column::Value).to_owned();
        let insert = setting::Entity::insert(row).on_conflict(replace);
        insert.exec_without_returning(&self.transaction).await.map_err(store_error)?;
        Ok(())
    }
}
