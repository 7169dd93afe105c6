//! What a proxy is answered: to go on, with what the API may know of the caller, or the refusal that it passes on.

use crate::{
    door::{REQUEST_ID, put_nonce, put_request_id},
    limit_headers::{RATE_LIMIT, RATE_LIMIT_POLICY, put_limits},
    problem::Problem,
    state::AppState,
};
use axum::{body::Body, response::Response};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use latchkey_core::authn::{Audience, Identity, Refusal, Verdict, credential::Via};
use latchkey_model::RequestId;
use std::sync::{Arc, Mutex, PoisonError};

const AUTH_KIND: HeaderName = HeaderName::from_static("x-auth-kind");
const AUTH_STATUS: HeaderName = HeaderName::from_static("x-auth-status");
const AUTH_PROBLEM: HeaderName = HeaderName::from_static("x-auth-problem");
/// What an API is told of whoever is let in without a credential.
const ANYBODY: HeaderValue = HeaderValue::from_static("anonymous");

/// An answer is about one request, and no proxy keeps it for another.
const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");

/// Those that follow with every answer that lets somebody in. They have their places in what is copied, so that no copy grows.
const FOLLOWING: [HeaderName; 3] = [REQUEST_ID, RATE_LIMIT_POLICY, RATE_LIMIT];

/// Answers of every shape that there is, whose first fields are empty: they say what is a caller's own. There are as many as sorts of callers.
static SHAPES: Mutex<Vec<Arc<HeaderMap>>> = Mutex::new(Vec::new());

/// What an API is told of one caller, as it is answered. Of each caller, only the values of its own are kept: whoever answers for a thousand
/// of them in turn waits for what lies far away, and a whole map is twice as much as its values.
struct Prepared {
    shape: Arc<HeaderMap>,
    /// In the order of the shape's first fields.
    own: [Option<HeaderValue>; Identity::OWN],
}

impl Prepared {
    fn of(identity: &Identity) -> Self {
        let value = |(_, value): &(&str, Bytes)| HeaderValue::from_maybe_shared(value.clone()).ok();
        let mut own = identity.own.iter().flatten().map(value);
        Self { shape: shape_of(identity), own: std::array::from_fn(|_| own.next().flatten()) }
    }

    fn headers(&self) -> HeaderMap {
        let mut headers = (*self.shape).clone();
        for (place, value) in headers.values_mut().zip(&self.own) {
            if let Some(value) = value {
                place.clone_from(value);
            }
        }
        headers
    }
}

/// The shape of the answers that say the same but for what is a caller's own, made with the first of them.
fn shape_of(identity: &Identity) -> Arc<HeaderMap> {
    let own = identity.own.iter().flatten().map(|(name, _)| (*name, ""));
    let told = own.chain(identity.of_many.iter().flatten().copied());
    let told = told.map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)));
    let following = FOLLOWING.into_iter().map(|name| (name, HeaderValue::from_static("")));
    let shape: HeaderMap = told.chain([(header::CACHE_CONTROL, NO_STORE)]).chain(following).collect();
    let mut shapes = SHAPES.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = shapes.iter().find(|known| ***known == shape) {
        return Arc::clone(known);
    }
    let shape = Arc::new(shape);
    shapes.push(Arc::clone(&shape));
    shape
}

/// Says that a caller with a credential may go on, in answer to this request.
pub(super) fn let_in(identity: &Identity, id: RequestId) -> Response {
    let drawn = identity.answer.get_or_make(|| Prepared::of(identity));
    let mut headers = drawn.map_or_else(|| Prepared::of(identity).headers(), Prepared::headers);
    put_request_id(&mut headers, id);
    yes(headers)
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

#[cfg(test)]
mod tests {
    use super::*;
    use latchkey_core::authn::Slot;
    use latchkey_model::ApiId;
    use std::collections::BTreeMap;
    use time::OffsetDateTime;

    /// A caller whose fields have gaps between them.
    fn identity(own: &[(&'static str, &'static str)], kind: &'static str) -> Identity {
        let field = |(name, value): &(_, &'static str)| (*name, Bytes::from_static(value.as_bytes()));
        let own = |place: usize| own.get(place / 2).filter(|_| place.is_multiple_of(2)).map(field);
        Identity {
            api: ApiId::from_uuid(uuid::Uuid::from_u128(1)),
            version: 1,
            fresh_until: OffsetDateTime::UNIX_EPOCH,
            own: std::array::from_fn(own),
            of_many: [None, Some(("x-auth-kind", kind))],
            answer: Slot::default(),
        }
    }

    #[test]
    fn callers_of_one_shape_and_of_others_keep_their_own_values() {
        let told = [
            identity(&[("x-auth-subject", "ada"), ("x-auth-client", "app")], "account"),
            identity(&[("x-auth-subject", "bob"), ("x-auth-client", "other")], "account"),
            identity(&[("x-auth-subject", "bot"), ("x-auth-client", "other")], "service_account"),
            identity(&[("x-auth-subject", "eve")], "application"),
            // No field may hold the first; it takes no other's place.
            identity(&[("x-auth-subject", "m\nm"), ("x-auth-scopes", "read"), ("x-auth-client", "app")], "account"),
        ];
        for _ in 0..2 {
            for identity in &told {
                let id = RequestId::from_uuid(uuid::Uuid::from_u128(7));
                let response = let_in(identity, id);
                let legal = |value: &'_ Bytes| !value.contains(&b'\n');
                let own = identity.own.iter().flatten();
                let own = own.map(|(name, value)| (*name, if legal(value) { &value[..] } else { b"" }));
                let mut expected: BTreeMap<_, _> = own.collect();
                expected.extend(identity.of_many.iter().flatten().map(|(name, value)| (*name, value.as_bytes())));
                let id = id.to_string();
                expected.extend([("cache-control", &b"no-store"[..]), ("x-request-id", id.as_bytes())]);
                // Their places: whoever finishes the answer says what the limits are.
                expected.extend([("ratelimit", &b""[..]), ("ratelimit-policy", b"")]);
                let found: BTreeMap<_, _> =
                    response.headers().iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
                assert_eq!(found, expected);
            }
        }
        let [ada, bob, bot, eve, _] = told.each_ref().map(shape_of);
        assert!(Arc::ptr_eq(&ada, &bob) && !Arc::ptr_eq(&bob, &bot) && !Arc::ptr_eq(&bot, &eve));
    }
}
