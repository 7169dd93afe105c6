//! Questions to the roll-ups.

use super::ALL;
use crate::{
    SeaStore,
    convert::{count, number, word},
    entity::{address_rollup, application, bucket_rollup, environment, rollup},
    error::{Corrupt, store_error},
    team::teams_of,
};
use async_trait::async_trait;
use latchkey_core::port::{
    RollupReader, StoreError,
    rollup::{
        AddressCounts, AddressKey, BucketSum, Buckets, Counted, CountsOf, Period, RollupCounts, RollupKey, RouteSum,
        Steps, Volume,
    },
};
use latchkey_model::{AccountId, ApiKeyId, ApplicationId, Environment, OwnerId};
use sea_orm::{
    ColumnTrait, Condition, DatabaseBackend, DbErr, EntityTrait, FromQueryResult, IdenStatic, QueryFilter, QueryResult,
    QuerySelect, QueryTrait, Statement,
    prelude::Uuid,
    sea_query::{Alias, Expr, ExprTrait, Order, Query, SelectStatement, SimpleExpr, UnionType},
};
use std::net::IpAddr;

/// The id of an environment of an application that a team of the account owns.
fn environment_of(account: AccountId, application: ApplicationId, kind: Environment) -> SimpleExpr {
    let mut query = Query::select();
    query
        .column((environment::Entity, environment::Column::Id))
        .from(environment::Entity)
        .inner_join(
            application::Entity,
            Expr::col((environment::Entity, environment::Column::ApplicationId))
                .equals((application::Entity, application::Column::Id)),
        )
        .and_where(application::Column::Id.eq(application.as_uuid()))
        .and_where(application::Column::TeamId.in_subquery(teams_of(account)))
        .and_where(environment::Column::Kind.eq(kind.as_str()));
    SimpleExpr::SubQuery(None, Box::new(query.into()))
}

/// Whose counts they are: an owner and a credential.
#[derive(Clone)]
struct Whose {
    owner: SimpleExpr,
    credential: Uuid,
}

impl Whose {
    /// Each by itself: SQLite finds the counts of one owner by their key, but where there is a choice of owners, it may take another
    /// way, and read those of all.
    fn each(of: CountsOf) -> Vec<Self> {
        let environment =
            |account, application, kind| Self { owner: environment_of(account, application, kind), credential: ALL };
        match of {
            CountsOf::Environment(account, application, kind) => vec![environment(account, application, kind)],
            CountsOf::Application(account, application) => {
                Environment::ALL.map(|kind| environment(account, application, kind)).into()
            }
            CountsOf::Credential(owner, credential) => vec![Self { owner: owner.as_uuid().into(), credential }],
            CountsOf::Portal => vec![Self { owner: ALL.into(), credential: ALL }],
        }
    }

    /// The condition for it, by the columns of the owner and the credential.
    fn are<C: ColumnTrait>(self, owner: C, credential: C) -> Condition {
        Condition::all().add(Expr::col(owner).eq(self.owner)).add(credential.eq(self.credential))
    }
}

/// Every part of what is asked for: of one owner, and of buckets of one period that follow each other.
fn parts<B: Copy>(of: CountsOf, buckets: &[B]) -> impl Iterator<Item = (Whose, B)> {
    Whose::each(of).into_iter().flat_map(|whose| buckets.iter().map(move |buckets| (whose.clone(), *buckets)))
}

/// Which buckets these are, by the columns of the period and the start.
fn within<C: ColumnTrait>(buckets: Buckets, period: C, start: C) -> Condition {
    Condition::all().add(period.eq(buckets.period.as_str())).add(start.gte(buckets.since)).add(start.lt(buckets.until))
}

/// Which buckets count in these steps. SQLite keeps those of one owner together, and passes over the others; PostgreSQL would fetch every
/// row to see whether it is one of the others, each from another page, and is told the start of each that counts.
fn counted(Steps { buckets, seconds, part }: Steps, backend: DatabaseBackend) -> Condition {
    use bucket_rollup::Column;
    let all = within(buckets, Column::Period, Column::Start);
    if part >= seconds {
        return all;
    }
    if backend == DatabaseBackend::Sqlite {
        let place = Expr::col(Column::Start).sub(buckets.since).modulo(seconds);
        return all.add(place.lt(part));
    }
    let starts = "start = ANY(ARRAY(SELECT step + bucket FROM generate_series($1::bigint, $2::bigint, $3::bigint) AS step, \
                  generate_series(0::bigint, $4::bigint, $5::bigint) AS bucket))";
    let values = [buckets.since, buckets.until - 1, seconds, part - 1, buckets.period.seconds()];
    Condition::all().add(Column::Period.eq(buckets.period.as_str())).add(Expr::cust_with_values(starts, values))
}

/// Questions of the same columns as one; none, where there is none.
fn union(questions: impl IntoIterator<Item = SelectStatement>) -> Option<SelectStatement> {
    questions.into_iter().reduce(|mut one, other| one.union(UnionType::All, other).to_owned())
}

/// A route that a key called.
#[derive(FromQueryResult)]
struct Called {
    api_key_id: Uuid,
    route: String,
}

/// The sum of a step.
#[derive(FromQueryResult)]
struct OfStep {
    period: String,
    step: i64,
    requests: i64,
    refused: i64,
}

/// A bucket.
#[derive(FromQueryResult)]
struct Start {
    start: i64,
}

/// The order in which roll-ups are read in parts: that of their key, where they are one owner's.
const IN_ORDER: [rollup::Column; 5] = [
    rollup::Column::Start,
    rollup::Column::Route,
    rollup::Column::Status,
    rollup::Column::Refused,
    rollup::Column::OwnerId,
];

/// Which roll-ups come behind this one, in that order.
fn behind(key: &RollupKey) -> SimpleExpr {
    let owner = key.owner_id.map_or(ALL, OwnerId::as_uuid);
    let place: [SimpleExpr; IN_ORDER.len()] =
        [key.start.into(), key.route.as_str().into(), i64::from(key.status).into(), key.refused.into(), owner.into()];
    Expr::tuple(IN_ORDER.map(Expr::col)).gt(Expr::tuple(place))
}

/// The columns that are added up.
const COUNTED: [rollup::Column; 15] = [
    rollup::Column::Requests,
    rollup::Column::BytesIn,
    rollup::Column::BytesOut,
    rollup::Column::Latency0,
    rollup::Column::Latency1,
    rollup::Column::Latency2,
    rollup::Column::Latency3,
    rollup::Column::Latency4,
    rollup::Column::Latency5,
    rollup::Column::Latency6,
    rollup::Column::Latency7,
    rollup::Column::Latency8,
    rollup::Column::Latency9,
    rollup::Column::Latency10,
    rollup::Column::Latency11,
];

/// Sums of them, with what they are about.
struct OfRoute {
    route: String,
    status: i64,
    refused: bool,
    /// In the order of [`COUNTED`].
    counted: [i64; COUNTED.len()],
}

impl FromQueryResult for OfRoute {
    fn from_query_result(row: &QueryResult, prefix: &str) -> Result<Self, DbErr> {
        let mut counted = [0; COUNTED.len()];
        for (value, column) in counted.iter_mut().zip(COUNTED) {
            *value = row.try_get(prefix, column.as_str())?;
        }
        Ok(Self {
            route: row.try_get(prefix, "route")?,
            status: row.try_get(prefix, "status")?,
            refused: row.try_get(prefix, "refused")?,
            counted,
        })
    }
}

impl OfRoute {
    fn sum(self) -> Result<RouteSum, StoreError> {
        let [requests, received, sent, latency @ ..] = self.counted.map(count);
        Ok(RouteSum {
            route: self.route,
            status: u16::try_from(self.status).map_err(|_| Corrupt { what: "status" })?,
            refused: self.refused,
            counts: RollupCounts { requests, volume: Volume { received, sent }, latency },
        })
    }
}

/// What came from an address.
#[derive(FromQueryResult)]
struct FromAddress {
    address: String,
    requests: i64,
    refused: i64,
}

/// An address that is not among the busiest.
#[derive(FromQueryResult)]
struct Beyond {
    owner_id: Uuid,
    credential_id: Uuid,
    address: String,
}

/// A sum as a number of the size of what was added up: PostgreSQL would widen it.
fn sum(column: impl ColumnTrait) -> SimpleExpr {
    column.sum().cast_as(Alias::new("bigint"))
}

impl SeaStore {
    /// What these questions find, asked as one.
    async fn all_of<T: FromQueryResult>(
        &self,
        questions: impl IntoIterator<Item = SelectStatement>,
    ) -> Result<Vec<T>, StoreError> {
        let Some(question) = union(questions) else { return Ok(Vec::new()) };
        let statement = self.reader.get_database_backend().build(&question);
        T::find_by_statement(statement).all(&self.reader).await.map_err(store_error)
    }
}

#[async_trait]
impl RollupReader for SeaStore {
    async fn rollups(
        &self,
        of: CountsOf,
        period: Period,
        since: i64,
    ) -> Result<Vec<(RollupKey, RollupCounts)>, StoreError> {
        let queries = Whose::each(of).into_iter().map(|whose| {
            rollup::Entity::find()
                .filter(whose.are(rollup::Column::OwnerId, rollup::Column::ApiKeyId))
                .filter(rollup::Column::Period.eq(period.as_str()))
                .filter(rollup::Column::Start.gte(since))
                .into_query()
        });
        self.all_of::<rollup::Model>(queries).await?.into_iter().map(|row| from_row(row, period)).collect()
    }

    async fn rollups_page(
        &self,
        of: CountsOf,
        period: Period,
        since: i64,
        after: Option<&RollupKey>,
        limit: u64,
    ) -> Result<Vec<(RollupKey, RollupCounts)>, StoreError> {
        let behind = after.map(behind);
        let queries = Whose::each(of).into_iter().map(|whose| {
            rollup::Entity::find()
                .filter(whose.are(rollup::Column::OwnerId, rollup::Column::ApiKeyId))
                .filter(rollup::Column::Period.eq(period.as_str()))
                .filter(rollup::Column::Start.gte(since))
                .filter(Condition::all().add_option(behind.clone()))
                .into_query()
        });
        let Some(mut page) = union(queries) else { return Ok(Vec::new()) };
        for column in IN_ORDER {
            // By its name in what is found: that may come from several questions.
            page.order_by(Alias::new(column.as_str()), Order::Asc);
        }
        page.limit(limit);
        self.all_of::<rollup::Model>([page]).await?.into_iter().map(|row| from_row(row, period)).collect()
    }

    async fn bucket_sums(&self, of: CountsOf, steps: &[Steps]) -> Result<Vec<BucketSum>, StoreError> {
        use bucket_rollup::Column;
        // Not a column's name: PostgreSQL would group by that.
        const STEP: &str = "step";
        let backend = self.reader.get_database_backend();
        let queries = parts(of, steps).map(|(whose, steps)| {
            let start = || Expr::col(Column::Start);
            bucket_rollup::Entity::find()
                .select_only()
                .column(Column::Period)
                .expr_as(start().sub(start().sub(steps.buckets.since).modulo(steps.seconds)), STEP)
                .column_as(sum(Column::Requests), "requests")
                .column_as(sum(Column::Refused), "refused")
                .filter(whose.are(Column::OwnerId, Column::CredentialId))
                .filter(counted(steps, backend))
                .group_by(Column::Period)
                .group_by(Expr::col(Alias::new(STEP)))
                .into_query()
        });
        let rows: Vec<OfStep> = self.all_of(queries).await?;
        let of_step = |row: OfStep| {
            let named = |period: &Period| period.as_str() == row.period;
            let period = Period::ALL.into_iter().find(named).ok_or(Corrupt { what: "period" })?;
            Ok(BucketSum { period, start: row.step, requests: count(row.requests), refused: count(row.refused) })
        };
        rows.into_iter().map(of_step).collect()
    }

    async fn hours_since(&self, counted: Counted) -> Result<Option<i64>, StoreError> {
        let (table, _) = super::table(counted);
        let day = Period::Day.seconds();
        // The last day that is over before the first hour that is there.
        let sql = format!(
            "SELECT start FROM {table} WHERE period = 'day' AND start <= \
             coalesce((SELECT start FROM {table} WHERE period = 'hour' ORDER BY start LIMIT 1), {}) - {day} \
             ORDER BY start DESC LIMIT 1",
            i64::MAX
        );
        let statement = Statement::from_string(self.reader.get_database_backend(), sql);
        let last = Start::find_by_statement(statement).one(&self.reader).await.map_err(store_error)?;
        Ok(last.map(|last| last.start + day))
    }

    /// Whole rows, to be added up here, would take ten times as long: there may be tens of thousands, of two dozen columns each.
    async fn route_sums(&self, of: CountsOf, buckets: &[Buckets]) -> Result<Vec<RouteSum>, StoreError> {
        use rollup::Column;
        let queries = parts(of, buckets).map(|(whose, buckets)| {
            let mut query = rollup::Entity::find()
                .select_only()
                .columns([Column::Route, Column::Status, Column::Refused])
                .filter(whose.are(Column::OwnerId, Column::ApiKeyId))
                .filter(within(buckets, Column::Period, Column::Start))
                .group_by(Column::Route)
                .group_by(Column::Status)
                .group_by(Column::Refused);
            for column in COUNTED {
                query = query.column_as(sum(column), column.as_str());
            }
            query.into_query()
        });
        self.all_of::<OfRoute>(queries).await?.into_iter().map(OfRoute::sum).collect()
    }

    async fn addresses(
        &self,
        of: CountsOf,
        buckets: &[Buckets],
        limit: u64,
    ) -> Result<Vec<(Option<IpAddr>, AddressCounts)>, StoreError> {
        use address_rollup::Column;
        let counted = parts(of, buckets).map(|(whose, buckets)| {
            address_rollup::Entity::find()
                .select_only()
                .columns([Column::Address, Column::Requests, Column::Refused])
                .filter(whose.are(Column::OwnerId, Column::CredentialId))
                .filter(within(buckets, Column::Period, Column::Start))
                .into_query()
        });
        let Some(counted) = union(counted) else { return Ok(Vec::new()) };
        let busiest = Query::select()
            .column(Column::Address)
            .expr_as(sum(Column::Requests), Column::Requests)
            .expr_as(sum(Column::Refused), Column::Refused)
            .from_subquery(counted, address_rollup::Entity)
            .group_by_col(Column::Address)
            .order_by(Alias::new("requests"), Order::Desc)
            .order_by(Column::Address, Order::Asc)
            .limit(limit)
            .to_owned();
        let rows: Vec<FromAddress> = self.all_of([busiest]).await?;
        rows.into_iter()
            .map(|row| {
                let counts = AddressCounts { requests: count(row.requests), refused: count(row.refused) };
                let address = if row.address.is_empty() { None } else { Some(word(&row.address, "address")?) };
                Ok((address, counts))
            })
            .collect()
    }

    async fn addresses_beyond(&self, period: Period, start: i64, busiest: u64) -> Result<Vec<AddressKey>, StoreError> {
        let backend = self.reader.get_database_backend();
        let sql = "SELECT owner_id, credential_id, address FROM (SELECT owner_id, credential_id, address, row_number() OVER \
                   (PARTITION BY owner_id, credential_id ORDER BY requests DESC, address) AS place FROM address_rollup \
                   WHERE period = $1 AND start = $2 AND address <> '') AS ranked WHERE place > $3";
        let values = [period.as_str().into(), start.into(), number(busiest).into()];
        let statement = Statement::from_sql_and_values(backend, sql, values);
        let rows = Beyond::find_by_statement(statement).all(&self.reader).await.map_err(store_error)?;
        rows.into_iter()
            .map(|row| {
                Ok(AddressKey {
                    period,
                    start,
                    owner_id: (row.owner_id != ALL).then(|| OwnerId::from_uuid(row.owner_id)),
                    credential: (row.credential_id != ALL).then_some(row.credential_id),
                    address: Some(word(&row.address, "address")?),
                })
            })
            .collect()
    }

    async fn routes_called(
        &self,
        owner: OwnerId,
        keys: &[ApiKeyId],
        since: i64,
    ) -> Result<Vec<(ApiKeyId, String)>, StoreError> {
        use rollup::Column;
        let rows = rollup::Entity::find()
            .select_only()
            .column(Column::ApiKeyId)
            .column(Column::Route)
            .distinct()
            .filter(Column::OwnerId.eq(owner.as_uuid()))
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
}

fn from_row(row: rollup::Model, period: Period) -> Result<(RollupKey, RollupCounts), StoreError> {
    let counts = RollupCounts {
        requests: count(row.requests),
        volume: Volume { received: count(row.bytes_in), sent: count(row.bytes_out) },
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
        owner_id: (row.owner_id != ALL).then(|| OwnerId::from_uuid(row.owner_id)),
        credential: (row.api_key_id != ALL).then_some(row.api_key_id),
        route: row.route,
        status: u16::try_from(row.status).map_err(|_| Corrupt { what: "status" })?,
        refused: row.refused,
    };
    Ok((key, counts))
}
