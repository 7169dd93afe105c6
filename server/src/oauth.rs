//! The endpoints of OAuth that machines ask (RFC 6749, 7009, 7662, 8414, 7517).

mod answer;
mod client;
mod form;
mod introspect;
mod metadata;
mod revoke;
mod token;

pub use metadata::resource_parameter;

use crate::{problem::Problem, state::AppState};
use axum::{
    Router,
    routing::{get, post},
};

/// Every endpoint.
pub fn router() -> Router<AppState> {
    let only = |allow: &'static str| move || async move { Problem::method_not_allowed(allow.to_owned()) };
    Router::new()
        .route("/oauth/token", post(token::issue).fallback(only("POST")))
        .route("/oauth/introspect", post(introspect::introspect).fallback(only("POST")))
        .route("/oauth/revoke", post(revoke::revoke).fallback(only("POST")))
        .route("/oauth/jwks.json", get(metadata::jwks).fallback(only("GET")))
        .route(metadata::PATH, get(metadata::server).fallback(only("GET")))
        .route(metadata::RESOURCE_PATH, get(metadata::resource).fallback(only("GET")))
}
