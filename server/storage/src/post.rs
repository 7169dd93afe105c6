//! The demo API's posts.

use crate::{
    SeaStore, SeaUnitOfWork,
    convert::{digest, micros, time},
    entity::{idempotent_answer, post},
    error::store_error,
    work::{consumed, inserted},
};
use ::time::OffsetDateTime;
use async_trait::async_trait;
use latchkey_core::port::{
    Consumed, Inserted, PostReader, PostWriter, StoreError,
    post::{Post, StoredAnswer},
};
use latchkey_model::{OwnerId, PostId};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, QueryTrait, sea_query::OnConflict,
};
use uuid::Uuid;

fn from_row(row: post::Model) -> Result<Post, StoreError> {
    Ok(Post {
        id: PostId::from_uuid(row.id),
        owner_id: OwnerId::from_uuid(row.owner_id),
        title: row.title,
        body: row.body,
        version: row.version,
        created_at: time(row.created_at)?,
        updated_at: time(row.updated_at)?,
    })
}

#[async_trait]
impl PostReader for SeaStore {
    async fn posts(&self, owner: OwnerId, before: Option<PostId>, limit: u64) -> Result<Vec<Post>, StoreError> {
        let mut query = post::Entity::find().filter(post::Column::OwnerId.eq(owner.as_uuid()));
        if let Some(before) = before {
            query = query.filter(post::Column::Id.lt(before.as_uuid()));
        }
        let query = query.order_by_desc(post::Column::Id).limit(limit);
        query.all(&self.reader).await.map_err(store_error)?.into_iter().map(from_row).collect()
    }

    async fn post(&self, owner: OwnerId, id: PostId) -> Result<Option<Post>, StoreError> {
        post::Entity::find_by_id(id.as_uuid())
            .filter(post::Column::OwnerId.eq(owner.as_uuid()))
            .one(&self.reader)
            .await
            .map_err(store_error)?
            .map(from_row)
            .transpose()
    }

    async fn post_owner(&self, id: PostId) -> Result<Option<OwnerId>, StoreError> {
        let owner = post::Entity::find_by_id(id.as_uuid())
            .select_only()
            .column(post::Column::OwnerId)
            .into_tuple::<Uuid>()
            .one(&self.reader)
            .await
            .map_err(store_error)?;
        Ok(owner.map(OwnerId::from_uuid))
    }

    async fn idempotent_answer(&self, owner: OwnerId, key: &str) -> Result<Option<StoredAnswer>, StoreError> {
        let row = idempotent_answer::Entity::find_by_id((owner.as_uuid(), key.to_owned()))
            .one(&self.reader)
            .await
            .map_err(store_error)?;
        row.map(|row| {
            Ok(StoredAnswer {
                fingerprint: digest(&row.fingerprint)?,
                post: PostId::from_uuid(row.post),
                body: row.body,
                etag: row.etag,
            })
        })
        .transpose()
    }
}

#[async_trait]
impl PostWriter for SeaUnitOfWork {
    async fn post_add(&mut self, post: &Post) -> Result<(), StoreError> {
        let row = post::ActiveModel {
            id: Set(post.id.as_uuid()),
            owner_id: Set(post.owner_id.as_uuid()),
            title: Set(post.title.clone()),
            body: Set(post.body.clone()),
            version: Set(post.version),
            created_at: Set(micros(post.created_at)),
            updated_at: Set(micros(post.updated_at)),
        };
        post::Entity::insert(row).exec_without_returning(&self.transaction).await.map_err(store_error)?;
        Ok(())
    }

    async fn post_update(
        &mut self,
        owner: OwnerId,
        id: PostId,
        expected: i64,
        title: &str,
        body: &str,
        at: OffsetDateTime,
    ) -> Result<Consumed, StoreError> {
        let change = post::ActiveModel {
            title: Set(title.to_owned()),
            body: Set(body.to_owned()),
            version: Set(expected + 1),
            updated_at: Set(micros(at)),
            ..Default::default()
        };
        let result = post::Entity::update_many()
            .set(change)
            .filter(post::Column::Id.eq(id.as_uuid()))
            .filter(post::Column::OwnerId.eq(owner.as_uuid()))
            .filter(post::Column::Version.eq(expected))
            .exec(&self.transaction)
            .await
            .map_err(store_error)?;
        Ok(consumed(result.rows_affected))
    }

    async fn post_delete(&mut self, owner: OwnerId, id: PostId, expected: i64) -> Result<Consumed, StoreError> {
        let result = post::Entity::delete_many()
            .filter(post::Column::Id.eq(id.as_uuid()))
            .filter(post::Column::OwnerId.eq(owner.as_uuid()))
            .filter(post::Column::Version.eq(expected))
            .exec(&self.transaction)
            .await
            .map_err(store_error)?;
        Ok(consumed(result.rows_affected))
    }

    async fn posts_delete(&mut self, owner: OwnerId, limit: u64) -> Result<u64, StoreError> {
        let some = post::Entity::find()
            .select_only()
            .column(post::Column::Id)
            .filter(post::Column::OwnerId.eq(owner.as_uuid()))
            .limit(limit)
            .into_query();
        let result = post::Entity::delete_many()
            .filter(post::Column::Id.in_subquery(some))
            .exec(&self.transaction)
            .await
            .map_err(store_error)?;
        Ok(result.rows_affected)
    }

    async fn idempotent_answers_delete(&mut self, owner: OwnerId) -> Result<(), StoreError> {
        idempotent_answer::Entity::delete_many()
            .filter(idempotent_answer::Column::OwnerId.eq(owner.as_uuid()))
            .exec(&self.transaction)
            .await
            .map_err(store_error)?;
        Ok(())
    }

    async fn idempotent_answer_add(
        &mut self,
        owner: OwnerId,
        key: &str,
        answer: &StoredAnswer,
        at: OffsetDateTime,
    ) -> Result<Inserted, StoreError> {
        let row = idempotent_answer::ActiveModel {
            owner_id: Set(owner.as_uuid()),
            key: Set(key.to_owned()),
            fingerprint: Set(answer.fingerprint.to_vec()),
            post: Set(answer.post.as_uuid()),
            body: Set(answer.body.clone()),
            etag: Set(answer.etag.clone()),
            created_at: Set(micros(at)),
        };
        let insert = idempotent_answer::Entity::insert(row).on_conflict(OnConflict::new().do_nothing().to_owned());
        inserted(insert.exec_without_returning(&self.transaction).await)
    }
}
