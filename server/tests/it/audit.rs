//! The audit log: who changed what, for those whom it concerns alone, and in a chain that shows whoever tampers with it.

use crate::{
    stage::Stage,
    support::{Browser, PASSWORD, Portal, between, form_request, join_all},
};
use http::StatusCode;
use latchkey_core::{
    audit::{Fault, Verified},
    port::AccountReader,
};
use sqlx::Connection;
use time::Duration;

const ADA: &str = "ada@example.org";

/// The events on a page of the log, without its filter, which names every action.
pub(crate) fn listed(page: &str) -> &str {
    page.split_once("<table").map_or("", |(_, rows)| rows)
}

async fn verify(portal: &Portal) -> Result<Verified, Fault> {
    portal.state.services.audit.verify().await
}

/// Somebody who has the database, and not the server.
async fn tamper(portal: &Portal, sql: &str) {
    let url = portal.state.config.database_url.0.clone();
    let sql = sqlx::AssertSqlSafe(sql.to_owned());
    if url.starts_with("postgres") {
        let mut connection = sqlx::PgConnection::connect(&url).await.unwrap();
        sqlx::raw_sql(sql).execute(&mut connection).await.unwrap();
    } else {
        let mut connection = sqlx::SqliteConnection::connect(&url).await.unwrap();
        sqlx::raw_sql(sql).execute(&mut connection).await.unwrap();
    }
}

#[tokio::test]
async fn every_change_says_who_from_where_and_what_and_no_secret() {
    let portal = Portal::start().await;
    let (mut admin, mut ada) = (portal.admin().await, portal.member(ADA).await);
    let mut eve = portal.member("eve@example.org").await;
    let team = ada.team_id().await;
    let log = format!("/teams/{team}/audit");
    let application = ada.application("Bookshelf").await;
    let key = ada.key(&application, "development", &["read:posts", "write:posts"], "never").await;
    let id = ada.key_id(&application, "development").await;
    let page = format!("/apps/{application}/development/keys/{id}");
    let update = [("id", id.as_str()), ("name", "Importer"), ("scopes[]", "read:posts"), ("expiry", "keep")];
    ada.send(&page, "/form/api-key/update", &update).await;
    let machine = ada.service_account(&application, "production", &["read:posts"], &[]).await;
    ada.send(&page, "/form/api-key/revoke", &[("id", &id)]).await;
    ada.send("/account/profile", "/form/account/rename", &[("name", "Ada L.")]).await;
    let text = ada.get(&log).await.text();
    let text = listed(&text);
    for noted in [
        "Made an application",
        "Bookshelf",
        "Made a key",
        "Changed a key",
        "name: Web backend → Importer",
        "scopes: read:posts write:posts → read:posts",
        "Registered a client",
        "Revoked a key",
        "Ada L.",
        "127.0.0.1",
    ] {
        assert!(text.contains(noted), "{noted}: {text:.12000}");
    }
    let own = ada.get("/account/activity").await.text();
    let own = listed(&own);
    assert!(
        own.contains("Signed up") && own.contains("Changed their name") && !own.contains("Made a key"),
        "{own:.9000}"
    );
    // nobody else's.
    assert_eq!(eve.get(&log).await.status, StatusCode::NOT_FOUND);
    assert_eq!(eve.get(&format!("{log}/export")).await.status, StatusCode::NOT_FOUND);
    for page in ["/admin/audit", "/admin/audit/export"] {
        assert_eq!(eve.get(page).await.status, StatusCode::NOT_FOUND, "{page}");
    }
    let all = admin.get("/admin/audit").await.text();
    let all = listed(&all);
    assert!(all.contains("Made a key") && all.contains("Signed up"), "{all:.9000}");
    let file = ada.get(&format!("{log}/export")).await;
    assert_eq!((file.status, file.header("content-type")), (StatusCode::OK, "application/jsonl"));
    let lines: Vec<serde_json::Value> = file.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines[0]["action"], "api_key.revoked");
    assert_eq!(lines[0]["previous"], lines[1]["digest"]);
    assert_eq!((&lines[0]["account_name"], &lines[0]["from"]), (&"Ada L.".into(), &"127.0.0.1".into()));
    for secret in [key.as_str(), &machine.secret, PASSWORD] {
        assert!(!file.text().contains(secret) && !text.contains(secret) && !all.contains(secret), "r53");
    }
    let nobody = portal.browser().get(&format!("{log}/export")).await;
    assert!(nobody.location().starts_with("/login?next="), "{nobody:?}");
}

/// What a log says by a filter, on its page and in its file: the words of the actions, the newest first.
async fn found(browser: &mut Browser, log: &str, filter: &str) -> Vec<String> {
    let file = browser.get(&format!("{log}/export?{filter}")).await;
    assert_eq!(file.status, StatusCode::OK, "{log} {filter}: {file:?}");
    let line =
        |line: &str| serde_json::from_str::<serde_json::Value>(line).unwrap()["action"].as_str().map(str::to_owned);
    let words: Vec<_> = file.text().lines().filter_map(line).collect();
    let page = browser.get(&format!("{log}?{filter}")).await.text();
    assert_eq!(listed(&page).matches("<tr").count().saturating_sub(1), words.len(), "{log} {filter}: {page:.20000}");
    words
}

#[tokio::test]
async fn events_are_found_by_what_one_knows_of_them() {
    for portal in [Portal::start().await, Portal::on_postgres().await] {
        let (mut admin, mut ada) = (portal.admin().await, portal.member(ADA).await);
        let log = format!("/teams/{}/audit", ada.team_id().await);
        let application = ada.application("Bookshelf").await;
        let other = ada.application("100%_sure").await;
        portal.clock.advance(Duration::HOUR);
        ada.sign_in_again(ADA).await;
        ada.send("/account/profile", "/form/account/rename", &[("name", "Ada Lovelace")]).await;
        ada.key(&application, "development", &["read:posts"], "never").await;
        let id = ada.key_id(&application, "development").await;
        ada.send("/apps", "/form/api-key/revoke", &[("id", &id)]).await;

        assert_eq!(found(&mut ada, &log, "action=api_key.created").await, ["api_key.created"]);
        assert_eq!(found(&mut ada, &log, &format!("target={id}")).await, ["api_key.revoked", "api_key.created"]);
        assert_eq!(found(&mut ada, &log, "target=BOOK").await, ["application.created"], "a part, whatever the case");
        assert_eq!(found(&mut ada, &log, "target=100%25_").await, ["application.created"], "to the letter: {other}");
        assert_eq!(found(&mut ada, &log, "target=nothing").await, Vec::<String>::new());
        assert_eq!(found(&mut ada, &log, "since=2026-11-23T12%3A30").await, ["api_key.revoked", "api_key.created"]);
        assert_eq!(found(&mut ada, &log, "until=2026-11-23T12%3A30&target=book").await, ["application.created"]);
        assert_eq!(found(&mut ada, &log, "action=made_up&since=soon&before=x").await.len(), 4, "nothing is filtered");
        assert_eq!(found(&mut ada, "/account/activity", "action=account.renamed").await, ["account.renamed"]);
        let everybodys = "/admin/audit";
        assert_eq!(found(&mut admin, everybodys, "actor=lovelace&action=api_key.revoked").await, ["api_key.revoked"]);
        let account = portal.store.account_by_email(ADA).await.unwrap().unwrap().0.id;
        assert!(found(&mut admin, everybodys, &format!("actor={account}")).await.len() >= 6);
        assert!(!found(&mut admin, everybodys, "actor=latchkey").await.contains(&"api_key.created".to_owned()));
        // The filter is in every link of the page.
        let page = ada.get(&format!("{log}?action=api_key.created&target=web")).await.text();
        assert!(page.contains("/export?action=api%5Fkey%2Ecreated&amp;target=web"), "{page:.20000}");
        assert!(page.contains("value=\"api_key.created\" selected"), "{page:.20000}");
        let none = ada.get(&format!("{log}?target=nothing")).await.text();
        assert!(none.contains("No event passes this filter"), "{none:.20000}");
    }
}

#[tokio::test]
async fn what_an_app_may_do_is_noted_with_the_address_that_said_so() {
    let mut stage = Stage::set(&[]).await;
    stage.code().await;
    let page = stage.grace.get("/account/authorized-apps").await.text();
    let id = between(&page, "name=\"id\" value=\"", "\"").to_owned();
    stage.grace.send("/account/authorized-apps", "/form/grant/revoke", &[("id", &id)]).await;
    let file = stage.grace.get("/account/activity/export?target=reading").await.text();
    let events: Vec<serde_json::Value> = file.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(events.len(), 2, "{file}");
    for (event, action) in events.iter().zip(["grant.revoked", "grant.given"]) {
        assert_eq!((&event["action"], &event["from"]), (&action.into(), &"127.0.0.1".into()), "{event}");
        assert_eq!((&event["target"], &event["target_name"]), (&id.as_str().into(), &"Reading list".into()), "{event}");
    }
}

#[tokio::test]
async fn pages_of_the_log_lead_to_older_events() {
    let portal = Portal::start().await;
    let mut ada = portal.member(ADA).await;
    for number in 0..55 {
        ada.send("/account/profile", "/form/account/rename", &[("name", &format!("Ada {number}"))]).await;
    }
    let page = ada.get("/account/activity").await.text();
    assert_eq!(listed(&page).matches("Changed their name").count(), 50);
    let older = between(&page, "href=\"/account/activity?before=", "\"").to_owned();
    let page = ada.get(&format!("/account/activity?before={older}")).await.text();
    assert_eq!(listed(&page).matches("Changed their name").count(), 5);
    assert!(listed(&page).contains("Signed up") && !page.contains("Older events"), "{page:.9000}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_64_who_write_at_once_each_has_its_place() {
    for portal in [Portal::start().await, Portal::on_postgres().await] {
        let mut ada = portal.member(ADA).await;
        let csrf = ada.token().await;
        let made = (0..64).map(|number| {
            let (mut browser, csrf) = (ada.clone(), csrf.clone());
            tokio::spawn(async move {
                let name = format!("App {number}");
                let fields = [("_csrf", csrf.as_str()), ("_back", "/apps/new"), ("name", name.as_str())];
                browser.send_request(form_request("/form/application/create", &fields)).await.status
            })
        });
        for status in join_all(made).await {
            assert_eq!(status.unwrap(), StatusCode::SEE_OTHER);
        }
        // An account that was made, and 64 applications.
        let verified = verify(&portal).await.unwrap();
        assert_eq!((verified.chains, verified.events), (2, 65));
    }
}

#[tokio::test]
async fn whoever_changes_the_log_is_found_out() {
    let in_team = "tenant LIKE 'team:%'";
    let cases = [
        (
            "a name",
            format!("UPDATE audit_event SET target_name = 'Else' WHERE {in_team} AND sequence = 3"),
            "event 3 (",
            "it was changed",
        ),
        (
            "a time",
            format!("UPDATE audit_event SET at = at + 1 WHERE {in_team} AND sequence = 2"),
            "event 2 (",
            "it was changed",
        ),
        (
            "one taken out",
            format!("DELETE FROM audit_event WHERE {in_team} AND sequence = 2"),
            "event 3 (",
            "events before it are missing",
        ),
        (
            "the last taken out",
            format!("DELETE FROM audit_event WHERE {in_team} AND sequence = 4"),
            "ends at event 3",
            "went to 4",
        ),
        (
            "the end rewritten",
            format!(
                "DELETE FROM audit_event WHERE {in_team} AND sequence > 2; \
                 UPDATE audit_head SET sequence = 2, digest = (SELECT digest FROM audit_event WHERE {in_team} AND sequence = 2) WHERE {in_team}"
            ),
            "ends at event 2",
            "went to 4",
        ),
        ("a chain taken out", format!("DELETE FROM audit_head WHERE {in_team}"), "ends at event 0", "went to 4"),
        (
            "a seal made up",
            format!("UPDATE audit_seal SET sequence = 2 WHERE {in_team}"),
            "event 2)",
            "this server did not make it",
        ),
    ];
    for (what, sql, place, says) in cases {
        let portal = if what == "the end rewritten" { Portal::on_postgres().await } else { Portal::start().await };
        let mut ada = portal.member(ADA).await;
        for number in 0..4 {
            ada.application(&format!("App {number}")).await;
        }
        portal.state.services.audit.seal_heads().await.unwrap();
        portal.state.services.audit.seal_heads().await.unwrap();
        let verified = verify(&portal).await.unwrap();
        assert_eq!(verified, Verified { chains: 2, events: 5, seals: 2 }, "{what}");
        tamper(&portal, &sql).await;
        let fault = verify(&portal).await.unwrap_err().to_string();
        assert!(fault.contains(place) && fault.contains(says), "{what}: {fault}");
    }
}

#[tokio::test]
async fn a_day_is_sealed_once_and_a_quiet_one_not_at_all() {
    let portal = Portal::start().await;
    let mut ada = portal.member(ADA).await;
    let seal = async || portal.state.services.audit.seal_heads().await.unwrap();
    seal().await;
    portal.clock.advance(Duration::days(1));
    seal().await;
    assert_eq!(verify(&portal).await.unwrap().seals, 1, "nothing was added");
    ada.sign_in_again(ADA).await;
    ada.send("/account/profile", "/form/account/rename", &[("name", "Ada L.")]).await;
    seal().await;
    ada.send("/account/profile", "/form/account/rename", &[("name", "Ada")]).await;
    seal().await;
    assert_eq!(verify(&portal).await.unwrap().seals, 2, "once a day");
}
