//! The requests of a log as a file, by the filter of its page.

use super::{
    asked_log::AskedLog,
    file::{Format, Part, Reading, file_in_parts, foreign},
};
use crate::state::AppState;
use axum::{extract::State, response::Response};
use latchkey_core::{
    Actor, Services,
    port::request_log::{RequestFilter, RequestRow},
    usage::log::{LogError, LogOf},
};
use serde::Serialize;
use std::sync::Arc;
use time::format_description::well_known::Rfc3339;

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

/// What is read, and where to go on.
struct LogReading {
    services: Arc<Services>,
    actor: Actor,
    of: LogOf,
    filter: RequestFilter,
}

impl Reading for LogReading {
    type Row = Row;
    type Error = LogError;

    async fn read(&mut self) -> Result<Part<Row>, LogError> {
        let found = self.services.log.many_requests(&self.actor, self.of, &self.filter, AT_ONCE).await?;
        self.filter.before = found.older.or(self.filter.before);
        Ok(Part { rows: found.rows.into_iter().map(Row::from).collect(), more: found.older.is_some() })
    }
}

/// The requests that pass the filter.
pub async fn export(State(state): State<AppState>, asked: AskedLog) -> Response {
    let format = asked.value("format").map(Format::of_word).unwrap_or_default();
    let (of, filter) = (asked.log.of, asked.log.wanted(&asked.filter()));
    let services = Arc::clone(&state.services);
    let mut reading = LogReading { services, actor: asked.actor.clone(), of, filter };
    match reading.read().await {
        Ok(first) => file_in_parts("latchkey-requests", format, reading, first),
        Err(error) => asked.refused(&error),
    }
}
