//! The door as a layer: the one path that every protected request takes, and the record of what happened to it.

mod head;
mod record;

pub(crate) use head::{Head, fields, method_word};
pub(crate) use record::{Told, Unanswered};

use crate::{
    connection::Arrival, limit_headers::put_limits, problem::Problem, routes::Route, state::AppState, telemetry,
};
use axum::{
    body::HttpBody,
    extract::{FromRequestParts, Request},
    handler::Handler,
    response::Response,
};
use head::facts;
use http::{HeaderMap, HeaderName, HeaderValue, request::Parts};
use latchkey_core::{
    authn::{Asked, Basic, Principal},
    dpop::PresentedProof,
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

pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
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

/// A handler that looks at nothing but its caller, and has its answer at once.
#[derive(Clone)]
pub struct OfCaller<F>(pub F);

impl<F> Inside<()> for OfCaller<F>
where
    F: Fn(&Principal, RequestId) -> Response + Clone + Send + Sync + 'static,
{
    fn answer(self, caller: Caller, _: Request, _: AppState) -> impl Future<Output = Response> + Send {
        std::future::ready((self.0)(&caller.principal, caller.request_id))
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

type AtOnce = Box<dyn Fn(&Arrival, Head<'_>, &AppState) -> Option<Response> + Send + Sync>;
type InTime = Box<dyn Fn(Arrival, Request, &AppState) -> Answering + Send + Sync>;

/// What stands behind the door, for whoever knows already that a request is for it.
pub struct Straight {
    at_once: Option<AtOnce>,
    in_time: InTime,
}

impl Straight {
    /// The answer to a request, where everything that it takes is in mind: no future is made for it. Nothing is counted where it is not.
    pub(crate) fn at_once(&self, arrival: &Arrival, head: Head<'_>, state: &AppState) -> Option<Response> {
        self.at_once.as_ref().and_then(|at_once| at_once(arrival, head, state))
    }

    /// The answer to any request.
    pub(crate) fn in_time(&self, arrival: Arrival, request: Request, state: &AppState) -> Answering {
        (self.in_time)(arrival, request, state)
    }
}

impl<H: Clone> Behind<H> {
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
        let in_time = move |arrival, request, state: &AppState| self.clone().pass(arrival, request, state.clone());
        Straight { at_once: None, in_time: Box::new(in_time) }
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

impl<F> Behind<OfCaller<F>>
where
    F: Fn(&Principal, RequestId) -> Response + Clone + Send + Sync + 'static,
{
    /// The same, which answers most requests at once.
    pub fn straight_at_once(self) -> Straight {
        let behind = self.clone();
        let at_once = move |arrival: &Arrival, head: Head<'_>, state: &AppState| {
            let came = came(state);
            or_fault(came.1, || behind.pass_at_once(arrival, head, state, came))
        };
        Straight { at_once: Some(Box::new(at_once)), ..self.straight() }
    }

    fn pass_at_once(
        &self,
        arrival: &Arrival,
        head: Head<'_>,
        state: &AppState,
        came: (OffsetDateTime, RequestId),
    ) -> Option<Response> {
        let started = Instant::now();
        let certificate = arrival.certificate(&state.authorities, came.0);
        let facts = facts(state, arrival, self.asked.clone(), came, certificate.as_deref());
        let basic = Basic::read(head.authorization());
        let credential = head.credential(state, basic.as_ref(), certificate.as_deref());
        let verdict = state.services.door.judge_at_once(&facts, &credential)?;
        let mut unanswered = Unanswered::new(state, self.route, head, (&facts, &credential), verdict, started);
        let response = match let_in(&unanswered) {
            Ok(principal) => (self.handler.0)(principal, unanswered.id),
            Err(refusal) => refusal,
        };
        Some(finish(&mut unanswered, response))
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
        match or_fault(id, || match answer.as_mut().poll(context) {
            Poll::Ready(response) => Some(response),
            Poll::Pending => None,
        }) {
            Some(response) => Poll::Ready(response),
            None => Poll::Pending,
        }
    }
}

/// What `answer` says, if it says anything yet; 500 where it panics.
pub(crate) fn or_fault(id: RequestId, answer: impl FnOnce() -> Option<Response>) -> Option<Response> {
    std::panic::catch_unwind(AssertUnwindSafe(answer)).unwrap_or_else(|_| {
        tracing::error!(request.id = %id, "a request met a fault of ours and was answered 500");
        let mut response = Problem::internal().response(Some(id));
        put_request_id(response.headers_mut(), id);
        Some(response)
    })
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
    came: (OffsetDateTime, RequestId),
    request: Request,
    handler: H,
) -> Response
where
    H: Inside<T>,
{
    let started = Instant::now();
    let certificate = arrival.certificate(&state.authorities, came.0);
    let head = Head::of(&request);
    let facts = facts(&state, &arrival, asked, came, certificate.as_deref());
    let basic = Basic::read(head.authorization());
    let credential = head.credential(&state, basic.as_ref(), certificate.as_deref());
    let needs_proof = credential.needs_proof();
    let verdict = if needs_proof {
        let url = format!("{}{}", arrival.called_url(&state.config), head.path());
        let proof = PresentedProof { fields: fields(head.headers, &DPOP), method: head.method.as_str(), url: &url };
        state.services.door.judge(&facts, &credential, Some(&proof)).await
    } else {
        state.services.door.judge(&facts, &credential, None).await
    };
    let mut unanswered = Unanswered::new(&state, route, head, (&facts, &credential), verdict, started);
    let mut response = match let_in(&unanswered) {
        Ok(principal) => {
            let caller = Caller { principal: principal.clone(), request_id: unanswered.id };
            handler.answer(caller, request, state.clone()).await
        }
        Err(refusal) => refusal,
    };
    if needs_proof {
        put_nonce(response.headers_mut(), &state, came.0);
    }
    finish(&mut unanswered, response)
}

/// Who is let in, or the refusal.
fn let_in<'a>(unanswered: &'a Unanswered<'_>) -> Result<&'a Principal, Response> {
    let id = Some(unanswered.id);
    match unanswered.verdict.as_ref().map(|verdict| &verdict.outcome) {
        Some(Ok(principal)) => Ok(principal),
        Some(Err(refusal)) => {
            let problem = Problem::from(refusal.answer());
            Err(problem.with_challenge_parameter(&unanswered.state.resource_parameter).response(id))
        }
        None => Err(Problem::internal().response(id)),
    }
}

/// The answer as it leaves: what it says beside is put in, and it is recorded.
fn finish(unanswered: &mut Unanswered<'_>, mut response: Response) -> Response {
    let state = unanswered.state;
    put_request_id(response.headers_mut(), unanswered.id);
    if let Some(verdict) = &unanswered.verdict {
        put_limits(response.headers_mut(), verdict);
    }
    // What the handler found out is for the record; the caller has the handler's own answer.
    if let (Some(refusal), Some(verdict)) = (response.extensions_mut().remove(), &mut unanswered.verdict) {
        state.recorder.refused_within(&refusal);
        verdict.outcome = Err(refusal);
    }
    if state.is_traced() {
        telemetry::note(unanswered.id, unanswered.verdict.as_deref());
    }
    let sent = response.body().size_hint().exact().unwrap_or(0);
    unanswered.answered(response.status(), sent);
    response
}

/// Says which nonce the next proof must carry (RFC 9449 section 8).
pub(crate) fn put_nonce(headers: &mut HeaderMap, state: &AppState, now: OffsetDateTime) {
    if let Ok(nonce) = HeaderValue::try_from(state.services.proofs.nonce(now)) {
        headers.insert(DPOP_NONCE, nonce);
    }
}

pub(crate) fn put_request_id(headers: &mut HeaderMap, id: RequestId) {
    let mut text = [0; uuid::fmt::Hyphenated::LENGTH];
    let text = id.as_uuid().as_hyphenated().encode_lower(&mut text);
    if let Ok(value) = HeaderValue::from_str(text) {
        headers.insert(REQUEST_ID, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::response::IntoResponse;
    use http::StatusCode;

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
