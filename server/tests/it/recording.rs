//! The record: exact counts beyond the budget for rows, and a channel that is full.

use crate::support::{Browser, Portal, START};
use axum::body::Body;
use http::{Request, StatusCode};
use latchkey_core::usage::report::{Range, TimeZone, Usage, UsageOf};
use server::config::Given;
use std::time::Duration;

async fn counted(browser: &mut Browser, application: &str) -> String {
    tokio::time::sleep(Duration::from_millis(700)).await;
    browser.get(&format!("/apps/{application}/development/usage")).await.text()
}

/// A portal that keeps so many rows a second and lets everybody ask as often as they like, with an application of Ada's, and a key of it.
async fn stage(rows_per_second: &str) -> (Portal, Browser, String, String) {
    let given = Given {
        log_rows_per_second: rows_per_second.parse().ok(),
        requests_per_minute: "100000000".parse().ok(),
        team_requests_per_minute: "100000000".parse().ok(),
        ..Given::default()
    };
    let portal = Portal::with(given).await;
    let mut ada = portal.member("ada@example.org").await;
    let application = ada.application("Bookshelf").await;
    let key = ada.key(&application, "development", &["read:posts"], "never").await;
    (portal, ada, application, key)
}

#[tokio::test]
async fn beyond_the_budget_requests_are_counted_exactly_and_have_no_row() {
    // One row a second, ten at once.
    let (portal, mut ada, application, key) = stage("1").await;
    for _ in 0..300 {
        assert_eq!(portal.with_key(&key, "GET", "/api/v1/whoami", "").await.status, StatusCode::OK);
    }
    for _ in 0..100 {
        assert_eq!(portal.with_key(&key, "POST", "/api/v1/posts", "").await.status, StatusCode::FORBIDDEN);
    }
    let page = counted(&mut ada, &application).await;
    assert!(page.contains("<dd>400 <span") && page.contains("100 (25.00 %)"), "{page}");
    // Of refusals that are alike, ten have rows; of what was let in, as many as the budget allows.
    let without = 400 - 10 - 10;
    assert_eq!(portal.state.recorder.without_row(), without);
    assert!(page.contains(&format!("{without} requests of this portal were counted without a row")), "{page}");
    let logs = ada.get(&format!("/apps/{application}/development/logs?outcome=served")).await.text();
    assert_eq!(logs.matches("data-label=\"Answer\"").count(), 10, "{logs}");
}

/// The writer is held up, so that its channel fills: requests go on, the rows that are lost are counted, and no count is.
#[tokio::test(flavor = "multi_thread")]
async fn a_full_channel_holds_nobody_up_and_says_what_it_lost() {
    let (portal, mut ada, application, key) = stage("100000").await;
    assert_eq!(portal.with_key(&key, "GET", "/api/v1/whoami", "").await.status, StatusCode::OK);
    tokio::time::sleep(Duration::from_millis(500)).await;
    // Whoever holds the one writing connection holds up the writer.
    let hold = portal.state.services.ports.store.begin().await.unwrap();
    let total: u64 = 20_000;
    for _ in 0..total {
        let answer = portal
            .app
            .of(std::net::SocketAddr::from(([127, 0, 0, 1], 1)).into())
            .answer(Request::builder().uri("/api/v1/whoami").header("x-api-key", &key).body(Body::empty()).unwrap());
        assert_eq!(answer.await.unwrap().status(), StatusCode::OK);
    }
    let lost = portal.state.recorder.lost();
    assert!(lost > 0, "the channel was full");
    drop(hold);
    for _ in 0..200 {
        tokio::time::sleep(Duration::from_millis(100)).await;
        if rows(&portal).await == total + 1 - portal.state.recorder.lost() {
            break;
        }
    }
    let lost = portal.state.recorder.lost();
    assert_eq!(rows(&portal).await + lost, total + 1, "every request has a row or is counted as lost");
    let usage = usage_of(&portal, &application).await;
    assert_eq!(usage.requests, total + 1, "the counts are exact");
    let page = ada.get(&format!("/apps/{application}/development/usage")).await.text();
    assert!(page.contains(&format!("{lost} requests of this portal have no row")), "{page}");
}

async fn usage_of(portal: &Portal, application: &str) -> Usage {
    let (account, _) = portal.state.services.ports.store.account_by_email("ada@example.org").await.unwrap().unwrap();
    let actor = latchkey_core::Actor::Account {
        account,
        session: [0; 32],
        signed_in_at: START,
        signed_in_by: latchkey_core::account::SignInMethod::PASSWORD,
        from: std::net::Ipv4Addr::LOCALHOST.into(),
    };
    let usage = &portal.state.services.usage;
    usage
        .usage(
            &actor,
            UsageOf::Environment(application.parse().unwrap(), latchkey_model::Environment::Development),
            Range::Day,
            &TimeZone::UTC,
        )
        .await
        .unwrap()
}

async fn rows(portal: &Portal) -> u64 {
    let path = portal.folder.path().join("latchkey.db");
    let pool = sqlx::SqlitePool::connect(&format!("sqlite://{}", path.display())).await.unwrap();
    let count: i64 = sqlx::query_scalar("SELECT count(*) FROM request_log").fetch_one(&pool).await.unwrap();
    u64::try_from(count).unwrap()
}

/// A caller who goes away before the answer is recorded too: what was begun for it may have been done.
#[tokio::test]
async fn a_caller_who_goes_away_is_recorded() {
    let portal = Portal::start().await;
    let mut ada = portal.member("ada@example.org").await;
    let application = ada.application("Bookshelf").await;
    let key = ada.key(&application, "development", &["read:posts", "write:posts"], "never").await;
    assert_eq!(portal.with_key(&key, "GET", "/api/v1/whoami", "").await.status, StatusCode::OK);
    // Whoever holds the one writing connection holds up the answer.
    let hold = portal.state.services.ports.store.begin().await.unwrap();
    let calling = portal.with_key(&key, "POST", "/api/v1/posts", "{\"title\":\"x\"}");
    assert!(tokio::time::timeout(Duration::from_millis(200), calling).await.is_err(), "the answer is held up");
    drop(hold);
    let mut page = String::new();
    for _ in 0..20 {
        page = counted(&mut ada, &application).await;
        if page.contains("499") {
            break;
        }
    }
    assert!(page.contains("499") && page.contains("POST /api/v1/posts"), "{page}");
}

/// The counts of so many keys are written in several batches: none is lost, none is written twice, and none waits for another request.
async fn of_many_keys_every_request_is_counted(portal: Portal) {
    let mut ada = portal.member("ada@example.org").await;
    let application = ada.application("Bookshelf").await;
    let mut keys = Vec::new();
    for _ in 0..140 {
        keys.push(ada.key(&application, "development", &["read:posts"], "never").await);
    }
    let call = async |key: &String| {
        assert_eq!(portal.with_key(key, "GET", "/api/v1/whoami", "").await.status, StatusCode::OK);
    };
    let mut total = 0;
    for key in &keys {
        call(key).await;
        total += 1;
    }
    // Some go on while the others' counts wait.
    for key in &keys[..10] {
        tokio::time::sleep(Duration::from_millis(150)).await;
        call(key).await;
        total += 1;
    }
    let mut usage = usage_of(&portal, &application).await;
    let by_address = |usage: &Usage| usage.addresses.iter().map(|(_, sums)| sums.requests).sum::<u64>();
    for _ in 0..100 {
        if by_address(&usage) == total {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
        usage = usage_of(&portal, &application).await;
    }
    assert_eq!((usage.requests, by_address(&usage)), (total, total));
    assert_eq!(portal.state.recorder.lost(), 0);
}

#[tokio::test]
async fn of_many_keys_every_request_is_counted_on_sqlite() {
    of_many_keys_every_request_is_counted(Portal::start().await).await;
}

#[tokio::test]
async fn of_many_keys_every_request_is_counted_on_postgres() {
    of_many_keys_every_request_is_counted(Portal::on_postgres().await).await;
}

#[tokio::test]
async fn rows_that_are_past_their_time_are_removed_however_many_there_are() {
    let (portal, .., key) = stage("10000").await;
    for _ in 0..301 {
        assert_eq!(portal.with_key(&key, "GET", "/api/v1/whoami", "").await.status, StatusCode::OK);
    }
    for _ in 0..100 {
        if rows(&portal).await == 301 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(rows(&portal).await, 301);
    portal.clock.advance(time::Duration::days(31));
    server::workers::prune(&portal.state).await.unwrap();
    assert_eq!(rows(&portal).await, 0);
}
