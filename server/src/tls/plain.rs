//! What the listener without TLS is still for, where there is one with TLS.

use crate::{connection::TlsConnection, problem::Problem, state::AppState};
use axum::{
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use http::{Method, StatusCode, header};
use latchkey_core::authn::Refusal;

/// Leads people to the same page by TLS, and refuses forms: what was in one has been sent in the clear. Programs are not led, so that
/// theirs are mended: the door and the endpoints refuse their credentials.
pub async fn lead_to_https(State(state): State<AppState>, request: Request, next: Next) -> Response {
    if state.config.tls_listen.is_none() || request.extensions().get::<TlsConnection>().is_some() {
        return next.run(request).await;
    }
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return Problem::from(Refusal::TlsRequired.answer()).into_response();
    }
    let target = request.uri().path_and_query().map_or("/", |target| target.as_str());
    // Our own address, never what the request calls us.
    let location = format!("{}{target}", state.config.base_url());
    (StatusCode::PERMANENT_REDIRECT, [(header::LOCATION, location)]).into_response()
}
