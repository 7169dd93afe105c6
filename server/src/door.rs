//! The door as a layer: the one path that every protected request takes, and the record of what happened to it.

use crate::{
    limit_headers::put_limits,
    problem::Problem,
    routes::{Access, Route},
    state::AppState,
};
use axum::{
    extract::{ConnectInfo, FromRequestParts, Request},
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header, request::Parts};
use latchkey_core::{
    authn::{
        Facts, Principal, Refusal, Verdict,
        credential::{Carried, Credential},
    },
    usage::{Passed, Served},
};
use latchkey_model::RequestId;
use std::{
    convert::Infallible,
    future::Future,
    net::{IpAddr, SocketAddr},
    panic::AssertUnwindSafe,
    pin::Pin,
    task::{Context, Poll},
    time::Instant,
};
use tower::{Layer, Service};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const API_KEY: HeaderName = HeaderName::from_static("x-api-key");

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

/// Puts the door before a route.
#[derive(Clone)]
pub struct DoorLayer {
    state: AppState,
    route: &'static Route,
}

impl DoorLayer {
    /// The door before this route.
    pub fn new(state: AppState, route: &'static Route) -> Self {
        Self { state, route }
    }
}

impl<S> Layer<S> for DoorLayer {
    type Service = Door<S>;

    fn layer(&self, inner: S) -> Door<S> {
        Door { inner, state: self.state.clone(), route: self.route }
    }
}

/// Judges each request, serves it if it is let in, and records what happened. Written as a service of its own, rather than as a
/// middleware function, because every protected request pays for what stands here.
#[derive(Clone)]
pub struct Door<S> {
    inner: S,
    state: AppState,
    route: &'static Route,
}

impl<S> Service<Request> for Door<S>
where
    S: Service<Request, Response = Response, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
{
    type Response = Response;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        // The service that was made ready serves; its copy waits for the next request.
        let waiting = self.inner.clone();
        let mut inner = std::mem::replace(&mut self.inner, waiting);
        let Access::Key(needed_scope) = self.route.access else {
            return Box::pin(without_panic(inner.call(request)));
        };
        let (state, route) = (self.state.clone(), self.route);
        let serve = move |request| without_panic(inner.call(request));
        Box::pin(without_panic(pass(state, route, needed_scope, request, serve)))
    }
}

/// A panic is one answer lost, never the process or the connection: the caller gets 500, and a request that was let in is recorded
/// as that. (A layer that does so for bodies too costs each request two allocations; the API's bodies are whole when they leave.)
async fn without_panic<A>(answer: A) -> Result<Response, Infallible>
where
    A: Future<Output = Result<Response, Infallible>>,
{
    let mut answer = std::pin::pin!(answer);
    std::future::poll_fn(|context| {
        let polled = std::panic::catch_unwind(AssertUnwindSafe(|| answer.as_mut().poll(context)));
        polled.unwrap_or_else(|_| {
            tracing::error!("a request met a fault of ours and was answered 500");
            Poll::Ready(Ok(Problem::internal().into_response()))
        })
    })
    .await
}

async fn pass<F, A>(
    state: AppState,
    route: &'static Route,
    needed_scope: Option<&'static str>,
    mut request: Request,
    serve: F,
) -> Result<Response, Infallible>
where
    F: FnOnce(Request) -> A,
    A: Future<Output = Result<Response, Infallible>>,
{
    let started = Instant::now();
    let address = peer(&request);
    let facts =
        Facts { at: state.services.ports.now(), address, secure: state.config.is_secure(address), needed_scope };
    let id = RequestId::from_uuid(state.services.ports.uuid_at(facts.at));
    let verdict = state.services.door.judge(&facts, &read_credential(&request)).await;

    // Only a request that gets a row needs more than this of what it brought; which one does is known at its end.
    let told = Told { method: method_word(request.method()), uri: request.uri().clone(), agent: agent(&request) };
    let mut response = match &verdict.outcome {
        Ok(principal) => {
            request.extensions_mut().insert(Caller { principal: principal.clone(), request_id: id });
            serve(request).await?
        }
        Err(refusal) => Problem::from(refusal.answer()).response(Some(id)),
    };
    put_request_id(response.headers_mut(), id);
    put_limits(response.headers_mut(), &verdict);
    record(&state, route, id, &told, response.status(), started, verdict);
    Ok(response)
}

/// What the caller said of itself.
struct Told {
    method: &'static str,
    uri: http::Uri,
    agent: Option<HeaderValue>,
}

/// Counts the request and, within the budget for rows, keeps and logs it. One budget bounds all three: a flood fills neither the
/// disk nor the log.
fn record(
    state: &AppState,
    route: &'static Route,
    id: RequestId,
    told: &Told,
    status: StatusCode,
    started: Instant,
    verdict: Verdict,
) {
    let passed =
        Passed { method: told.method, route: route.path, status: status.as_u16(), duration: started.elapsed() };
    if !state.recorder.count(&verdict, passed) {
        return;
    }
    let reason = verdict.outcome.as_ref().err().map(Refusal::reason);
    let duration_us = passed.duration.as_micros();
    if reason.is_some() {
        tracing::info!(request.id = %id, http.method = passed.method, http.route = route.path, http.status = passed.status, reason, duration_us, "request");
    } else {
        tracing::debug!(request.id = %id, http.method = passed.method, http.route = route.path, http.status = passed.status, duration_us, "request");
    }
    state.recorder.keep(Served {
        id,
        method: passed.method,
        route: route.path,
        path: shortened(told.uri.path(), 256),
        status: passed.status,
        user_agent: told.agent.as_ref().map(text_of).unwrap_or_default(),
        duration: passed.duration,
        verdict,
    });
}

/// From where the request came: the peer of the connection.
pub fn peer(request: &Request) -> IpAddr {
    request.extensions().get::<ConnectInfo<SocketAddr>>().map_or(
        // A request without a peer is one that no listener of ours took: it counts as a stranger's, never as our own.
        IpAddr::V4(std::net::Ipv4Addr::UNSPECIFIED),
        |ConnectInfo(peer)| peer.ip().to_canonical(),
    )
}

/// Reads every field in which a credential travels; more than one is never a matter of which comes first.
fn read_credential(request: &Request) -> Credential {
    let headers = request.headers();
    let query = request.uri().query();
    let mut authorization = headers.get_all(header::AUTHORIZATION).iter().map(HeaderValue::as_bytes);
    let mut api_key = headers.get_all(API_KEY).iter().map(HeaderValue::as_bytes);
    // Two of a kind say all that there is to say of three.
    let bearers = [authorization.next(), authorization.next()];
    let keys = [api_key.next(), api_key.next()];
    Credential::read(Carried { authorization: bearers, api_key: keys, query })
}

fn method_word(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::DELETE => "DELETE",
        Method::HEAD => "HEAD",
        Method::PATCH => "PATCH",
        Method::OPTIONS => "OPTIONS",
        _ => "OTHER",
    }
}

fn put_request_id(headers: &mut HeaderMap, id: RequestId) {
    let mut text = [0; uuid::fmt::Hyphenated::LENGTH];
    let text = id.as_uuid().as_hyphenated().encode_lower(&mut text);
    if let Ok(value) = HeaderValue::from_str(text) {
        headers.insert(REQUEST_ID, value);
    }
}

fn agent(request: &Request) -> Option<HeaderValue> {
    request.headers().get(header::USER_AGENT).cloned()
}

fn text_of(value: &HeaderValue) -> String {
    shortened(&String::from_utf8_lossy(value.as_bytes()), 256)
}

/// The first characters, without any that would break a line or turn its direction.
fn shortened(text: &str, length: usize) -> String {
    text.chars()
        .filter(|character| {
            !character.is_control() && !matches!(character, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
        })
        .take(length)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r62_what_is_logged_stays_on_its_line() {
        assert_eq!(shortened("a\r\nb\u{1b}[31m\u{202e}c\u{2028}", 256), "ab[31mc");
        assert_eq!(shortened("ééé", 2), "éé");
    }

    #[tokio::test]
    async fn asvs_16_5_4_a_panic_is_an_answer() {
        let answer = without_panic(async { panic!("a fault") }).await.unwrap_or_else(|never| match never {});
        assert_eq!(answer.status(), StatusCode::INTERNAL_SERVER_ERROR);
        let answer = without_panic(async { Ok(StatusCode::OK.into_response()) }).await;
        assert_eq!(answer.unwrap_or_else(|never| match never {}).status(), StatusCode::OK);
    }
}
