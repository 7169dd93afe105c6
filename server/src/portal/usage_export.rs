//! The counts of a usage page as a file.

use super::file::{Format, file, nothing_here, sign_in_first, unavailable};
use crate::state::AppState;
use app::route;
use axum::{
    Extension,
    extract::{Path, Query, State},
    response::Response,
};
use futures_util::stream;
use latchkey_core::{
    Actor,
    port::rollup::{LATENCY_BOUNDS_US, RollupCounts, RollupKey},
    usage::report::{Range, UsageError, UsageOf},
};
use latchkey_model::{ApiKeyId, ApplicationId, Environment, OauthClientId};
use serde::{Deserialize, Serialize};
use std::convert::Infallible;
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

/// Of an environment, or of a credential in it.
pub const ENVIRONMENT: &str = "/apps/{app}/{environment}/usage/export";
/// Of an application.
pub const APPLICATION: &str = "/apps/{app}/usage/export";
/// Of everybody, for admins.
pub const PORTAL: &str = "/admin/usage/export";

/// How many rows leave at once.
const AT_ONCE: usize = 1_000;

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

impl From<&(RollupKey, RollupCounts)> for Row {
    fn from((key, counts): &(RollupKey, RollupCounts)) -> Self {
        const { assert!(LATENCY_BOUNDS_US[0] == 250 && LATENCY_BOUNDS_US[10] == 1_000_000, "the names say the bounds") };
        let start = OffsetDateTime::from_unix_timestamp(key.start).unwrap_or(OffsetDateTime::UNIX_EPOCH);
        let within = counts.latency;
        Self {
            start: start.format(&Rfc3339).unwrap_or_default(),
            seconds: key.period.seconds(),
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

/// Of an environment, or of a credential in it.
pub async fn environment(
    state: State<AppState>,
    actor: Extension<Actor>,
    Path((application, environment)): Path<(ApplicationId, Environment)>,
    Query(asked): Query<Asked>,
) -> Response {
    let of = match (asked.key, asked.client) {
        (None, None) => UsageOf::Environment(application, environment),
        (Some(key), None) => UsageOf::Key(key),
        (None, Some(client)) => UsageOf::Client(client),
        (Some(_), Some(_)) => return nothing_here(),
    };
    answer(&state, &actor, of, &asked, &route::usage(application, environment)).await
}

/// Of an application.
pub async fn application(
    state: State<AppState>,
    actor: Extension<Actor>,
    Path(application): Path<ApplicationId>,
    Query(asked): Query<Asked>,
) -> Response {
    let page = route::application_usage(application);
    answer(&state, &actor, UsageOf::Application(application), &asked, &page).await
}

/// Of everybody.
pub async fn portal(state: State<AppState>, actor: Extension<Actor>, Query(asked): Query<Asked>) -> Response {
    answer(&state, &actor, UsageOf::Portal, &asked, route::ADMIN_USAGE).await
}

async fn answer(state: &AppState, actor: &Actor, of: UsageOf, asked: &Asked, page: &str) -> Response {
    let range = asked.range.as_deref().and_then(|range| range.parse().ok()).unwrap_or(Range::Day);
    let format = asked.format.as_deref().map(Format::of_word).unwrap_or_default();
    let counts = match state.services.usage.rollups(actor, of, range).await {
        Ok(counts) => counts,
        Err(UsageError::NotSignedIn(_)) => return sign_in_first(page),
        Err(UsageError::NotFound) => return nothing_here(),
        Err(error @ UsageError::Store(_)) => return unavailable(&error, "the usage"),
    };
    let blocks = stream::unfold((counts, 0), move |(counts, from)| async move {
        let block = counts.get(from..).map(|left| &left[..left.len().min(AT_ONCE)])?;
        if block.is_empty() {
            return None;
        }
        let rows: Vec<_> = block.iter().map(Row::from).collect();
        let (text, next) = (format.write(&rows, from == 0), from + rows.len());
        Some((Ok::<_, Infallible>(text), (counts, next)))
    });
    file("latchkey-usage", format, blocks)
}
