//! Views of a log that somebody keeps.

use crate::{
    SeaStore, SeaUnitOfWork,
    convert::{micros, word},
    entity::{
        account,
        saved_view::{ActiveModel, Column, Entity},
    },
    error::store_error,
    work::consumed,
};
use async_trait::async_trait;
use latchkey_core::port::{Consumed, SavedViewReader, SavedViewWriter, StoreError, saved_view::SavedView};
use latchkey_model::{AccountId, SavedViewId};
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect};
use time::OffsetDateTime;

#[async_trait]
impl SavedViewReader for SeaStore {
    async fn saved_views(&self, account: AccountId, page: &str) -> Result<Vec<SavedView>, StoreError> {
        let rows = Entity::find()
            .filter(Column::AccountId.eq(account.as_uuid()))
            .filter(Column::Page.eq(page))
            .order_by_asc(Column::Name)
            .all(&self.reader)
            .await
            .map_err(store_error)?;
        rows.into_iter()
            .map(|row| {
                let name = word(&row.name, "name")?;
                Ok(SavedView { id: SavedViewId::from_uuid(row.id), page: row.page, name, query: row.query })
            })
            .collect()
    }
}

#[async_trait]
impl SavedViewWriter for SeaUnitOfWork {
    async fn saved_view_add(
        &mut self,
        account: AccountId,
        view: &SavedView,
        at: OffsetDateTime,
        at_most: u64,
    ) -> Result<Consumed, StoreError> {
        // Counted behind the account's own row, which this takes: two forms at once do not both find room.
        let held = account::Entity::find_by_id(account.as_uuid()).lock_exclusive();
        held.one(&self.transaction).await.map_err(store_error)?;
        let there = Entity::find()
            .filter(Column::AccountId.eq(account.as_uuid()))
            .filter(Column::Page.eq(view.page.as_str()))
            .count(&self.transaction)
            .await
            .map_err(store_error)?;
        if there >= at_most {
            return Ok(Consumed::Lost);
        }
        let row = ActiveModel {
            id: Set(view.id.as_uuid()),
            account_id: Set(account.as_uuid()),
            page: Set(view.page.clone()),
            name: Set(view.name.as_str().to_owned()),
            query: Set(view.query.clone()),
            created_at: Set(micros(at)),
        };
        Entity::insert(row).exec_without_returning(&self.transaction).await.map_err(store_error)?;
        Ok(Consumed::Won)
    }

    async fn saved_view_remove(&mut self, account: AccountId, id: SavedViewId) -> Result<Consumed, StoreError> {
        let removed = Entity::delete_many()
            .filter(Column::AccountId.eq(account.as_uuid()))
            .filter(Column::Id.eq(id.as_uuid()))
            .exec(&self.transaction)
            .await
            .map_err(store_error)?;
        Ok(consumed(removed.rows_affected))
    }
}
