//! The same door in front of an operator's own API: proxies ask for each request, servers ask by code, operators' programs change
//! policies.

mod answer;
mod check;
mod policies;
mod request;
mod verify;

pub(crate) use check::check_at_once;
pub use check::{ROUTE as CHECK, check};

use crate::{
    door::Behind,
    routes::{Kind, ROUTES, Route},
    state::AppState,
    unjudged,
};
use axum::{
    Router,
    extract::DefaultBodyLimit,
    routing::{any, get, post},
};
use latchkey_core::authn::Asked;

/// What is asked about guarded APIs by programs. Checks are asked at a listener of their own: their answers say more of a caller than
/// the caller may have, and whoever reaches the portal could ask for them here.
pub fn router() -> Router<AppState> {
    let limit = DefaultBodyLimit::max(verify::BODY_LIMIT);
    let mut router = Router::new();
    for route in ROUTES.iter().filter(|route| route.kind == Kind::Gateway) {
        router = router.route(route.path, handler(route).layer(limit));
    }
    router.route("/gateway/{*path}", any(unjudged::not_found))
}

fn handler(route: &'static Route) -> axum::routing::MethodRouter<AppState> {
    match (route.method, route.path) {
        ("POST", "/gateway/verify") => {
            post(Behind::new(verify::verify, route, Asked::Gateway)).fallback(unjudged::only("POST"))
        }
        ("PUT", _) => axum::routing::put(Behind::new(policies::replace, route, Asked::Gateway)),
        _ => get(Behind::new(policies::show, route, Asked::Gateway)).fallback(unjudged::only("GET, HEAD, PUT")),
    }
}
