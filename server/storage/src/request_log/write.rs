//! The batch writer's end of the request log.

use crate::{
    SeaUnitOfWork,
    convert::{micros, number},
    entity::{api_key, request_log, rollup},
    error::{Corrupt, store_error},
};
use async_trait::async_trait;
use latchkey_core::port::{
    RequestLogWriter, StoreError,
    request_log::{AttributedTo, Period, RequestBatch, RequestRow, RollupCounts, RollupKey},
};
use sea_orm::{
    ActiveValue::Set,
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, Iterable, QueryFilter,
    sea_query::{Alias, Expr, ExprTrait, OnConflict, Query},
};
use time::OffsetDateTime;

/// Rows in one INSERT: 21 columns each stay well under SQLite's 32,766 variables.
const ROWS_AT_ONCE: usize = 500;

fn row(request: &RequestRow) -> Result<request_log::ActiveModel, StoreError> {
    let owner = request.attribution.as_ref();
    let (team, application, environment_id, environment, account) = match owner.map(|owner| owner.owner) {
        Some(AttributedTo::Environment { team_id, application_id, environment_id, environment }) => {
            let ids = (team_id.as_uuid(), application_id.as_uuid(), environment_id.as_uuid());
            (Some(ids.0), Some(ids.1), Some(ids.2), Some(environment), None)
        }
        Some(AttributedTo::Account(id)) => (None, None, None, None, Some(id.as_uuid())),
        None => (None, None, None, None, None),
    };
    Ok(request_log::ActiveModel {
        id: Set(request.id.as_uuid()),
        at: Set(micros(request.at)),
        method: Set(request.method.clone()),
        route: Set(request.route.clone()),
        path: Set(request.path.clone()),
        status: Set(i64::from(request.status)),
        reason: Set(request.reason.clone()),
        address: Set(request.address.to_string()),
        user_agent: Set(request.user_agent.clone()),
        duration_us: Set(number(request.duration_us)),
        team_id: Set(team),
        application_id: Set(application),
        environment_id: Set(environment_id),
        environment: Set(environment.map(|environment| environment.as_str().to_owned())),
        account_id: Set(account),
        reported: Set(request.reported.clone()),
        api_key_id: Set(owner.map(|owner| owner.api_key_id.as_uuid())),
        key_hint: Set(owner.map(|owner| owner.key_hint.clone())),
        key_name: Set(owner.map(|owner| owner.key_name.clone())),
        trace: Set(serde_json::to_string(&request.trace).map_err(|_| Corrupt { what: "trace" })?),
        remedy: Set(request.remedy.clone()),
    })
}

fn counted((key, counts): &(RollupKey, RollupCounts)) -> rollup::ActiveModel {
    let latency = |bucket: usize| Set(number(counts.latency[bucket]));
    rollup::ActiveModel {
        owner_id: Set(key.owner_id.as_uuid()),
        period: Set(key.period.as_str().to_owned()),
        start: Set(key.start),
        api_key_id: Set(key.api_key_id.as_uuid()),
        route: Set(key.route.clone()),
        status: Set(i64::from(key.status)),
        refused: Set(key.refused),
        requests: Set(number(counts.requests)),
        latency_0: latency(0),
        latency_1: latency(1),
        latency_2: latency(2),
        latency_3: latency(3),
        latency_4: latency(4),
        latency_5: latency(5),
        latency_6: latency(6),
        latency_7: latency(7),
        latency_8: latency(8),
        latency_9: latency(9),
        latency_10: latency(10),
        latency_11: latency(11),
    }
}

/// On a clash, adds what is new to what is stored.
fn adding_up() -> OnConflict {
    use rollup::Column::{ApiKeyId, OwnerId, Period, Refused, Route, Start, Status};
    let is_key =
        |column: &rollup::Column| matches!(column, OwnerId | Period | Start | ApiKeyId | Route | Status | Refused);
    let mut clause = OnConflict::columns(rollup::Column::iter().filter(is_key));
    for column in rollup::Column::iter().filter(|column| !is_key(column)) {
        let stored = Expr::col((rollup::Entity, column));
        clause.value(column, stored.add(Expr::col((Alias::new("excluded"), column))));
    }
    clause
}

#[async_trait]
impl RequestLogWriter for SeaUnitOfWork {
    async fn record(&mut self, batch: &RequestBatch) -> Result<(), StoreError> {
        for rows in batch.rows.chunks(ROWS_AT_ONCE) {
            let rows = rows.iter().map(row).collect::<Result<Vec<_>, _>>()?;
            request_log::Entity::insert_many(rows)
                // A batch that is tried again after an answer was lost writes nothing twice.
                .on_conflict(OnConflict::column(request_log::Column::Id).do_nothing().to_owned())
                .exec_without_returning(&self.transaction)
                .await
                .map_err(store_error)?;
        }
        for rollups in batch.rollups.chunks(ROWS_AT_ONCE) {
            rollup::Entity::insert_many(rollups.iter().map(counted))
                .on_conflict(adding_up())
                .exec_without_returning(&self.transaction)
                .await
                .map_err(store_error)?;
        }
        for used in &batch.last_uses {
            let at = micros(used.at);
            let change = api_key::ActiveModel {
                last_used_at: Set(Some(at)),
                last_used_from: Set(Some(used.address.to_string())),
                ..Default::default()
            };
            let older =
                Condition::any().add(api_key::Column::LastUsedAt.is_null()).add(api_key::Column::LastUsedAt.lt(at));
            api_key::Entity::update_many()
                .set(change)
                .filter(api_key::Column::Id.eq(used.api_key_id.as_uuid()))
                .filter(older)
                .exec(&self.transaction)
                .await
                .map_err(store_error)?;
        }
        for (key, at) in &batch.exposures {
            api_key::Entity::update_many()
                .set(api_key::ActiveModel { exposed_at: Set(Some(micros(*at))), ..Default::default() })
                .filter(api_key::Column::Id.eq(key.as_uuid()))
                .filter(api_key::Column::ExposedAt.is_null())
                .exec(&self.transaction)
                .await
                .map_err(store_error)?;
        }
        Ok(())
    }

    async fn request_prune(&mut self, before: OffsetDateTime, limit: u64) -> Result<u64, StoreError> {
        let old = Query::select()
            .column(request_log::Column::Id)
            .from(request_log::Entity)
            .and_where(request_log::Column::At.lt(micros(before)))
            .limit(limit)
            .to_owned();
        let result = request_log::Entity::delete_many()
            .filter(request_log::Column::Id.in_subquery(old))
            .exec(&self.transaction)
            .await
            .map_err(store_error)?;
        Ok(result.rows_affected)
    }

    async fn rollup_prune(&mut self, period: Period, before: i64) -> Result<u64, StoreError> {
        let delete = Query::delete()
            .from_table(rollup::Entity)
            .and_where(rollup::Column::Period.eq(period.as_str()))
            .and_where(rollup::Column::Start.lt(before))
            .to_owned();
        let result = self.transaction.execute(&delete).await.map_err(store_error)?;
        Ok(result.rows_affected())
    }
}
