//! Notices: in the portal and by mail, seen once, and never anybody else's.

use crate::{
    outbox::Outbox,
    retention::{left_while, rows},
    support::{Browser, PASSWORD, Portal, between},
};
use latchkey_core::{
    notice::NoticeKind,
    port::{Store, notice::Notice},
};
use latchkey_model::NoticeId;
use server::config::Given;
use time::Duration;

const ADA: &str = "ada@example.org";
const PAGE: &str = "/account/notices";
/// What is said of every kind of credential.
const NEAR_LIMIT: &str = "Look at what calls so often, or ask for a higher limit:";
const NEW_BROWSER: &str = "A new browser signed in to your account";

/// Signs in with a browser that was never here.
async fn new_browser(portal: &Portal) -> Browser {
    portal.clock.advance(Duration::minutes(11));
    let mut browser = portal.browser();
    browser.send("/login", "/form/account/sign-in", &[("email", ADA), ("password", PASSWORD)]).await;
    browser
}

#[tokio::test]
async fn a_notice_is_above_every_page_until_its_person_has_seen_it() {
    for portal in [Portal::start().await, Portal::on_postgres().await] {
        let mut ada = portal.member(ADA).await;
        let mut eve = portal.member("eve@example.org").await;
        new_browser(&portal).await;
        for page in ["/dashboard", "/account/tokens"] {
            assert_eq!(ada.get(page).await.text().matches(NEW_BROWSER).count(), 1, "{page}");
        }
        assert!(!eve.get("/dashboard").await.text().contains(NEW_BROWSER));
        assert!(!ada.get("/docs").await.text().contains(NEW_BROWSER), "that page is the public's");
        let page = ada.get("/dashboard").await.text();
        let banner = page.split(NEW_BROWSER).nth(1).unwrap();
        let id = between(banner, "name=\"id\" value=\"", "\"").to_owned();
        eve.send("/dashboard", "/form/notice/dismiss", &[("id", &id)]).await;
        assert!(eve.get("/dashboard").await.text().contains("There is no such notice"), "r54");
        assert!(ada.get("/dashboard").await.text().contains(NEW_BROWSER));
        let seen = ada.send("/dashboard", "/form/notice/dismiss", &[("id", &id)]).await;
        assert_eq!(seen.location(), "/dashboard");
        assert!(!ada.get("/dashboard").await.text().contains(NEW_BROWSER));
        let list = ada.get(PAGE).await.text();
        assert!(
            list.contains(NEW_BROWSER) && list.contains("from 127.0.0.1") && !list.contains(">new<"),
            "{list:.9000}"
        );
        new_browser(&portal).await;
        assert!(ada.get(PAGE).await.text().contains(">new<"));
        ada.send(PAGE, "/form/notice/dismiss-all", &[]).await;
        assert!(!ada.get(PAGE).await.text().contains(">new<"));
    }
}

async fn others_write_while_all_notices_are_dismissed(portal: Portal) {
    const MANY: i64 = 3_000;
    const UNSEEN: &str = "notice WHERE seen_at IS NULL";
    let mut ada = portal.member(ADA).await;
    let mut work = portal.store.begin().await.unwrap();
    for number in 0..MANY {
        let notice = Notice {
            id: NoticeId::from_uuid(portal.state.services.ports.uuid()),
            kind: NoticeKind::NewBrowser,
            subject: NEW_BROWSER.to_owned(),
            text: NEW_BROWSER.to_owned(),
            occasion: number.to_string(),
            created_at: portal.clock_now(),
            seen_at: None,
        };
        work.notice_add(ADA, &notice).await.unwrap();
    }
    work.commit().await.unwrap();
    assert_eq!(rows(&portal.store, UNSEEN).await, MANY);
    let left = left_while(&portal.store, UNSEEN, ada.send(PAGE, "/form/notice/dismiss-all", &[])).await;
    assert_eq!(rows(&portal.store, UNSEEN).await, 0);
    assert!(left.iter().any(|left| (1..MANY).contains(left)), "nobody came between: {left:?}");
    // They go with their person, likewise.
    let deletion = ada.send("/account/data/delete", "/form/account/delete", &[("email", ADA)]);
    let left = left_while(&portal.store, "notice", deletion).await;
    assert_eq!(rows(&portal.store, "notice").await, 0);
    assert!(left.iter().any(|left| (1..MANY).contains(left)), "nobody came between: {left:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn others_write_while_all_notices_are_dismissed_on_sqlite() {
    others_write_while_all_notices_are_dismissed(Portal::start().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn others_write_while_all_notices_are_dismissed_on_postgres() {
    others_write_while_all_notices_are_dismissed(Portal::on_postgres().await).await;
}

#[tokio::test]
async fn people_choose_what_is_mailed_but_for_what_would_take_their_account() {
    let portal = Portal::start().await;
    let mut outbox = Outbox::of(&portal).await;
    let mut ada = portal.member(ADA).await;
    let page = ada.get(PAGE).await.text();
    assert!(page.contains("value=\"new_browser\" checked") && !page.contains("value=\"account\""), "{page:.9000}");
    // Neither a box that is left empty nor one that is made up mutes what is always mailed.
    ada.send(PAGE, "/form/notice/choose", &[("wanted[]", "key_ends"), ("wanted[]", "no such kind")]).await;
    let page = ada.get(PAGE).await.text();
    assert!(page.contains("value=\"key_ends\" checked") && !page.contains("value=\"new_browser\" checked"));
    new_browser(&portal).await;
    assert!(ada.get("/dashboard").await.text().contains(NEW_BROWSER), "the portal says so all the same");
    assert!(!outbox.told(&portal, ADA, NEW_BROWSER).await);
    let new = "copper lanterns drift inland";
    ada.send(
        "/account/security",
        "/form/account/change-password",
        &[("current_password", PASSWORD), ("password", new)],
    )
    .await;
    assert!(outbox.told(&portal, ADA, "Your password was changed").await);
    assert!(ada.get(PAGE).await.text().contains("Your password was changed"));
    assert!(portal.browser().get(PAGE).await.location().starts_with("/login"));
}

#[tokio::test]
async fn people_are_told_once_a_day_before_a_limit_is_reached() {
    let portal = Portal::start().await;
    let mut ada = portal.member(ADA).await;
    let application = ada.application("Bookshelf").await;
    let fields = [("scopes[]", "read:posts"), ("expiry", "never"), ("limits", "10/1d")];
    let key = ada.key_with(&application, "development", &fields).await;
    let told = async |ada: &mut Browser, calls: usize| {
        for _ in 0..calls {
            let answer = portal.with_key(&key, "GET", "/api/v1/posts", "").await;
            portal.recorded(&answer).await;
        }
        // What was counted is handed over in the same visit that writes the row.
        tokio::time::sleep(std::time::Duration::from_millis(300)).await;
        let near = portal.state.recorder.near_limits();
        portal.state.services.housekeeping.tell_of_limits(near).await.unwrap();
        ada.get(PAGE).await.text().matches("is about to reach its limit").count()
    };
    assert_eq!(told(&mut ada, 8).await, 0, "a fifth is left");
    assert_eq!(told(&mut ada, 1).await, 1);
    let page = ada.get(PAGE).await.text();
    assert!(page.contains("the development key Web backend (") && page.contains(NEAR_LIMIT), "{page:.9000}");
    assert!(page.contains("four fifths of its limit of 10/1d"));
    assert_eq!(told(&mut ada, 3).await, 1, "once");
    portal.clock.advance(Duration::days(1));
    ada.sign_in_again(ADA).await;
    assert_eq!(told(&mut ada, 9).await, 2, "and on another day again");
}

#[tokio::test]
async fn people_hear_of_a_service_account_that_comes_near_its_limit_too() {
    let portal = Portal::with(Given { requests_per_minute: "10".parse().ok(), ..Given::default() }).await;
    let mut ada = portal.member(ADA).await;
    let application = ada.application("Bookshelf").await;
    let machine = ada.service_account(&application, "development", &["read:posts"], &[]).await;
    let token = portal.token_of(&machine).await;
    for _ in 0..9 {
        let answer = portal.with_key(&token, "GET", "/api/v1/posts", "").await;
        portal.recorded(&answer).await;
    }
    // What was counted is handed over in the same visit that writes the row.
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    let near = portal.state.recorder.near_limits();
    for _ in 0..2 {
        portal.state.services.housekeeping.tell_of_limits(near.clone()).await.unwrap();
    }
    let page = ada.get(PAGE).await.text();
    assert_eq!(page.matches("Nightly import is about to reach its limit").count(), 1, "once: {page:.9000}");
    assert!(page.contains("the service account Nightly import (") && page.contains(NEAR_LIMIT), "{page:.9000}");
    let list = format!("/teams/{}/alerts", ada.team_id().await);
    let list = ada.get(&list).await.text();
    assert!(list.contains("the service account Nightly import") && list.contains("its limit of 10/1m"), "{list:.9000}");
}
