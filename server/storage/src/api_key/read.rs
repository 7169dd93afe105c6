//! Questions about keys.

use super::row::{Row, keys_with_surroundings, not_ended_at, owned_by, works_at};
use crate::{
    SeaStore,
    convert::{count, micros, word},
    entity::{api_key, environment, request_log},
    error::store_error,
};
use ::time::OffsetDateTime;
use async_trait::async_trait;
use latchkey_core::{
    api_key::format::PublicId,
    port::{
        ApiKeyReader, StoreError,
        api_key::{AfterKey, ApiKey, KeyPolicy, KeyToTell, StoredApiKey, Traffic},
        request_log::{Found, LogScope, RequestFilter},
    },
};
use latchkey_model::{AccountId, ApiKeyId, ApplicationId, Environment, EnvironmentId};
use sea_orm::{
    ColumnTrait, Condition, DatabaseBackend, EntityTrait, FromQueryResult, QueryFilter, QueryOrder, QuerySelect,
    QueryTrait, Select, Statement,
    sea_query::{Alias, CaseStatement, Expr, ExprTrait, Func, Order},
};
use std::{collections::HashSet, sync::Arc};

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

/// The keys of one environment of an application, if a team of the account owns it.
fn in_environment(account: AccountId, application: ApplicationId, environment: Environment) -> Select<api_key::Entity> {
    owned_by(keys_with_surroundings(), account)
        .filter(environment::Column::ApplicationId.eq(application.as_uuid()))
        .filter(environment::Column::Kind.eq(environment.as_str()))
}

/// The personal access tokens of an account.
fn tokens_of(account: AccountId) -> Select<api_key::Entity> {
    keys_with_surroundings().filter(api_key::Column::AccountId.eq(account.as_uuid()))
}

/// Of these keys those that have ended, or those that have not: the newest first, and only what comes after another key where one is
/// named.
fn newest(
    of: Select<api_key::Entity>,
    ended: bool,
    now: OffsetDateTime,
    after: Option<&ApiKey>,
) -> Select<api_key::Entity> {
    use api_key::Column;
    let which = if ended { not_ended_at(now).not() } else { not_ended_at(now) };
    let older = after.map(|key| {
        let made = micros(key.created_at);
        let as_old = Condition::all().add(Column::CreatedAt.eq(made)).add(Column::Id.lt(key.id.as_uuid()));
        Condition::any().add(Column::CreatedAt.lt(made)).add(as_old)
    });
    of.filter(Condition::all().add(which).add_option(older)).order_by_desc(Column::CreatedAt).order_by_desc(Column::Id)
}

/// What passes comes first, and of each the newest.
fn first(query: Select<api_key::Entity>, passes: Condition) -> Select<api_key::Entity> {
    let passes: Expr = CaseStatement::new().case(passes, 0).finally(1).into();
    query.order_by_asc(passes).order_by_desc(api_key::Column::CreatedAt)
}

impl SeaStore {
    pub(crate) async fn keys(&self, query: Select<api_key::Entity>) -> Result<Vec<ApiKey>, StoreError> {
        let rows = query.into_model::<Row>().all(&self.reader).await.map_err(store_error)?;
        rows.into_iter().map(|row| Ok(StoredApiKey::try_from(row)?.key)).collect()
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
        after: Option<AfterKey>,
        at_most: usize,
    ) -> Result<Vec<ApiKey>, StoreError> {
        let of = in_environment(account, application, environment);
        let last = match after {
            Some(after) => {
                let named = self.keys(of.clone().filter(api_key::Column::Id.eq(after.id.as_uuid()))).await?.pop();
                let Some(key) = named else { return Ok(Vec::new()) };
                Some((key, after.ended))
            }
            None => None,
        };
        let mut keys: Vec<ApiKey> = Vec::new();
        // Two questions, each of which reads its index in order and stops when the page is full, however many keys there are.
        for ended in [false, true] {
            let after = match &last {
                Some((_, true)) if !ended => continue,
                Some((key, among)) if *among == ended => Some(key),
                _ => None,
            };
            let left = at_most.saturating_sub(keys.len());
            if left > 0 {
                let found = self.keys(newest(of.clone(), ended, now, after).limit(left as u64)).await?;
                // One that somebody ended in between is listed already.
                let listed: HashSet<_> = keys.iter().map(|key| key.id).collect();
                keys.extend(found.into_iter().filter(|key| !listed.contains(&key.id)));
            }
        }
        Ok(keys)
    }

    async fn oldest_keys(
        &self,
        account: AccountId,
        application: ApplicationId,
        environment: Environment,
        now: OffsetDateTime,
        limit: u64,
    ) -> Result<Vec<ApiKey>, StoreError> {
        use api_key::Column;
        let query = in_environment(account, application, environment).filter(works_at(now)).limit(limit);
        let [used, made] = [Column::LastUsedAt, Column::CreatedAt].map(|column| Expr::col((api_key::Entity, column)));
        let used_or_made: Expr = Func::coalesce([used, made]).into();
        let mut keys = self.keys(query.clone().order_by_asc(used_or_made)).await?;
        for old in self.keys(query.order_by_asc(Column::CreatedAt)).await? {
            if keys.iter().all(|key| key.id != old.id) {
                keys.push(old);
            }
        }
        Ok(keys)
    }

    async fn api_keys_count(
        &self,
        account: AccountId,
        of: Option<(ApplicationId, Environment)>,
    ) -> Result<u64, StoreError> {
        let query = match of {
            Some((application, environment)) => in_environment(account, application, environment),
            None => tokens_of(account),
        };
        let all = query.select_only().column_as(api_key::Column::Id.count(), "all_keys").into_tuple::<i64>();
        Ok(all.one(&self.reader).await.map_err(store_error)?.map_or(0, count))
    }

    async fn personal_tokens(
        &self,
        account: AccountId,
        now: OffsetDateTime,
        at_most: Option<usize>,
    ) -> Result<Vec<ApiKey>, StoreError> {
        let mut tokens =
            self.keys(first(tokens_of(account), not_ended_at(now)).limit(at_most.map(|most| most as u64))).await?;
        tokens.sort_by_key(|key| (key.is_ended(now), std::cmp::Reverse((key.created_at, key.id))));
        Ok(tokens)
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
        scope: LogScope,
        id: ApiKeyId,
        since: OffsetDateTime,
    ) -> Result<Found<Traffic>, StoreError> {
        use request_log::Column;
        let filter = RequestFilter {
            credential: Some(id.as_uuid()),
            refused: Some(false),
            since: Some(since),
            ..RequestFilter::default()
        };
        let (mut select, searched_to) = self.newest(scope, &filter).await?;
        select
            .columns([Column::Method, Column::Route, Column::Address])
            .expr_as(Expr::col(Column::Id).count(), Alias::new("requests"))
            .add_group_by([Column::Method, Column::Route, Column::Address].map(Expr::col))
            .order_by(Alias::new("requests"), Order::Desc);
        let statement = self.reader.get_database_backend().build(&select);
        let rows = TrafficRow::find_by_statement(statement).all(&self.reader).await.map_err(store_error)?;
        let found = rows
            .into_iter()
            .map(|row| {
                let address = word(&row.address, "address")?;
                Ok(Traffic { method: row.method, route: row.route, address, requests: count(row.requests) })
            })
            .collect::<Result<_, StoreError>>()?;
        Ok(Found { found, searched_to })
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

    /// How SQLite goes about it.
    async fn steps(query: Select<api_key::Entity>) -> Vec<String> {
        let folder = tempfile::tempdir().unwrap();
        let store = SeaStore::connect(&format!("sqlite://{}/x.db", folder.path().display())).await.unwrap();
        Migrator::up(store.writer(), None).await.unwrap();
        let mut explain = query.build(DatabaseBackend::Sqlite);
        explain.sql.insert_str(0, "EXPLAIN QUERY PLAN ");
        let steps = store.reader.query_all_raw(explain).await.unwrap();
        steps.iter().map(|step| step.try_get("", "detail").unwrap()).collect()
    }

    fn any(steps: &[String], part: &str) -> bool {
        steps.iter().any(|step| step.contains(part))
    }

    #[tokio::test]
    async fn leaked_keys_are_found_without_reading_the_others() {
        let steps = steps(leaked(AccountId::from_uuid(Uuid::nil()), OffsetDateTime::UNIX_EPOCH)).await;
        assert!(any(&steps, "USING INDEX api_key_leaked"), "{steps:?}");
        assert!(!any(&steps, "SCAN api_key"), "{steps:?}");
    }

    #[tokio::test]
    async fn a_page_of_a_list_of_keys_is_read_in_the_order_of_an_index() {
        let (nobody, nothing) = (AccountId::from_uuid(Uuid::nil()), ApplicationId::from_uuid(Uuid::nil()));
        let of = in_environment(nobody, nothing, Environment::Production);
        for ended in [false, true] {
            let steps = steps(newest(of.clone(), ended, OffsetDateTime::UNIX_EPOCH, None).limit(500)).await;
            // As long as nothing is known of how many were revoked, either index is as good.
            let indexes = ["api_key_by_environment_id_created_at", "api_key_not_revoked"];
            let by_index = |index: &str| any(&steps, &format!("SEARCH api_key USING INDEX {index}"));
            assert!(indexes.into_iter().any(by_index), "{steps:?}");
            // Of those made at the same time alone, the order is made afterwards.
            assert!(!any(&steps, "USE TEMP B-TREE FOR ORDER BY"), "{steps:?}");
        }
    }
}
