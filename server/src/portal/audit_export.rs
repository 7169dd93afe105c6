//! The audit log as a file, the newest event first, by the filter of its page: one object a line (JSON Lines), or as CSV.

use super::file::{Format, Part, Reading, file_in_parts, foreign, sign_in_first, unavailable};
use crate::state::AppState;
use app::{feature::audit::AuditQuery, route, ssr::zone::Zone};
use axum::{
    Extension,
    extract::{Path, Query, State},
    response::{IntoResponse, Response},
};
use http::{HeaderMap, StatusCode};
use latchkey_core::{
    Actor, Services,
    audit::{AuditError, AuditScope},
    port::audit::{AuditEvent, AuditFilter},
    secret::hex,
};
use latchkey_model::TeamId;
use serde::Serialize;
use std::sync::Arc;
use time::format_description::well_known::Rfc3339;

/// How many events are read at once.
const AT_ONCE: u64 = 1_000;

/// Where the log of one's own account is had.
pub const OWN: &str = "/account/activity/export";
/// Where that of a team is had.
pub const TEAM: &str = "/teams/{team}/audit/export";
/// Where everything is had, by admins.
pub const PORTAL: &str = "/admin/audit/export";

/// The parts of a query: those of the page's filter, a cursor, and the format.
type Parts = Query<Vec<(String, String)>>;

/// One event. In a table, what somebody else wrote cannot be taken for a formula, and changes are text.
#[derive(Serialize)]
struct Line {
    id: String,
    log: String,
    sequence: i64,
    at: String,
    account: Option<String>,
    account_name: Option<String>,
    from: Option<String>,
    action: &'static str,
    target: String,
    target_name: String,
    changes: serde_json::Value,
    reason: String,
    previous: String,
    digest: String,
}

impl Line {
    fn new(found: AuditEvent, format: Format) -> Self {
        let event = found.event;
        let text = |text: String| match format {
            Format::Csv => foreign(&text),
            Format::Json => text,
        };
        Self {
            id: event.id.to_string(),
            log: event.tenant.to_string(),
            sequence: found.sequence,
            at: event.at.format(&Rfc3339).unwrap_or_default(),
            account: event.account.map(|account| account.to_string()),
            account_name: found.account_name.map(text),
            from: event.from.map(|from| from.to_string()),
            action: event.action.as_str(),
            target: text(event.target),
            target_name: text(event.target_name),
            changes: match format {
                Format::Csv => event.changes.into(),
                Format::Json => serde_json::from_str(&event.changes).unwrap_or_default(),
            },
            reason: text(event.reason),
            previous: hex(&found.previous),
            digest: hex(&found.digest),
        }
    }
}

/// What is read, and where to go on.
struct AuditReading {
    services: Arc<Services>,
    actor: Actor,
    scope: AuditScope,
    filter: AuditFilter,
    format: Format,
}

impl Reading for AuditReading {
    type Row = Line;
    type Error = AuditError;

    async fn read(&mut self) -> Result<Part<Line>, AuditError> {
        let found = self.services.audit.page(&self.actor, self.scope, &self.filter, AT_ONCE).await?;
        self.filter.before = found.older.or(self.filter.before);
        let rows = found.events.into_iter().map(|event| Line::new(event, self.format)).collect();
        Ok(Part { rows, more: found.older.is_some() })
    }
}

/// The log of one's own account.
pub async fn own(state: State<AppState>, actor: Extension<Actor>, parts: Parts, headers: HeaderMap) -> Response {
    answer(&state, actor.0, AuditScope::Own, route::ACTIVITY, &parts, &headers).await
}

/// The log of a team.
pub async fn team(
    state: State<AppState>,
    actor: Extension<Actor>,
    Path(team): Path<TeamId>,
    parts: Parts,
    headers: HeaderMap,
) -> Response {
    answer(&state, actor.0, AuditScope::Team(team), &route::team_audit(team), &parts, &headers).await
}

/// Everything.
pub async fn portal(state: State<AppState>, actor: Extension<Actor>, parts: Parts, headers: HeaderMap) -> Response {
    answer(&state, actor.0, AuditScope::Portal, route::ADMIN_AUDIT, &parts, &headers).await
}

async fn answer(
    state: &AppState,
    actor: Actor,
    scope: AuditScope,
    page: &str,
    parts: &[(String, String)],
    headers: &HeaderMap,
) -> Response {
    let filter = AuditQuery::from_pairs(parts, Zone::of_headers(headers)).to_core();
    let in_a_table = parts.iter().any(|(name, value)| name == "format" && value == "csv");
    let format = if in_a_table { Format::Csv } else { Format::Json };
    let services = Arc::clone(&state.services);
    let mut reading = AuditReading { services, actor, scope, filter, format };
    match reading.read().await {
        Ok(first) => file_in_parts("latchkey-audit", format, reading, first),
        Err(AuditError::NotSignedIn(_)) => sign_in_first(page),
        Err(AuditError::Forbidden | AuditError::NotFound) => {
            (StatusCode::NOT_FOUND, "There is no such log, or it is not for you.\n").into_response()
        }
        Err(error @ AuditError::Store(_)) => unavailable(&error, "the audit log"),
    }
}
