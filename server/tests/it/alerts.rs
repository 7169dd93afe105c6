//! Alerts: raised when their rule says so, told once, over by themselves, and nobody else's.

use crate::{
    outbox::Outbox,
    support::{Answer, Browser, Portal, between},
};
use axum::body::Body;
use http::{Request, StatusCode};
use sea_orm::ConnectionTrait;
use server::config::Given;
use time::Duration;

const ADA: &str = "ada@example.org";

/// A portal where Ada has a team, and the page of its alerts.
struct Desk {
    portal: Portal,
    ada: Browser,
    application: String,
    of: String,
    page: String,
}

impl Desk {
    async fn on(portal: Portal) -> Self {
        let mut ada = portal.member(ADA).await;
        let application = ada.application("Bookshelf").await;
        let team = ada.team_id().await;
        Self { portal, ada, application, of: format!("team:{team}"), page: format!("/teams/{team}/alerts") }
    }

    async fn key(&mut self) -> String {
        let application = self.application.clone();
        self.ada.key(&application, "development", &["read:posts"], "never").await
    }

    /// Asks so often, and waits until it is written.
    async fn call(&self, key: &str, path: &str, times: usize) -> Answer {
        let mut last = self.portal.with_key(key, "GET", path, "").await;
        for _ in 1..times {
            last = self.portal.with_key(key, "GET", path, "").await;
        }
        self.portal.recorded(&last).await;
        // What was counted is handed over in the same visit that writes the row.
        tokio::time::sleep(std::time::Duration::from_millis(300)).await;
        last
    }

    async fn look(&self) -> u64 {
        self.portal.state.services.alert_watch.look().await.unwrap()
    }

    async fn set_rule(&mut self, kind: &str, fields: &[(&str, &str)]) -> Answer {
        let (page, of) = (format!("{}/rules/{kind}", self.page), self.of.clone());
        let fields = [&[("of", of.as_str()), ("kind", kind)], fields].concat();
        self.ada.send(&page, "/form/alert/rule", &fields).await
    }

    async fn list(&mut self) -> String {
        let page = self.page.clone();
        self.ada.get(&page).await.text()
    }
}

#[tokio::test]
async fn many_refusals_are_told_once_while_they_last_and_are_over_by_themselves() {
    for portal in [Portal::start().await, Portal::on_postgres().await] {
        let mut outbox = Outbox::of(&portal).await;
        let mut desk = Desk::on(portal).await;
        let key = desk.key().await;
        assert_eq!(desk.call(&key, "/api/v1/posts/nothing", 10).await.status, StatusCode::NOT_FOUND);
        // The key may not write.
        for _ in 0..12 {
            let refused = desk.portal.with_key(&key, "POST", "/api/v1/posts", "{\"title\":\"A\",\"body\":\"B\"}").await;
            assert_eq!(refused.status, StatusCode::FORBIDDEN);
        }
        desk.call(&key, "/api/v1/posts", 1).await;
        assert_eq!(desk.look().await, 1, "12 of 23 are more than half of twenty");
        assert_eq!(desk.look().await, 0, "it lasts: nobody is told again");
        let list = desk.list().await;
        assert!(list.contains("is refused a lot") && list.contains(">lasts<"), "{list:.9000}");
        assert!(list.contains("12 of the last 23 requests"), "{list:.9000}");
        assert!(desk.ada.get("/dashboard").await.text().contains("is refused a lot"), "it is a notice, too");
        assert!(outbox.told(&desk.portal, ADA, "is refused a lot").await);

        desk.portal.clock.advance(Duration::minutes(12));
        assert_eq!(desk.look().await, 0);
        let list = desk.list().await;
        assert!(list.contains(">over<") && !list.contains(">lasts<"), "{list:.9000}");
        // What begins anew within the hour goes on.
        for _ in 0..30 {
            desk.portal.with_key(&key, "POST", "/api/v1/posts", "{}").await;
        }
        desk.call(&key, "/api/v1/posts", 1).await;
        assert_eq!(desk.look().await, 0);
        let list = desk.list().await;
        assert!(list.contains(">lasts<") && list.matches("is refused a lot").count() == 1 + 1, "{list:.9000}");
    }
}

#[tokio::test]
async fn what_is_wrong_with_one_alert_keeps_nobody_else_from_theirs() {
    for broken in [0, 1] {
        let mut desk = Desk::on(Portal::start().await).await;
        let mut eve = desk.portal.member("eve@example.org").await;
        let hers = eve.application("Shop").await;
        let keys = [desk.key().await, eve.key(&hers, "development", &["read:posts"], "never").await];
        for key in &keys {
            for _ in 0..25 {
                desk.portal.with_key(key, "POST", "/api/v1/posts", "{}").await;
            }
            desk.call(key, "/api/v1/posts", 1).await;
        }
        let id = keys[broken].split('_').nth(2).unwrap();
        let sql = format!("UPDATE api_key SET public_id = 'broken' WHERE public_id = '{id}'");
        assert_eq!(desk.portal.store.writer().execute_unprepared(&sql).await.unwrap().rows_affected(), 1);
        assert!(desk.portal.state.services.alert_watch.look().await.is_err(), "and it is said");
        let eves = eve.team_id().await;
        let lists = [desk.list().await, eve.get(&format!("/teams/{eves}/alerts")).await.text()];
        let told = lists.map(|list| list.contains("is refused a lot"));
        assert_eq!(told, [broken != 0, broken != 1]);
    }
}

#[tokio::test]
async fn a_rule_says_from_what_on_and_whether_at_all() {
    let mut desk = Desk::on(Portal::start().await).await;
    let key = desk.key().await;
    let loose = [("on", "yes"), ("people", "yes"), ("percent", "90"), ("at_least", "5"), ("minutes", "5")];
    desk.set_rule("failure_rate", &loose).await;
    assert!(desk.list().await.contains("90 % of 5 requests or more, within 5 minutes, are refused"));
    for _ in 0..4 {
        desk.portal.with_key(&key, "POST", "/api/v1/posts", "{}").await;
    }
    desk.call(&key, "/api/v1/posts", 1).await;
    assert_eq!(desk.look().await, 0, "four of five are eighty percent");
    let mut tight = loose;
    tight[2].1 = "80";
    tight[0].1 = "";
    desk.set_rule("failure_rate", &tight).await;
    assert_eq!(desk.look().await, 0, "it is off");
    tight[0].1 = "yes";
    desk.set_rule("failure_rate", &tight).await;
    assert_eq!(desk.look().await, 1);

    for (field, wrong) in [(2, "0"), (2, "101"), (3, ""), (4, "7")] {
        let mut odd = loose;
        odd[field].1 = wrong;
        let answer = desk.set_rule("failure_rate", &odd).await;
        assert_eq!(answer.location(), format!("{}/rules/failure_rate", desk.page));
        let form = desk.ada.get(&format!("{}/rules/failure_rate", desk.page)).await.text();
        assert!(form.contains("field-error"), "{field} {wrong}: {form:.9000}");
    }
    assert!(desk.list().await.contains("80 % of 5 requests"), "what is wrong changes nothing");
    let audit = desk.ada.get(&desk.page.replace("alerts", "audit")).await.text();
    assert!(audit.contains("Changed a rule for alerts") && audit.contains("50 % of 20 requests"), "{audit:.9000}");
}

#[tokio::test]
async fn a_rule_that_somebody_else_changed_meanwhile_is_not_overwritten() {
    let mut desk = Desk::on(Portal::start().await).await;
    let page = format!("{}/rules/failure_rate", desk.page);
    let shown_on = |form: &str| between(form, "name=\"shown\" value=\"", "\"").to_owned();
    let shown = shown_on(&desk.ada.get(&page).await.text());
    let mut typed = [("on", "yes"), ("percent", "90"), ("at_least", "5"), ("minutes", "5"), ("shown", shown.as_str())];
    desk.set_rule("failure_rate", &typed).await;
    assert!(desk.list().await.contains("90 % of 5 requests"));
    typed[1].1 = "70";
    let answer = desk.set_rule("failure_rate", &typed).await;
    assert_eq!(answer.location(), page);
    let form = desk.ada.get(&page).await.text();
    assert!(form.contains("Somebody else changed this rule meanwhile"), "{form:.9000}");
    assert!(form.contains("value=\"70\""), "what was typed is there still: {form:.9000}");
    assert!(desk.list().await.contains("90 % of 5 requests"), "nothing was saved");
    let shown = shown_on(&form);
    typed[4].1 = shown.as_str();
    desk.set_rule("failure_rate", &typed).await;
    assert!(desk.list().await.contains("70 % of 5 requests"), "whoever has looked at it saves again");
}

#[tokio::test]
async fn r54_alerts_and_rules_are_their_teams_alone_and_viewers_look() {
    let mut desk = Desk::on(Portal::start().await).await;
    let mut eve = desk.portal.member("eve@example.org").await;
    let rule = format!("{}/rules/failure_rate", desk.page);
    for page in [desk.page.clone(), rule.clone(), format!("{}/webhooks/new", desk.page), "/admin/alerts".to_owned()] {
        assert_eq!(eve.get(&page).await.status, StatusCode::NOT_FOUND, "{page}");
        assert!(desk.portal.browser().get(&page).await.location().starts_with("/login"), "{page}");
    }
    let of = desk.of.clone();
    for of in [of.as_str(), "portal", "account:me", ""] {
        let fields = [("of", of), ("kind", "key_ends"), ("webhooks", "")];
        eve.send("/dashboard", "/form/alert/rule", &fields).await;
    }
    assert!(!desk.list().await.contains(">off<"));
    let mut admin = desk.portal.admin().await;
    let page = admin.get("/admin/alerts").await.text();
    assert!(page.contains("Lockouts") && !page.contains(">off<"), "{page:.9000}");

    let services = &desk.portal.state.services;
    let mut work = services.ports.store.begin().await.unwrap();
    let (team, account) = {
        let page = eve.get("/account/data/export").await.json();
        let id = page["account"]["id"].as_str().unwrap().parse().unwrap();
        (desk.of.strip_prefix("team:").unwrap().parse().unwrap(), id)
    };
    let joined = work.membership_add(team, account, latchkey_model::TeamRole::Viewer, services.ports.now()).await;
    assert_eq!(joined.unwrap(), latchkey_core::port::Inserted::Done);
    work.commit().await.unwrap();
    let page = eve.get(&desk.page).await.text();
    assert!(page.contains("Many refusals") && !page.contains("/rules/failure_rate") && !page.contains("Add a webhook"));
    assert_eq!(eve.get(&rule).await.status, StatusCode::NOT_FOUND);
    eve.send("/dashboard", "/form/alert/rule", &[("of", &of), ("kind", "key_ends")]).await;
    assert!(!desk.list().await.contains(">off<"), "a viewer changes nothing");
}

#[tokio::test]
async fn a_new_network_is_told_of_once_after_the_first_ones_are_learned() {
    let given = || Given { require_tls: Some(false), ..Given::default() };
    let mut desk = Desk::on(Portal::with(given()).await).await;
    let key = desk.key().await;
    let from = async |desk: &Desk, address: &str, key: &str| {
        let request = Request::get("/api/v1/posts").header("authorization", format!("Bearer {key}"));
        let answer = desk.portal.send_from(address, request.body(Body::empty()).unwrap()).await;
        desk.portal.recorded(&answer).await;
        tokio::time::sleep(std::time::Duration::from_millis(300)).await;
        answer.status
    };
    assert_eq!(from(&desk, "198.51.100.7:1", &key).await, StatusCode::OK);
    assert_eq!(from(&desk, "203.0.113.7:1", &key).await, StatusCode::OK);
    assert_eq!(desk.look().await, 0, "within a day of the first use, networks are learned");
    desk.portal.clock.advance(Duration::hours(25));
    desk.ada.sign_in_again(ADA).await;
    from(&desk, "198.51.100.200:1", &key).await;
    // A stranger who has no key of hers is not seen.
    from(&desk, "192.0.2.1:1", &crate::support::mistyped(&key)).await;
    assert_eq!(desk.look().await, 0, "the networks are known");
    from(&desk, "192.0.2.9:1", &key).await;
    assert_eq!(desk.look().await, 1);
    assert_eq!(desk.look().await, 0);
    from(&desk, "192.0.2.10:1", &key).await;
    assert_eq!(desk.look().await, 0, "it is known now");
    let list = desk.list().await;
    assert!(list.contains("is used from a new network") && list.contains("192.0.2.0/24"), "{list:.9000}");
    assert!(list.contains("It was used from 2 other networks before"), "{list:.9000}");
}

#[tokio::test]
async fn a_leak_is_told_whatever_its_rule_says() {
    let portal = Portal::start().await;
    let mut outbox = Outbox::of(&portal).await;
    let mut desk = Desk::on(portal).await;
    let key = desk.key().await;
    desk.set_rule("leak", &[]).await;
    let list = desk.list().await;
    assert!(!list.contains(">off<"), "{list:.9000}");
    let report = serde_json::json!({ "token": key, "url": "https://paste.example/1" });
    let _ = desk.portal.api("POST", "/leaks", &[("content-type", "application/json")], &report.to_string()).await;
    desk.portal.state.services.leaks.finish().await;
    let list = desk.list().await;
    assert!(list.contains("was found where secrets must not be"), "{list:.9000}");
    assert!(outbox.told(&desk.portal, ADA, "was found where secrets must not be").await);
}

#[tokio::test]
async fn admins_hear_of_lockouts_and_of_everybodys_refusals() {
    let portal = Portal::start().await;
    let mut admin = portal.admin().await;
    let rule = [("of", "portal"), ("kind", "lockouts"), ("on", "yes"), ("people", "yes"), ("at_least", "1")];
    admin.send("/admin/alerts/rules/lockouts", "/form/alert/rule", &rule).await;
    let look = async || portal.state.services.alert_watch.look().await.unwrap();
    assert_eq!(look().await, 0);
    portal.member(ADA).await;
    for _ in 0..5 {
        let mut stranger = portal.browser();
        stranger.send("/login", "/form/account/sign-in", &[("email", ADA), ("password", "not hers at all")]).await;
    }
    assert_eq!(look().await, 1);
    let list = admin.get("/admin/alerts").await.text();
    assert!(list.contains("Many must wait after too many tries") && list.contains(">lasts<"), "{list:.9000}");
    portal.clock.advance(Duration::minutes(2));
    assert_eq!(look().await, 0);
    assert!(!admin.get("/admin/alerts").await.text().contains(">lasts<"));

    let rule = [("of", "portal"), ("kind", "failure_rate"), ("on", "yes"), ("people", "yes"), ("percent", "50")];
    let rule = [&rule[..], &[("at_least", "3"), ("minutes", "5")]].concat();
    admin.send("/admin/alerts/rules/failure_rate", "/form/alert/rule", &rule).await;
    for _ in 0..4 {
        let answer = portal.api("GET", "/api/v1/posts", &[], "").await;
        portal.recorded(&answer).await;
    }
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    assert_eq!(look().await, 1);
    assert!(admin.get("/admin/alerts").await.text().contains("Many requests are refused"));
}
