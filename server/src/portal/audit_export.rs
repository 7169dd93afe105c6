//! The audit log as a file: one event a line (JSON Lines), the newest first, by the filter of its page.

use super::file::{sign_in_first, unavailable};
use crate::state::AppState;
use app::{feature::audit::AuditQuery, route, ssr::zone::Zone};
use axum::{
    Extension,
    extract::{Path, Query, State},
    response::{IntoResponse, Response},
};
use http::{HeaderMap, StatusCode, header};
use latchkey_core::{
    Actor,
    audit::{AuditError, AuditScope},
    port::audit::AuditEvent,
    secret::hex,
};
use latchkey_model::TeamId;
use serde::Serialize;
use time::format_description::well_known::Rfc3339;

/// How many events one file has: where there are more, `Link` says where they are (RFC 8288).
const EVENTS: u64 = 10_000;

/// Where the log of one's own account is had.
pub const OWN: &str = "/account/activity/export";
/// Where that of a team is had.
pub const TEAM: &str = "/teams/{team}/audit/export";
/// Where everything is had, by admins.
pub const PORTAL: &str = "/admin/audit/export";

/// The parts of a query: those of the page's filter, and a cursor.
type Parts = Query<Vec<(String, String)>>;

#[derive(Serialize)]
struct Line<'a> {
    id: String,
    log: String,
    sequence: i64,
    at: String,
    account: Option<String>,
    account_name: Option<&'a str>,
    from: Option<String>,
    action: &'static str,
    target: &'a str,
    target_name: &'a str,
    changes: serde_json::Value,
    reason: &'a str,
    previous: String,
    digest: String,
}

impl<'a> From<&'a AuditEvent> for Line<'a> {
    fn from(found: &'a AuditEvent) -> Self {
        let event = &found.event;
        Self {
            id: event.id.to_string(),
            log: event.tenant.to_string(),
            sequence: found.sequence,
            at: event.at.format(&Rfc3339).unwrap_or_default(),
            account: event.account.map(|account| account.to_string()),
            account_name: found.account_name.as_deref(),
            from: event.from.map(|from| from.to_string()),
            action: event.action.as_str(),
            target: &event.target,
            target_name: &event.target_name,
            changes: serde_json::from_str(&event.changes).unwrap_or_default(),
            reason: &event.reason,
            previous: hex(&found.previous),
            digest: hex(&found.digest),
        }
    }
}

/// The log of one's own account.
pub async fn own(state: State<AppState>, actor: Extension<Actor>, parts: Parts, headers: HeaderMap) -> Response {
    answer(&state, &actor, AuditScope::Own, route::ACTIVITY, &filter_of(&parts, &headers)).await
}

/// The log of a team.
pub async fn team(
    state: State<AppState>,
    actor: Extension<Actor>,
    Path(team): Path<TeamId>,
    parts: Parts,
    headers: HeaderMap,
) -> Response {
    answer(&state, &actor, AuditScope::Team(team), &route::team_audit(team), &filter_of(&parts, &headers)).await
}

/// Everything.
pub async fn portal(state: State<AppState>, actor: Extension<Actor>, parts: Parts, headers: HeaderMap) -> Response {
    answer(&state, &actor, AuditScope::Portal, route::ADMIN_AUDIT, &filter_of(&parts, &headers)).await
}

fn filter_of(parts: &[(String, String)], headers: &HeaderMap) -> AuditQuery {
    AuditQuery::from_pairs(parts, Zone::of_headers(headers))
}

async fn answer(state: &AppState, actor: &Actor, scope: AuditScope, page: &str, filter: &AuditQuery) -> Response {
    let found = match state.services.audit.page(actor, scope, &filter.to_core(), EVENTS).await {
        Ok(found) => found,
        Err(AuditError::NotSignedIn(_)) => return sign_in_first(page),
        Err(AuditError::Forbidden | AuditError::NotFound) => {
            return (StatusCode::NOT_FOUND, "There is no such log, or it is not for you.\n").into_response();
        }
        Err(error @ AuditError::Store(_)) => return unavailable(&error, "the audit log"),
    };
    let lines = found.events.iter().map(|event| serde_json::to_string(&Line::from(event)).unwrap_or_default() + "\n");
    let headers = [
        (header::CONTENT_TYPE, "application/jsonl"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"latchkey-audit.jsonl\""),
    ];
    let mut response = (headers, lines.collect::<String>()).into_response();
    let next = found.older.and_then(|id| format!("<{page}/export{}>; rel=\"next\"", filter.older(id)).try_into().ok());
    if let Some(next) = next {
        response.headers_mut().insert(header::LINK, next);
    }
    response
}
