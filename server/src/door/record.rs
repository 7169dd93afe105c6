//! What is noted of a request once it is judged, and the record of its answer.

use super::head::{Head, method_word};
use crate::{exposed, routes::Route, state::AppState};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use latchkey_core::{
    authn::{Facts, Refusal, Transport, Verdict, credential::Credential},
    leak::one_line,
    port::rollup::Volume,
    usage::{Owed, Passed, RouteName, Served},
};
use latchkey_model::RequestId;
use std::time::Instant;

/// A request that was judged and is not answered yet. A caller who goes away before the answer is recorded too: what was begun
/// for them may have been done.
pub(crate) struct Unanswered<'a> {
    pub(crate) state: &'a AppState,
    pub(crate) route: RouteName,
    pub(crate) id: RequestId,
    pub(crate) method: &'static str,
    /// For the row, where one is owed.
    pub(crate) told: Option<Told>,
    /// The length of its body, in bytes.
    pub(crate) received: u64,
    pub(crate) started: Instant,
    pub(crate) verdict: Option<Box<Verdict>>,
}

impl<'a> Unanswered<'a> {
    /// A request to a route of ours, as it was judged. Only one that gets a row needs more than this of what it brought.
    pub(super) fn new(
        state: &'a AppState,
        route: &'static Route,
        head: Head<'_>,
        (facts, credential): (&Facts, &Credential<'_>),
        verdict: Box<Verdict>,
        started: Instant,
    ) -> Self {
        if facts.transport == Transport::InTheClear {
            exposed::look_at_person(state, facts, credential, head.headers);
        }
        let (id, method, route) = (facts.id, method_word(head.method.as_str()), RouteName::Own(route.path));
        let owed = state.recorder.owes_row(&verdict, id, method, &route);
        let told = owed.map(|owed| Told::new(owed, head.path(), head.headers));
        Self { state, route, id, method, told, received: head.received, started, verdict: Some(verdict) }
    }
}

impl Unanswered<'_> {
    /// nginx's word for a client that closed the connection; no status of HTTP stands for it.
    const CLIENT_WENT_AWAY: u16 = 499;
    const FAULT: u16 = 500;

    /// Records the answer, with a body of so many bytes.
    pub(crate) fn answered(&mut self, status: StatusCode, sent: u64) {
        if let Some(verdict) = &self.verdict {
            exposed::end_token(self.state, verdict);
        }
        self.record(status.as_u16(), sent);
    }

    /// Counts the request, once, and keeps the row that it is owed.
    fn record(&mut self, status: u16, sent: u64) {
        let Some(verdict) = self.verdict.take() else { return };
        let (method, duration) = (self.method, self.started.elapsed());
        // Nobody asks for it again. A clone of a guarded API's would be one more turn at what all of its requests share.
        let route = std::mem::replace(&mut self.route, RouteName::Own(""));
        let volume = Volume { received: self.received, sent };
        let row = self.told.take().map(|told| (told, route.clone()));
        let passed = Passed { method, route, status, duration, volume };
        self.state.recorder.count(&verdict, passed);
        if let Some((told, route)) = row {
            self.keep(told, verdict, Passed { method, route, status, duration, volume });
        }
    }

    /// Keeps and logs the request. The budget for rows bounds both: a flood fills neither the disk nor the log.
    fn keep(&self, told: Told, verdict: Box<Verdict>, passed: Passed) {
        let (id, Passed { method, route, status, duration, volume }) = (self.id, passed);
        let reason = verdict.outcome.as_ref().err().map(Refusal::reason);
        let duration_us = duration.as_micros();
        if reason.is_some() {
            tracing::info!(request.id = %id, http.method = method, http.route = &*route, http.status = status, reason, duration_us, "request");
        } else {
            tracing::debug!(request.id = %id, http.method = method, http.route = &*route, http.status = status, duration_us, "request");
        }
        self.state.recorder.keep(Served {
            id,
            method,
            route,
            path: told.path,
            status,
            user_agent: told.agent,
            duration,
            volume,
            owed: told.owed,
            verdict,
        });
    }
}

impl Drop for Unanswered<'_> {
    fn drop(&mut self) {
        self.record(if std::thread::panicking() { Self::FAULT } else { Self::CLIENT_WENT_AWAY }, 0);
    }
}

/// What the caller said of itself.
pub(crate) struct Told {
    owed: Owed,
    path: String,
    agent: String,
}

impl Told {
    pub(crate) fn new(owed: Owed, path: &str, headers: &HeaderMap) -> Self {
        let agent = headers.get(header::USER_AGENT).map(text_of).unwrap_or_default();
        Self { owed, path: one_line(path, 256), agent }
    }
}

fn text_of(value: &HeaderValue) -> String {
    one_line(&String::from_utf8_lossy(value.as_bytes()), 256)
}
