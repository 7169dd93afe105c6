//! Whether requests can be served: everybody is told that, and those who watch over the server why not.

use crate::support::{Answer, LOOPBACK, Portal, send};
use axum::body::{Body, to_bytes};
use http::{Request, StatusCode};
use sea_orm::ConnectionTrait;
use std::time::Duration;
use tower::ServiceExt;

fn asked() -> Request<Body> {
    Request::builder().uri("/health/ready").body(Body::empty()).unwrap()
}

async fn ready(portal: &Portal) -> Answer {
    portal.send_from(LOOPBACK, asked()).await
}

/// What is told at the listener for metrics.
async fn in_detail(portal: &Portal) -> String {
    let answer = server::metrics::router(portal.state.clone()).oneshot(asked()).await.unwrap();
    String::from_utf8(to_bytes(answer.into_body(), usize::MAX).await.unwrap().to_vec()).unwrap()
}

/// It is not ready, for this reason, which strangers are not told.
async fn is_not(portal: &Portal, why: &str) {
    let answer = ready(portal).await;
    assert_eq!((answer.status, answer.text().as_str()), (StatusCode::SERVICE_UNAVAILABLE, "not ready\n"), "{why}");
    assert_eq!(answer.header("cache-control"), "no-store");
    assert_eq!(in_detail(portal).await, format!("not ready\n{why}\n"));
    let metrics = crate::metrics::scrape(portal).await;
    assert!(metrics.lines().any(|line| line == "latchkey_ready 0.0"), "{metrics}");
}

#[tokio::test]
async fn a_server_that_serves_is_ready_and_one_that_stops_is_not() {
    for portal in [Portal::start().await, Portal::on_postgres().await] {
        assert_eq!((ready(&portal).await.text().as_str(), in_detail(&portal).await.as_str()), ("ok\n", "ok\n"));
        let metrics = crate::metrics::scrape(&portal).await;
        assert!(metrics.lines().any(|line| line == "latchkey_ready 1.0"), "{metrics}");
        portal.state.stopping.send_replace(true);
        is_not(&portal, "the server is stopping").await;
        assert_eq!(portal.api("GET", "/health/live", &[], "").await.status, StatusCode::OK, "and lives");
        portal.state.stopping.send_replace(false);
        assert_eq!(ready(&portal).await.status, StatusCode::OK);
    }
}

#[tokio::test]
async fn a_database_that_is_behind_or_silent_makes_nothing_ready() {
    for portal in [Portal::start().await, Portal::on_postgres().await] {
        let writer = portal.store.writer();
        let newer =
            "INSERT INTO seaql_migrations (version, applied_at) VALUES ('m30000101_000001_of_a_newer_version', 1)";
        writer.execute_unprepared(newer).await.unwrap();
        assert_eq!(ready(&portal).await.status, StatusCode::OK, "another node was updated first");
        let last = "DELETE FROM seaql_migrations WHERE version LIKE 'm20261126%'";
        writer.execute_unprepared(last).await.unwrap();
        is_not(&portal, "the database is behind this version: run latchkey migrate").await;
        portal.store.clone().close().await.unwrap();
        is_not(&portal, "the database does not answer").await;
    }
}

#[tokio::test]
async fn a_server_that_writes_nothing_down_is_not_ready() {
    let portal = Portal::start().await;
    let mute = portal.without_writer().await;
    assert_eq!(send(&mute, LOOPBACK, asked()).await.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(ready(&portal).await.status, StatusCode::OK, "the other one is");
}

/// Asks until it is so, while somebody calls the API.
async fn becomes(portal: &Portal, key: &str, status: StatusCode) -> bool {
    for number in 0..200 {
        portal.with_key(key, "GET", &format!("/api/v1/posts?number={number}"), "").await;
        if ready(portal).await.status == status {
            return true;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    false
}

#[tokio::test]
async fn a_full_disk_is_not_ready_and_is_again_once_there_is_room() {
    let portal = Portal::start().await;
    let mut ada = portal.member("ada@example.org").await;
    let application = ada.application("Bookshelf").await;
    let key = ada.key(&application, "development", &["read:posts"], "never").await;
    // SQLite answers as it does on a full disk: SQLITE_FULL.
    let writer = portal.store.writer();
    writer.execute_unprepared("VACUUM").await.unwrap();
    writer.execute_unprepared("PRAGMA max_page_count = 1").await.unwrap();
    assert!(becomes(&portal, &key, StatusCode::SERVICE_UNAVAILABLE).await);
    is_not(&portal, "the disk of the database is full").await;
    writer.execute_unprepared("PRAGMA max_page_count = 1073741823").await.unwrap();
    // Nobody asks for anything: what could not be written is tried again by itself.
    for _ in 0..100 {
        if ready(&portal).await.status == StatusCode::OK {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("it is not ready though there is room: {}", in_detail(&portal).await);
}
