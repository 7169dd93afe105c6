//! What a proxy is answered: to go on, with what the API may know of the caller, or the refusal that it passes on.

use crate::{
    door::{REQUEST_ID, put_nonce, put_request_id},
    limit_headers::{RATE_LIMIT, RATE_LIMIT_POLICY, put_limits},
    problem::Problem,
    state::AppState,
};
use axum::{body::Body, response::Response};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use latchkey_core::authn::{Audience, Identity, Refusal, Verdict, credential::Via};
use latchkey_model::RequestId;

const AUTH_KIND: HeaderName = HeaderName::from_static("x-auth-kind");
const AUTH_STATUS: HeaderName = HeaderName::from_static("x-auth-status");
const AUTH_PROBLEM: HeaderName = HeaderName::from_static("x-auth-problem");
/// What an API is told of whoever is let in without a credential.
const ANYBODY: HeaderValue = HeaderValue::from_static("anonymous");

/// An answer is about one request, and no proxy keeps it for another.
const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");

/// Fields that an answer has at most in most cases, those that follow included: the map is not hashed anew.
const TYPICAL_FIELDS: usize = 16;
/// Those that follow with every answer that lets somebody in. They have their places in what is copied, so that no copy grows.
const FOLLOWING: [HeaderName; 3] = [REQUEST_ID, RATE_LIMIT_POLICY, RATE_LIMIT];

/// Says that a caller with a credential may go on, in answer to this request.
pub(super) fn let_in(identity: &Identity, id: RequestId) -> Response {
    let drawn = identity.answer.get_or_make(|| headers_of(identity));
    let mut headers = drawn.cloned().unwrap_or_else(|| headers_of(identity));
    put_request_id(&mut headers, id);
    yes(headers)
}

fn headers_of(identity: &Identity) -> HeaderMap {
    let mut headers = HeaderMap::with_capacity(TYPICAL_FIELDS);
    headers.insert(header::CACHE_CONTROL, NO_STORE);
    for (name, value) in &identity.fields {
        if let Ok(value) = HeaderValue::from_maybe_shared(value.clone()) {
            headers.insert(HeaderName::from_static(name), value);
        }
    }
    headers.extend(FOLLOWING.map(|name| (name, HeaderValue::from_static(""))));
    headers
}

/// Says that anybody may go on.
pub(super) fn let_anybody_in() -> Response {
    yes(HeaderMap::from_iter([(AUTH_KIND, ANYBODY), (header::CACHE_CONTROL, NO_STORE)]))
}

fn yes(headers: HeaderMap) -> Response {
    let mut response = Response::new(Body::empty());
    *response.headers_mut() = headers;
    response
}

/// The refusal, as the API's caller gets it.
pub(super) fn refused(state: &AppState, api: &Audience, refusal: &Refusal) -> Problem {
    // Where a guarded API's tokens come from (RFC 9728 section 5.1).
    let parameter = format!(
        ", resource_metadata=\"{}/.well-known/oauth-protected-resource/gateway/{}\"",
        state.config.base_url(),
        api.slug
    );
    Problem::from(refusal.answer()).with_challenge_parameter(&parameter)
}

/// What every answer says beside its request's id: how the caller's limits stand, and which nonce the next proof must carry.
pub(super) fn put_rest(headers: &mut HeaderMap, state: &AppState, verdict: &Verdict) {
    if verdict.via == Some(Via::Dpop) {
        put_nonce(headers, state, verdict.facts.at);
    }
    put_limits(headers, verdict);
}

/// The same answer for a proxy that passes on no other refusals than 401 and 403: what it really is stands in fields.
pub(super) fn for_nginx(mut response: Response, problem: &Problem, id: RequestId) -> Response {
    let status = response.status();
    let headers = response.headers_mut();
    headers.insert(AUTH_STATUS, status.as_u16().into());
    if let Ok(problem) = HeaderValue::from_bytes(&problem.body(Some(id))) {
        headers.insert(AUTH_PROBLEM, problem);
    }
    if status != StatusCode::UNAUTHORIZED {
        *response.status_mut() = StatusCode::FORBIDDEN;
    }
    response
}
