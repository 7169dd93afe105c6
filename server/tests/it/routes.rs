//! The one table of routes names everything that answers, and nothing else.

use crate::support::Portal;
use app::shell::App;
use http::{Method, StatusCode};
use latchkey_model::RequestId;
use leptos::server_fn::axum::server_fn_paths;
use server::routes::{Access, Kind, ROUTES};
use std::collections::BTreeSet;

fn of_kind(wanted: Kind) -> BTreeSet<String> {
    ROUTES.iter().filter(|route| route.kind == wanted).map(|route| route.path.to_owned()).collect()
}

#[test]
fn every_server_function_is_a_form_of_the_table() {
    let mut found = BTreeSet::new();
    for (path, method) in server_fn_paths() {
        // A function that answers GET could be called by any link of any site (T5).
        assert_eq!(method, Method::POST, "t05: {path}");
        found.insert(path.to_owned());
    }
    assert!(found.len() >= 10, "server functions register themselves: {found:?}");
    assert_eq!(found, of_kind(Kind::Form));
}

#[test]
fn every_page_is_a_page_of_the_table() {
    let found: BTreeSet<_> =
        leptos_axum::generate_route_list(App).iter().map(|route| route.path().to_owned()).collect();
    assert_eq!(found, of_kind(Kind::Page));
}

#[test]
fn no_row_is_there_twice_and_every_form_is_a_post() {
    let mut seen = BTreeSet::new();
    for route in ROUTES {
        assert!(seen.insert((route.method, route.path)), "{} {} is there twice", route.method, route.path);
        assert_eq!(route.kind == Kind::Form, route.path.starts_with("/form/"), "{}", route.path);
        if route.kind == Kind::Form {
            assert_eq!(route.method, "POST", "{}", route.path);
        }
        if matches!(route.access, Access::Key(_)) {
            assert!(matches!(route.kind, Kind::Api(_)), "{}", route.path);
        }
    }
}

#[tokio::test]
async fn what_is_not_in_the_table_is_not_there() {
    let portal = Portal::start().await;
    let page = portal.browser().get("/nowhere").await;
    assert_eq!(page.status, StatusCode::NOT_FOUND);
    assert!(page.text().contains("Nothing here"));
    let api = portal.api("GET", "/api/v1/nowhere", &[], "").await;
    assert_eq!((api.status, api.code().as_str()), (StatusCode::NOT_FOUND, "not_found"));
    for (path, allow) in [("/api/v1/posts", "GET, POST"), ("/api/v1/whoami", "GET")] {
        let answer = portal.api("PATCH", path, &[], "").await;
        assert_eq!((answer.status, answer.header("allow")), (StatusCode::METHOD_NOT_ALLOWED, allow), "{path}");
        let trace = portal.api("TRACE", path, &[], "").await;
        assert_eq!(trace.status, StatusCode::METHOD_NOT_ALLOWED, "13.4.4: {path}");
    }
}

#[tokio::test]
async fn what_no_door_stands_before_names_its_request_too() {
    let portal = Portal::start().await;
    let status = portal.api("GET", "/api/v1/status", &[], "").await;
    assert_eq!((status.status, status.text().as_str()), (StatusCode::OK, r#"{"status":"ok"}"#));
    let description = portal.api("GET", "/api/openapi.json", &[], "").await;
    let mut ids = BTreeSet::from([&status, &description].map(|answer| answer.header("x-request-id").to_owned()));
    for (method, path, refused) in [
        ("GET", "/api/v1/nowhere", 404),
        ("POST", "/api/v1/status", 405),
        ("PATCH", "/api/v1/whoami", 405),
        ("DELETE", "/api/openapi.json", 405),
        ("PUT", "/oauth/userinfo", 405),
        ("GET", "/gateway/nowhere", 404),
        ("GET", "/gateway/verify", 405),
        ("PATCH", "/gateway/apis/orders/policies", 405),
    ] {
        let answer = portal.api(method, path, &[], "").await;
        let id = answer.header("x-request-id").to_owned();
        assert_eq!((answer.status.as_u16(), &answer.json()["request_id"]), (refused, &id.as_str().into()), "{path}");
        assert!(ids.insert(id), "{path}: each has its own");
    }
    assert!(ids.iter().all(|id| id.parse::<RequestId>().is_ok()), "{ids:?}");
}

#[tokio::test]
async fn operators_learn_whether_it_lives_and_nothing_else() {
    let portal = Portal::start().await;
    for path in ["/health/live", "/health/ready"] {
        let answer = portal.api("GET", path, &[], "").await;
        assert_eq!((answer.status, answer.text().as_str()), (StatusCode::OK, "ok\n"), "{path}");
        assert_eq!(answer.header("server"), "", "13.4.6: no version is told");
    }
}
