//! What listeners are for that are not for people: the one without TLS, where there is one with TLS, and the one that asks for client
//! certificates.

use crate::{
    connection::{Arrival, Pages, ProxyFields},
    problem::Problem,
    state::AppState,
};
use axum::{
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use http::{Method, StatusCode, header};
use latchkey_core::authn::Refusal;

/// Leads people to the same page where pages are, and refuses forms: what was in one has been sent in the clear, or comes from no page
/// of ours. Programs are not led, so that theirs are mended: the door and the endpoints refuse their credentials.
pub async fn lead_to_pages(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let arrival = Arrival::of(&state.config, &request);
    match arrival.pages(&state.config) {
        Pages::Here => return next.run(request).await,
        Pages::Unsaid => return unsaid(&state),
        Pages::Elsewhere => {}
    }
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return Problem::from(Refusal::TlsRequired.answer()).into_response();
    }
    let target = request.uri().path_and_query().map_or("/", |target| target.as_str());
    // Our own address, never what the request calls us.
    let location = format!("{}{target}", state.config.base_url());
    // Not for ever: an operator may think again.
    let headers = [(header::LOCATION, location.as_str()), (header::CACHE_CONTROL, "no-store")];
    (StatusCode::TEMPORARY_REDIRECT, headers).into_response()
}

/// For whoever set the proxy up: it is the only one who can mend it.
fn unsaid(state: &AppState) -> Response {
    let field = match state.config.proxy_fields {
        ProxyFields::XForwarded => "X-Forwarded-Proto",
        ProxyFields::Forwarded => "Forwarded",
    };
    tracing::warn!("a proxy does not say in {field} whether its caller came by TLS: no pages are served through it");
    let text = format!(
        "The proxy in front of this portal does not say whether you came by TLS: it must set {field}.\n\
         See \"Behind a proxy\" in the operator's guide.\n"
    );
    (StatusCode::BAD_GATEWAY, [(header::CACHE_CONTROL, "no-store")], text).into_response()
}
