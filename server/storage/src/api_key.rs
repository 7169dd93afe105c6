//! API keys.

use crate::{
    SeaStore, SeaUnitOfWork,
    convert::{digest, micros, time, word},
    entity::{account, api_key, application, environment, membership},
    error::store_error,
    work::{consumed, inserted},
};
use ::time::OffsetDateTime;
use async_trait::async_trait;
use latchkey_core::port::{
    ApiKeyReader, ApiKeyWriter, Consumed, Inserted, StoreError,
    api_key::{ApiKey, NewApiKey, StoredApiKey},
};
use latchkey_model::{AccountId, ApiKeyId, ApplicationId, Environment, EnvironmentId, TeamId};
use sea_orm::{
    ActiveValue::Set,
    ColumnTrait, EntityTrait, FromQueryResult, JoinType, QueryFilter, QuerySelect, RelationTrait, Select,
    prelude::Uuid,
    sea_query::{Expr, ExprTrait, OnConflict, Query},
};

/// A key with what surrounds it, as one query gives them.
#[derive(FromQueryResult)]
struct Row {
    id: Uuid,
    public_id: String,
    last_four: String,
    digest: Vec<u8>,
    environment_id: Uuid,
    kind: String,
    application_id: Uuid,
    application_name: String,
    team_id: Uuid,
    name: String,
    scopes: String,
    allowed_from: String,
    created_by: Uuid,
    created_by_name: Option<String>,
    created_at: i64,
    expires_at: Option<i64>,
    revoked_at: Option<i64>,
    last_used_at: Option<i64>,
    last_used_from: Option<String>,
    exposed_at: Option<i64>,
}

impl TryFrom<Row> for StoredApiKey {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        let key = ApiKey {
            id: ApiKeyId::from_uuid(row.id),
            public_id: row.public_id,
            last_four: row.last_four,
            environment_id: EnvironmentId::from_uuid(row.environment_id),
            environment: word(&row.kind, "environment")?,
            application_id: ApplicationId::from_uuid(row.application_id),
            team_id: TeamId::from_uuid(row.team_id),
            name: word(&row.name, "name")?,
            scopes: word(&row.scopes, "scopes")?,
            allowed_from: word(&row.allowed_from, "allow list")?,
            created_by: AccountId::from_uuid(row.created_by),
            created_by_name: word(row.created_by_name.as_deref().unwrap_or("someone who left"), "name")?,
            created_at: time(row.created_at)?,
            expires_at: row.expires_at.map(time).transpose()?,
            revoked_at: row.revoked_at.map(time).transpose()?,
            last_used_at: row.last_used_at.map(time).transpose()?,
            last_used_from: row.last_used_from.map(|text| word(&text, "address")).transpose()?,
            exposed_at: row.exposed_at.map(time).transpose()?,
        };
        Ok(Self { key, application_name: word(&row.application_name, "name")?, digest: digest(&row.digest)? })
    }
}

fn keys_with_surroundings() -> Select<api_key::Entity> {
    api_key::Entity::find()
        .join(JoinType::InnerJoin, api_key::Relation::Environment.def())
        .join(JoinType::InnerJoin, environment::Relation::Application.def())
        .join(
            JoinType::LeftJoin,
            api_key::Entity::belongs_to(account::Entity)
                .from(api_key::Column::CreatedBy)
                .to(account::Column::Id)
                .into(),
        )
        .column(environment::Column::Kind)
        .column(environment::Column::ApplicationId)
        .column(application::Column::TeamId)
        .column_as(application::Column::Name, "application_name")
        .column_as(account::Column::Name, "created_by_name")
}

/// Only what the account's teams own.
fn owned_by(query: Select<api_key::Entity>, account: AccountId) -> Select<api_key::Entity> {
    let teams = Query::select()
        .column(membership::Column::TeamId)
        .from(membership::Entity)
        .and_where(membership::Column::AccountId.eq(account.as_uuid()))
        .to_owned();
    query.filter(application::Column::TeamId.in_subquery(teams))
}

#[async_trait]
impl ApiKeyReader for SeaStore {
    async fn api_keys(
        &self,
        account: AccountId,
        application: ApplicationId,
        environment: Environment,
        now: OffsetDateTime,
    ) -> Result<Vec<ApiKey>, StoreError> {
        let rows = owned_by(keys_with_surroundings(), account)
            .filter(environment::Column::ApplicationId.eq(application.as_uuid()))
            .filter(environment::Column::Kind.eq(environment.as_str()))
            .into_model::<Row>()
            .all(&self.reader)
            .await
            .map_err(store_error)?;
        let mut keys = rows
            .into_iter()
            .map(|row| Ok(StoredApiKey::try_from(row)?.key))
            .collect::<Result<Vec<ApiKey>, StoreError>>()?;
        let ended = |key: &ApiKey| key.revoked_at.is_some() || key.expires_at.is_some_and(|at| at <= now);
        keys.sort_by_key(|key| (ended(key), std::cmp::Reverse(key.created_at)));
        Ok(keys)
    }

    async fn api_key(&self, account: AccountId, id: ApiKeyId) -> Result<Option<ApiKey>, StoreError> {
        let row = owned_by(keys_with_surroundings(), account)
            .filter(api_key::Column::Id.eq(id.as_uuid()))
            .into_model::<Row>()
            .one(&self.reader)
            .await
            .map_err(store_error)?;
        Ok(row.map(StoredApiKey::try_from).transpose()?.map(|stored| stored.key))
    }

    async fn api_key_for_door(&self, public_id: &str) -> Result<Option<StoredApiKey>, StoreError> {
        keys_with_surroundings()
            .filter(api_key::Column::PublicId.eq(public_id))
            .into_model::<Row>()
            .one(&self.reader)
            .await
            .map_err(store_error)?
            .map(StoredApiKey::try_from)
            .transpose()
    }
}

#[async_trait]
impl ApiKeyWriter for SeaUnitOfWork {
    async fn api_key_add(&mut self, key: &NewApiKey) -> Result<Inserted, StoreError> {
        let environment = environment::Entity::find()
            .filter(environment::Column::ApplicationId.eq(key.application_id.as_uuid()))
            .filter(environment::Column::Kind.eq(key.environment.as_str()))
            .one(&self.transaction)
            .await
            .map_err(store_error)?
            .ok_or(crate::error::Corrupt { what: "application's environment" })?;
        let row = api_key::ActiveModel {
            id: Set(key.id.as_uuid()),
            public_id: Set(key.public_id.clone()),
            last_four: Set(key.last_four.clone()),
            digest: Set(key.digest.to_vec()),
            environment_id: Set(environment.id),
            name: Set(key.name.as_str().to_owned()),
            scopes: Set(key.scopes.to_string()),
            allowed_from: Set(key.allowed_from.to_string()),
            created_by: Set(key.created_by.as_uuid()),
            created_at: Set(micros(key.created_at)),
            expires_at: Set(key.expires_at.map(micros)),
            form_id: Set(key.form_id),
            ..Default::default()
        };
        let insert = api_key::Entity::insert(row).on_conflict(OnConflict::new().do_nothing().to_owned());
        inserted(insert.exec_without_returning(&self.transaction).await)
    }

    async fn api_key_revoke(
        &mut self,
        team: TeamId,
        id: ApiKeyId,
        by: AccountId,
        at: OffsetDateTime,
    ) -> Result<Consumed, StoreError> {
        let environments = Query::select()
            .column((environment::Entity, environment::Column::Id))
            .from(environment::Entity)
            .inner_join(
                application::Entity,
                Expr::col((environment::Entity, environment::Column::ApplicationId))
                    .equals((application::Entity, application::Column::Id)),
            )
            .and_where(application::Column::TeamId.eq(team.as_uuid()))
            .to_owned();
        let change = api_key::ActiveModel {
            revoked_at: Set(Some(micros(at))),
            revoked_by: Set(Some(by.as_uuid())),
            ..Default::default()
        };
        let result = api_key::Entity::update_many()
            .set(change)
            .filter(api_key::Column::Id.eq(id.as_uuid()))
            .filter(api_key::Column::RevokedAt.is_null())
            .filter(api_key::Column::EnvironmentId.in_subquery(environments))
            .exec(&self.transaction)
            .await
            .map_err(store_error)?;
        Ok(consumed(result.rows_affected))
    }
}
