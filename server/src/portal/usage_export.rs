//! The counts of a usage page as a file.

use super::file::{Format, Part, Reading, file_in_parts, nothing_here, sign_in_first, unavailable};
use crate::state::AppState;
use app::{route, ssr::zone::Zone};
use axum::{
    Extension,
    extract::{Path, Query, State},
    response::Response,
};
use http::HeaderMap;
use latchkey_core::{
    Actor, Services,
    port::rollup::{LATENCY_BOUNDS_US, RollupKey},
    usage::report::{Line, Range, UsageError, UsageOf},
};
use latchkey_model::{ApiKeyId, ApplicationId, Environment, OauthClientId};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

/// Of an environment, or of a credential in it.
pub const ENVIRONMENT: &str = "/apps/{app}/{environment}/usage/export";
/// Of an application.
pub const APPLICATION: &str = "/apps/{app}/usage/export";
/// Of everybody, for admins.
pub const PORTAL: &str = "/admin/usage/export";

/// How many counts are read at once.
const AT_ONCE: u64 = 1_000;

/// Which of it, and how.
#[derive(Debug, Deserialize)]
pub struct Asked {
    range: Option<String>,
    format: Option<String>,
    key: Option<ApiKeyId>,
    client: Option<OauthClientId>,
}

/// One count.
#[derive(Serialize)]
struct Row {
    start: String,
    seconds: i64,
    route: String,
    status: u16,
    refused: bool,
    requests: u64,
    bytes_received: u64,
    bytes_sent: u64,
    within_250_us: u64,
    within_500_us: u64,
    within_1_ms: u64,
    within_2500_us: u64,
    within_5_ms: u64,
    within_10_ms: u64,
    within_25_ms: u64,
    within_50_ms: u64,
    within_100_ms: u64,
    within_250_ms: u64,
    within_1_s: u64,
    longer: u64,
}

impl From<&Line> for Row {
    fn from(Line { key, seconds, counts }: &Line) -> Self {
        const { assert!(LATENCY_BOUNDS_US[0] == 250 && LATENCY_BOUNDS_US[10] == 1_000_000, "the names say the bounds") };
        let start = OffsetDateTime::from_unix_timestamp(key.start).unwrap_or(OffsetDateTime::UNIX_EPOCH);
        let within = counts.latency;
        Self {
            start: start.format(&Rfc3339).unwrap_or_default(),
            seconds: *seconds,
            route: key.route.clone(),
            status: key.status,
            refused: key.refused,
            requests: counts.requests,
            bytes_received: counts.volume.received,
            bytes_sent: counts.volume.sent,
            within_250_us: within[0],
            within_500_us: within[1],
            within_1_ms: within[2],
            within_2500_us: within[3],
            within_5_ms: within[4],
            within_10_ms: within[5],
            within_25_ms: within[6],
            within_50_ms: within[7],
            within_100_ms: within[8],
            within_250_ms: within[9],
            within_1_s: within[10],
            longer: within[11],
        }
    }
}

/// What is read, and where to go on.
struct UsageReading {
    services: Arc<Services>,
    actor: Actor,
    of: UsageOf,
    range: Range,
    /// Whose days they are.
    zone: Zone,
    last: Option<RollupKey>,
}

impl Reading for UsageReading {
    type Row = Row;
    type Error = UsageError;

    async fn read(&mut self) -> Result<Part<Row>, UsageError> {
        let (usage, asked) = (&self.services.usage, (self.range, self.zone.rules()));
        let found = usage.rollups(&self.actor, self.of, asked, self.last.as_ref(), AT_ONCE).await?;
        let (rows, more) = (found.iter().map(Row::from).collect(), found.len() as u64 >= AT_ONCE);
        self.last = found.into_iter().next_back().map(|line| line.key);
        Ok(Part { rows, more })
    }
}

/// Of an environment, or of a credential in it.
pub async fn environment(
    state: State<AppState>,
    actor: Extension<Actor>,
    Path((application, environment)): Path<(ApplicationId, Environment)>,
    headers: HeaderMap,
    Query(asked): Query<Asked>,
) -> Response {
    let of = match (asked.key, asked.client) {
        (None, None) => UsageOf::Environment(application, environment),
        (Some(key), None) => UsageOf::Key(key),
        (None, Some(client)) => UsageOf::Client(client),
        (Some(_), Some(_)) => return nothing_here(),
    };
    answer(&state, &actor, of, &asked, &headers, &route::usage(application, environment)).await
}

/// Of an application.
pub async fn application(
    state: State<AppState>,
    actor: Extension<Actor>,
    Path(application): Path<ApplicationId>,
    headers: HeaderMap,
    Query(asked): Query<Asked>,
) -> Response {
    let page = route::application_usage(application);
    answer(&state, &actor, UsageOf::Application(application), &asked, &headers, &page).await
}

/// Of everybody.
pub async fn portal(
    state: State<AppState>,
    actor: Extension<Actor>,
    headers: HeaderMap,
    Query(asked): Query<Asked>,
) -> Response {
    answer(&state, &actor, UsageOf::Portal, &asked, &headers, route::ADMIN_USAGE).await
}

async fn answer(
    state: &AppState,
    actor: &Actor,
    of: UsageOf,
    asked: &Asked,
    headers: &HeaderMap,
    page: &str,
) -> Response {
    let range = asked.range.as_deref().and_then(|range| range.parse().ok()).unwrap_or(Range::Day);
    let format = asked.format.as_deref().map(Format::of_word).unwrap_or_default();
    let (services, zone) = (Arc::clone(&state.services), Zone::of_headers(headers));
    let mut reading = UsageReading { services, actor: actor.clone(), of, range, zone, last: None };
    match reading.read().await {
        Ok(first) => file_in_parts("latchkey-usage", format, reading, first),
        Err(UsageError::NotSignedIn(_)) => sign_in_first(page),
        Err(UsageError::NotFound) => nothing_here(),
        Err(error @ UsageError::Store(_)) => unavailable(&error, "the usage"),
    }
}
