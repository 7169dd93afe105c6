//! The audit log: who changed what, for those whom it concerns alone, and in a chain that shows whoever tampers with it.

use crate::{
    canary::log::Log,
    gateway, identity_providers,
    sender_constrained::Holder,
    stage::Stage,
    support::{Browser, PASSWORD, Portal, between, form_request, join_all},
};
use http::StatusCode;
use latchkey_core::{
    Actor,
    audit::{Act, Action, Fault, GENESIS, Tenant, Verified, chained},
    port::{AccountReader, AuditReader, Store},
    random::SystemRandom,
    secret::hex,
};
use server::{config::Given, data_folder::master_key};
use sqlx::Connection;
use time::Duration;
use tracing::level_filters::LevelFilter;

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

/// What the newest event of an action says was changed: each field, what it was, and what it is.
async fn changed(browser: &mut Browser, log: &str, action: &str) -> Vec<[String; 3]> {
    let file = browser.get(&format!("{log}/export?action={action}")).await.text();
    let event: serde_json::Value = serde_json::from_str(file.lines().next().unwrap()).unwrap();
    let text = |change: &serde_json::Value, part: &str| change[part].as_str().unwrap().to_owned();
    let changes = event["changes"].as_array().unwrap().iter();
    changes.map(|change| ["field", "before", "after"].map(|part| text(change, part))).collect()
}

#[tokio::test]
async fn what_decides_who_is_a_client_is_noted_before_and_after() {
    let portal = Portal::start().await;
    let mut ada = portal.member(ADA).await;
    let log = format!("/teams/{}/audit", ada.team_id().await);
    let application = ada.application("Bookshelf").await;
    let machine = ada.service_account(&application, "production", &["read:posts"], &[]).await;
    let made = changed(&mut ada, &log, "oauth_client.created").await;
    for expected in [["environment", "", "production"], ["scopes", "", "read:posts"], ["token_form", "", "jwt"]] {
        assert!(made.iter().any(|change| change == &expected), "{expected:?}: {made:?}");
    }
    let keys = Holder::new().jwks();
    let fields = [("auth_method", "private_key_jwt"), ("keys", keys.as_str()), ("token_minutes", "5"), ("dpop", "yes")];
    let answer = ada.change_client(&machine, &["read:posts"], &fields).await;
    assert_eq!(answer.location(), machine.page, "{answer:?}");
    let [method, key, life, dpop] = changed(&mut ada, &log, "oauth_client.changed").await.try_into().unwrap();
    assert_eq!(method, ["auth_method", "client_secret_basic", "private_key_jwt"]);
    assert_eq!((key[0].as_str(), key[1].as_str(), key[2].len()), ("keys", "", 43), "a thumbprint: {key:?}");
    assert_eq!(life[0], "access_token_life");
    assert_eq!(dpop, ["dpop_required", "no", "yes"]);
    // Who may register, and what that was before.
    let page = format!("/apps/{application}/development/clients");
    for policy in ["token", "closed"] {
        let fields = [("application", application.as_str()), ("environment", "development"), ("policy", policy)];
        ada.send(&page, "/form/oauth-client/registration", &fields).await;
    }
    let closed = changed(&mut ada, &log, "environment.registration_changed").await;
    assert_eq!(closed, [["environment", "", "development"], ["policy", "token", "closed"]]);
}

#[tokio::test]
async fn what_decides_who_is_let_in_is_noted_before_and_after() {
    let mut world = gateway::World::new().await;
    let scopes = "orders:read See orders\norders:write\norders:admin\norders:delete Remove orders";
    world.change(&[("scopes", scopes), ("environments[]", "production")]).await;
    let api = changed(&mut world.admin, "/admin/audit", "guarded_api.changed").await;
    let fields: Vec<_> = api.iter().map(|change| change[0].as_str()).collect();
    assert_eq!(fields, ["scopes", "environments"], "{api:?}");
    assert!(!api[0][1].contains("orders:delete") && api[0][2].contains("orders:delete (Remove orders)"), "{api:?}");
    assert_eq!((api[1][1].as_str(), api[1][2].as_str()), ("staging, production", "production"));

    let id = identity_providers::new_id();
    let secret = "a-secret-of-another-provider";
    identity_providers::add(&mut world.admin, &id, "https://id.example.org", "x", secret).await;
    let added = changed(&mut world.admin, "/admin/audit", "identity_provider.added").await;
    assert!(added.iter().any(|change| change == &["protocol", "", "openid https://id.example.org"]), "{added:?}");
    let update = [
        ("id", id.as_str()),
        ("name", "Other desk"),
        ("kind", "openid"),
        ("address", "https://id.example.org"),
        ("client_id", "x"),
        ("client_secret", "another-secret-there"),
        ("scopes", "openid"),
        ("reason", "they want less"),
    ];
    let page = format!("/admin/identity-providers/{id}");
    world.admin.send(&page, "/form/identity-provider/save", &update).await;
    let provider = changed(&mut world.admin, "/admin/audit", "identity_provider.changed").await;
    assert_eq!(provider, [["scopes", "openid profile email", "openid"], ["client_secret", "", "another one"]]);
    let file = world.admin.get("/admin/audit/export").await.text();
    assert!(!file.contains(secret) && !file.contains("another-secret-there"), "r53");

    let mut stage = Stage::set(&[]).await;
    stage.code_for(&["read:posts"]).await;
    stage.code_for(&["write:posts"]).await;
    let widened = changed(&mut stage.grace, "/account/activity", "grant.given").await;
    assert_eq!(widened, [["scopes", "read:posts", "read:posts write:posts"]]);
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

#[tokio::test]
async fn a_file_has_all_of_the_log_as_lines_or_as_a_table() {
    let portal = Portal::start().await;
    let mut ada = portal.member(ADA).await;
    let many = "WITH RECURSIVE place(number) AS (SELECT 2 UNION ALL SELECT number + 1 FROM place WHERE number < 10100) \
                INSERT INTO audit_event SELECT randomblob(16), tenant, number, at, account_id, address, action, target, \
                '=1+1', changes, reason, previous, digest FROM audit_event, place \
                WHERE tenant LIKE 'account:%' AND sequence = 1";
    tamper(&portal, many).await;
    let log = "/account/activity/export";
    let lines = ada.get(log).await.text();
    let places =
        lines.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()["sequence"].as_i64());
    assert!(places.eq((1..=10_100).rev().map(Some)), "each of them once, in their order");
    let table = ada.get(&format!("{log}?format=csv")).await;
    assert_eq!(table.header("content-type"), "text/csv; charset=utf-8; header=present");
    assert!(
        table.header("content-disposition").contains("latchkey-audit.csv"),
        "{}",
        table.header("content-disposition")
    );
    let table = table.text();
    assert!(table.starts_with("id,log,sequence,at,account,"), "{table:.200}");
    assert_eq!((table.lines().count(), table.matches(",'=1+1,").count()), (10_101, 10_099), "no formula");
    let filtered = ada.get(&format!("{log}?format=csv&action=account.renamed")).await.text();
    assert_eq!(filtered, "");
    assert!(ada.get("/account/activity").await.text().contains("/account/activity/export?format=csv"));
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
            "one put in before the first",
            format!(
                "INSERT INTO audit_event SELECT randomblob(16), tenant, 0, at, account_id, address, action, target, target_name, changes, \
                 reason, previous, digest FROM audit_event WHERE {in_team} AND sequence = 1"
            ),
            "event 0 (",
            "events before it are missing",
        ),
        (
            "the last taken out below many",
            format!(
                "DELETE FROM audit_event WHERE {in_team} AND sequence = 4; \
                 WITH RECURSIVE place(number) AS (SELECT 5 UNION ALL SELECT number + 1 FROM place WHERE number < 600) \
                 INSERT INTO audit_event SELECT randomblob(16), tenant, number, at, account_id, address, action, target, target_name, \
                 changes, reason, previous, digest FROM audit_event, place WHERE {in_team} AND sequence = 1"
            ),
            "ends at event 3",
            "went to 4",
        ),
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

/// Bytes as the portal's database reads them in a statement.
fn bytes(portal: &Portal, bytes: &[u8]) -> String {
    let digits = hex(bytes);
    let on_postgres = portal.state.config.database_url.0.starts_with("postgres");
    if on_postgres { format!("'\\x{digits}'") } else { format!("X'{digits}'") }
}

/// What somebody does who knows how digests are made: the second event says something else, and all that follows fits it.
async fn rewritten(portal: &Portal, tenant: Tenant) -> String {
    let (mut previous, mut statements) = (GENESIS, Vec::new());
    for mut found in portal.store.audit_chain(tenant, 0, 500).await.unwrap() {
        if found.sequence == 2 {
            "Else".clone_into(&mut found.event.target_name);
        }
        let digest = chained(&previous, found.sequence, &found.event);
        statements.push(format!(
            "UPDATE audit_event SET target_name = '{}', previous = {}, digest = {} WHERE tenant = '{tenant}' AND sequence = {}",
            found.event.target_name,
            bytes(portal, &previous),
            bytes(portal, &digest),
            found.sequence,
        ));
        previous = digest;
    }
    let last = bytes(portal, &previous);
    statements.push(format!("UPDATE audit_head SET digest = {last} WHERE tenant = '{tenant}'"));
    statements.join("; ")
}

/// A portal with two chains that were sealed, and the one of the team.
async fn sealed(portal: Portal) -> (Portal, Browser, Tenant) {
    let mut ada = portal.member(ADA).await;
    for number in 0..4 {
        ada.application(&format!("App {number}")).await;
    }
    let tenant = Tenant::Team(ada.team_id().await.parse().unwrap());
    portal.state.services.audit.seal_heads().await.unwrap();
    assert_eq!(verify(&portal).await.unwrap(), Verified { chains: 2, events: 5, seals: 2 });
    (portal, ada, tenant)
}

#[tokio::test]
async fn seals_that_are_taken_away_are_missed() {
    let one_less = "2 chains are sealed; now 1 are";
    let cases = [
        ("rewritten", "DELETE FROM audit_seal WHERE $team", one_less),
        (
            "taken out",
            "DELETE FROM audit_event WHERE $team; DELETE FROM audit_head WHERE $team; DELETE FROM audit_seal WHERE $team",
            one_less,
        ),
        ("the tally, too", "DELETE FROM audit_seal WHERE $team; DELETE FROM setting", "the tally of them is missing"),
        ("all seals", "DELETE FROM audit_seal; DELETE FROM setting", "the tally of them is missing"),
        ("made up", "UPDATE setting SET value = '1|1|0|0' WHERE name = 'audit_seals'", "did not make the tally"),
    ];
    for (what, sql, says) in cases {
        let portals = if what == "rewritten" {
            vec![Portal::start().await, Portal::on_postgres().await]
        } else {
            vec![Portal::start().await]
        };
        for portal in portals {
            let (portal, mut ada, tenant) = sealed(portal).await;
            let first = if what == "rewritten" { rewritten(&portal, tenant).await } else { "SELECT 1".to_owned() };
            tamper(&portal, &format!("{first}; {}", sql.replace("$team", &format!("tenant = '{tenant}'")))).await;
            // Of a server that was there before, as of one that was started since, unless nothing is left that shows what was there.
            let fault = verify(&portal).await.unwrap_err().to_string();
            assert!(fault.contains(says), "{what}: {fault}");
            if what != "all seals" {
                let restarted = portal.restarted(Given::default()).await;
                let fault = restarted.audit.verify().await.unwrap_err().to_string();
                assert!(fault.contains(says), "{what}: {fault}");
            }
            // Nor is the forgery sealed.
            let seals = portal.store.audit_seals().await.unwrap();
            portal.clock.advance(Duration::days(1));
            ada.sign_in_again(ADA).await;
            ada.send("/account/profile", "/form/account/rename", &[("name", "Ada L.")]).await;
            portal.state.services.audit.seal_heads().await.unwrap();
            assert_eq!(portal.store.audit_seals().await.unwrap(), seals, "{what}");
            assert!(verify(&portal).await.is_err(), "{what}");
        }
    }
}

#[tokio::test]
async fn a_chain_that_was_rewritten_is_sealed_no_more_and_the_others_are() {
    let (portal, mut ada, tenant) = sealed(Portal::start().await).await;
    tamper(&portal, &rewritten(&portal, tenant).await).await;
    portal.clock.advance(Duration::days(1));
    ada.sign_in_again(ADA).await;
    ada.send("/account/profile", "/form/account/rename", &[("name", "Ada L.")]).await;
    portal.state.services.audit.seal_heads().await.unwrap();
    let seals = portal.store.audit_seals().await.unwrap();
    let of_team = seals.iter().filter(|seal| seal.head.tenant == tenant).count();
    assert_eq!((seals.len(), of_team), (3, 1));
    let fault = verify(&portal).await.unwrap_err().to_string();
    assert!(fault.contains("the chain was another one then"), "{fault}");
}

#[tokio::test]
async fn seals_of_a_version_before_are_counted_by_the_first_run_of_this_one() {
    let (portal, _, tenant) = sealed(Portal::start().await).await;
    let config = &portal.state.config;
    let secret = config.secret_key.as_ref().map(|secret| secret.0.as_str());
    let key = master_key(&config.data, secret, &SystemRandom).unwrap().derive("audit");
    for one in portal.store.audit_seals().await.unwrap() {
        let mut text = format!("{}|{}|{}|", one.head.tenant, one.day, one.head.sequence).into_bytes();
        text.extend(one.head.digest);
        let seal = bytes(&portal, &key.digest(&text));
        tamper(&portal, &format!("UPDATE audit_seal SET seal = {seal} WHERE tenant = '{}'", one.head.tenant)).await;
    }
    tamper(&portal, "DELETE FROM setting WHERE name = 'audit_seals'").await;
    let updated = portal.restarted(Given::default()).await;
    assert_eq!(updated.audit.verify().await.unwrap().seals, 2, "before it has sealed anything");
    updated.audit.seal_heads().await.unwrap();
    assert_eq!(updated.audit.verify().await.unwrap().seals, 2);
    tamper(&portal, &format!("DELETE FROM audit_seal WHERE tenant = '{tenant}'")).await;
    let fault = portal.restarted(Given::default()).await.audit.verify().await.unwrap_err().to_string();
    assert!(fault.contains("2 chains are sealed; now 1 are"), "{fault}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nodes_that_seal_at_once_agree_on_what_is_sealed() {
    for portal in [Portal::start().await, Portal::on_postgres().await] {
        let (portal, mut ada, _) = sealed(portal).await;
        let others = [portal.restarted(Given::default()).await, portal.restarted(Given::default()).await];
        for day in 0..3 {
            portal.clock.advance(Duration::days(1));
            ada.sign_in_again(ADA).await;
            ada.application(&format!("Of day {day}")).await;
            let sealing =
                others.clone().map(|other| tokio::spawn(async move { other.audit.seal_heads().await.unwrap() }));
            portal.state.services.audit.seal_heads().await.unwrap();
            for one in sealing {
                one.await.unwrap();
            }
            verify(&portal).await.unwrap();
        }
        assert_eq!(verify(&portal).await.unwrap().seals, 5, "of the team each day");
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

/// How many seals there are, so many days on, once one more event of a chain was noted and what is due is sealed.
async fn seals_after(portal: &Portal, tenant: Tenant, days: i64) -> u64 {
    portal.clock.advance(Duration::days(days));
    let services = &portal.state.services;
    let work = portal.store.begin().await.unwrap();
    let act = Act::new(tenant, Action::KeyLeaked, "", "");
    act.commit_by(&Actor::Anonymous, work, &services.ports).await.unwrap();
    services.audit.seal_heads().await.unwrap();
    verify(portal).await.unwrap().seals
}

#[tokio::test]
async fn what_a_clock_that_was_ahead_has_sealed_keeps_no_chain_from_being_sealed() {
    for portal in [Portal::start().await, Portal::on_postgres().await] {
        let (portal, _, tenant) = sealed(portal).await;
        let seals = async |days: i64| seals_after(&portal, tenant, days).await;
        assert_eq!(seals(1_000).await, 3);
        let log = Log::default();
        let listening = log.listen_at(LevelFilter::WARN);
        assert_eq!(seals(-999).await, 4, "it is right again");
        drop(listening);
        let text = log.text();
        assert!(text.contains("is of a day that has not come") && text.contains("chains=1"), "{text}");
        assert_eq!((seals(0).await, seals(1).await), (4, 5), "once a day");
        assert_eq!(portal.restarted(Given::default()).await.audit.verify().await.unwrap().seals, 5);
        // What was sealed since is removed as if no clock had been wrong.
        let removed = portal.state.services.audit.prune(portal.clock_now() + Duration::DAY).await.unwrap();
        assert_eq!((removed, verify(&portal).await.unwrap().seals), (7, 2));
    }
}

#[tokio::test]
async fn what_a_clock_that_was_behind_has_sealed_is_not_removed_before_its_time() {
    let (portal, _, tenant) = sealed(Portal::start().await).await;
    for (days, seals) in [(1, 3), (-31, 4), (31, 4)] {
        assert_eq!(seals_after(&portal, tenant, days).await, seals, "{days}");
    }
    for (before, removed) in [(-Duration::WEEK, 0), (Duration::DAY, 5)] {
        let pruned = portal.state.services.audit.prune(portal.clock_now() + before).await.unwrap();
        assert_eq!(pruned, removed, "{before:?}");
        verify(&portal).await.unwrap();
    }
}
