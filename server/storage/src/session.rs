//! Sessions.

use crate::{
    SeaStore, SeaUnitOfWork,
    convert::{digest, first_id, micros, time, word},
    entity::session,
    error::store_error,
    work::{consumed, inserted},
};
use ::time::OffsetDateTime;
use async_trait::async_trait;
use latchkey_core::port::{
    Consumed, Inserted, SessionReader, SessionWriter, StoreError,
    session::{SealedValues, SessionDigest, SessionRecord},
};
use latchkey_model::{AccountId, SessionId};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, UpdateMany,
    sea_query::OnConflict,
};

fn from_row(row: session::Model) -> Result<SessionRecord, StoreError> {
    Ok(SessionRecord {
        id: SessionId::from_uuid(row.id),
        digest: digest(&row.digest)?,
        account_id: row.account_id.map(AccountId::from_uuid),
        password_version: row.password_version,
        method: word(&row.method, "method")?,
        data: SealedValues(row.data),
        created_at: time(row.created_at)?,
        seen_at: time(row.seen_at)?,
        expires_at: time(row.expires_at)?,
        user_agent: row.user_agent,
        address: row.address,
    })
}

#[async_trait]
impl SessionReader for SeaStore {
    async fn session_load(
        &self,
        digest: &SessionDigest,
        now: OffsetDateTime,
    ) -> Result<Option<SessionRecord>, StoreError> {
        session::Entity::find()
            .filter(session::Column::Digest.eq(digest.to_vec()))
            .filter(session::Column::EndedAt.is_null())
            .filter(session::Column::ExpiresAt.gt(micros(now)))
            .one(&self.reader)
            .await
            .map_err(store_error)?
            .map(from_row)
            .transpose()
    }

    async fn sign_ins(&self, since: OffsetDateTime) -> Result<u64, StoreError> {
        let sign_ins = session::Entity::find()
            .filter(session::Column::Id.gte(first_id(since)))
            .filter(session::Column::AccountId.is_not_null());
        sign_ins.count(&self.reader).await.map_err(store_error)
    }

    async fn sessions(&self, account: AccountId, now: OffsetDateTime) -> Result<Vec<SessionRecord>, StoreError> {
        session::Entity::find()
            .filter(session::Column::AccountId.eq(account.as_uuid()))
            .filter(session::Column::EndedAt.is_null())
            .filter(session::Column::ExpiresAt.gt(micros(now)))
            .order_by_desc(session::Column::SeenAt)
            .all(&self.reader)
            .await
            .map_err(store_error)?
            .into_iter()
            .map(from_row)
            .collect()
    }
}

fn ending(at: OffsetDateTime) -> UpdateMany<session::Entity> {
    session::Entity::update_many()
        .set(session::ActiveModel { ended_at: Set(Some(micros(at))), ..Default::default() })
        .filter(session::Column::EndedAt.is_null())
}

#[async_trait]
impl SessionWriter for SeaUnitOfWork {
    async fn session_add(&mut self, session: &SessionRecord) -> Result<Inserted, StoreError> {
        let row = session::ActiveModel {
            id: Set(session.id.as_uuid()),
            digest: Set(session.digest.to_vec()),
            account_id: Set(session.account_id.map(AccountId::as_uuid)),
            password_version: Set(session.password_version),
            method: Set(session.method.to_string()),
            data: Set(session.data.0.clone()),
            created_at: Set(micros(session.created_at)),
            seen_at: Set(micros(session.seen_at)),
            expires_at: Set(micros(session.expires_at)),
            ended_at: Set(None),
            user_agent: Set(session.user_agent.clone()),
            address: Set(session.address.clone()),
        };
        let insert = session::Entity::insert(row).on_conflict(OnConflict::new().do_nothing().to_owned());
        inserted(insert.exec_without_returning(&self.transaction).await)
    }

    async fn session_save(&mut self, session: &SessionRecord) -> Result<Consumed, StoreError> {
        let change = session::ActiveModel {
            account_id: Set(session.account_id.map(AccountId::as_uuid)),
            password_version: Set(session.password_version),
            method: Set(session.method.to_string()),
            data: Set(session.data.0.clone()),
            seen_at: Set(micros(session.seen_at)),
            expires_at: Set(micros(session.expires_at)),
            ..Default::default()
        };
        let result = session::Entity::update_many()
            .set(change)
            .filter(session::Column::Digest.eq(session.digest.to_vec()))
            .filter(session::Column::EndedAt.is_null())
            .exec(&self.transaction)
            .await
            .map_err(store_error)?;
        Ok(consumed(result.rows_affected))
    }

    async fn session_end(&mut self, digest: &SessionDigest, at: OffsetDateTime) -> Result<Consumed, StoreError> {
        let update = ending(at).filter(session::Column::Digest.eq(digest.to_vec()));
        let result = update.exec(&self.transaction).await.map_err(store_error)?;
        Ok(consumed(result.rows_affected))
    }

    async fn session_end_own(
        &mut self,
        account: AccountId,
        id: SessionId,
        at: OffsetDateTime,
    ) -> Result<Consumed, StoreError> {
        let update = ending(at)
            .filter(session::Column::Id.eq(id.as_uuid()))
            .filter(session::Column::AccountId.eq(account.as_uuid()));
        let result = update.exec(&self.transaction).await.map_err(store_error)?;
        Ok(consumed(result.rows_affected))
    }

    async fn session_end_all(
        &mut self,
        account: AccountId,
        keep: Option<&SessionDigest>,
        at: OffsetDateTime,
    ) -> Result<u64, StoreError> {
        let mut update = ending(at).filter(session::Column::AccountId.eq(account.as_uuid()));
        if let Some(keep) = keep {
            update = update.filter(session::Column::Digest.ne(keep.to_vec()));
        }
        Ok(update.exec(&self.transaction).await.map_err(store_error)?.rows_affected)
    }
}
