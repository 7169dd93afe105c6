//! Devices on which nobody can sign in.

use crate::{
    SeaStore, SeaUnitOfWork,
    convert::{digest, micros, time, word},
    entity::device_code,
    error::{Corrupt, store_error},
    oauth_client::client_by_id,
    work::{consumed, inserted},
};
use ::time::{Duration, OffsetDateTime};
use async_trait::async_trait;
use latchkey_core::{
    openid::ClaimSet,
    port::{
        Consumed, DeviceReader, DeviceWriter, Inserted, StoreError,
        device::{DeviceCode, DeviceState},
        grant::SignIn,
        oauth_client::OauthClient,
    },
};
use latchkey_model::{GrantId, OauthClientId};
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, prelude::Uuid, sea_query::OnConflict};

fn state_of(row: &device_code::Model) -> Result<DeviceState, StoreError> {
    Ok(match row.state.as_str() {
        "waiting" => DeviceState::Waiting,
        "denied" => DeviceState::Denied,
        "redeemed" => DeviceState::Redeemed,
        "allowed" => {
            let (Some(grant), Some(scopes), Some(at)) = (row.grant_id, &row.allowed_scopes, row.signed_in_at) else {
                return Err(Corrupt { what: "answer of a device's person" }.into());
            };
            DeviceState::Allowed {
                grant: GrantId::from_uuid(grant),
                scopes: word(scopes, "scopes")?,
                sign_in: SignIn {
                    at: time(at)?,
                    by: word(&row.signed_in_by, "way to sign in")?,
                    session: row.session_digest.as_deref().map(digest).transpose()?.unwrap_or_default(),
                    nonce: None,
                    id_token_claims: ClaimSet::default(),
                },
            }
        }
        _ => return Err(Corrupt { what: "state of a device" }.into()),
    })
}

fn from_row(row: &device_code::Model) -> Result<DeviceCode, StoreError> {
    Ok(DeviceCode {
        id: row.id,
        digest: digest(&row.digest)?,
        user_code: digest(&row.user_code)?,
        client: OauthClientId::from_uuid(row.oauth_client_id),
        scopes: word(&row.scopes, "scopes")?,
        interval: Duration::seconds(row.interval_seconds),
        expires_at: time(row.expires_at)?,
        polled_at: row.polled_at.map(time).transpose()?,
        state: state_of(row)?,
    })
}

#[async_trait]
impl DeviceReader for SeaStore {
    async fn device_code(&self, sought: &[u8; 32]) -> Result<Option<DeviceCode>, StoreError> {
        let query = device_code::Entity::find().filter(device_code::Column::Digest.eq(sought.to_vec()));
        let found = query.one(&self.reader).await.map_err(store_error)?;
        found.as_ref().map(from_row).transpose()
    }

    async fn device_code_by_user_code(
        &self,
        user_code: &[u8; 32],
    ) -> Result<Option<(DeviceCode, OauthClient)>, StoreError> {
        let query = device_code::Entity::find().filter(device_code::Column::UserCode.eq(user_code.to_vec()));
        let Some(row) = query.one(&self.reader).await.map_err(store_error)? else { return Ok(None) };
        let Some(client) = client_by_id(&self.reader, row.oauth_client_id).await? else { return Ok(None) };
        Ok(Some((from_row(&row)?, client)))
    }
}

#[async_trait]
impl DeviceWriter for SeaUnitOfWork {
    async fn device_code_add(&mut self, code: &DeviceCode) -> Result<Inserted, StoreError> {
        let row = device_code::ActiveModel {
            id: Set(code.id),
            digest: Set(code.digest.to_vec()),
            user_code: Set(code.user_code.to_vec()),
            oauth_client_id: Set(code.client.as_uuid()),
            scopes: Set(code.scopes.to_string()),
            interval_seconds: Set(code.interval.whole_seconds()),
            expires_at: Set(micros(code.expires_at)),
            state: Set(code.state.as_str().to_owned()),
            ..Default::default()
        };
        let insert = device_code::Entity::insert(row).on_conflict(OnConflict::new().do_nothing().to_owned());
        inserted(insert.exec_without_returning(&self.transaction).await)
    }

    async fn device_code_polled(
        &mut self,
        id: Uuid,
        seen: Option<OffsetDateTime>,
        at: OffsetDateTime,
        interval: Duration,
    ) -> Result<Consumed, StoreError> {
        let last = match seen {
            Some(seen) => device_code::Column::PolledAt.eq(micros(seen)),
            None => device_code::Column::PolledAt.is_null(),
        };
        let set = device_code::ActiveModel {
            polled_at: Set(Some(micros(at))),
            interval_seconds: Set(interval.whole_seconds()),
            ..Default::default()
        };
        let update = device_code::Entity::update_many().set(set).filter(device_code::Column::Id.eq(id)).filter(last);
        Ok(consumed(update.exec(&self.transaction).await.map_err(store_error)?.rows_affected))
    }

    async fn device_code_answer(
        &mut self,
        id: Uuid,
        state: &DeviceState,
        at: OffsetDateTime,
    ) -> Result<Consumed, StoreError> {
        let mut set = device_code::ActiveModel {
            state: Set(state.as_str().to_owned()),
            answered_at: Set(Some(micros(at))),
            ..Default::default()
        };
        if let DeviceState::Allowed { grant, scopes, sign_in } = state {
            set.grant_id = Set(Some(grant.as_uuid()));
            set.allowed_scopes = Set(Some(scopes.to_string()));
            set.signed_in_at = Set(Some(micros(sign_in.at)));
            set.signed_in_by = Set(sign_in.by.to_string());
            set.session_digest = Set(Some(sign_in.session.to_vec()));
        }
        let update = device_code::Entity::update_many()
            .set(set)
            .filter(device_code::Column::Id.eq(id))
            .filter(device_code::Column::State.eq(DeviceState::Waiting.as_str()));
        Ok(consumed(update.exec(&self.transaction).await.map_err(store_error)?.rows_affected))
    }

    async fn device_code_redeem(&mut self, id: Uuid) -> Result<Consumed, StoreError> {
        let set =
            device_code::ActiveModel { state: Set(DeviceState::Redeemed.as_str().to_owned()), ..Default::default() };
        let update = device_code::Entity::update_many()
            .set(set)
            .filter(device_code::Column::Id.eq(id))
            .filter(device_code::Column::State.eq("allowed"));
        Ok(consumed(update.exec(&self.transaction).await.map_err(store_error)?.rows_affected))
    }
}
