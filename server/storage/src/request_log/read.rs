//! Questions to the request log.

use crate::{
    SeaStore,
    convert::{count, micros, time, word},
    entity::{application, environment, membership, request_log, rollup},
    error::{Corrupt, store_error},
};
use async_trait::async_trait;
use latchkey_core::{
    authn::KnownBy,
    oauth_client::ClientId,
    port::{
        RequestLogReader, StoreError,
        request_log::{
            AttributedTo, Attribution, CredentialId, LogScope, Period, RequestFilter, RequestRow, RollupCounts,
            RollupKey,
        },
    },
};
use latchkey_model::{
    AccountId, ApiKeyId, ApplicationId, Environment, EnvironmentId, OauthClientId, OwnerId, RequestId, TeamId,
};
use sea_orm::{
    ColumnTrait, Condition, EntityTrait, FromQueryResult, QueryFilter, QueryOrder, QuerySelect, Select,
    prelude::Uuid,
    sea_query::{Expr, ExprTrait, LikeExpr, Query, SelectStatement},
};

/// What stands in the column of the key where all keys of an owner are counted together.
pub(super) const ALL_KEYS: Uuid = Uuid::nil();

fn from_row(row: request_log::Model) -> Result<RequestRow, StoreError> {
    let owner = match (row.team_id, row.application_id, row.environment_id, row.environment, row.account_id) {
        (Some(team), Some(application), Some(environment_id), Some(environment), _) => {
            Some(AttributedTo::Environment {
                team_id: TeamId::from_uuid(team),
                application_id: ApplicationId::from_uuid(application),
                environment_id: EnvironmentId::from_uuid(environment_id),
                environment: word(&environment, "environment")?,
            })
        }
        (.., Some(account)) => Some(AttributedTo::Account(AccountId::from_uuid(account))),
        _ => None,
    };
    let hint = row.key_hint.unwrap_or_default();
    let attribution = owner.zip(row.api_key_id).map(|(owner, id)| Attribution {
        owner,
        // Of a client, the hint is its public name, which looks like no key's; of a person, the word for how they came.
        credential: if hint.parse::<ClientId>().is_ok() {
            CredentialId::Client(OauthClientId::from_uuid(id))
        } else if KnownBy::ALL.iter().any(|by| by.as_str() == hint) {
            CredentialId::Account(AccountId::from_uuid(id))
        } else {
            CredentialId::Key(ApiKeyId::from_uuid(id))
        },
        hint,
        name: row.key_name.unwrap_or_default(),
    });
    Ok(RequestRow {
        id: RequestId::from_uuid(row.id),
        at: time(row.at)?,
        method: row.method,
        route: row.route,
        path: row.path,
        status: u16::try_from(row.status).map_err(|_| Corrupt { what: "status" })?,
        reason: row.reason,
        reported: row.reported,
        address: word(&row.address, "address")?,
        user_agent: row.user_agent,
        duration_us: count(row.duration_us),
        attribution,
        trace: serde_json::from_str(&row.trace).map_err(|_| Corrupt { what: "trace" })?,
        remedy: row.remedy,
    })
}

fn teams_of(account: AccountId) -> SelectStatement {
    Query::select()
        .column(membership::Column::TeamId)
        .from(membership::Entity)
        .and_where(membership::Column::AccountId.eq(account.as_uuid()))
        .to_owned()
}

/// Requests of the account's teams, and those with the account's own tokens.
pub(crate) fn visible_to(account: AccountId) -> Condition {
    Condition::any()
        .add(request_log::Column::TeamId.in_subquery(teams_of(account)))
        .add(request_log::Column::AccountId.eq(account.as_uuid()))
}

fn visible(scope: LogScope) -> Select<request_log::Entity> {
    let query = request_log::Entity::find();
    match scope {
        LogScope::Portal => query,
        LogScope::Account(account) => query.filter(visible_to(account)),
    }
}

fn filtered(mut query: Select<request_log::Entity>, filter: &RequestFilter) -> Select<request_log::Entity> {
    use request_log::Column;
    let mut keep = |condition| query = query.clone().filter(condition);
    if let Some(application) = filter.application {
        keep(Column::ApplicationId.eq(application.as_uuid()));
    }
    if let Some(environment) = filter.environment {
        keep(Column::Environment.eq(environment.as_str()));
    }
    if let Some(key) = filter.api_key {
        keep(Column::ApiKeyId.eq(key.as_uuid()));
    }
    match filter.refused {
        Some(true) => keep(Column::Reason.is_not_null()),
        Some(false) => keep(Column::Reason.is_null()),
        None => {}
    }
    if filter.reported {
        keep(Column::Reported.is_not_null());
    }
    if let Some(reason) = &filter.reason {
        keep(Column::Reason.eq(reason));
    }
    if let Some(method) = &filter.method {
        keep(Column::Method.eq(method));
    }
    if let Some(status) = filter.status {
        keep(Column::Status.eq(i64::from(status)));
    }
    if let Some(address) = filter.address {
        keep(Column::Address.eq(address.to_string()));
    }
    if let Some(text) = &filter.path_contains {
        keep(Column::Path.like(LikeExpr::new(format!("%{}%", escaped(text))).escape('!')));
    }
    if let Some(since) = filter.since {
        keep(Column::At.gte(micros(since)));
    }
    if let Some(before) = filter.before {
        keep(Column::Id.lt(before.as_uuid()));
    }
    query
}

/// A text that LIKE takes to the letter, with `!` as the escape.
fn escaped(text: &str) -> String {
    text.replace('!', "!!").replace('%', "!%").replace('_', "!_")
}

#[async_trait]
impl RequestLogReader for SeaStore {
    async fn requests(
        &self,
        scope: LogScope,
        filter: &RequestFilter,
        limit: u64,
    ) -> Result<Vec<RequestRow>, StoreError> {
        let query = filtered(visible(scope), filter).order_by_desc(request_log::Column::Id).limit(limit);
        query.all(&self.reader).await.map_err(store_error)?.into_iter().map(from_row).collect()
    }

    async fn request(&self, scope: LogScope, id: RequestId) -> Result<Option<RequestRow>, StoreError> {
        let query = visible(scope).filter(request_log::Column::Id.eq(id.as_uuid()));
        query.one(&self.reader).await.map_err(store_error)?.map(from_row).transpose()
    }

    async fn rollups(
        &self,
        account: AccountId,
        application: ApplicationId,
        environment: Environment,
        period: Period,
        since: i64,
    ) -> Result<Vec<(RollupKey, RollupCounts)>, StoreError> {
        let owner = Query::select()
            .column((environment::Entity, environment::Column::Id))
            .from(environment::Entity)
            .inner_join(
                application::Entity,
                Expr::col((environment::Entity, environment::Column::ApplicationId))
                    .equals((application::Entity, application::Column::Id)),
            )
            .and_where(application::Column::Id.eq(application.as_uuid()))
            .and_where(application::Column::TeamId.in_subquery(teams_of(account)))
            .and_where(environment::Column::Kind.eq(environment.as_str()))
            .to_owned();
        let together =
            Condition::all().add(rollup::Column::OwnerId.in_subquery(owner)).add(rollup::Column::ApiKeyId.eq(ALL_KEYS));
        self.counts(together, period, since).await
    }

    async fn routes_called(&self, keys: &[ApiKeyId], since: i64) -> Result<Vec<(ApiKeyId, String)>, StoreError> {
        use rollup::Column;
        let rows = rollup::Entity::find()
            .select_only()
            .column(Column::ApiKeyId)
            .column(Column::Route)
            .distinct()
            .filter(Column::ApiKeyId.is_in(keys.iter().map(|key| key.as_uuid())))
            .filter(Column::Period.eq(Period::Day.as_str()))
            .filter(Column::Start.gte(since))
            .filter(Column::Refused.eq(false))
            .into_model::<Called>()
            .all(&self.reader)
            .await
            .map_err(store_error)?;
        Ok(rows.into_iter().map(|row| (ApiKeyId::from_uuid(row.api_key_id), row.route)).collect())
    }

    async fn key_rollups(
        &self,
        account: AccountId,
        key: ApiKeyId,
        period: Period,
        since: i64,
    ) -> Result<Vec<(RollupKey, RollupCounts)>, StoreError> {
        // A key tells of its owner: whoever may see the one may see the counts of the other.
        if latchkey_core::port::ApiKeyReader::api_key(self, account, key).await?.is_none() {
            return Ok(Vec::new());
        }
        self.counts(Condition::all().add(rollup::Column::ApiKeyId.eq(key.as_uuid())), period, since).await
    }
}

/// A route that a key called.
#[derive(FromQueryResult)]
struct Called {
    api_key_id: Uuid,
    route: String,
}

impl SeaStore {
    async fn counts(
        &self,
        whose: Condition,
        period: Period,
        since: i64,
    ) -> Result<Vec<(RollupKey, RollupCounts)>, StoreError> {
        let rows = rollup::Entity::find()
            .filter(whose)
            .filter(rollup::Column::Period.eq(period.as_str()))
            .filter(rollup::Column::Start.gte(since))
            .all(&self.reader)
            .await
            .map_err(store_error)?;
        rows.into_iter().map(|row| counts_from_row(row, period)).collect()
    }
}

fn counts_from_row(row: rollup::Model, period: Period) -> Result<(RollupKey, RollupCounts), StoreError> {
    let counts = RollupCounts {
        requests: count(row.requests),
        latency: [
            row.latency_0,
            row.latency_1,
            row.latency_2,
            row.latency_3,
            row.latency_4,
            row.latency_5,
            row.latency_6,
            row.latency_7,
            row.latency_8,
            row.latency_9,
            row.latency_10,
            row.latency_11,
        ]
        .map(count),
    };
    let key = RollupKey {
        period,
        start: row.start,
        owner_id: OwnerId::from_uuid(row.owner_id),
        credential: (row.api_key_id != ALL_KEYS).then_some(row.api_key_id),
        route: row.route,
        status: u16::try_from(row.status).map_err(|_| Corrupt { what: "status" })?,
        refused: row.refused,
    };
    Ok((key, counts))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn like_takes_wildcards_to_the_letter() {
        assert_eq!(escaped("50%_off!"), "50!%!_off!!");
    }
}
