//! Numbers for operators: they are there, they are right, and they are about nobody.

use crate::support::{PASSWORD, Portal, mistyped};
use axum::body::{Body, to_bytes};
use http::{Request, StatusCode};
use std::{collections::BTreeSet, time::Duration};
use tower::ServiceExt;

pub(crate) async fn scrape(portal: &Portal) -> String {
    let request = Request::builder().uri("/metrics").body(Body::empty()).unwrap();
    let answer = server::metrics::router(portal.state.clone()).oneshot(request).await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    assert!(answer.headers()["content-type"].to_str().unwrap().starts_with("application/openmetrics-text"));
    String::from_utf8(to_bytes(answer.into_body(), usize::MAX).await.unwrap().to_vec()).unwrap()
}

/// The value of a sample, by how its line begins.
fn value(text: &str, sample: &str) -> String {
    let line = text.lines().find(|line| line.starts_with(sample)).unwrap_or_else(|| panic!("{sample}: {text}"));
    line.rsplit(' ').next().unwrap().to_owned()
}

#[tokio::test]
async fn requests_are_counted_by_route_and_reason_and_never_by_key() {
    let portal = Portal::start().await;
    let mut ada = portal.member("ada@example.org").await;
    let application = ada.application("Bookshelf").await;
    let key = ada.key(&application, "development", &["read:posts"], "never").await;
    for _ in 0..3 {
        assert_eq!(portal.with_key(&key, "GET", "/api/v1/posts", "").await.status, StatusCode::OK);
    }
    assert_eq!(portal.with_key(&mistyped(&key), "GET", "/api/v1/posts", "").await.status, StatusCode::UNAUTHORIZED);
    tokio::time::sleep(Duration::from_millis(700)).await;
    let text = scrape(&portal).await;
    let posts = "latchkey_requests_total{method=\"GET\",route=\"/api/v1/posts\",status=";
    assert_eq!(value(&text, &format!("{posts}\"200\",refused=\"false\"}}")), "3");
    assert_eq!(value(&text, &format!("{posts}\"401\",refused=\"true\"}}")), "1");
    assert_eq!(value(&text, "latchkey_refusals_total{reason=\"bad_checksum\"}"), "1");
    let took = "latchkey_request_duration_seconds";
    let labels = "{method=\"GET\",route=\"/api/v1/posts\"}";
    assert_eq!(value(&text, &format!("{took}_count{labels}")), "4");
    let sum: f64 = value(&text, &format!("{took}_sum{labels}")).parse().unwrap();
    assert!(sum > 0.0 && sum < 4.0, "{sum}");
    let all = format!("{took}_bucket{{le=\"+Inf\",method=\"GET\",route=\"/api/v1/posts\"}}");
    assert_eq!(value(&text, &all), "4", "buckets add up");
    assert_eq!(value(&text, "latchkey_database_up"), "1.0");
    assert!(text.ends_with("# EOF\n"));
    for secret in
        [key.as_str(), &key[7..19], "ada@example.org", "Bookshelf", application.as_str(), PASSWORD, "127.0.0.1"]
    {
        assert!(!text.contains(secret), "{secret}");
    }
}

/// A panel that asks for a number which is not there stays empty, and nobody notices.
#[tokio::test]
async fn the_dashboard_asks_for_numbers_that_are_there() {
    let portal = Portal::start().await;
    portal.with_key("nonsense", "GET", "/api/v1/whoami", "").await;
    tokio::time::sleep(Duration::from_millis(700)).await;
    let text = scrape(&portal).await;
    let dashboard: serde_json::Value = serde_json::from_str(include_str!("../../../grafana/latchkey.json")).unwrap();
    let mut asked = BTreeSet::new();
    for panel in dashboard["panels"].as_array().unwrap() {
        for target in panel["targets"].as_array().unwrap() {
            let expression = target["expr"].as_str().unwrap();
            let words = expression.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_');
            asked.extend(words.filter(|word| word.starts_with("latchkey_")).map(str::to_owned));
        }
    }
    assert!(asked.len() >= 8, "{asked:?}");
    for name in asked {
        assert!(text.lines().any(|line| line.starts_with(&name)), "{name}: {text}");
    }
}

#[tokio::test]
async fn numbers_are_not_had_where_everybody_asks() {
    let portal = Portal::start().await;
    assert_eq!(portal.api("GET", "/metrics", &[], "").await.status, StatusCode::NOT_FOUND);
}
