//! Questions to the request log.

use crate::{
    SeaStore,
    convert::{count, micros, time, word},
    entity::{application, environment, membership, request_log, rollup},
    error::{Corrupt, store_error},
};
use async_trait::async_trait;
use latchkey_core::port::{
    RequestLogReader, StoreError,
    request_log::{Attribution, LogScope, Period, RequestFilter, RequestRow, RollupCounts, RollupKey},
};
use latchkey_model::{AccountId, ApiKeyId, ApplicationId, Environment, EnvironmentId, RequestId, TeamId};
use sea_orm::{
    ColumnTrait, EntityTrait, JoinType, QueryFilter, QueryOrder, QuerySelect, RelationTrait, Select,
    sea_query::{LikeExpr, Query, SelectStatement},
};

fn from_row(row: request_log::Model) -> Result<RequestRow, StoreError> {
    let attribution = match (row.team_id, row.application_id, row.environment_id, row.environment, row.api_key_id) {
        (Some(team), Some(application), Some(environment_id), Some(environment), Some(key)) => Some(Attribution {
            team_id: TeamId::from_uuid(team),
            application_id: ApplicationId::from_uuid(application),
            environment_id: EnvironmentId::from_uuid(environment_id),
            environment: word(&environment, "environment")?,
            api_key_id: ApiKeyId::from_uuid(key),
            key_hint: row.key_hint.unwrap_or_default(),
            key_name: row.key_name.unwrap_or_default(),
        }),
        _ => None,
    };
    Ok(RequestRow {
        id: RequestId::from_uuid(row.id),
        at: time(row.at)?,
        method: row.method,
        route: row.route,
        path: row.path,
        status: u16::try_from(row.status).map_err(|_| Corrupt { what: "status" })?,
        reason: row.reason,
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

fn visible(scope: LogScope) -> Select<request_log::Entity> {
    let query = request_log::Entity::find();
    match scope {
        LogScope::Portal => query,
        LogScope::Account(account) => query.filter(request_log::Column::TeamId.in_subquery(teams_of(account))),
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
        let rows = rollup::Entity::find()
            .join(JoinType::InnerJoin, rollup::Relation::Environment.def())
            .join(JoinType::InnerJoin, environment::Relation::Application.def())
            .filter(application::Column::Id.eq(application.as_uuid()))
            .filter(application::Column::TeamId.in_subquery(teams_of(account)))
            .filter(environment::Column::Kind.eq(environment.as_str()))
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
        environment_id: EnvironmentId::from_uuid(row.environment_id),
        api_key_id: ApiKeyId::from_uuid(row.api_key_id),
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
