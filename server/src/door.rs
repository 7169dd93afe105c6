//! The door as a layer: the one path that every protected request takes, and the record of what happened to it.

use crate::{
    connection::Arrival, exposed, limit_headers::put_limits, portal::cookie::session_of, problem::Problem,
    routes::Route, state::AppState, telemetry,
};
use axum::{
    body::HttpBody,
    extract::{FromRequestParts, Request},
    handler::Handler,
    response::Response,
};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header, request::Parts};
use latchkey_core::{
    authn::{
        Asked, Basic, Facts, Principal, Refusal, Transport, Verdict,
        credential::{Carried, Credential},
    },
    dpop::PresentedProof,
    leak::{breaks_a_line, redacted},
    port::{request_log::METHODS, rollup::Volume},
    usage::{Owed, Passed, RouteName, Served},
};
use latchkey_model::RequestId;
use std::{
    future::Future,
    marker::PhantomData,
    panic::AssertUnwindSafe,
    pin::Pin,
    task::{Context, Poll},
    time::Instant,
};
use time::OffsetDateTime;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// The proof that the caller holds the key which its token is bound to.
pub(crate) const DPOP: HeaderName = HeaderName::from_static("dpop");
const DPOP_NONCE: HeaderName = HeaderName::from_static("dpop-nonce");
pub(crate) const API_KEY: HeaderName = HeaderName::from_static("x-api-key");

/// Who the door let in, and under which id the request is recorded.
#[derive(Debug, Clone)]
pub struct Caller {
    /// Who it is.
    pub principal: Principal,
    /// The request.
    pub request_id: RequestId,
}

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = Problem;

    /// A handler that asks for the caller without standing behind the door is a fault of ours, and serves nobody.
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        parts.extensions.get::<Self>().cloned().ok_or_else(Problem::internal)
    }
}

/// What answers those whom the door let in.
pub trait Inside<T>: Clone + Send + Sync + 'static {
    /// Answers a caller.
    fn answer(self, caller: Caller, request: Request, state: AppState) -> impl Future<Output = Response> + Send;
}

/// Tells a handler that takes a [`Caller`] among whatever axum extracts.
pub struct Extracting<T>(PhantomData<T>);

impl<H: Handler<T, AppState> + Sync, T> Inside<Extracting<T>> for H {
    fn answer(self, caller: Caller, mut request: Request, state: AppState) -> impl Future<Output = Response> + Send {
        request.extensions_mut().insert(caller);
        self.call(request, state)
    }
}

/// A handler that looks at nothing but its caller. It costs no map to hand the caller over in.
#[derive(Clone)]
pub struct OfCaller<F>(pub F);

impl<F, Answer> Inside<()> for OfCaller<F>
where
    F: Fn(Caller) -> Answer + Clone + Send + Sync + 'static,
    Answer: Future<Output = Response> + Send,
{
    fn answer(self, caller: Caller, _: Request, _: AppState) -> impl Future<Output = Response> + Send {
        (self.0)(caller)
    }
}

/// A handler behind the door. It is judged, served if it is let in, and recorded.
///
/// It is a handler itself, rather than a layer around one, because every protected request pays for what stands here: a layer
/// would be cloned onto the heap for each, and its inner service once more.
#[derive(Clone)]
pub struct Behind<H> {
    handler: H,
    route: &'static Route,
    asked: Asked,
}

/// What stands behind the door, for whoever knows already that a request is for it.
pub type Straight = Box<dyn Fn(Arrival, Request, &AppState) -> Answering + Send + Sync>;

impl<H> Behind<H> {
    /// Puts the door before a handler of this route, at which this is asked for.
    pub fn new(handler: H, route: &'static Route, asked: Asked) -> Self {
        Self { handler, route, asked }
    }

    /// The same, without a router.
    pub fn straight<T>(self) -> Straight
    where
        H: Inside<T>,
        T: 'static,
    {
        Box::new(move |arrival, request, state| self.clone().pass(arrival, request, state.clone()))
    }

    fn pass<T>(self, arrival: Arrival, request: Request, state: AppState) -> Answering
    where
        H: Inside<T>,
        T: 'static,
    {
        let came = came(&state);
        Answering::new(came.1, pass(state, arrival, self.route, self.asked, came, request, self.handler))
    }
}

/// Tells the handler behind the door by what it takes.
pub struct Through<T>(PhantomData<T>);

impl<H: Inside<T>, T: 'static> Handler<Through<T>, AppState> for Behind<H> {
    type Future = Answering;

    fn call(self, request: Request, state: AppState) -> Answering {
        let arrival = Arrival::of(&state.config, &request);
        self.pass(arrival, request, state)
    }
}

/// An answer on its way. A panic is one answer lost, never the process or the connection: the caller gets 500. (A layer that does
/// so for bodies too costs each request two allocations; the API's bodies are whole when they leave.)
pub struct Answering {
    id: RequestId,
    answer: Pin<Box<dyn Future<Output = Response> + Send>>,
}

impl Answering {
    /// On its way from now on, to the request of this id.
    pub(crate) fn new(id: RequestId, answer: impl Future<Output = Response> + Send + 'static) -> Self {
        Self { id, answer: Box::pin(answer) }
    }
}

impl Future for Answering {
    type Output = Response;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Response> {
        let id = self.id;
        let answer = &mut self.answer;
        std::panic::catch_unwind(AssertUnwindSafe(|| answer.as_mut().poll(context))).unwrap_or_else(|_| {
            tracing::error!(request.id = %id, "a request met a fault of ours and was answered 500");
            let mut response = Problem::internal().response(Some(id));
            put_request_id(response.headers_mut(), id);
            Poll::Ready(response)
        })
    }
}

/// When a request came, which is now, and the id under which it is recorded.
pub(crate) fn came(state: &AppState) -> (OffsetDateTime, RequestId) {
    let at = state.services.ports.now();
    (at, RequestId::from_uuid(state.services.ports.uuid_at(at)))
}

async fn pass<H, T>(
    state: AppState,
    arrival: Arrival,
    route: &'static Route,
    asked: Asked,
    (at, id): (OffsetDateTime, RequestId),
    request: Request,
    handler: H,
) -> Response
where
    H: Inside<T>,
{
    let started = Instant::now();
    let certificate = arrival.certificate(&state.authorities, at);
    let facts = Facts {
        id,
        at,
        address: arrival.address(),
        transport: arrival.transport(&state.config),
        certificate: certificate.as_ref().map(|certificate| certificate.thumbprint),
        asked,
    };
    let method = method_word(request.method().as_str());
    let authorization = fields(request.headers(), &header::AUTHORIZATION);
    let basic = Basic::read(authorization);
    // Every field in which a credential travels; more than one is never a matter of which comes first.
    let credential = Credential::read(Carried {
        authorization,
        api_key: fields(request.headers(), &API_KEY),
        basic: basic.as_ref(),
        session: session_of(&state, request.method(), request.headers()),
        certificate: certificate.as_deref(),
        query: request.uri().query(),
    });
    let needs_proof = credential.needs_proof();
    let verdict = if needs_proof {
        let url = format!("{}{}", arrival.called_url(&state.config), request.uri().path());
        let proof =
            PresentedProof { fields: fields(request.headers(), &DPOP), method: request.method().as_str(), url: &url };
        state.services.door.judge(&facts, &credential, Some(&proof)).await
    } else {
        state.services.door.judge(&facts, &credential, None).await
    };
    if facts.transport == Transport::InTheClear {
        exposed::look_at_person(&state, &facts, &credential, request.headers());
    }

    // Only a request that gets a row needs more than this of what it brought.
    let route = RouteName::Own(route.path);
    let owed = state.recorder.owes_row(&verdict, id, method, &route);
    let told = owed.map(|owed| Told::new(owed, request.uri().path(), request.headers()));
    let received = request.body().size_hint().exact().unwrap_or(0);
    let mut unanswered =
        Unanswered { state: &state, route, id, method, told, received, started, verdict: Some(verdict) };
    let mut response = match unanswered.verdict.as_ref().map(|verdict| &verdict.outcome) {
        Some(Ok(principal)) => {
            let caller = Caller { principal: principal.clone(), request_id: id };
            handler.answer(caller, request, state.clone()).await
        }
        Some(Err(refusal)) => {
            Problem::from(refusal.answer()).with_challenge_parameter(&state.resource_parameter).response(Some(id))
        }
        None => Problem::internal().response(Some(id)),
    };
    put_request_id(response.headers_mut(), id);
    if needs_proof {
        put_nonce(response.headers_mut(), &state, facts.at);
    }
    if let Some(verdict) = &unanswered.verdict {
        put_limits(response.headers_mut(), verdict);
    }
    // What the handler found out is for the record; the caller has the handler's own answer.
    if let (Some(refusal), Some(verdict)) = (response.extensions_mut().remove(), &mut unanswered.verdict) {
        state.recorder.refused_within(&refusal);
        verdict.outcome = Err(refusal);
    }
    if state.is_traced() {
        telemetry::note(id, unanswered.verdict.as_ref());
    }
    let sent = response.body().size_hint().exact().unwrap_or(0);
    unanswered.answered(response.status(), sent);
    response
}

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
    pub(crate) verdict: Option<Verdict>,
}

impl Unanswered<'_> {
    /// nginx's word for a client that closed the connection; no status of HTTP stands for it.
    const CLIENT_WENT_AWAY: u16 = 499;
    const FAULT: u16 = 500;

    /// Records the answer, with a body of so many bytes.
    pub(crate) fn answered(mut self, status: StatusCode, sent: u64) {
        if let Some(verdict) = &self.verdict {
            exposed::end_token(self.state, verdict);
        }
        self.record(status.as_u16(), sent);
    }

    fn record(&mut self, status: u16, sent: u64) {
        if let Some(verdict) = self.verdict.take() {
            record(self, status, sent, verdict);
        }
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
        Self { owed, path: shortened(path, 256), agent }
    }
}

/// Counts the request and, within the budget for rows, keeps and logs it. One budget bounds all three: a flood fills neither the
/// disk nor the log.
fn record(request: &mut Unanswered<'_>, status: u16, sent: u64, verdict: Verdict) {
    let (id, method, route) = (request.id, request.method, request.route.clone());
    let duration = request.started.elapsed();
    let volume = Volume { received: request.received, sent };
    request.state.recorder.count(&verdict, Passed { method, route: route.clone(), status, duration, volume });
    let Some(told) = request.told.take() else { return };
    let reason = verdict.outcome.as_ref().err().map(Refusal::reason);
    let duration_us = duration.as_micros();
    if reason.is_some() {
        tracing::info!(request.id = %id, http.method = method, http.route = &*route, http.status = status, reason, duration_us, "request");
    } else {
        tracing::debug!(request.id = %id, http.method = method, http.route = &*route, http.status = status, duration_us, "request");
    }
    request.state.recorder.keep(Served {
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

/// The first two fields of a name: two of a kind say all that there is to say of three.
pub(crate) fn fields<'a>(headers: &'a HeaderMap, name: &HeaderName) -> [Option<&'a [u8]>; 2] {
    let mut found = headers.get_all(name).iter().map(HeaderValue::as_bytes);
    [found.next(), found.next()]
}

/// Says which nonce the next proof must carry (RFC 9449 section 8).
pub(crate) fn put_nonce(headers: &mut HeaderMap, state: &AppState, now: OffsetDateTime) {
    if let Ok(nonce) = HeaderValue::try_from(state.services.proofs.nonce(now)) {
        headers.insert(DPOP_NONCE, nonce);
    }
}

/// The name of a method, for the record: whatever a caller makes up is one of its own there.
pub(crate) fn method_word(method: &str) -> &'static str {
    METHODS.into_iter().find(|known| *known == method).unwrap_or("OTHER")
}

pub(crate) fn put_request_id(headers: &mut HeaderMap, id: RequestId) {
    let mut text = [0; uuid::fmt::Hyphenated::LENGTH];
    let text = id.as_uuid().as_hyphenated().encode_lower(&mut text);
    if let Ok(value) = HeaderValue::from_str(text) {
        headers.insert(REQUEST_ID, value);
    }
}

fn text_of(value: &HeaderValue) -> String {
    shortened(&String::from_utf8_lossy(value.as_bytes()), 256)
}

/// The first characters, without any that would break a line or turn its direction, and without our secrets.
pub(crate) fn shortened(text: &str, length: usize) -> String {
    redacted(text).chars().filter(|character| !breaks_a_line(*character)).take(length).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::response::IntoResponse;

    #[test]
    fn r62_what_is_logged_stays_on_its_line() {
        assert_eq!(shortened("a\r\nb\u{1b}[31m\u{202e}c\u{2028}", 256), "ab[31mc");
        assert_eq!(shortened("ééé", 2), "éé");
    }

    #[tokio::test]
    async fn asvs_16_5_4_a_panic_is_an_answer() {
        let id = RequestId::from_uuid(uuid::Uuid::from_u128(7));
        let answering = |answer: fn() -> Response| Answering::new(id, async move { answer() });
        let answer = answering(|| panic!("a fault")).await;
        assert_eq!(answer.status(), StatusCode::INTERNAL_SERVER_ERROR);
        assert_eq!(answer.headers()[REQUEST_ID], id.to_string(), "it is found in the log by it");
        assert_eq!(answering(|| StatusCode::OK.into_response()).await.status(), StatusCode::OK);
    }
}
