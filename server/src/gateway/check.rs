//! `ANY /gateway/check/{api}`: a proxy asks whether a request may go on to the API (forward auth).

use super::{
    answer::{for_nginx, let_anybody_in, let_in, put_rest, refused},
    request::{Brought, Told},
};
use crate::{
    connection::Arrival,
    door::{Told as ToldOfCaller, Unanswered, method_word, or_fault, put_request_id},
    problem::Problem,
    state::AppState,
    telemetry,
};
use axum::response::Response;
use http::{StatusCode, request::Parts};
use latchkey_core::{
    authn::{Basic, Guard, Identity, Principal, Refusal},
    certificate::ClientCertificate,
    gateway::{GuardedRequest, Judged, Origin, Outcome},
    problem::ProblemCode,
    usage::RouteName,
};
use latchkey_model::{ApiSlug, RequestId};
use std::{sync::Arc, time::Instant};
use time::OffsetDateTime;

/// What every check's path begins with; the API's short name follows.
const PREFIX: &str = "/gateway/check/";
/// What a check's path is, with the API's short name in its place.
pub const ROUTE: &str = "/gateway/check/{api}";
/// What follows the short name where the check is the request itself; its own target follows.
const AS_ITSELF: &str = "/at";
/// How a proxy says that it passes on no refusals but 401 and 403.
const ONLY: &str = "only=401,403";

/// A check that could be read.
struct Check<'r> {
    state: &'r AppState,
    parts: &'r Parts,
    brought: Brought<'r>,
    slug: &'r str,
    method: &'r str,
    target: &'r str,
    only: bool,
    origin: Origin,
    /// What the proxy hands on of the caller's connection.
    certificate: Option<Arc<ClientCertificate>>,
    started: Instant,
}

/// A request to a guarded API that was judged, and whose check is not answered yet.
struct Noted<'r> {
    guard: Arc<Guard>,
    version: i64,
    unanswered: Unanswered<'r>,
}

/// Answers a check. Only proxies of this machine and those that the operator named may ask: they alone pass the answer's fields on to
/// nobody but the API.
pub async fn check(state: &AppState, arrival: &Arrival, parts: &Parts, came: (OffsetDateTime, RequestId)) -> Response {
    let check = match Check::read(state, arrival, parts, came) {
        Ok(check) => check,
        Err(response) => return response,
    };
    let id = check.origin.id;
    let basic = check.brought.basic();
    let judged = match state.services.gateway.judge(check.slug, check.origin, &check.request(basic.as_ref())).await {
        Ok(Some(judged)) => judged,
        Ok(None) => {
            tracing::warn!(request.id = %id, api = named(check.slug), "a check is about an API that is not registered");
            return check.refusal(&Problem::not_found());
        }
        Err(error) => {
            tracing::error!(request.id = %id, error = &error as &dyn std::error::Error, "a check cannot ask the store");
            return check.refusal(&Problem::from(Refusal::StoreUnavailable.answer()));
        }
    };
    let mut noted = match check.note(judged) {
        Ok(noted) => noted,
        Err(response) => return response,
    };
    let told = match noted.let_in(state) {
        Ok((principal, at)) => {
            let drawn = state.services.gateway.identity(principal, &noted.guard.api, noted.version, at).await;
            drawn.map_err(|error| {
                tracing::error!(request.id = %id, error = &error as &dyn std::error::Error, "a caller's identity cannot be signed");
                Problem::from(Refusal::StoreUnavailable.answer())
            })
        }
        Err(problem) => Err(problem),
    };
    check.finish(&mut noted.unanswered, told)
}

/// The same at once, where everything that it takes is in mind: most checks are answered so. None where somebody must be asked;
/// nothing is counted then, and [`check`] begins anew.
pub(crate) fn check_at_once(
    state: &AppState,
    arrival: &Arrival,
    parts: &Parts,
    came: (OffsetDateTime, RequestId),
) -> Option<Response> {
    or_fault(came.1, || {
        let check = match Check::read(state, arrival, parts, came) {
            Ok(check) => check,
            Err(response) => return Some(response),
        };
        let basic = check.brought.basic();
        let request = check.request(basic.as_ref());
        let (judged, identity) = state.services.gateway.judge_at_once(check.slug, check.origin, &request)?;
        let mut noted = match check.note(judged) {
            Ok(noted) => noted,
            Err(response) => return Some(response),
        };
        let told = noted.let_in(state).and_then(|_| identity.ok_or_else(Problem::internal));
        Some(check.finish(&mut noted.unanswered, told))
    })
}

impl<'r> Check<'r> {
    fn read(
        state: &'r AppState,
        arrival: &Arrival,
        parts: &'r Parts,
        (at, id): (OffsetDateTime, RequestId),
    ) -> Result<Self, Response> {
        let started = Instant::now();
        let (slug, told, only) = asked_about(parts);
        if !arrival.is_by_proxy() {
            tracing::debug!(address = %arrival.address(), "a check did not come from a proxy that is named in trusted_proxies");
            return Err(refusal(&not_a_proxy(), id, only));
        }
        if !parts.uri.path().starts_with(PREFIX) {
            return Err(refusal(&Problem::not_found(), id, only));
        }
        let brought = Brought::read(&parts.headers);
        let Some((method, target)) = brought.method_and_target(parts, told) else {
            tracing::warn!(request.id = %id, api = named(slug), "a check does not say once which method and target it is about");
            return Err(refusal(&unreadable(), id, only));
        };
        let certificate = arrival.certificate(&state.authorities, at);
        let origin = Origin {
            id,
            at,
            address: arrival.address(),
            transport: arrival.transport(&state.config),
            certificate: certificate.as_ref().map(|certificate| certificate.thumbprint),
        };
        Ok(Self { state, parts, brought, slug, method, target, only, origin, certificate, started })
    }

    fn request<'b>(&'b self, basic: Option<&'b Basic>) -> GuardedRequest<'b> {
        self.brought.guarded(basic, self.certificate.as_deref(), self.method, self.target)
    }

    /// What is noted of a request that was judged by a credential; the answer where none was looked at.
    fn note(&self, judged: Judged) -> Result<Noted<'r>, Response> {
        let Judged { guard, version, outcome } = judged;
        let verdict = match outcome {
            Outcome::Public(Ok(())) => return Err(let_anybody_in()),
            Outcome::Public(Err(refusal)) => {
                return Err(self.refusal(&refused(self.state, &guard.api, &refusal)));
            }
            Outcome::Judged(verdict) => verdict,
        };
        let (route, method) = (RouteName::Guarded(Arc::clone(&guard.route)), method_word(self.method));
        let owed = self.state.recorder.owes_row(&verdict, self.origin.id, method, &route);
        let unanswered = Unanswered {
            state: self.state,
            route,
            id: self.origin.id,
            method,
            told: owed.map(|owed| {
                let path = self.target.split('?').next().unwrap_or_default();
                ToldOfCaller::new(owed, path, &self.parts.headers)
            }),
            // Bodies go from the proxy to the API.
            received: 0,
            started: self.started,
            verdict: Some(verdict),
        };
        Ok(Noted { guard, version, unanswered })
    }

    /// The answer: to go on, with what the API is told of its caller, or not to.
    fn finish(&self, unanswered: &mut Unanswered<'_>, told: Result<Arc<Identity>, Problem>) -> Response {
        let id = self.origin.id;
        // The status that the API's caller sees of it.
        let (mut response, status) = match told {
            Ok(identity) => (let_in(&identity, id), StatusCode::OK),
            Err(problem) => (self.refusal(&problem), problem.status()),
        };
        if self.state.is_traced() {
            telemetry::note(id, unanswered.verdict.as_deref());
        }
        if let Some(verdict) = &unanswered.verdict {
            put_rest(response.headers_mut(), self.state, verdict);
        }
        unanswered.answered(status, 0);
        response
    }

    fn refusal(&self, problem: &Problem) -> Response {
        refusal(problem, self.origin.id, self.only)
    }
}

impl Noted<'_> {
    /// Whoever is let in, and when they came; or why they are not.
    fn let_in(&self, state: &AppState) -> Result<(&Principal, OffsetDateTime), Problem> {
        let verdict = self.unanswered.verdict.as_ref().ok_or_else(Problem::internal)?;
        match &verdict.outcome {
            Ok(principal) => Ok((principal, verdict.facts.at)),
            Err(refusal) => Err(refused(state, &self.guard.api, refusal)),
        }
    }
}

/// A refusal, as its proxy can pass it on. It names its request, also where that is not recorded.
fn refusal(problem: &Problem, id: RequestId, only: bool) -> Response {
    let mut response = problem.response(Some(id));
    put_request_id(response.headers_mut(), id);
    if only { for_nginx(response, problem, id) } else { response }
}

/// The API that a check is about, how it says about which request, and whether its proxy passes on 401 and 403 alone.
fn asked_about(parts: &Parts) -> (&str, Told<'_>, bool) {
    let target = parts.uri.path_and_query().map_or("", |target| target.as_str());
    let rest = target.strip_prefix(PREFIX).unwrap_or_default();
    let (slug, rest) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
    match rest.strip_prefix(AS_ITSELF) {
        Some(own) if own.starts_with(['/', '?']) || own.is_empty() => (slug, Told::AsItself(own), false),
        _ => (slug, Told::InFields, parts.uri.query() == Some(ONLY)),
    }
}

/// A short name, for the log: whatever else stands in its place is the caller's own word, and may be a secret.
fn named(slug: &str) -> &str {
    if slug.parse::<ApiSlug>().is_ok() { slug } else { "?" }
}

fn not_a_proxy() -> Problem {
    let detail = "Only proxies of this machine, and those that the operator has named in trusted_proxies, may ask.";
    Problem::new(ProblemCode::NotAProxy, detail)
}

fn unreadable() -> Problem {
    let detail = "The proxy must say once which request it asks about: X-Forwarded-Method and X-Forwarded-Uri, as the caller sent them.";
    Problem::new(ProblemCode::UnreadableCheck, detail)
}
