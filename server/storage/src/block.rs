//! Networks that are kept out.

use crate::{
    SeaStore, SeaUnitOfWork,
    convert::{micros, time, word},
    entity::block::{ActiveModel, Column, Entity, Model},
    error::store_error,
    work::consumed,
};
use ::time::OffsetDateTime;
use async_trait::async_trait;
use latchkey_core::port::{BlockReader, BlockWriter, Consumed, StoreError, block::Block};
use latchkey_model::{AccountId, BlockId};
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, QueryOrder};

fn from_row(row: &Model) -> Result<Block, StoreError> {
    Ok(Block {
        id: BlockId::from_uuid(row.id),
        network: word(&row.network, "network")?,
        reason: word(&row.reason, "reason")?,
        created_by: AccountId::from_uuid(row.created_by),
        created_at: time(row.created_at)?,
        expires_at: time(row.expires_at)?,
    })
}

#[async_trait]
impl BlockReader for SeaStore {
    async fn blocks(&self, now: OffsetDateTime) -> Result<Vec<Block>, StoreError> {
        let holding = Entity::find().filter(Column::ExpiresAt.gt(micros(now))).order_by_desc(Column::Id);
        holding.all(&self.reader).await.map_err(store_error)?.iter().map(from_row).collect()
    }
}

#[async_trait]
impl BlockWriter for SeaUnitOfWork {
    async fn block_add(&mut self, block: &Block) -> Result<(), StoreError> {
        let row = ActiveModel {
            id: Set(block.id.as_uuid()),
            network: Set(block.network.to_string()),
            reason: Set(block.reason.as_str().to_owned()),
            created_by: Set(block.created_by.as_uuid()),
            created_at: Set(micros(block.created_at)),
            expires_at: Set(micros(block.expires_at)),
        };
        Entity::insert(row).exec_without_returning(&self.transaction).await.map_err(store_error)?;
        Ok(())
    }

    async fn block_end(&mut self, id: BlockId, at: OffsetDateTime) -> Result<Consumed, StoreError> {
        let ended = Entity::update_many()
            .set(ActiveModel { expires_at: Set(micros(at)), ..Default::default() })
            .filter(Column::Id.eq(id.as_uuid()))
            .filter(Column::ExpiresAt.gt(micros(at)))
            .exec(&self.transaction)
            .await
            .map_err(store_error)?;
        Ok(consumed(ended.rows_affected))
    }
}
