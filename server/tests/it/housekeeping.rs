//! What the clock asks for: mails before a key ends, and keys that nobody uses.

use crate::support::Portal;
use http::StatusCode;
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
