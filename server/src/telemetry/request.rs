//! One span for each request (OpenTelemetry's semantic conventions for HTTP servers).
//!
//! What it says: the method, the route, the path without its query, the status, the address, the id, and why the door refused. No
//! field of a request, no query, no body and nothing of a credential is in it.

use crate::{connection::Arrival, door::method_word};
use axum::response::Response;
use http::{HeaderMap, Method};
use latchkey_core::{
    authn::{Refusal, Verdict},
    leak::one_line,
};
use latchkey_model::RequestId;
use opentelemetry::propagation::TextMapPropagator;
use opentelemetry_http::HeaderExtractor;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use tracing::{Instrument, Span, field::Empty};
use tracing_opentelemetry::OpenTelemetrySpanExt;

/// What spans of requests are known by.
pub(super) const TARGET: &str = "latchkey::request";

/// Whoever looks after this server asks for its health all the time, and files are the same for everybody.
const NOT_FOLLOWED: [&str; 2] = ["/health/", "/assets/"];

/// Whether a request with this path is traced.
pub(crate) fn is_followed(path: &str) -> bool {
    !NOT_FOLLOWED.iter().any(|prefix| path.starts_with(prefix))
}

/// A request, as far as a span tells of it.
pub(crate) struct Followed<'a> {
    pub(crate) arrival: &'a Arrival,
    pub(crate) method: &'a Method,
    pub(crate) path: &'a str,
    /// The pattern of the path, where one fits.
    pub(crate) route: Option<&'a str>,
    pub(crate) headers: &'a HeaderMap,
}

impl Followed<'_> {
    /// Its span. What a proxy of the operator's has begun goes on in it; a stranger's word joins no trace, or anybody could have
    /// everything traced.
    pub(crate) fn span(&self) -> Span {
        let method = match method_word(self.method.as_str()) {
            "OTHER" => "_OTHER",
            known => known,
        };
        let name = self.route.map_or_else(|| method.to_owned(), |route| format!("{method} {route}"));
        let span = tracing::info_span!(
            target: TARGET,
            "request",
            otel.name = name,
            otel.kind = "server",
            otel.status_code = Empty,
            http.request.method = method,
            http.route = self.route,
            http.response.status_code = Empty,
            url.path = one_line(self.path, 256),
            client.address = %self.arrival.address(),
            error.type = Empty,
            latchkey.request_id = Empty,
            latchkey.reason = Empty,
        );
        if self.arrival.is_by_proxy() {
            let parent = TraceContextPropagator::new().extract(&HeaderExtractor(self.headers));
            if let Err(error) = span.set_parent(parent) {
                tracing::debug!(%error, "a request joins no trace");
            }
        }
        span
    }
}

/// Follows a request to its answer.
pub(crate) async fn follow(span: Span, answer: impl Future<Output = Response>) -> Response {
    let response = answer.instrument(span.clone()).await;
    let status = response.status();
    span.record("http.response.status_code", i64::from(status.as_u16()));
    if status.is_server_error() {
        span.record("otel.status_code", "ERROR");
        span.record("error.type", status.as_str());
    }
    response
}

/// Notes in the span of this request what the door decided.
pub(crate) fn note(id: RequestId, verdict: Option<&Verdict>) {
    let span = Span::current();
    span.record("latchkey.request_id", tracing::field::display(id));
    if let Some(refusal) = verdict.and_then(|verdict| verdict.outcome.as_ref().err()) {
        span.record("latchkey.reason", Refusal::reason(refusal));
    }
}
