//! The demo API, and what else stands behind the door. Its router is drawn from the table of routes.

mod openapi;
mod posts;
mod status;
mod userinfo;
mod whoami;

use crate::{
    door::{Behind, OfCaller, Straight},
    routes::{Access, BODY_LIMIT, Endpoint, Kind, ROUTES, Route},
    state::AppState,
    unjudged,
};
use axum::{
    Router,
    extract::DefaultBodyLimit,
    routing::{MethodRouter, delete, get, post, put},
};
use latchkey_core::authn::Asked;
use std::collections::BTreeMap;

/// Every endpoint, behind the door: flat, with no session, no compression and no other layer.
pub fn router(base_url: &str) -> Router<AppState> {
    let mut paths: BTreeMap<&'static str, (MethodRouter<AppState>, Vec<&'static str>)> = BTreeMap::new();
    for route in ROUTES {
        let Kind::Api(endpoint) = route.kind else { continue };
        let (methods, allowed) = paths.entry(route.path).or_default();
        *methods = std::mem::take(methods).merge(handler(route, endpoint));
        allowed.push(route.method);
    }
    let mut router = Router::new();
    for (path, (methods, allowed)) in paths {
        router = router.route(path, methods.fallback(unjudged::only(&allowed.join(", "))));
    }
    router = router.route(openapi::PATH, get(openapi::show(base_url)).fallback(unjudged::only("GET")));
    router.route("/api/{*path}", axum::routing::any(unjudged::not_found))
}

/// The endpoints that are read at one address: they are found by comparing it, and no router is needed.
pub fn straight(route: &'static Route) -> Option<Straight> {
    let Kind::Api(endpoint) = route.kind else { return None };
    let asked = asked(route);
    match endpoint {
        Endpoint::Whoami => Some(Behind::new(OfCaller(whoami::show), route, asked).straight_at_once()),
        Endpoint::ListPosts => Some(Behind::new(posts::list, route, asked).straight()),
        Endpoint::Userinfo => Some(Behind::new(userinfo::show, route, asked).straight()),
        _ => None,
    }
}

fn asked(route: &Route) -> Asked {
    match route.access {
        Access::Key(needed_scope) => Asked::Demo { needed_scope },
        Access::Anybody | Access::Machine | Access::Account | Access::Admin => Asked::Demo { needed_scope: None },
    }
}

/// The handler of an endpoint, behind the door unless it is everybody's.
fn handler(route: &'static Route, endpoint: Endpoint) -> MethodRouter<AppState> {
    let asked = asked(route);
    let limit = DefaultBodyLimit::max(BODY_LIMIT);
    match endpoint {
        Endpoint::Status => get(status::show),
        Endpoint::Whoami => get(Behind::new(OfCaller(whoami::show), route, asked)),
        Endpoint::ListPosts => get(Behind::new(posts::list, route, asked)),
        Endpoint::CreatePost => post(Behind::new(posts::create, route, asked)).layer(limit),
        Endpoint::GetPost => get(Behind::new(posts::show, route, asked)),
        Endpoint::UpdatePost => put(Behind::new(posts::update, route, asked)).layer(limit),
        Endpoint::Userinfo => get(Behind::new(userinfo::show, route, asked)),
        Endpoint::PostUserinfo => post(Behind::new(userinfo::show, route, asked)),
        Endpoint::DeletePost => delete(Behind::new(posts::remove, route, asked)),
        Endpoint::DeleteAccount => delete(Behind::new(posts::remove_all, route, asked)),
    }
}
