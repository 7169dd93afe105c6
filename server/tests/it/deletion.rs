//! Deleting an account: what it ends is shown first, ends at once, and takes nothing from others.

use crate::{
    outbox::Outbox,
    support::{Answer, Browser, PASSWORD, Portal},
};
use http::StatusCode;
use latchkey_core::{
    alert::AlertsOf,
    audit::Action,
    port::{AuditReader, audit::AuditFilter},
};
use time::Duration;

const ADA: &str = "ada@example.org";
const EVE: &str = "eve@example.org";
const PAGE: &str = "/account/data/delete";

async fn delete(browser: &mut Browser, typed: &str) -> Answer {
    browser.send(PAGE, "/form/account/delete", &[("email", typed)]).await
}

async fn lets_in(portal: &Portal, key: &str) -> bool {
    portal.with_key(key, "GET", "/api/v1/posts", "").await.status == StatusCode::OK
}

/// Takes somebody into a team.
async fn join(portal: &Portal, outbox: &mut Outbox, owner: &mut Browser, team: &str, who: (&mut Browser, &str, &str)) {
    let (browser, email, role) = who;
    let page = format!("/teams/{team}");
    owner.send(&page, "/form/team/invite", &[("team", team), ("email", email), ("role", role)]).await;
    let link = outbox.link(portal, email, "/invitation").await;
    let token = link.split_once("token=").unwrap().1.to_owned();
    assert_eq!(browser.send(&link, "/form/team/accept", &[("token", &token)]).await.location(), page);
}

#[tokio::test]
async fn an_account_is_deleted_with_all_that_acts_for_it() {
    for portal in [Portal::start().await, Portal::on_postgres().await] {
        let mut outbox = Outbox::of(&portal).await;
        let (mut ada, mut eve) = (portal.member(ADA).await, portal.member(EVE).await);
        let team = eve.team_id().await;
        join(&portal, &mut outbox, &mut eve, &team, (&mut ada, ADA, "developer")).await;
        // Hers alone: it ends with her. Eve's: what she made there goes on.
        let own = ada.application("Bookshelf").await;
        let key = ada.key(&own, "production", &["read:posts"], "never").await;
        let machine = ada.service_account(&own, "development", &["read:posts"], &[]).await;
        let jwt = portal.token_of(&machine).await;
        let eves = eve.application("Library").await;
        let shared = ada.key(&eves, "development", &["read:posts"], "never").await;
        let token = ada.token_with(&[("scopes[]", "read:posts"), ("expiry", "30")]).await;
        for credential in [&key, &jwt, &shared, &token] {
            assert!(lets_in(&portal, credential).await);
        }
        let mut phone = portal.browser();
        phone.send("/login", "/form/account/sign-in", &[("email", ADA), ("password", PASSWORD)]).await;
        let page = ada.get(PAGE).await.text();
        for told in ["2 browsers are signed out", "1 personal access token stops", "Bookshelf", "1 key that works"] {
            assert!(page.contains(told), "{told}: {page:.9000}");
        }
        assert_eq!(delete(&mut ada, EVE).await.location(), PAGE);
        assert!(ada.get(PAGE).await.text().contains("Type the address of your account"));
        assert!(lets_in(&portal, &key).await, "nothing was ended");
        let answer = delete(&mut ada, ADA).await;
        assert_eq!(answer.location(), "/account/deleted", "{answer:?}");
        assert!(ada.get("/account/deleted").await.text().contains("Your account is deleted"));
        assert_eq!(ada.get("/dashboard").await.location(), "/login?next=%2Fdashboard");
        for credential in [&key, &jwt, &token] {
            assert!(!lets_in(&portal, credential).await);
        }
        assert!(lets_in(&portal, &shared).await, "it is the team's");
        assert_eq!(phone.get("/dashboard").await.status, StatusCode::SEE_OTHER);
        let keys = eve.get(&format!("/apps/{eves}/development/keys")).await.text();
        assert!(keys.contains("Deleted account"), "{keys:.9000}");
        assert!(!eve.get(&format!("/teams/{team}")).await.text().contains(ADA));
        assert!(outbox.told(&portal, ADA, "Your account was deleted").await);
        let back =
            portal.browser().send("/login", "/form/account/sign-in", &[("email", ADA), ("password", PASSWORD)]).await;
        assert_eq!(back.location(), "/login", "nobody has the address now");
        // Whoever has it may sign up again, and finds nothing of before.
        let mut anew = portal.member(ADA).await;
        assert_eq!(anew.get(&format!("/apps/{own}/production/keys")).await.status, StatusCode::NOT_FOUND);
    }
}

#[tokio::test]
async fn a_team_that_ends_takes_its_webhooks_and_rules_with_it() {
    for portal in [Portal::start().await, Portal::on_postgres().await] {
        let (mut ada, mut eve) = (portal.member(ADA).await, portal.member(EVE).await);
        let mut teams = Vec::new();
        for browser in [&mut ada, &mut eve] {
            let team = browser.team_id().await;
            let (of, alerts) = (format!("team:{team}"), format!("/teams/{team}/alerts"));
            let hook = [("of", of.as_str()), ("name", "On call"), ("url", "https://example.org/hook")];
            let added = browser.send(&format!("{alerts}/webhooks/new"), "/form/webhook/add", &hook).await;
            let page = added.location().to_owned();
            let test = [("of", of.as_str()), ("id", page.rsplit('/').next().unwrap())];
            browser.send(&page, "/form/webhook/test", &test).await;
            let rule = [("of", of.as_str()), ("kind", "key_ends")];
            browser.send(&format!("{alerts}/rules/key_ends"), "/form/alert/rule", &rule).await;
            teams.push(of.parse::<AlertsOf>().unwrap());
        }
        let store = &portal.state.services.ports.store;
        let counted = async || {
            let due = store.deliveries_due(portal.clock_now() + Duration::DAY, 10).await.unwrap().len();
            let mut each = Vec::new();
            for team in &teams {
                let (webhooks, rules) = (store.webhooks(*team).await.unwrap(), store.alert_rules(*team).await.unwrap());
                each.push((webhooks.len(), rules.len()));
            }
            (each, due)
        };
        assert_eq!(counted().await, (vec![(1, 1), (1, 1)], 2));
        assert_eq!(delete(&mut ada, ADA).await.location(), "/account/deleted");
        assert_eq!(counted().await, (vec![(0, 0), (1, 1)], 1), "hers, and what was due to it");
    }
}

#[tokio::test]
async fn nobody_leaves_others_without_an_owner_or_a_portal_without_an_admin() {
    let portal = Portal::start().await;
    let mut outbox = Outbox::of(&portal).await;
    let (mut ada, mut eve) = (portal.member(ADA).await, portal.member(EVE).await);
    let team = ada.team_id().await;
    join(&portal, &mut outbox, &mut ada, &team, (&mut eve, EVE, "developer")).await;
    assert!(ada.get(PAGE).await.text().contains("you are its only owner"));
    assert_eq!(delete(&mut ada, ADA).await.location(), PAGE);
    assert!(ada.get(PAGE).await.text().contains("would have no owner"));
    assert!(eve.get(PAGE).await.text().contains("which goes on"));
    assert_eq!(delete(&mut eve, EVE).await.location(), "/account/deleted", "who is no owner may go");
    assert_eq!(delete(&mut ada, ADA).await.location(), "/account/deleted", "and then nobody else is in it");
    let admin = &mut outbox.0;
    assert!(admin.get(PAGE).await.text().contains("You are the only admin"));
    assert_eq!(delete(admin, "admin@example.org").await.location(), PAGE);
    assert_eq!(admin.get("/admin/outbox").await.status, StatusCode::OK);
}

#[tokio::test]
async fn asvs_7_5_1_deleting_takes_a_fresh_sign_in() {
    let portal = Portal::start().await;
    let mut ada = portal.member(ADA).await;
    portal.clock.advance(Duration::minutes(11));
    let answer = delete(&mut ada, ADA).await;
    assert!(answer.location().starts_with("/login?next=%2Faccount%2Fdata%2Fdelete&again=yes"), "{answer:?}");
    assert_eq!(ada.get("/account/profile").await.status, StatusCode::OK);
    assert!(portal.browser().get(PAGE).await.location().starts_with("/login?next="));
}

#[tokio::test]
async fn what_ends_with_an_account_is_named_in_the_logs() {
    let portal = Portal::start().await;
    let mut ada = portal.member(ADA).await;
    let own = ada.application("Bookshelf").await;
    let key = ada.key(&own, "production", &["read:posts"], "never").await;
    let machine = ada.service_account(&own, "development", &["read:posts"], &[]).await;
    let token = ada.token_with(&[("scopes[]", "read:posts"), ("expiry", "30")]).await;
    delete(&mut ada, ADA).await;
    let public_id = |key: &str| key.split('_').nth(2).unwrap().to_owned();
    for (action, names) in [
        (Action::MemberRemoved, vec![public_id(&key), machine.client_id]),
        (Action::AccountDeleted, vec![public_id(&token)]),
    ] {
        let filter = AuditFilter { action: Some(action), ..AuditFilter::default() };
        let events = portal.store.audit_events(None, &filter, 2).await.unwrap();
        let [event] = &events[..] else { panic!("{action}: {events:?}") };
        for name in names {
            assert!(event.event.changes.contains(&name), "{action} {name}: {event:?}");
        }
    }
}
