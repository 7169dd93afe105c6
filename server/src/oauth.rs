//! The endpoints of OAuth and OpenID Connect that machines ask (RFC 6749, 7009, 7662, 8414, 7517, 9126, OpenID Connect Discovery).

mod answer;
mod asked;
mod authorize;
mod client;
mod device;
mod form;
mod introspect;
mod metadata;
mod par;
mod register;
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
        // GET is the page that asks, of both.
        .route("/oauth/authorize", post(authorize::as_query))
        .route("/oauth/logout", post(authorize::logout_as_query))
        .route("/oauth/token", post(token::issue).fallback(only("POST")))
        .route("/oauth/par", post(par::push).fallback(only("POST")))
        .route("/oauth/device_authorization", post(device::begin).fallback(only("POST")))
        .route("/oauth/register", post(register::register).fallback(only("POST")))
        .route(
            "/oauth/register/{client_id}",
            get(register::read).put(register::replace).delete(register::end).fallback(only("GET, PUT, DELETE")),
        )
        .route("/oauth/introspect", post(introspect::introspect).fallback(only("POST")))
        .route("/oauth/revoke", post(revoke::revoke).fallback(only("POST")))
        .route("/oauth/jwks.json", get(metadata::jwks).fallback(only("GET")))
        .route(metadata::PATH, get(metadata::server).fallback(only("GET")))
        .route(metadata::OPENID_PATH, get(metadata::server).fallback(only("GET")))
        .route(
            "/.well-known/oauth-protected-resource/gateway/{api}",
            get(metadata::guarded_resource).fallback(only("GET")),
        )
        .route(metadata::RESOURCE_PATH, get(metadata::resource).fallback(only("GET")))
}
