//! The same door in front of an operator's own API: proxies ask for each request, servers ask by code, operators' programs change
//! policies.

mod answer;
mod check;
mod policies;
mod request;
mod verify;

pub use check::{PREFIX, check};

use crate::{
    connection::Arrival,
    door::Behind,
    problem::Problem,
    routes::{Kind, ROUTES, Route},
    state::AppState,
};
use axum::{
    Router,
    extract::{DefaultBodyLimit, Request, State},
    routing::{any, get, post},
};
use latchkey_core::authn::Asked;

/// Everything that is asked about guarded APIs.
pub fn router() -> Router<AppState> {
    let limit = DefaultBodyLimit::max(verify::BODY_LIMIT);
    let mut router = Router::new().route("/gateway/check/{*api}", any(routed_check));
    for route in ROUTES.iter().filter(|route| route.kind == Kind::Gateway) {
        router = router.route(route.path, handler(route).layer(limit));
    }
    router.route("/gateway/{*path}", any(|| async { Problem::not_found() }))
}

fn handler(route: &'static Route) -> axum::routing::MethodRouter<AppState> {
    match (route.method, route.path) {
        ("POST", "/gateway/verify") => {
            post(Behind::new(verify::verify, route, Asked::Gateway)).fallback(|| only("POST"))
        }
        ("PUT", _) => axum::routing::put(Behind::new(policies::replace, route, Asked::Gateway)),
        _ => get(Behind::new(policies::show, route, Asked::Gateway)).fallback(|| only("GET, HEAD, PUT")),
    }
}

/// Answers whoever asks by another method.
fn only(allow: &'static str) -> std::future::Ready<Problem> {
    std::future::ready(Problem::method_not_allowed(allow.to_owned()))
}

async fn routed_check(State(state): State<AppState>, request: Request) -> axum::response::Response {
    let arrival = Arrival::of(&state.config, &request);
    check(&state, &arrival, &request.into_parts().0).await
}
