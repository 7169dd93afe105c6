//! Links that are mailed.

use crate::{
    SeaStore, SeaUnitOfWork,
    convert::{micros, time, word},
    entity::mailed_link::{ActiveModel, Column, Entity, Model},
    error::store_error,
    work::consumed,
};
use ::time::OffsetDateTime;
use async_trait::async_trait;
use latchkey_core::port::{
    Consumed, MailedLinkReader, MailedLinkWriter, StoreError,
    mailed_link::{LinkAnswer, LinkPurpose, MailedLink},
};
use latchkey_model::{AccountId, MailedLinkId};
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

fn from_row(row: &Model) -> Result<MailedLink, StoreError> {
    Ok(MailedLink {
        id: MailedLinkId::from_uuid(row.id),
        purpose: word(&row.purpose, "purpose")?,
        email: word(&row.email, "address")?,
        account: row.account_id.map(AccountId::from_uuid),
        asked_at: time(row.asked_at)?,
    })
}

#[async_trait]
impl MailedLinkReader for SeaStore {
    async fn link_requests(&self, limit: u64) -> Result<Vec<MailedLink>, StoreError> {
        let rows = Entity::find()
            .filter(Column::AnsweredAt.is_null())
            .order_by_asc(Column::Id)
            .limit(limit)
            .all(&self.reader)
            .await
            .map_err(store_error)?;
        rows.iter().map(from_row).collect()
    }

    async fn mailed_link(
        &self,
        purpose: LinkPurpose,
        digest: &[u8; 32],
        now: OffsetDateTime,
    ) -> Result<Option<MailedLink>, StoreError> {
        Entity::find()
            .filter(Column::Digest.eq(digest.to_vec()))
            .filter(Column::Purpose.eq(purpose.as_str()))
            .filter(Column::SpentAt.is_null())
            .filter(Column::ExpiresAt.gt(micros(now)))
            .one(&self.reader)
            .await
            .map_err(store_error)?
            .map(|row| from_row(&row))
            .transpose()
    }
}

#[async_trait]
impl MailedLinkWriter for SeaUnitOfWork {
    async fn link_ask(&mut self, link: &MailedLink) -> Result<(), StoreError> {
        let row = ActiveModel {
            id: Set(link.id.as_uuid()),
            purpose: Set(link.purpose.as_str().to_owned()),
            email: Set(link.email.as_str().to_owned()),
            account_id: Set(link.account.map(AccountId::as_uuid)),
            digest: Set(None),
            asked_at: Set(micros(link.asked_at)),
            answered_at: Set(None),
            expires_at: Set(None),
            spent_at: Set(None),
        };
        Entity::insert(row).exec_without_returning(&self.transaction).await.map_err(store_error)?;
        Ok(())
    }

    async fn link_answer(
        &mut self,
        id: MailedLinkId,
        answer: Option<&LinkAnswer>,
        at: OffsetDateTime,
    ) -> Result<Consumed, StoreError> {
        let mut set = ActiveModel { answered_at: Set(Some(micros(at))), ..Default::default() };
        if let Some(answer) = answer {
            set.digest = Set(Some(answer.digest.to_vec()));
            set.expires_at = Set(Some(micros(answer.expires_at)));
            if let Some(account) = answer.account {
                set.account_id = Set(Some(account.as_uuid()));
            }
        }
        let update =
            Entity::update_many().set(set).filter(Column::Id.eq(id.as_uuid())).filter(Column::AnsweredAt.is_null());
        Ok(consumed(update.exec(&self.transaction).await.map_err(store_error)?.rows_affected))
    }

    async fn link_take(&mut self, id: MailedLinkId, at: OffsetDateTime) -> Result<Consumed, StoreError> {
        let update = Entity::update_many()
            .set(ActiveModel { spent_at: Set(Some(micros(at))), ..Default::default() })
            .filter(Column::Id.eq(id.as_uuid()))
            .filter(Column::SpentAt.is_null())
            .filter(Column::ExpiresAt.gt(micros(at)));
        Ok(consumed(update.exec(&self.transaction).await.map_err(store_error)?.rows_affected))
    }

    async fn links_end(
        &mut self,
        account: AccountId,
        purpose: LinkPurpose,
        at: OffsetDateTime,
    ) -> Result<(), StoreError> {
        let at = Some(micros(at));
        let update = Entity::update_many()
            .set(ActiveModel { answered_at: Set(at), spent_at: Set(at), ..Default::default() })
            .filter(Column::AccountId.eq(account.as_uuid()))
            .filter(Column::Purpose.eq(purpose.as_str()))
            .filter(Column::SpentAt.is_null());
        update.exec(&self.transaction).await.map_err(store_error)?;
        Ok(())
    }
}
