//! The demo API. Its router is drawn from the table of routes.

mod posts;
mod status;
mod whoami;

use crate::{
    door::DoorLayer,
    problem::Problem,
    routes::{BODY_LIMIT, Endpoint, Kind, ROUTES, Route},
    state::AppState,
};
use axum::{
    Router,
    extract::DefaultBodyLimit,
    routing::{MethodRouter, delete, get, post, put},
};
use std::collections::BTreeMap;

/// Every endpoint, behind the door: flat, with no session, no compression and no other layer.
pub fn router(state: &AppState) -> Router<AppState> {
    let mut paths: BTreeMap<&'static str, (MethodRouter<AppState>, Vec<&'static str>)> = BTreeMap::new();
    for route in ROUTES {
        let Kind::Api(endpoint) = route.kind else { continue };
        let (methods, allowed) = paths.entry(route.path).or_default();
        *methods = std::mem::take(methods).merge(guarded(state.clone(), route, endpoint));
        allowed.push(route.method);
    }
    let mut router = Router::new();
    for (path, (methods, allowed)) in paths {
        let allow = allowed.join(", ");
        let methods = methods.fallback(move || async move { Problem::method_not_allowed(allow) });
        router = router.route(path, methods);
    }
    router
        .route("/api/{*path}", axum::routing::any(|| async { Problem::not_found() }))
        .layer(DefaultBodyLimit::max(BODY_LIMIT))
}

fn guarded(state: AppState, route: &'static Route, endpoint: Endpoint) -> MethodRouter<AppState> {
    handler(endpoint).layer(DoorLayer::new(state, route))
}

fn handler(endpoint: Endpoint) -> MethodRouter<AppState> {
    match endpoint {
        Endpoint::Status => get(status::show),
        Endpoint::Whoami => get(whoami::show),
        Endpoint::ListPosts => get(posts::list),
        Endpoint::CreatePost => post(posts::create),
        Endpoint::GetPost => get(posts::show),
        Endpoint::UpdatePost => put(posts::update),
        Endpoint::DeletePost => delete(posts::remove),
    }
}
