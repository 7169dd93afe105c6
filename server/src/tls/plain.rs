//! What listeners are for that are not for people: the one without TLS, where there is one with TLS, and the one that asks for client
//! certificates.

use crate::{connection::Arrival, problem::Problem, state::AppState};
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
    if arrival.is_for_pages(&state.config) {
        return next.run(request).await;
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
