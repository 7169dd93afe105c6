//! Questions about keys.

use super::row::{Row, keys_with_surroundings, owned_by, works_at};
use crate::{
    SeaStore,
    convert::{count, micros, word},
    entity::{api_key, environment, request_log},
    error::store_error,
    request_log::visible_to,
};
use ::time::OffsetDateTime;
use async_trait::async_trait;
use latchkey_core::{
    api_key::format::PublicId,
    port::{
        ApiKeyReader, StoreError,
        api_key::{ApiKey, KeyPolicy, KeyToTell, StoredApiKey, Traffic},
    },
};
use latchkey_model::{AccountId, ApiKeyId, ApplicationId, Environment, EnvironmentId};
use sea_orm::{
    ColumnTrait, DatabaseBackend, EntityTrait, FromQueryResult, QueryFilter, QueryOrder, QuerySelect, QueryTrait,
    Select, Statement,
    sea_query::{CaseStatement, Expr, ExprTrait, Order},
};
use std::sync::Arc;

/// More groups than this of route and address say no more to a person.
const TRAFFIC_GROUPS: u64 = 5_000;
/// More keys than this in one environment are not listed on one page.
const LISTED_AT_MOST: u64 = 500;
/// Whoever has more leaked keys than this knows what to do.
const LEAKED_AT_MOST: u64 = 20;

#[derive(FromQueryResult)]
struct TrafficRow {
    method: String,
    route: String,
    address: String,
    requests: i64,
}

/// The door's question about a key, without its id. It is put together once: where many keys are not in mind, that would be most of the
/// work.
pub(crate) fn for_door(backend: DatabaseBackend) -> Arc<str> {
    keys_with_surroundings().filter(api_key::Column::PublicId.eq("")).build(backend).sql.into()
}

/// What [`ApiKeyReader::leaked_keys`] asks: of all keys, the few that were found are looked at.
fn leaked(account: AccountId, since: OffsetDateTime) -> Select<api_key::Entity> {
    owned_by(keys_with_surroundings(), account)
        .filter(api_key::Column::LeakedAt.gte(micros(since)))
        .order_by_desc(api_key::Column::LeakedAt)
        .limit(LEAKED_AT_MOST)
}

impl SeaStore {
    pub(crate) async fn keys(&self, query: Select<api_key::Entity>) -> Result<Vec<ApiKey>, StoreError> {
        let rows = query.into_model::<Row>().all(&self.reader).await.map_err(store_error)?;
        rows.into_iter().map(|row| Ok(StoredApiKey::try_from(row)?.key)).collect()
    }

    async fn keys_live_first(
        &self,
        query: Select<api_key::Entity>,
        now: OffsetDateTime,
    ) -> Result<Vec<ApiKey>, StoreError> {
        let mut keys = self.keys(query).await?;
        keys.sort_by_key(|key| (key.is_ended(now), std::cmp::Reverse((key.created_at, key.id))));
        Ok(keys)
    }
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
        let query = owned_by(keys_with_surroundings(), account)
            .filter(environment::Column::ApplicationId.eq(application.as_uuid()))
            .filter(environment::Column::Kind.eq(environment.as_str()));
        // However many there are: those that work, and of them the newest, are what a page can show.
        let works: Expr = CaseStatement::new().case(works_at(now), 0).finally(1).into();
        let query = query.order_by_asc(works).order_by_desc(api_key::Column::CreatedAt).limit(LISTED_AT_MOST);
        self.keys_live_first(query, now).await
    }

    async fn personal_tokens(&self, account: AccountId, now: OffsetDateTime) -> Result<Vec<ApiKey>, StoreError> {
        let query = keys_with_surroundings().filter(api_key::Column::AccountId.eq(account.as_uuid()));
        self.keys_live_first(query, now).await
    }

    async fn api_key(&self, account: AccountId, id: ApiKeyId) -> Result<Option<ApiKey>, StoreError> {
        let query = owned_by(keys_with_surroundings(), account).filter(api_key::Column::Id.eq(id.as_uuid()));
        Ok(self.keys(query).await?.pop())
    }

    async fn leaked_keys(&self, account: AccountId, since: OffsetDateTime) -> Result<Vec<ApiKey>, StoreError> {
        self.keys(leaked(account, since)).await
    }

    async fn api_key_for_door(&self, public_id: PublicId) -> Result<Option<StoredApiKey>, StoreError> {
        let backend = self.reader.get_database_backend();
        Row::find_by_statement(Statement::from_sql_and_values(backend, &*self.for_door, [public_id.as_str().into()]))
            .one(&self.reader)
            .await
            .map_err(store_error)?
            .map(StoredApiKey::try_from)
            .transpose()
    }

    async fn public_id(&self, id: ApiKeyId) -> Result<Option<PublicId>, StoreError> {
        let row = api_key::Entity::find_by_id(id.as_uuid()).one(&self.reader).await.map_err(store_error)?;
        Ok(row.map(|row| word(&row.public_id, "public id")).transpose()?)
    }

    async fn key_policy(
        &self,
        account: AccountId,
        application: ApplicationId,
        environment: Environment,
    ) -> Result<Option<KeyPolicy>, StoreError> {
        self.policy_of_account(account, application, environment).await
    }

    async fn key_policy_of(&self, id: ApiKeyId) -> Result<Option<KeyPolicy>, StoreError> {
        self.policy_of_key(id).await
    }

    async fn key_policy_in(&self, environment: EnvironmentId) -> Result<Option<KeyPolicy>, StoreError> {
        self.policy_in(environment).await
    }

    async fn key_traffic(
        &self,
        account: AccountId,
        id: ApiKeyId,
        since: OffsetDateTime,
    ) -> Result<Vec<Traffic>, StoreError> {
        use request_log::Column;
        let rows = request_log::Entity::find()
            .select_only()
            .column(Column::Method)
            .column(Column::Route)
            .column(Column::Address)
            .column_as(Column::Id.count(), "requests")
            .filter(visible_to(account))
            .filter(Column::ApiKeyId.eq(id.as_uuid()))
            .filter(Column::At.gte(micros(since)))
            .filter(Column::Reason.is_null())
            .group_by(Column::Method)
            .group_by(Column::Route)
            .group_by(Column::Address)
            .order_by(Expr::col(Column::Id).count(), Order::Desc)
            .limit(TRAFFIC_GROUPS)
            .into_model::<TrafficRow>()
            .all(&self.reader)
            .await
            .map_err(store_error)?;
        rows.into_iter()
            .map(|row| {
                let address = word(&row.address, "address")?;
                Ok(Traffic { method: row.method, route: row.route, address, requests: count(row.requests) })
            })
            .collect()
    }

    async fn keys_ending(
        &self,
        now: OffsetDateTime,
        before: OffsetDateTime,
        days: u16,
        limit: u64,
    ) -> Result<Vec<KeyToTell>, StoreError> {
        self.ending(now, before, days, limit).await
    }

    async fn keys_idle(&self, now: OffsetDateTime, limit: u64) -> Result<Vec<KeyToTell>, StoreError> {
        self.idle(now, limit).await
    }

    async fn keys_exposed(&self, now: OffsetDateTime, limit: u64) -> Result<Vec<KeyToTell>, StoreError> {
        self.exposed(now, limit).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use migrations::Migrator;
    use sea_orm::{ConnectionTrait, prelude::Uuid};
    use sea_orm_migration::MigratorTrait;

    #[tokio::test]
    async fn leaked_keys_are_found_without_reading_the_others() {
        let folder = tempfile::tempdir().unwrap();
        let store = SeaStore::connect(&format!("sqlite://{}/x.db", folder.path().display())).await.unwrap();
        Migrator::up(store.writer(), None).await.unwrap();
        let query = leaked(AccountId::from_uuid(Uuid::nil()), OffsetDateTime::UNIX_EPOCH);
        let mut explain = query.build(DatabaseBackend::Sqlite);
        explain.sql.insert_str(0, "EXPLAIN QUERY PLAN ");
        let steps = store.reader.query_all_raw(explain).await.unwrap();
        let steps: Vec<String> = steps.iter().map(|step| step.try_get("", "detail").unwrap()).collect();
        assert!(steps.iter().any(|step| step.contains("USING INDEX api_key_leaked")), "{steps:?}");
        assert!(!steps.iter().any(|step| step.contains("SCAN api_key")), "{steps:?}");
    }
}
