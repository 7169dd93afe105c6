//! The requests of a log as a file, by the filter of its page.

use super::file::{Format, file, foreign, nothing_here, sign_in_first, unavailable};
use crate::state::AppState;
use app::{
    feature::request_log::{Log, LogFilter},
    ssr::{respond::find_cookie, zone, zone::Zone},
};
use axum::{
    Extension,
    extract::{Path, Query, State},
    response::Response,
};
use futures_util::stream;
use http::HeaderMap;
use latchkey_core::{
    Actor, Services,
    port::request_log::{RequestFilter, RequestRow},
    usage::log::{LogError, LogOf},
};
use latchkey_model::{ApplicationId, Environment};
use serde::Serialize;
use std::sync::Arc;
use time::format_description::well_known::Rfc3339;

/// Of an environment.
pub const ENVIRONMENT: &str = "/apps/{app}/{environment}/logs/export";
/// Of all environments of an application.
pub const APPLICATION: &str = "/apps/{app}/logs/export";
/// Of everybody, for admins.
pub const PORTAL: &str = "/admin/logs/export";
/// Of what is refused of that.
pub const FAILURES: &str = "/admin/failures/export";

/// How many requests are read at once.
const AT_ONCE: u64 = 1_000;

/// One request. What somebody else wrote cannot be taken for a formula.
#[derive(Serialize)]
struct Row {
    time: String,
    request_id: String,
    status: u16,
    reason: Option<String>,
    reported: Option<String>,
    method: String,
    path: String,
    route: String,
    address: String,
    credential_name: Option<String>,
    credential_hint: Option<String>,
    application_id: Option<String>,
    environment: Option<&'static str>,
    duration_us: u64,
    bytes_received: u64,
    bytes_sent: u64,
    stands_for: u64,
    user_agent: String,
}

impl From<RequestRow> for Row {
    fn from(row: RequestRow) -> Self {
        let owner = row.attribution.as_ref().and_then(|owner| owner.owner.application());
        Self {
            time: row.at.format(&Rfc3339).unwrap_or_default(),
            request_id: row.id.to_string(),
            status: row.status,
            reason: row.reason,
            reported: row.reported,
            method: row.method,
            path: foreign(&row.path),
            route: foreign(&row.route),
            address: row.address.to_string(),
            credential_name: row.attribution.as_ref().map(|owner| foreign(&owner.name)),
            credential_hint: row.attribution.map(|owner| owner.hint),
            application_id: owner.map(|(application, _)| application.to_string()),
            environment: owner.map(|(_, environment)| environment.as_str()),
            duration_us: row.duration_us,
            bytes_received: row.volume.received,
            bytes_sent: row.volume.sent,
            stands_for: row.stands_for,
            user_agent: foreign(&row.user_agent),
        }
    }
}

/// The filter of a log's page, from the query and the cookies of a request for what belongs to it.
pub(super) fn filter_of(query: &[(String, String)], headers: &HeaderMap) -> LogFilter {
    let zone = find_cookie(headers, zone::COOKIE).unwrap_or_default();
    LogFilter::from_pairs(query, Zone::named(zone))
}

/// The log of an application, unless it is a stranger's. Who nobody is, whoever answers finds out.
pub(super) async fn of_application(
    state: &AppState,
    actor: &Actor,
    application: ApplicationId,
) -> Result<Log, Response> {
    if actor.account().is_ok() && state.services.applications.get(actor, application).await.is_err() {
        return Err(nothing_here());
    }
    Ok(Log::of_application(application))
}

/// The log of one of its environments, likewise.
pub(super) async fn of_environment(
    state: &AppState,
    actor: &Actor,
    (application, environment): (ApplicationId, Environment),
) -> Result<Log, Response> {
    of_application(state, actor, application).await?;
    Ok(Log::of_environment(application, environment))
}

/// Says why a log is not told.
pub(super) fn refused(error: &LogError, log: &Log) -> Response {
    match error {
        LogError::NotSignedIn(_) => sign_in_first(&log.path),
        LogError::Forbidden | LogError::NotFound => nothing_here(),
        LogError::Store(_) => unavailable(error, "a log"),
    }
}

/// Of an environment.
pub async fn environment(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    Path(path): Path<(ApplicationId, Environment)>,
    Query(query): Query<Vec<(String, String)>>,
    headers: HeaderMap,
) -> Response {
    match of_environment(&state, &actor, path).await {
        Ok(log) => answer(&state, actor, &log, &query, &headers).await,
        Err(refused) => refused,
    }
}

/// Of all environments of an application.
pub async fn application(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    Path(application): Path<ApplicationId>,
    Query(query): Query<Vec<(String, String)>>,
    headers: HeaderMap,
) -> Response {
    match of_application(&state, &actor, application).await {
        Ok(log) => answer(&state, actor, &log, &query, &headers).await,
        Err(refused) => refused,
    }
}

/// Of everybody.
pub async fn portal(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    Query(query): Query<Vec<(String, String)>>,
    headers: HeaderMap,
) -> Response {
    answer(&state, actor, &Log::of_portal(), &query, &headers).await
}

/// Of what is refused of that.
pub async fn failures(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    Query(query): Query<Vec<(String, String)>>,
    headers: HeaderMap,
) -> Response {
    answer(&state, actor, &Log::of_failures(), &query, &headers).await
}

/// What was read, and where to go on.
struct Reading {
    services: Arc<Services>,
    actor: Actor,
    of: LogOf,
    filter: RequestFilter,
    ready: Option<Vec<Row>>,
    more: bool,
    first: bool,
}

impl Reading {
    async fn read(&mut self) -> Result<(), LogError> {
        let found = self.services.log.many_requests(&self.actor, self.of, &self.filter, AT_ONCE).await?;
        self.filter.before = found.older.or(self.filter.before);
        self.more = found.older.is_some();
        self.ready = Some(found.rows.into_iter().map(Row::from).collect());
        Ok(())
    }
}

async fn answer(
    state: &AppState,
    actor: Actor,
    log: &Log,
    query: &[(String, String)],
    headers: &HeaderMap,
) -> Response {
    let format = query.iter().find(|(name, _)| name == "format").map(|(_, word)| Format::of_word(word));
    let format = format.unwrap_or_default();
    let filter = log.wanted(&filter_of(query, headers));
    let services = Arc::clone(&state.services);
    let mut reading = Reading { services, actor, of: log.of, filter, ready: None, more: true, first: true };
    // The first is read before the answer begins: what is wrong has a status.
    if let Err(error) = reading.read().await {
        return refused(&error, log);
    }
    let blocks = stream::unfold(reading, move |mut reading| async move {
        if reading.ready.is_none() {
            if !reading.more {
                return None;
            }
            if let Err(error) = reading.read().await {
                reading.more = false;
                return Some((Err(error), reading));
            }
        }
        let rows = reading.ready.take().unwrap_or_default();
        let text = format.write(&rows, reading.first);
        reading.first &= rows.is_empty();
        Some((Ok(text), reading))
    });
    file("latchkey-requests", format, blocks)
}
