//! The keys that sign tokens.

use crate::{
    SeaStore, SeaUnitOfWork,
    convert::{micros, time, word},
    entity::signing_key,
    error::{Corrupt, store_error},
    work::{consumed, inserted},
};
use ::time::OffsetDateTime;
use async_trait::async_trait;
use latchkey_core::port::{
    Consumed, Inserted, SigningKeyReader, SigningKeyWriter, StoreError,
    signing_key::{SigningKeyRecord, SigningKeyState},
};
use latchkey_model::SigningKeyId;
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, QueryOrder, sea_query::OnConflict};

fn from_row(row: signing_key::Model) -> Result<SigningKeyRecord, StoreError> {
    let state = match (row.activated_at, row.retired_at) {
        (_, Some(at)) => SigningKeyState::Retired { at: time(at)? },
        (Some(since), None) => SigningKeyState::Active { since: time(since)? },
        (None, None) => SigningKeyState::Next,
    };
    Ok(SigningKeyRecord {
        id: SigningKeyId::from_uuid(row.id),
        algorithm: word(&row.algorithm, "signing algorithm")?,
        generation: row.generation,
        sealed: row.sealed,
        public: serde_json::from_str(&row.public_jwk).map_err(|_| Corrupt { what: "public key" })?,
        created_at: time(row.created_at)?,
        state,
    })
}

#[async_trait]
impl SigningKeyReader for SeaStore {
    async fn signing_keys(&self) -> Result<Vec<SigningKeyRecord>, StoreError> {
        signing_key::Entity::find()
            .order_by_asc(signing_key::Column::Algorithm)
            .order_by_desc(signing_key::Column::Generation)
            .all(&self.reader)
            .await
            .map_err(store_error)?
            .into_iter()
            .map(from_row)
            .collect()
    }
}

#[async_trait]
impl SigningKeyWriter for SeaUnitOfWork {
    async fn signing_key_add(&mut self, key: &SigningKeyRecord) -> Result<Inserted, StoreError> {
        let (activated_at, retired_at) = match key.state {
            SigningKeyState::Next => (None, None),
            SigningKeyState::Active { since } => (Some(since), None),
            SigningKeyState::Retired { at } => (None, Some(at)),
        };
        let row = signing_key::ActiveModel {
            id: Set(key.id.as_uuid()),
            algorithm: Set(key.algorithm.as_str().to_owned()),
            generation: Set(key.generation),
            sealed: Set(key.sealed.clone()),
            public_jwk: Set(serde_json::to_string(&key.public).map_err(|_| Corrupt { what: "public key" })?),
            created_at: Set(micros(key.created_at)),
            activated_at: Set(activated_at.map(micros)),
            retired_at: Set(retired_at.map(micros)),
        };
        let insert = signing_key::Entity::insert(row).on_conflict(OnConflict::new().do_nothing().to_owned());
        inserted(insert.exec_without_returning(&self.transaction).await)
    }

    async fn signing_key_activate(&mut self, id: SigningKeyId, at: OffsetDateTime) -> Result<Consumed, StoreError> {
        let update = signing_key::Entity::update_many()
            .set(signing_key::ActiveModel { activated_at: Set(Some(micros(at))), ..Default::default() })
            .filter(signing_key::Column::Id.eq(id.as_uuid()))
            .filter(signing_key::Column::ActivatedAt.is_null())
            .filter(signing_key::Column::RetiredAt.is_null());
        Ok(consumed(update.exec(&self.transaction).await.map_err(store_error)?.rows_affected))
    }

    async fn signing_key_retire(&mut self, id: SigningKeyId, at: OffsetDateTime) -> Result<Consumed, StoreError> {
        let update = signing_key::Entity::update_many()
            .set(signing_key::ActiveModel { retired_at: Set(Some(micros(at))), ..Default::default() })
            .filter(signing_key::Column::Id.eq(id.as_uuid()))
            .filter(signing_key::Column::RetiredAt.is_null());
        Ok(consumed(update.exec(&self.transaction).await.map_err(store_error)?.rows_affected))
    }

    async fn signing_key_prune(&mut self, retired_before: OffsetDateTime) -> Result<u64, StoreError> {
        let delete =
            signing_key::Entity::delete_many().filter(signing_key::Column::RetiredAt.lt(micros(retired_before)));
        Ok(delete.exec(&self.transaction).await.map_err(store_error)?.rows_affected)
    }
}
