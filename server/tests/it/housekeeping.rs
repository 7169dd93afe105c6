//! What the clock asks for: mails before a key ends, and keys that nobody uses.

use crate::{
    support::{PASSWORD, Portal},
    suspension::act,
};
use http::StatusCode;
use latchkey_core::{limit::Quota, port::request_log::CredentialId};
use sea_orm::ConnectionTrait;
use std::num::NonZeroU32;
use time::Duration;

#[tokio::test]
async fn people_are_told_30_7_and_1_days_ahead_each_once() {
    let portal = Portal::start().await;
    let mut admin = portal.admin().await;
    let mut ada = portal.member("ada@example.org").await;
    let application = ada.application("Bookshelf").await;
    ada.key(&application, "production", &["read:posts"], "90").await;
    let keeper = portal.state.services.housekeeping.clone();
    for (day, told) in [(0, 0), (59, 0), (61, 1), (62, 0), (84, 1), (85, 0), (90, 1)] {
        let at = crate::support::START + Duration::days(day) - Duration::HOUR;
        let now = portal.state.services.ports.now();
        portal.clock.advance(at - now);
        assert_eq!(keeper.remind().await.unwrap(), told, "day {day}");
    }
    portal.clock.advance(Duration::days(1));
    assert_eq!(keeper.remind().await.unwrap(), 0, "it has ended");
    // The admin's session has ended by then.
    let fields = [("email", "admin@example.org"), ("password", crate::support::PASSWORD)];
    admin.send("/login", "/form/account/sign-in", &fields).await;
    let outbox = admin.get("/admin/outbox").await.text();
    for part in
        ["in less than 30 days", "in less than 7 days", "in less than a day", "to <code>ada@example.org", "/keys/"]
    {
        assert!(outbox.contains(part), "{part}: {outbox}");
    }
}

#[tokio::test]
async fn a_key_that_ends_tomorrow_gets_one_mail_not_three() {
    let portal = Portal::start().await;
    let mut ada = portal.member("ada@example.org").await;
    let application = ada.application("Bookshelf").await;
    ada.key(&application, "production", &["read:posts"], "90").await;
    portal.clock.advance(Duration::days(89) + Duration::HOUR);
    assert_eq!(portal.state.services.housekeeping.remind().await.unwrap(), 1);
    assert_eq!(portal.state.services.housekeeping.remind().await.unwrap(), 0);
}

#[tokio::test]
async fn idle_keys_are_switched_off_by_policy_and_on_again_by_hand() {
    let portal = Portal::start().await;
    let mut ada = portal.member("ada@example.org").await;
    let application = ada.application("Bookshelf").await;
    let key = ada.key(&application, "staging", &["read:posts"], "never").await;
    let id = ada.key_id(&application, "staging").await;
    let settings = format!("/apps/{application}/staging/settings");
    let fields = [("application", application.as_str()), ("environment", "staging"), ("disable_idle_days", "2")];
    ada.send(&settings, "/form/api-key/policy", &fields).await;
    let keeper = portal.state.services.housekeeping.clone();
    assert_eq!(keeper.disable_idle().await.unwrap(), 0);
    portal.clock.advance(Duration::days(2));
    assert_eq!(keeper.disable_idle().await.unwrap(), 1);
    assert_eq!(keeper.disable_idle().await.unwrap(), 0);
    assert_eq!(portal.with_key(&key, "GET", "/api/v1/posts", "").await.status, StatusCode::UNAUTHORIZED);
    let page = format!("/apps/{application}/staging/keys/{id}");
    assert!(ada.get(&page).await.text().contains("switched off: idle"));
    ada.send(&page, "/form/api-key/enable", &[("id", &id)]).await;
    assert_eq!(portal.with_key(&key, "GET", "/api/v1/posts", "").await.status, StatusCode::OK);
    assert_eq!(keeper.disable_idle().await.unwrap(), 0, "it has another two days to be used");
}

#[tokio::test]
async fn keys_of_a_suspended_application_are_not_idle_and_have_another_while_afterwards() {
    let portal = Portal::start().await;
    let (mut admin, mut ada) = (portal.admin().await, portal.member("ada@example.org").await);
    let application = ada.application("Bookshelf").await;
    ada.key(&application, "staging", &["read:posts"], "never").await;
    let settings = format!("/apps/{application}/staging/settings");
    let fields = [("application", application.as_str()), ("environment", "staging"), ("disable_idle_days", "2")];
    ada.send(&settings, "/form/api-key/policy", &fields).await;
    act(&mut admin, "application", &application, "suspend", "it sends spam").await;
    let keeper = portal.state.services.housekeeping.clone();
    portal.clock.advance(Duration::days(3));
    assert_eq!(keeper.disable_idle().await.unwrap(), 0, "nobody can use them");
    // The admin's session has ended by then.
    let fields = [("email", "admin@example.org"), ("password", PASSWORD)];
    admin.send("/login", "/form/account/sign-in", &fields).await;
    act(&mut admin, "application", &application, "reinstate", "they mended it").await;
    portal.clock.advance(Duration::days(2) - Duration::MINUTE);
    assert_eq!(keeper.disable_idle().await.unwrap(), 0);
    portal.clock.advance(Duration::MINUTE);
    assert_eq!(keeper.disable_idle().await.unwrap(), 1);
}

#[tokio::test]
async fn what_is_wrong_with_one_key_keeps_nobody_else_from_being_told_of_a_limit() {
    let portal = Portal::start().await;
    let mut ada = portal.member("ada@example.org").await;
    let application = ada.application("Bookshelf").await;
    let fields = [("scopes[]", "read:posts"), ("expiry", "never"), ("notes", "broken")];
    ada.key_with(&application, "staging", &fields).await;
    ada.key(&application, "development", &["read:posts"], "never").await;
    let ids = [ada.key_id(&application, "staging").await, ada.key_id(&application, "development").await];
    let breaks = "UPDATE api_key SET limits = 'many' WHERE notes = 'broken'";
    portal.store.writer().execute_unprepared(breaks).await.unwrap();
    let quota = Quota::per_minute(NonZeroU32::new(10).unwrap());
    let near = ids.map(|id| (CredentialId::Key(id.parse().unwrap()), quota));
    assert!(portal.state.services.housekeeping.tell_of_limits(near).await.is_err());
    let page = ada.get("/account/notices").await.text();
    assert_eq!(page.matches("is about to reach its limit").count(), 1, "{page}");
}

#[tokio::test]
async fn what_is_wrong_with_one_key_keeps_no_other_waiting() {
    let portal = Portal::start().await;
    let mut ada = portal.member("ada@example.org").await;
    let application = ada.application("Bookshelf").await;
    for notes in ["unreadable", "unwritable", "good", "good"] {
        let fields = [("scopes[]", "read:posts"), ("expiry", "30"), ("notes", notes)];
        ada.key_with(&application, "staging", &fields).await;
        portal.clock.advance(Duration::MINUTE);
    }
    let sql = async |sql: &str| {
        portal.store.writer().execute_unprepared(sql).await.unwrap();
    };
    let breaks = "CREATE TRIGGER broken BEFORE UPDATE ON api_key WHEN OLD.notes = 'unwritable' \
                  BEGIN SELECT RAISE(ABORT, 'broken'); END";
    sql("UPDATE environment SET disable_idle_days = 2").await;
    sql("UPDATE api_key SET limits = 'many' WHERE notes = 'unreadable'").await;
    portal.clock.advance(Duration::days(29));
    let keeper = portal.state.services.housekeeping.clone();
    sql(breaks).await;
    assert!(keeper.remind().await.is_err());
    sql("DROP TRIGGER broken").await;
    assert_eq!(keeper.remind().await.unwrap(), 1, "the others were told of");
    sql(breaks).await;
    assert!(keeper.disable_idle().await.is_err());
    sql("DROP TRIGGER broken").await;
    assert_eq!(keeper.disable_idle().await.unwrap(), 1, "the others were switched off");
    sql("UPDATE api_key SET limits = '' WHERE notes = 'unreadable'").await;
    assert_eq!((keeper.remind().await.unwrap(), keeper.disable_idle().await.unwrap()), (1, 1));
}

#[tokio::test]
async fn who_owns_a_key_that_came_in_a_url_or_in_the_clear_is_told_once() {
    let portal = Portal::start().await;
    let mut ada = portal.member("ada@example.org").await;
    let mut admin = portal.admin().await;
    let application = ada.application("Bookshelf").await;
    let [in_url, in_clear, guessed] = [
        ada.key(&application, "development", &["read:posts"], "never").await,
        ada.key(&application, "staging", &["read:posts"], "never").await,
        ada.key(&application, "production", &["read:posts"], "never").await,
    ];
    let keeper = portal.state.services.housekeeping.clone();
    let exposed = || tokio::time::timeout(std::time::Duration::from_secs(2), portal.state.recorder.to_tell());
    for _ in 0..2 {
        portal.api("GET", &format!("/api/v1/whoami?api_key={in_url}"), &[], "").await;
    }
    // Whoever makes up a key around a known id exposes nothing.
    let made_up = crate::refusals::with_checksum(&format!("{}{}", &guessed[..21], &in_url[20..52]));
    portal.api("GET", &format!("/api/v1/whoami?api_key={made_up}"), &[], "").await;
    exposed().await.expect("whoever tells people is woken");
    assert_eq!(keeper.tell_exposed().await.unwrap(), 1);
    let request = http::Request::get("/api/v1/whoami").header("x-api-key", &in_clear).body(axum::body::Body::empty());
    let answer = portal.send_from("203.0.113.9:50000", request.unwrap()).await;
    assert_eq!(answer.code(), "tls_required");
    exposed().await.expect("and again");
    assert_eq!((keeper.tell_exposed().await.unwrap(), keeper.tell_exposed().await.unwrap()), (1, 0));
    portal.api("GET", &format!("/api/v1/whoami?api_key={in_url}"), &[], "").await;
    tokio::time::sleep(std::time::Duration::from_millis(400)).await;
    assert_eq!(keeper.tell_exposed().await.unwrap(), 0, "once for each key");
    let outbox = admin.get("/admin/outbox").await.text();
    assert_eq!(outbox.matches("was sent where others can read it").count(), 2, "{outbox}");
    assert!(outbox.contains("to <code>ada@example.org") && outbox.contains("in a URL or over plain HTTP"), "{outbox}");
    assert!(!outbox.contains(&in_url) && !outbox.contains(&in_clear), "r53");
    let page = ada.get(&format!("/apps/{application}/development/keys")).await.text();
    assert!(page.contains("was sent in a URL or over plain HTTP"), "{page}");
}
