//! The requests of a log as a file, by the filter of its page.

use super::{
    asked_log::AskedLog,
    file::{Format, file, foreign},
};
use crate::state::AppState;
use axum::{extract::State, response::Response};
use futures_util::stream;
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

/// The requests that pass the filter.
pub async fn export(State(state): State<AppState>, asked: AskedLog) -> Response {
    let format = asked.value("format").map(Format::of_word).unwrap_or_default();
    let (of, filter) = (asked.log.of, asked.log.wanted(&asked.filter()));
    let services = Arc::clone(&state.services);
    let actor = asked.actor.clone();
    let mut reading = Reading { services, actor, of, filter, ready: None, more: true, first: true };
    // The first is read before the answer begins: what is wrong has a status.
    if let Err(error) = reading.read().await {
        return asked.refused(&error);
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
