//! Questions to the request log about single requests.

use super::{
    groups,
    pace::{self, Pace},
};
use crate::{
    SeaStore,
    convert::{count, first_id, micros, time, word},
    entity::{environment, request_log},
    error::{Corrupt, store_error},
    like::contains,
    team::teams_of,
};
use ::time::OffsetDateTime;
use async_trait::async_trait;
use latchkey_core::{
    authn::KnownBy,
    oauth_client::ClientId,
    port::{
        RequestLogReader, StoreError,
        request_log::{
            AttributedTo, Attribution, CredentialId, Found, GroupBy, LogScope, RequestFilter, RequestGroup, RequestRow,
        },
        rollup::Volume,
    },
};
use latchkey_model::{AccountId, ApiKeyId, ApplicationId, EnvironmentId, OauthClientId, RequestId, TeamId};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, FromQueryResult, PaginatorTrait, QueryFilter, QueryOrder,
    QuerySelect, QueryTrait,
    prelude::Uuid,
    sea_query::{Expr, ExprTrait, Order, Query, SelectStatement, SimpleExpr},
};
use std::time::Duration;

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
        volume: Volume { received: count(row.bytes_in), sent: count(row.bytes_out) },
        stands_for: count(row.stands_for),
        from_many: row.network.is_none() && row.stands_for > 1,
        last_at: row.last_at.map(time).transpose()?,
        attribution,
        trace: serde_json::from_str(&row.trace).map_err(|_| Corrupt { what: "trace" })?,
        remedy: row.remedy,
    })
}

/// Requests of the account's teams, and those with the account's own tokens.
fn visible_to(account: AccountId) -> Condition {
    Condition::any()
        .add(request_log::Column::TeamId.in_subquery(teams_of(account)))
        .add(request_log::Column::AccountId.eq(account.as_uuid()))
}

fn visible(scope: LogScope) -> Condition {
    match scope {
        LogScope::Portal => Condition::all(),
        LogScope::Account(account) => Condition::all().add(visible_to(account)),
    }
}

/// The condition for which there is an index that also sorts: whose requests they are.
fn whose(scope: LogScope, filter: &RequestFilter) -> Condition {
    use request_log::Column;
    // Refusals are few, and have indexes of their own; so have those that would have been some.
    let is_refused = (filter.refused == Some(true) || filter.reason.is_some()).then(|| Column::Reason.is_not_null());
    let is_reported = filter.reported.then(|| Column::Reported.is_not_null());
    match (filter.credential, filter.application, filter.environment, scope) {
        (Some(credential), ..) => Condition::all().add(Column::ApiKeyId.eq(credential)),
        (None, Some(application), Some(environment), _) => {
            let id = Query::select()
                .column(environment::Column::Id)
                .from(environment::Entity)
                .and_where(environment::Column::ApplicationId.eq(application.as_uuid()))
                .and_where(environment::Column::Kind.eq(environment.as_str()))
                .to_owned();
            let is_its = Expr::col(Column::EnvironmentId).eq(SimpleExpr::SubQuery(None, Box::new(id.into())));
            Condition::all().add(is_its).add_option(is_refused).add_option(is_reported)
        }
        (None, Some(application), ..) => Condition::all().add(Column::ApplicationId.eq(application.as_uuid())),
        (.., LogScope::Portal) => Condition::all().add_option(is_refused).add_option(is_reported),
        _ => visible(scope),
    }
}

/// Parts of the filter for which there is such an index, too: whoever's requests they are.
fn parts(filter: &RequestFilter) -> impl Iterator<Item = Condition> {
    use request_log::Column;
    // The index holds errors alone, and is found by this very text.
    let error =
        |status: u16| Condition::all().add(Column::Status.eq(i64::from(status))).add(Expr::cust("status >= 400"));
    [
        filter.reason.as_ref().map(|reason| Condition::all().add(Column::Reason.eq(reason))),
        filter.reported.then(|| Condition::all().add(Column::Reported.is_not_null())),
        filter.status.filter(|status| *status >= 400).map(error),
        filter.address.map(|address| Condition::all().add(Column::Address.eq(address.to_string()))),
        filter.network.as_ref().map(|network| Condition::all().add(Column::Network.eq(network))),
        filter.route.as_ref().map(|route| Condition::all().add(Column::Route.eq(route))),
    ]
    .into_iter()
    .flatten()
}

/// Between which ids the filter looks.
fn bounds(filter: &RequestFilter) -> Condition {
    use request_log::Column;
    let until = filter.until.map(first_id);
    let before = filter.before.map(RequestId::as_uuid);
    let end = match (until, before) {
        (Some(until), Some(before)) => Some(Ord::min(until, before)),
        (one, other) => one.or(other),
    };
    Condition::all()
        .add_option(end.map(|end| Column::Id.lt(end)))
        .add_option(filter.since.map(|since| Column::Id.gte(first_id(since))))
}

fn passing(filter: &RequestFilter) -> Condition {
    use request_log::Column;
    let in_any = |text: &String| {
        [Column::Path, Column::UserAgent, Column::KeyName, Column::KeyHint]
            .into_iter()
            .fold(Condition::any(), |any, column| any.add(contains(column, text)))
    };
    Condition::all()
        .add_option(filter.application.map(|application| Column::ApplicationId.eq(application.as_uuid())))
        .add_option(filter.environment.map(|environment| Column::Environment.eq(environment.as_str())))
        .add_option(filter.credential.map(|credential| Column::ApiKeyId.eq(credential)))
        .add_option(filter.refused.map(
            |refused| {
                if refused { Column::Reason.is_not_null() } else { Column::Reason.is_null() }
            },
        ))
        .add_option(filter.reported.then(|| Column::Reported.is_not_null()))
        .add_option(filter.reason.as_ref().map(|reason| Column::Reason.eq(reason)))
        .add_option(filter.method.as_ref().map(|method| Column::Method.eq(method)))
        .add_option(filter.route.as_ref().map(|route| Column::Route.eq(route)))
        .add_option(filter.status.map(|status| Column::Status.eq(i64::from(status))))
        .add_option(filter.address.map(|address| Column::Address.eq(address.to_string())))
        .add_option(filter.network.as_ref().map(|network| Column::Network.eq(network)))
        .add_option(filter.text.as_ref().map(in_any))
        .add_option(filter.since.map(|since| Column::At.gte(micros(since))))
        .add_option(filter.until.map(|until| Column::At.lt(micros(until))))
}

/// How many may have a part of a filter in common, so that they are looked at rather than those of the scope.
const FEW: u64 = 10_000;
/// How many are put together: each is read, and told apart from all others.
const GROUPED: u64 = 10_000;
/// For how long questions are asked before an answer is given.
const PATIENCE: Duration = Duration::from_millis(100);

/// The id of a request alone.
#[derive(FromQueryResult)]
struct Id {
    id: Uuid,
}

/// Which requests are looked at: they have something in common by which an index finds and sorts them.
struct Look {
    by: Condition,
    window: u64,
}

impl SeaStore {
    /// The requests that are looked at and lie within the filter's bounds, down to the last of the window, under the name of the
    /// table: what is asked of them touches no others, however few of them pass. SQLite is held to their index by the limit, and
    /// PostgreSQL, which might rather sort everything that it takes for little, has little to sort.
    fn window(look: &Look, filter: &RequestFilter, last: Option<RequestId>) -> SelectStatement {
        request_log::Entity::find()
            .filter(look.by.clone())
            .filter(bounds(filter))
            .filter(Condition::all().add_option(last.map(|last| request_log::Column::Id.gte(last.as_uuid()))))
            .order_by_desc(request_log::Column::Id)
            .limit(look.window)
            .into_query()
    }

    /// Those of the window that pass, the newest first. Whether one passes is seen without reading all of it.
    async fn passing_in(
        &self,
        scope: LogScope,
        look: &Look,
        filter: &RequestFilter,
        last: Option<RequestId>,
        limit: u64,
    ) -> Result<Vec<RequestRow>, StoreError> {
        let select = Query::select()
            .column(request_log::Column::Id)
            .from_subquery(Self::window(look, filter, last), request_log::Entity)
            .cond_where(visible(scope))
            .cond_where(passing(filter))
            .order_by(request_log::Column::Id, Order::Desc)
            .limit(limit)
            .to_owned();
        let statement = self.reader.get_database_backend().build(&select);
        let ids = Id::find_by_statement(statement).all(&self.reader).await.map_err(store_error)?;
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let rows = request_log::Entity::find()
            .filter(request_log::Column::Id.is_in(ids.into_iter().map(|row| row.id)))
            .order_by_desc(request_log::Column::Id)
            .all(&self.reader)
            .await
            .map_err(store_error)?;
        rows.into_iter().map(from_row).collect()
    }

    /// The last request of the window that is read while people wait, if there may be others below it: reading them again, to put them
    /// together, waits for no disk.
    async fn read_ahead(&self, look: &Look, filter: &RequestFilter) -> Result<Option<RequestId>, StoreError> {
        let (mut pace, mut filter) = (Pace::new(PATIENCE / 2), filter.clone());
        let mut part = Look { by: look.by.clone(), window: 0 };
        loop {
            part.window = pace.next();
            let last = self.last_in(&part, &filter).await?;
            // A column that no index holds.
            let all = Query::select()
                .expr(Expr::col(request_log::Column::StandsFor).sum())
                .from_subquery(Self::window(&part, &filter, last), request_log::Entity)
                .to_owned();
            self.reader.query_one_raw(self.reader.get_database_backend().build(&all)).await.map_err(store_error)?;
            if last.is_none() || pace.note(part.window) >= look.window || pace.is_over() {
                return Ok(last);
            }
            filter.before = last;
        }
    }

    /// The last request of the window, if it is full: there may be others below it.
    async fn last_in(&self, look: &Look, filter: &RequestFilter) -> Result<Option<RequestId>, StoreError> {
        let last = request_log::Entity::find()
            .select_only()
            .column(request_log::Column::Id)
            .filter(look.by.clone())
            .filter(bounds(filter))
            .order_by_desc(request_log::Column::Id)
            .offset(look.window - 1)
            .limit(1)
            .into_tuple::<Uuid>()
            .one(&self.reader)
            .await
            .map_err(store_error)?;
        Ok(last.map(RequestId::from_uuid))
    }

    /// The newest requests that pass, as many as are looked at while people wait, under the name of the table: what is asked of them is
    /// still to be said. With them, the end of what was looked at, if there may be others below it.
    pub(crate) async fn newest(
        &self,
        scope: LogScope,
        filter: &RequestFilter,
    ) -> Result<(SelectStatement, Option<(RequestId, OffsetDateTime)>), StoreError> {
        let look = Look { by: whose(scope, filter), window: GROUPED };
        let last = self.read_ahead(&look, filter).await?;
        let select = Query::select()
            .from_subquery(Self::window(&look, filter, last), request_log::Entity)
            .cond_where(visible(scope))
            .cond_where(passing(filter))
            .to_owned();
        Ok((select, self.known_end(scope, last).await?))
    }

    /// The end of a window and its time, as far as the reader may know of it: of a stranger's credential, nobody learns how far its
    /// requests go.
    async fn known_end(
        &self,
        scope: LogScope,
        last: Option<RequestId>,
    ) -> Result<Option<(RequestId, OffsetDateTime)>, StoreError> {
        let Some(id) = last else { return Ok(None) };
        Ok(self.request(scope, id).await?.map(|row| (id, row.at)))
    }

    /// A part of the filter that few have: they are looked at rather than all of the scope.
    async fn rare_part(&self, filter: &RequestFilter) -> Result<Option<Condition>, StoreError> {
        for by in parts(filter) {
            let look = Look { by, window: FEW };
            if self.last_in(&look, filter).await?.is_none() {
                return Ok(Some(look.by));
            }
        }
        Ok(None)
    }
}

#[async_trait]
impl RequestLogReader for SeaStore {
    async fn requests(
        &self,
        scope: LogScope,
        filter: &RequestFilter,
        limit: u64,
    ) -> Result<Found<RequestRow>, StoreError> {
        let (mut pace, mut filter) = (Pace::new(PATIENCE), filter.clone());
        let mut rows = Vec::new();
        // Fewer than are wanted would never be enough.
        let mut look = Look { by: whose(scope, &filter), window: limit.clamp(pace::MOST, FEW) };
        let mut is_first = true;
        loop {
            let last = self.last_in(&look, &filter).await?;
            rows.extend(self.passing_in(scope, &look, &filter, last, limit - rows.len() as u64).await?);
            let searched_to = match rows.len() as u64 {
                many if many >= limit => None,
                _ => self.known_end(scope, last).await?,
            };
            pace.note(look.window);
            match searched_to {
                Some((last, _)) if !pace.is_over() => filter.before = Some(last),
                _ => return Ok(Found { found: rows, searched_to }),
            }
            // What is common was found by now.
            if std::mem::take(&mut is_first)
                && let Some(rare) = self.rare_part(&filter).await?
            {
                look.by = rare;
            }
            look.window = pace.next();
        }
    }

    async fn requests_after(
        &self,
        scope: LogScope,
        filter: &RequestFilter,
        after: RequestId,
        limit: u64,
    ) -> Result<Vec<(RequestId, u64)>, StoreError> {
        const LATE_MS: u128 = 60_000;
        let from = Uuid::from_u128(after.as_uuid().as_u128().saturating_sub(LATE_MS << 80));
        let query = request_log::Entity::find()
            .select_only()
            .columns([request_log::Column::Id, request_log::Column::StandsFor])
            .filter(whose(scope, filter))
            .filter(visible(scope))
            .filter(passing(filter))
            .filter(request_log::Column::Id.gt(from))
            .order_by_desc(request_log::Column::Id)
            .limit(limit);
        let rows = query.into_tuple::<(Uuid, i64)>().all(&self.reader).await.map_err(store_error)?;
        Ok(rows.into_iter().rev().map(|(id, stands_for)| (RequestId::from_uuid(id), count(stands_for))).collect())
    }

    async fn requests_with_ids(&self, scope: LogScope, ids: &[RequestId]) -> Result<Vec<RequestRow>, StoreError> {
        let query = request_log::Entity::find()
            .filter(visible(scope))
            .filter(request_log::Column::Id.is_in(ids.iter().map(|id| id.as_uuid())))
            .order_by_asc(request_log::Column::Id);
        query.all(&self.reader).await.map_err(store_error)?.into_iter().map(from_row).collect()
    }

    async fn request_groups(
        &self,
        scope: LogScope,
        filter: &RequestFilter,
        by: GroupBy,
        limit: u64,
    ) -> Result<Found<RequestGroup>, StoreError> {
        let rare = self.rare_part(filter).await?;
        let look = Look { by: rare.unwrap_or_else(|| whose(scope, filter)), window: GROUPED };
        let last = self.read_ahead(&look, filter).await?;
        let select = groups::select(Self::window(&look, filter, last), by, limit)
            .cond_where(visible(scope))
            .cond_where(passing(filter))
            // What came from many places is no single one's.
            .cond_where(match by {
                GroupBy::Address | GroupBy::Network => Condition::all().add(request_log::Column::Network.is_not_null()),
                GroupBy::Failure | GroupBy::Route | GroupBy::Reason => Condition::all(),
            })
            .to_owned();
        let statement = self.reader.get_database_backend().build(&select);
        let rows = groups::Row::find_by_statement(statement).all(&self.reader).await.map_err(store_error)?;
        let found = rows.into_iter().map(|row| row.group(by)).collect::<Result<_, _>>()?;
        Ok(Found { found, searched_to: self.known_end(scope, last).await? })
    }

    async fn request(&self, scope: LogScope, id: RequestId) -> Result<Option<RequestRow>, StoreError> {
        let query = request_log::Entity::find().filter(visible(scope)).filter(request_log::Column::Id.eq(id.as_uuid()));
        query.one(&self.reader).await.map_err(store_error)?.map(from_row).transpose()
    }

    async fn request_log_size(&self) -> Result<(u64, u64), StoreError> {
        let rows = request_log::Entity::find().count(&self.reader).await.map_err(store_error)?;
        let some = request_log::Entity::find().order_by_desc(request_log::Column::Id).limit(1_000);
        let some = some.all(&self.reader).await.map_err(store_error)?;
        let bytes: usize = some.iter().map(texts).sum();
        Ok((rows, (bytes / some.len().max(1)) as u64 + BESIDE_TEXTS))
    }
}

/// About how many bytes a row takes beside its texts: numbers, ids, and its places in nine indexes.
const BESIDE_TEXTS: u64 = 550;

fn texts(row: &request_log::Model) -> usize {
    let optional = [&row.reason, &row.environment, &row.key_hint, &row.key_name, &row.remedy, &row.reported];
    let texts = [&row.method, &row.route, &row.path, &row.address, &row.user_agent, &row.trace];
    texts.into_iter().chain(optional.into_iter().flatten()).map(String::len).sum()
}
