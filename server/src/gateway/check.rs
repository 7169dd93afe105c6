//! `ANY /gateway/check/{api}`: a proxy asks whether a request may go on to the API (forward auth).

use super::{
    answer::{for_nginx, let_anybody_in, let_in, put_rest, refused},
    request::{Told, guarded, method_and_target},
};
use crate::{
    connection::Arrival,
    door::{Told as ToldOfCaller, Unanswered, fields, method_word, put_request_id},
    problem::Problem,
    state::AppState,
    telemetry,
};
use axum::response::Response;
use http::{StatusCode, header, request::Parts};
use latchkey_core::{
    authn::{Audience, Basic, Refusal},
    gateway::{Judged, Origin, Outcome},
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

/// Answers a check. Only proxies of this machine and those that the operator named may ask: they alone pass the answer's fields on to
/// nobody but the API.
pub async fn check(
    state: &AppState,
    arrival: &Arrival,
    parts: &Parts,
    (at, id): (OffsetDateTime, RequestId),
) -> Response {
    let started = Instant::now();
    let (slug, told, only) = asked_about(parts);
    let answer = |problem: Problem, id| {
        let response = problem.response(id);
        if only { for_nginx(response, &problem, id) } else { response }
    };
    if !arrival.is_by_proxy() {
        tracing::debug!(address = %arrival.address(), "a check did not come from a proxy that is named in trusted_proxies");
        return answer(not_a_proxy(), None);
    }
    if !parts.uri.path().starts_with(PREFIX) {
        return answer(Problem::not_found(), None);
    }
    let Some((method, target)) = method_and_target(parts, told) else {
        tracing::warn!(api = named(slug), "a check does not say once which method and target it is about");
        return answer(unreadable(), None);
    };
    let origin = Origin {
        id,
        at,
        address: arrival.address(),
        transport: arrival.transport(&state.config),
        // A client's certificate ends at the proxy.
        certificate: None,
    };
    let basic = Basic::read(fields(&parts.headers, &header::AUTHORIZATION));
    let request = guarded(&parts.headers, basic.as_ref(), method, target);
    let judged = match state.services.gateway.judge(slug, origin, &request).await {
        Ok(Some(judged)) => judged,
        Ok(None) => {
            tracing::warn!(api = named(slug), "a check is about an API that is not registered");
            return answer(Problem::not_found(), None);
        }
        Err(error) => {
            tracing::error!(request.id = %id, error = &error as &dyn std::error::Error, "a check cannot ask the store");
            let mut response = answer(Problem::from(Refusal::StoreUnavailable.answer()), Some(id));
            put_request_id(response.headers_mut(), id);
            return response;
        }
    };
    let Judged { guard, version, outcome } = judged;
    let verdict = match outcome {
        Outcome::Public(Ok(())) => return let_anybody_in(),
        Outcome::Public(Err(refusal)) => return answer(refused(state, &guard.api, &refusal), None),
        Outcome::Judged(verdict) => verdict,
    };
    let (route, method) = (RouteName::Guarded(Arc::clone(&guard.route)), method_word(method));
    let owed = state.recorder.owes_row(&verdict, id, method, &route);
    let path = target.split('?').next().unwrap_or_default();
    let unanswered = Unanswered {
        state,
        route,
        id,
        method,
        told: owed.map(|owed| ToldOfCaller::new(owed, path, &parts.headers)),
        // Bodies go from the proxy to the API.
        received: 0,
        started,
        verdict: Some(verdict),
    };
    let (mut response, status) = decided(state, &guard.api, version, id, only, &unanswered).await;
    if state.is_traced() {
        telemetry::note(id, unanswered.verdict.as_ref());
    }
    if let Some(verdict) = &unanswered.verdict {
        put_rest(response.headers_mut(), state, id, verdict);
    }
    unanswered.answered(status, 0);
    response
}

/// The answer, and the status that the API's caller sees of it.
async fn decided(
    state: &AppState,
    api: &Audience,
    version: i64,
    id: RequestId,
    only: bool,
    unanswered: &Unanswered<'_>,
) -> (Response, StatusCode) {
    let judged = unanswered.verdict.as_ref().map(|verdict| (&verdict.outcome, verdict.facts.at));
    let problem = match judged {
        Some((Ok(principal), at)) => match state.services.gateway.identity(principal, api, version, at).await {
            Ok(identity) => return (let_in(&identity), StatusCode::OK),
            Err(error) => {
                tracing::error!(request.id = %id, error = &error as &dyn std::error::Error, "a caller's identity cannot be signed");
                Problem::from(Refusal::StoreUnavailable.answer())
            }
        },
        Some((Err(refusal), _)) => refused(state, api, refusal),
        None => Problem::internal(),
    };
    let (response, status) = (problem.response(Some(id)), problem.status());
    (if only { for_nginx(response, &problem, Some(id)) } else { response }, status)
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
