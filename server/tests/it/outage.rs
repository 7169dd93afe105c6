//! When the store is out of reach or full: nobody is let in, nothing is lost silently, and it says so.

use crate::{
    canary::log::Log,
    stage::{Stage, encoded},
    support::{PASSWORD, Portal},
};
use http::StatusCode;
use sea_orm::ConnectionTrait;
use tracing::level_filters::LevelFilter;

#[tokio::test]
async fn asvs_16_5_3_without_the_store_nobody_is_let_in() {
    let portal = Portal::start().await;
    let mut ada = portal.member("ada@example.org").await;
    let application = ada.application("Bookshelf").await;
    let key = ada.key(&application, "development", &["read:posts"], "never").await;
    portal.store.clone().close().await.unwrap();

    let answer = portal.with_key(&key, "GET", "/api/v1/whoami", "").await;
    assert_eq!((answer.status, answer.code().as_str()), (StatusCode::SERVICE_UNAVAILABLE, "unavailable"));
    assert_eq!(answer.header("retry-after"), "5");
    let ready = portal.api("GET", "/health/ready", &[], "").await;
    assert_eq!(ready.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(portal.api("GET", "/health/live", &[], "").await.status, StatusCode::OK);
    let page = ada.get("/dashboard").await;
    assert_eq!(page.status, StatusCode::SERVICE_UNAVAILABLE, "{page:?}");
    for answer in [&answer, &ready, &page] {
        let text = answer.text().to_lowercase();
        assert!(!text.contains("sql") && !text.contains("pool"), "r68: {text}");
    }
    let public = portal.api("GET", "/api/v1/status", &[], "").await;
    assert_eq!(public.status, StatusCode::OK, "what needs no store is there still");
}

#[tokio::test]
async fn what_the_log_says_of_an_error_has_the_id_that_its_answer_carried() {
    let mut stage = Stage::set(&[]).await;
    let tokens = stage.tokens().await;
    let application = stage.application.clone();
    let key = stage.ada.key(&application, "development", &["read:posts"], "never").await;
    let log = Log::default();
    let _listening = log.listen_at(LevelFilter::ERROR);
    stage.portal.store.clone().close().await.unwrap();

    let revoke = encoded(&[("token", &tokens.refresh)]);
    let endpoint = stage.portal.oauth("/oauth/revoke", stage.authorization.as_deref(), &revoke).await;
    let page = stage.grace.get("/dashboard").await;
    let call = stage.portal.with_key(&key, "GET", "/api/v1/whoami", "").await;
    let written = log.text();
    for (answer, said) in [
        (&endpoint, "an endpoint of OAuth is out of order"),
        (&page, "who is asking cannot be found out"),
        (&call, "the door cannot ask the store"),
    ] {
        assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "{said}: {answer:?}");
        let id = answer.header("x-request-id");
        let line = written.lines().find(|line| line.contains(said)).unwrap_or_else(|| panic!("{said}: {written}"));
        assert!(id.len() == 36 && line.contains(id), "{id}: {line}");
    }
}

#[tokio::test]
async fn a_full_disk_loses_nothing_and_says_so() {
    let portal = Portal::start().await;
    let mut ada = portal.member("ada@example.org").await;
    let application = ada.application("Bookshelf").await;
    let key = ada.key(&application, "development", &["read:posts", "write:posts"], "never").await;
    // SQLite answers as it does on a full disk: SQLITE_FULL.
    let writer = portal.store.writer();
    writer.execute_unprepared("VACUUM").await.unwrap();
    writer.execute_unprepared("PRAGMA max_page_count = 1").await.unwrap();
    let big = format!("{{\"title\":\"Big\",\"body\":\"{}\"}}", "x".repeat(9_000));
    let mut refused = None;
    for _ in 0..50 {
        let answer = portal.with_key(&key, "POST", "/api/v1/posts", &big).await;
        if answer.status != StatusCode::CREATED {
            refused = Some(answer);
            break;
        }
    }
    let refused = refused.expect("the disk is full at some time");
    assert_eq!((refused.status, refused.code().as_str()), (StatusCode::SERVICE_UNAVAILABLE, "unavailable"));
    assert!(!refused.header("retry-after").is_empty());
    // Reading goes on.
    assert_eq!(portal.with_key(&key, "GET", "/api/v1/posts", "").await.status, StatusCode::OK);
    assert_eq!(ada.get("/dashboard").await.status, StatusCode::OK);

    let mut eve = portal.browser();
    let mut answers = Vec::new();
    for number in 0..40 {
        let email = format!("eve{number}@example.org");
        let fields = [("name", "Eve"), ("email", email.as_str()), ("password", PASSWORD)];
        eve.cookies.remove("latchkey");
        let answer = eve.send("/signup", "/form/account/sign-up", &fields).await;
        let full = answer.location() != "/apps/new";
        answers.push(answer);
        if full {
            break;
        }
    }
    let last = answers.last().unwrap();
    assert_ne!(last.location(), "/apps/new", "the disk is full at some time: {last:?}");
    assert!([303, 503].contains(&last.status.as_u16()), "{last:?}");

    writer.execute_unprepared("PRAGMA max_page_count = 1073741823").await.unwrap();
    let answer = portal.with_key(&key, "POST", "/api/v1/posts", &big).await;
    assert_eq!(answer.status, StatusCode::CREATED, "with room again, it works again: {answer:?}");
}

#[tokio::test]
async fn t10_many_writers_at_once_are_all_served() {
    let portal = Portal::start().await;
    let mut running = Vec::new();
    for number in 0..12 {
        let mut browser = portal.browser();
        running.push(tokio::spawn(async move {
            let email = format!("person{number}@example.org");
            let fields = [("name", "Ada"), ("email", email.as_str()), ("password", PASSWORD)];
            browser.send("/signup", "/form/account/sign-up", &fields).await.location().to_owned()
        }));
    }
    for one in running {
        assert_eq!(one.await.unwrap(), "/apps/new");
    }
}

#[tokio::test]
async fn rfc7009_2_2_1_a_revocation_that_could_not_be_kept_is_no_success() {
    let mut stage = Stage::set(&[]).await;
    let tokens = stage.tokens().await;
    let writer = stage.portal.store.writer();
    let revoke = async |token: &str| {
        let body = encoded(&[("token", token)]);
        stage.portal.oauth("/oauth/revoke", stage.authorization.as_deref(), &body).await
    };
    for (table, event, token) in
        [("revoked_token", "INSERT", &tokens.access), ("token_family", "UPDATE", &tokens.refresh)]
    {
        let broken =
            format!("CREATE TRIGGER broken BEFORE {event} ON {table} BEGIN SELECT RAISE(ABORT, 'broken'); END");
        writer.execute_unprepared(&broken).await.unwrap();
        let failed = revoke(token).await;
        assert_eq!(failed.status, StatusCode::SERVICE_UNAVAILABLE, "{table}: {failed:?}");
        assert_eq!((failed.header("retry-after"), failed.header("cache-control")), ("5", "no-store"));
        assert!(!failed.text().contains("broken"), "r68");
        assert!(stage.works(&tokens).await, "nothing was ended, and nothing else is said");
        writer.execute_unprepared("DROP TRIGGER broken").await.unwrap();
    }
    assert_eq!(revoke(&tokens.refresh).await.status, StatusCode::OK);
    assert!(!stage.works(&tokens).await);
}
