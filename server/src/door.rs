//! The door as a layer: the one path that every protected request takes, and the record of what happened to it.

use crate::{
    problem::Problem,
    routes::{Access, Route},
    state::AppState,
};
use axum::{
    extract::{ConnectInfo, Request},
    middleware::Next,
    response::Response,
};
use http::{HeaderMap, HeaderName, HeaderValue, header};
use latchkey_core::{
    authn::{
        Facts,
        credential::{Carried, Credential},
    },
    limit::LimitState,
    usage::recorder::Served,
};
use latchkey_model::RequestId;
use std::{
    net::{IpAddr, SocketAddr},
    time::Instant,
};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const API_KEY: HeaderName = HeaderName::from_static("x-api-key");
const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");
const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

/// Judges a request, serves it if it is let in, and records what happened.
pub async fn door(state: AppState, route: &'static Route, mut request: Request, next: Next) -> Response {
    let started = Instant::now();
    let Access::Key(needed_scope) = route.access else {
        return next.run(request).await;
    };
    let id = RequestId::from_uuid(state.services.ports.uuid());
    let address = peer(&request);
    let facts =
        Facts { at: state.services.ports.now(), address, secure: state.config.is_secure(address), needed_scope };
    let verdict = {
        let credential = read_credential(&request);
        state.services.door.judge(&facts, &credential).await
    };

    let method = shortened(request.method().as_str(), 16);
    let path = shortened(request.uri().path(), 256);
    let user_agent = header_text(request.headers(), &header::USER_AGENT, 256);
    let mut response = match &verdict.outcome {
        Ok(principal) => {
            request.extensions_mut().insert(id);
            if let Some(principal) = principal {
                request.extensions_mut().insert(principal.clone());
            }
            next.run(request).await
        }
        Err(refusal) => Problem::from(refusal.answer()).response(Some(id)),
    };
    put_headers(response.headers_mut(), id, verdict.limit.as_ref());
    tracing::info!(
        request.id = %id,
        http.method = %method,
        http.route = route.path,
        http.status = response.status().as_u16(),
        reason = verdict.outcome.as_ref().err().map(latchkey_core::authn::Refusal::reason),
        duration_us = started.elapsed().as_micros(),
        "request"
    );
    state.recorder.record(Served {
        id,
        at: facts.at,
        method,
        route: route.path,
        path,
        status: response.status().as_u16(),
        address,
        user_agent,
        duration: started.elapsed(),
        verdict,
    });
    response
}

/// From where the request came: the peer of the connection.
pub fn peer(request: &Request) -> IpAddr {
    request.extensions().get::<ConnectInfo<SocketAddr>>().map_or(
        // A request without a peer is one that no listener of ours took: it counts as a stranger's, never as our own.
        IpAddr::V4(std::net::Ipv4Addr::UNSPECIFIED),
        |ConnectInfo(peer)| peer.ip().to_canonical(),
    )
}

fn read_credential(request: &Request) -> Credential {
    let headers = request.headers();
    let authorization: Vec<_> = headers.get_all(header::AUTHORIZATION).iter().map(HeaderValue::as_bytes).collect();
    let api_key: Vec<_> = headers.get_all(API_KEY).iter().map(HeaderValue::as_bytes).collect();
    Credential::read(Carried { authorization: &authorization, api_key: &api_key, query: request.uri().query() })
}

/// The request's id, and the state of its rate limit (draft-ietf-httpapi-ratelimit-headers).
fn put_headers(headers: &mut HeaderMap, id: RequestId, limit: Option<&LimitState>) {
    let mut put = |name, text: String| {
        if let Ok(value) = HeaderValue::try_from(text) {
            headers.insert(name, value);
        }
    };
    put(REQUEST_ID, id.to_string());
    if let Some(limit) = limit {
        let reset = limit.retry_after.unwrap_or(limit.reset_after);
        let seconds = reset.whole_seconds() + i64::from(reset.subsec_nanoseconds() > 0);
        put(RATE_LIMIT_POLICY, format!("\"key\";q={};w={}", limit.quota.requests, limit.quota.window_seconds));
        put(RATE_LIMIT, format!("\"key\";r={};t={seconds}", limit.remaining));
    }
}

fn header_text(headers: &HeaderMap, name: &HeaderName, length: usize) -> String {
    let bytes = headers.get(name).map(HeaderValue::as_bytes).unwrap_or_default();
    shortened(&String::from_utf8_lossy(bytes), length)
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
}
