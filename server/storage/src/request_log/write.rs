//! The batch writer's end of the request log.

use super::{ALL, bulk::Bulk};
use crate::{
    SeaUnitOfWork,
    convert::{count, micros, number},
    entity::{api_key, request_log},
    error::{Corrupt, store_error},
};
use async_trait::async_trait;
use latchkey_core::port::{
    RequestLogWriter, StoreError,
    request_log::{
        AddressCounts, AddressKey, AttributedTo, Folded, LastUse, NetworkUse, Period, RequestBatch, RequestRow,
        RollupCounts, RollupKey, Used, network_word,
    },
};
use latchkey_model::OwnerId;
use sea_orm::{
    ActiveValue::Set,
    ColumnTrait, ConnectionTrait, DatabaseBackend, EntityTrait, QueryFilter, Statement, Value,
    prelude::Uuid,
    sea_query::{Order, Query, SelectStatement},
};
use std::collections::BTreeMap;
use time::OffsetDateTime;

/// A batch that is tried again after an answer was lost writes nothing twice.
const ROWS: Bulk = Bulk {
    head: "INSERT INTO request_log (id, at, method, route, path, status, reason, address, user_agent, duration_us, team_id, \
           application_id, environment_id, environment, api_key_id, key_hint, key_name, trace, remedy, account_id, reported, \
           stands_for, network, bytes_in, bytes_out) VALUES ",
    tail: " ON CONFLICT (id) DO NOTHING",
    columns: 25,
};

fn row(request: &RequestRow) -> Result<Vec<Value>, StoreError> {
    let owner = request.attribution.as_ref();
    let (team, application, environment_id, environment, account) = match owner.map(|owner| owner.owner) {
        Some(AttributedTo::Environment { team_id, application_id, environment_id, environment }) => {
            let ids = (team_id.as_uuid(), application_id.as_uuid(), environment_id.as_uuid());
            (Some(ids.0), Some(ids.1), Some(ids.2), Some(environment.as_str()), None)
        }
        Some(AttributedTo::Account(id)) => (None, None, None, None, Some(id.as_uuid())),
        None => (None, None, None, None, None),
    };
    let trace = serde_json::to_string(&request.trace).map_err(|_| Corrupt { what: "trace" })?;
    Ok(vec![
        request.id.as_uuid().into(),
        micros(request.at).into(),
        request.method.as_str().into(),
        request.route.as_str().into(),
        request.path.as_str().into(),
        i64::from(request.status).into(),
        request.reason.as_deref().into(),
        request.address.to_string().into(),
        request.user_agent.as_str().into(),
        number(request.duration_us).into(),
        team.into(),
        application.into(),
        environment_id.into(),
        environment.into(),
        owner.map(|owner| owner.credential.as_uuid()).into(),
        owner.map(|owner| owner.hint.as_str()).into(),
        owner.map(|owner| owner.name.as_str()).into(),
        trace.into(),
        request.remedy.as_deref().into(),
        account.into(),
        request.reported.as_deref().into(),
        number(request.stands_for).into(),
        (!request.from_many).then(|| network_word(request.address)).into(),
        number(request.volume.received).into(),
        number(request.volume.sent).into(),
    ])
}

/// On a clash, adds what is new to what is stored.
const ROLLUPS: Bulk = Bulk {
    head: "INSERT INTO rollup (owner_id, period, start, api_key_id, route, status, refused, requests, \
           latency_0, latency_1, latency_2, latency_3, latency_4, latency_5, latency_6, latency_7, latency_8, latency_9, \
           latency_10, latency_11, bytes_in, bytes_out) VALUES ",
    tail: " ON CONFLICT (owner_id, period, start, api_key_id, route, status, refused) DO UPDATE SET \
           requests = rollup.requests + excluded.requests, latency_0 = rollup.latency_0 + excluded.latency_0, \
           latency_1 = rollup.latency_1 + excluded.latency_1, latency_2 = rollup.latency_2 + excluded.latency_2, \
           latency_3 = rollup.latency_3 + excluded.latency_3, latency_4 = rollup.latency_4 + excluded.latency_4, \
           latency_5 = rollup.latency_5 + excluded.latency_5, latency_6 = rollup.latency_6 + excluded.latency_6, \
           latency_7 = rollup.latency_7 + excluded.latency_7, latency_8 = rollup.latency_8 + excluded.latency_8, \
           latency_9 = rollup.latency_9 + excluded.latency_9, latency_10 = rollup.latency_10 + excluded.latency_10, \
           latency_11 = rollup.latency_11 + excluded.latency_11, bytes_in = rollup.bytes_in + excluded.bytes_in, \
           bytes_out = rollup.bytes_out + excluded.bytes_out",
    columns: 22,
};

fn counted((key, counts): &(RollupKey, RollupCounts)) -> Vec<Value> {
    let mut values: Vec<Value> = Vec::with_capacity(ROLLUPS.columns);
    values.extend([
        key.owner_id.map_or(ALL, OwnerId::as_uuid).into(),
        key.period.as_str().into(),
        key.start.into(),
        key.credential.unwrap_or(ALL).into(),
        key.route.as_str().into(),
        i64::from(key.status).into(),
        key.refused.into(),
        number(counts.requests).into(),
    ]);
    values.extend(counts.latency.iter().map(|count| Value::from(number(*count))));
    values.extend([number(counts.volume.received).into(), number(counts.volume.sent).into()]);
    values
}

/// The same by bucket alone.
const BUCKETS: Bulk = Bulk {
    head: "INSERT INTO bucket_rollup (owner_id, credential_id, period, start, requests, refused) VALUES ",
    tail: " ON CONFLICT (owner_id, credential_id, period, start) DO UPDATE SET \
           requests = bucket_rollup.requests + excluded.requests, refused = bucket_rollup.refused + excluded.refused",
    columns: 6,
};

/// What is counted of a bucket: all requests, and those that the door refused.
type BucketCounts = ((Uuid, Uuid, Period, i64), (u64, u64));

/// These counts added up by bucket.
fn by_bucket(rollups: &[(RollupKey, RollupCounts)]) -> Vec<BucketCounts> {
    let mut sums = BTreeMap::<_, (u64, u64)>::new();
    for (key, counts) in rollups {
        let whose = (key.owner_id.map_or(ALL, OwnerId::as_uuid), key.credential.unwrap_or(ALL));
        let (requests, refused) = sums.entry((whose.0, whose.1, key.period, key.start)).or_default();
        *requests += counts.requests;
        *refused += if key.refused { counts.requests } else { 0 };
    }
    sums.into_iter().collect()
}

fn of_bucket(((owner, credential, period, start), (requests, refused)): &BucketCounts) -> Vec<Value> {
    vec![
        (*owner).into(),
        (*credential).into(),
        period.as_str().into(),
        (*start).into(),
        number(*requests).into(),
        number(*refused).into(),
    ]
}

const ADDRESSES: Bulk = Bulk {
    head: "INSERT INTO address_rollup (owner_id, credential_id, period, start, address, requests, refused) VALUES ",
    tail: " ON CONFLICT (owner_id, credential_id, period, start, address) DO UPDATE SET \
           requests = address_rollup.requests + excluded.requests, refused = address_rollup.refused + excluded.refused",
    columns: 7,
};

fn from_address((key, counts): &(AddressKey, AddressCounts)) -> Vec<Value> {
    vec![
        key.owner_id.map_or(ALL, OwnerId::as_uuid).into(),
        key.credential.unwrap_or(ALL).into(),
        key.period.as_str().into(),
        key.start.into(),
        key.address.map(|address| address.to_string()).unwrap_or_default().into(),
        number(counts.requests).into(),
        number(counts.refused).into(),
    ]
}

/// The first use stays; the last one is as new as a day.
const NETWORKS: Bulk = Bulk {
    head: "INSERT INTO seen_network (credential_id, network, owner_id, address, first_at, last_at, told) VALUES ",
    tail: " ON CONFLICT (credential_id, network) DO UPDATE SET last_at = excluded.last_at",
    columns: 7,
};

fn from_network(seen: &NetworkUse) -> Vec<Value> {
    let at = seen.hour.saturating_mul(1_000_000);
    vec![
        seen.credential.into(),
        network_word(seen.address).into(),
        seen.owner.as_uuid().into(),
        seen.address.to_string().into(),
        at.into(),
        at.into(),
        false.into(),
    ]
}

/// More that are alike belong to a row that is there.
const FOLDED: Bulk = Bulk {
    head: "WITH folded (id, more, at) AS (VALUES ",
    tail: ") UPDATE request_log SET stands_for = request_log.stands_for + folded.more, last_at = folded.at FROM folded \
           WHERE request_log.id = folded.id",
    columns: 3,
};

fn folded(folded: &Folded) -> Vec<Value> {
    vec![folded.row.as_uuid().into(), number(folded.more).into(), micros(folded.last_at).into()]
}

/// A last use goes forward only.
macro_rules! last_uses_of {
    ($table:literal) => {
        Bulk {
            head: "WITH used (id, at, address) AS (VALUES ",
            tail: concat!(
                ") UPDATE ",
                $table,
                " SET last_used_at = used.at, last_used_from = used.address FROM used WHERE ",
                $table,
                ".id = used.id AND (",
                $table,
                ".last_used_at IS NULL OR ",
                $table,
                ".last_used_at < used.at)"
            ),
            columns: 3,
        }
    };
}

const KEYS_USED: Bulk = last_uses_of!("api_key");
const CLIENTS_USED: Bulk = last_uses_of!("oauth_client");
const SECRETS_USED: Bulk = last_uses_of!("client_secret");
const GRANTS_USED: Bulk = last_uses_of!("oauth_grant");

/// Only the first use of an access token says something: that the answer which it was in has arrived.
const ACCESS_TOKENS_USED: Bulk = Bulk {
    head: "WITH used (id, at, address) AS (VALUES ",
    tail: ") UPDATE refresh_token SET access_token_used_at = used.at FROM used WHERE refresh_token.access_token_id = used.id \
           AND refresh_token.access_token_used_at IS NULL",
    columns: 3,
};

/// Last uses by the table that they belong in.
fn by_table(uses: &[LastUse]) -> [(Bulk, Vec<(Uuid, &LastUse)>); 5] {
    let of = |id: fn(Used) -> Option<Uuid>| uses.iter().filter_map(|one| Some((id(one.used)?, one))).collect();
    [
        (KEYS_USED, of(|used| if let Used::Key(id) = used { Some(id.as_uuid()) } else { None })),
        (CLIENTS_USED, of(|used| if let Used::Client(id) = used { Some(id.as_uuid()) } else { None })),
        (SECRETS_USED, of(|used| if let Used::Secret(id) = used { Some(id.as_uuid()) } else { None })),
        (GRANTS_USED, of(|used| if let Used::Grant(id) = used { Some(id.as_uuid()) } else { None })),
        (ACCESS_TOKENS_USED, of(|used| if let Used::AccessToken(id) = used { Some(id) } else { None })),
    ]
}

fn last_use((id, used): &(Uuid, &LastUse)) -> Vec<Value> {
    vec![(*id).into(), micros(used.at).into(), used.address.to_string().into()]
}

#[async_trait]
impl RequestLogWriter for SeaUnitOfWork {
    async fn record(&mut self, batch: &RequestBatch) -> Result<(), StoreError> {
        ROWS.run(&self.transaction, &batch.rows, row).await?;
        FOLDED.run(&self.transaction, &batch.folded, |rows| Ok(folded(rows))).await?;
        ADDRESSES.run(&self.transaction, &batch.addresses, |counts| Ok(from_address(counts))).await?;
        ROLLUPS.run(&self.transaction, &batch.rollups, |counts| Ok(counted(counts))).await?;
        BUCKETS.run(&self.transaction, &by_bucket(&batch.rollups), |counts| Ok(of_bucket(counts))).await?;
        for (bulk, uses) in by_table(&batch.last_uses) {
            bulk.run(&self.transaction, &uses, |used| Ok(last_use(used))).await?;
        }
        NETWORKS.run(&self.transaction, &batch.networks, |seen| Ok(from_network(seen))).await?;
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
            .order_by(request_log::Column::At, Order::Asc)
            .limit(limit)
            .to_owned();
        self.remove_requests(old).await
    }

    async fn request_prune_oldest(&mut self, limit: u64) -> Result<u64, StoreError> {
        let old = Query::select()
            .column(request_log::Column::Id)
            .from(request_log::Entity)
            .order_by(request_log::Column::Id, Order::Asc)
            .limit(limit)
            .to_owned();
        self.remove_requests(old).await
    }

    async fn addresses_together(&mut self, keys: &[AddressKey]) -> Result<u64, StoreError> {
        let backend = self.transaction.get_database_backend();
        let place =
            |number: u8| if backend == DatabaseBackend::Postgres { format!("${number}") } else { "?".to_owned() };
        let sql = format!(
            "DELETE FROM address_rollup WHERE owner_id = {} AND credential_id = {} AND period = {} AND start = {} AND address = {} \
             RETURNING requests, refused",
            place(1),
            place(2),
            place(3),
            place(4),
            place(5)
        );
        let (mut sums, mut removed) = (BTreeMap::<AddressKey, AddressCounts>::new(), 0);
        for key in keys.iter().filter(|key| key.address.is_some()) {
            let mut values = from_address(&(*key, AddressCounts::default()));
            values.truncate(5);
            let statement = Statement::from_sql_and_values(backend, &sql, values);
            let Some(row) = self.transaction.query_one_raw(statement).await.map_err(store_error)? else { continue };
            let read = |column| row.try_get("", column).map(count).map_err(store_error);
            let counts = AddressCounts { requests: read("requests")?, refused: read("refused")? };
            *sums.entry(AddressKey { address: None, ..*key }).or_default() += counts;
            removed += 1;
        }
        let sums: Vec<_> = sums.into_iter().collect();
        ADDRESSES.run(&self.transaction, &sums, |counts| Ok(from_address(counts))).await?;
        Ok(removed)
    }

    async fn rollup_prune(&mut self, period: Period, before: i64, limit: u64) -> Result<u64, StoreError> {
        let (backend, mut removed) = (self.transaction.get_database_backend(), 0);
        // In the order of their index: PostgreSQL would else read the table from its start, again for each batch.
        for (table, key) in [
            ("rollup", "owner_id, api_key_id, period, start, route, status, refused"),
            ("bucket_rollup", "owner_id, credential_id, period, start"),
            ("address_rollup", "owner_id, credential_id, period, start, address"),
        ] {
            // PostgreSQL knows where a row lies, SQLite keeps it in its key.
            let (place, first, second) = match backend {
                DatabaseBackend::Postgres => ("ctid", "$1", "$2"),
                _ => (key, "?", "?"),
            };
            let sql = format!(
                "DELETE FROM {table} WHERE ({place}) IN (SELECT {place} FROM {table} WHERE period = {first} AND start < {second} \
                 ORDER BY start LIMIT {limit})"
            );
            let statement = Statement::from_sql_and_values(backend, sql, [period.as_str().into(), before.into()]);
            removed += self.transaction.execute_raw(statement).await.map_err(store_error)?.rows_affected();
        }
        Ok(removed)
    }
}

impl SeaUnitOfWork {
    async fn remove_requests(&self, ids: SelectStatement) -> Result<u64, StoreError> {
        let result = request_log::Entity::delete_many()
            .filter(request_log::Column::Id.in_subquery(ids))
            .exec(&self.transaction)
            .await
            .map_err(store_error)?;
        Ok(result.rows_affected)
    }
}
