//! The demo API's posts.

use crate::{
    SeaStore, SeaUnitOfWork,
    convert::{digest, micros, time, word},
    entity::{idempotent_answer, post},
    error::store_error,
    work::{consumed, inserted},
};
use ::time::OffsetDateTime;
use async_trait::async_trait;
use latchkey_core::port::{
    Consumed, Inserted, PostReader, PostWriter, StoreError,
    post::{Post, PostOwner, StoredAnswer},
};
use latchkey_model::{OwnerId, PostId};
use sea_orm::{
    ActiveValue::Set,
    ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder, QuerySelect, QueryTrait,
    sea_query::{Expr, ExprTrait, OnConflict},
};
use uuid::Uuid;

fn owner(id: Uuid, environment: &str) -> Result<PostOwner, StoreError> {
    Ok(PostOwner { id: OwnerId::from_uuid(id), environment: word(environment, "environment")? })
}

fn is_of(owner: PostOwner) -> Condition {
    Condition::all()
        .add(post::Column::OwnerId.eq(owner.id.as_uuid()))
        .add(post::Column::Environment.eq(owner.environment.as_str()))
}

fn from_row(row: post::Model) -> Result<Post, StoreError> {
    Ok(Post {
        id: PostId::from_uuid(row.id),
        owner: owner(row.owner_id, &row.environment)?,
        title: row.title,
        body: row.body,
        version: row.version,
        created_at: time(row.created_at)?,
        updated_at: time(row.updated_at)?,
    })
}

#[async_trait]
impl PostReader for SeaStore {
    async fn posts(&self, owner: PostOwner, before: Option<PostId>, limit: u64) -> Result<Vec<Post>, StoreError> {
        let mut query = post::Entity::find().filter(is_of(owner));
        if let Some(before) = before {
            query = query.filter(post::Column::Id.lt(before.as_uuid()));
        }
        let query = query.order_by_desc(post::Column::Id).limit(limit);
        query.all(&self.reader).await.map_err(store_error)?.into_iter().map(from_row).collect()
    }

    async fn post(&self, owner: PostOwner, id: PostId) -> Result<Option<Post>, StoreError> {
        post::Entity::find_by_id(id.as_uuid())
            .filter(is_of(owner))
            .one(&self.reader)
            .await
            .map_err(store_error)?
            .map(from_row)
            .transpose()
    }

    async fn post_owner(&self, id: PostId) -> Result<Option<PostOwner>, StoreError> {
        let found = post::Entity::find_by_id(id.as_uuid())
            .select_only()
            .columns([post::Column::OwnerId, post::Column::Environment])
            .into_tuple::<(Uuid, String)>()
            .one(&self.reader)
            .await
            .map_err(store_error)?;
        found.map(|(id, environment)| owner(id, &environment)).transpose()
    }

    async fn idempotent_answer(&self, owner: PostOwner, key: &str) -> Result<Option<StoredAnswer>, StoreError> {
        let key = (owner.id.as_uuid(), owner.environment.as_str().to_owned(), key.to_owned());
        let row = idempotent_answer::Entity::find_by_id(key).one(&self.reader).await.map_err(store_error)?;
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
            owner_id: Set(post.owner.id.as_uuid()),
            environment: Set(post.owner.environment.as_str().to_owned()),
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
        owner: PostOwner,
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
            .filter(is_of(owner))
            .filter(post::Column::Version.eq(expected))
            .exec(&self.transaction)
            .await
            .map_err(store_error)?;
        Ok(consumed(result.rows_affected))
    }

    async fn post_delete(&mut self, owner: PostOwner, id: PostId, expected: i64) -> Result<Consumed, StoreError> {
        let result = post::Entity::delete_many()
            .filter(post::Column::Id.eq(id.as_uuid()))
            .filter(is_of(owner))
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

    async fn idempotent_answers_delete(&mut self, owner: OwnerId, limit: u64) -> Result<u64, StoreError> {
        use idempotent_answer::Column;
        let key = [Column::OwnerId, Column::Environment, Column::Key];
        let some = idempotent_answer::Entity::find()
            .select_only()
            .columns(key)
            .filter(Column::OwnerId.eq(owner.as_uuid()))
            .limit(limit)
            .into_query();
        let delete = idempotent_answer::Entity::delete_many().filter(Expr::tuple(key.map(Expr::col)).in_subquery(some));
        Ok(delete.exec(&self.transaction).await.map_err(store_error)?.rows_affected)
    }

    async fn idempotent_answer_add(
        &mut self,
        owner: PostOwner,
        key: &str,
        answer: &StoredAnswer,
        at: OffsetDateTime,
    ) -> Result<Inserted, StoreError> {
        let row = idempotent_answer::ActiveModel {
            owner_id: Set(owner.id.as_uuid()),
            environment: Set(owner.environment.as_str().to_owned()),
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
