//! Notices.

use crate::{
    SeaStore, SeaUnitOfWork,
    convert::{micros, time, word},
    entity::{
        account, membership,
        notice::{ActiveModel, Column, Entity, Model},
    },
    error::store_error,
    work::{consumed, inserted},
};
use ::time::OffsetDateTime;
use async_trait::async_trait;
use latchkey_core::{
    notice::NoticeKind,
    port::{
        Consumed, Inserted, NoticeReader, NoticeWriter, Removed, StoreError,
        api_key::Holder,
        notice::{Mailed, Notice},
    },
};
use latchkey_model::{AccountId, NoticeId, TeamRole};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, EntityTrait, FromQueryResult, JoinType, QueryFilter, QueryOrder, QuerySelect,
    QueryTrait, RelationTrait, UpdateMany, prelude::Uuid, sea_query::OnConflict,
};
use std::ops::RangeInclusive;

fn from_row(row: Model) -> Result<Notice, StoreError> {
    Ok(Notice {
        id: NoticeId::from_uuid(row.id),
        kind: word(&row.kind, "kind")?,
        subject: row.subject,
        text: row.body,
        occasion: row.occasion,
        created_at: time(row.created_at)?,
        seen_at: row.seen_at.map(time).transpose()?,
    })
}

#[derive(FromQueryResult)]
struct Email {
    email: String,
}

fn kinds(words: &str) -> Result<Vec<NoticeKind>, StoreError> {
    words.split_whitespace().map(|kind| Ok(word(kind, "kind")?)).collect()
}

#[async_trait]
impl NoticeReader for SeaStore {
    async fn notices(&self, account: AccountId, unseen: bool, limit: u64) -> Result<Vec<Notice>, StoreError> {
        let mut query = Entity::find().filter(Column::AccountId.eq(account.as_uuid()));
        if unseen {
            query = query.filter(Column::SeenAt.is_null());
        }
        let rows = query.order_by_desc(Column::Id).limit(limit).all(&self.reader).await.map_err(store_error)?;
        rows.into_iter().map(from_row).collect()
    }

    async fn people_of(&self, holder: Holder) -> Result<Vec<String>, StoreError> {
        let query = account::Entity::find().select_only().column(account::Column::Email);
        let query = match holder {
            Holder::Account(account) => query.filter(account::Column::Id.eq(account.as_uuid())),
            Holder::Team(team) => query
                .join(JoinType::InnerJoin, membership::Relation::Account.def().rev())
                .filter(membership::Column::TeamId.eq(team.as_uuid()))
                .filter(membership::Column::Role.is_in([TeamRole::Owner, TeamRole::Developer].map(TeamRole::as_str))),
        };
        let rows = query.into_model::<Email>().all(&self.reader).await.map_err(store_error)?;
        Ok(rows.into_iter().map(|row| row.email).collect())
    }

    async fn muted_notices(&self, account: AccountId) -> Result<Vec<NoticeKind>, StoreError> {
        let row = account::Entity::find_by_id(account.as_uuid()).one(&self.reader).await.map_err(store_error)?;
        kinds(&row.map(|row| row.muted_notices).unwrap_or_default())
    }
}

fn seen(account: AccountId, at: OffsetDateTime) -> UpdateMany<Entity> {
    Entity::update_many()
        .set(ActiveModel { seen_at: Set(Some(micros(at))), ..Default::default() })
        .filter(Column::AccountId.eq(account.as_uuid()))
        .filter(Column::SeenAt.is_null())
}

#[async_trait]
impl NoticeWriter for SeaUnitOfWork {
    async fn notice_add(&mut self, canonical: &str, notice: &Notice) -> Result<Mailed, StoreError> {
        let reader = account::Entity::find()
            .filter(account::Column::EmailCanonical.eq(canonical))
            .filter(account::Column::DeletedAt.is_null());
        let Some(reader) = reader.one(&self.transaction).await.map_err(store_error)? else { return Ok(Mailed::Yes) };
        let row = ActiveModel {
            id: Set(notice.id.as_uuid()),
            account_id: Set(reader.id),
            kind: Set(notice.kind.as_str().to_owned()),
            subject: Set(notice.subject.clone()),
            body: Set(notice.text.clone()),
            occasion: Set(notice.occasion.clone()),
            created_at: Set(micros(notice.created_at)),
            seen_at: Set(notice.seen_at.map(micros)),
        };
        let insert = Entity::insert(row).on_conflict(OnConflict::new().do_nothing().to_owned());
        let (Inserted::Done | Inserted::Duplicate) = inserted(insert.exec_without_returning(&self.transaction).await)?;
        let muted = kinds(&reader.muted_notices)?.contains(&notice.kind) && notice.kind.may_be_muted();
        Ok(if muted { Mailed::Muted } else { Mailed::Yes })
    }

    async fn notice_seen(
        &mut self,
        account: AccountId,
        id: NoticeId,
        at: OffsetDateTime,
    ) -> Result<Consumed, StoreError> {
        let update = seen(account, at).filter(Column::Id.eq(id.as_uuid()));
        Ok(consumed(update.exec(&self.transaction).await.map_err(store_error)?.rows_affected))
    }

    async fn notices_seen(
        &mut self,
        account: AccountId,
        ids: RangeInclusive<NoticeId>,
        at: OffsetDateTime,
        limit: u64,
    ) -> Result<Removed<NoticeId>, StoreError> {
        let oldest: Vec<Uuid> = Entity::find()
            .select_only()
            .column(Column::Id)
            .filter(Column::AccountId.eq(account.as_uuid()))
            .filter(Column::SeenAt.is_null())
            .filter(Column::Id.between(ids.start().as_uuid(), ids.end().as_uuid()))
            .order_by_asc(Column::Id)
            .limit(limit)
            .into_tuple()
            .all(&self.transaction)
            .await
            .map_err(store_error)?;
        let (rows, rest) = (oldest.len() as u64, oldest.last().copied().map_or(*ids.start(), NoticeId::from_uuid));
        let update = seen(account, at).filter(Column::Id.is_in(oldest));
        update.exec(&self.transaction).await.map_err(store_error)?;
        Ok(Removed { rows, rest })
    }

    async fn notices_remove(&mut self, account: AccountId, limit: u64) -> Result<u64, StoreError> {
        let some = Entity::find()
            .select_only()
            .column(Column::Id)
            .filter(Column::AccountId.eq(account.as_uuid()))
            .limit(limit)
            .into_query();
        let delete = Entity::delete_many().filter(Column::Id.in_subquery(some));
        Ok(delete.exec(&self.transaction).await.map_err(store_error)?.rows_affected)
    }

    async fn notices_mute(&mut self, account: AccountId, kinds: &[NoticeKind]) -> Result<(), StoreError> {
        let words: Vec<_> = kinds.iter().map(|kind| kind.as_str()).collect();
        account::Entity::update_many()
            .set(account::ActiveModel { muted_notices: Set(words.join(" ")), ..Default::default() })
            .filter(account::Column::Id.eq(account.as_uuid()))
            .exec(&self.transaction)
            .await
            .map_err(store_error)?;
        Ok(())
    }
}
