//! The admins' desk: who is kept out, and for how long things are kept.

use crate::{
    audit::listed,
    support::{Answer, Portal, between, days_kept},
};
use axum::body::Body;
use http::{Request, StatusCode};
use latchkey_core::{
    audit::Fault,
    port::{
        LockoutReader, RequestLogReader, Store,
        lockout::{AttemptCounter, CounterKind, CounterName},
        request_log::LogScope,
    },
};
use server::config::Given;
use sqlx::Connection;
use std::{collections::BTreeSet, net::Ipv6Addr};
use time::Duration;

const OUTSIDE: &str = "198.51.100.77:4711";

/// Where strangers may come by plain HTTP.
async fn open_portal() -> Portal {
    Portal::with(Given { require_tls: Some(false), ..Given::default() }).await
}

async fn from_outside(portal: &Portal, path: &str, key: Option<&str>) -> Answer {
    let mut request = Request::builder().uri(path);
    if let Some(key) = key {
        request = request.header("authorization", format!("Bearer {key}"));
    }
    portal.send_from(OUTSIDE, request.body(Body::empty()).unwrap()).await
}

#[tokio::test]
async fn a_network_is_kept_out_of_everything_until_it_is_let_in() {
    let portal = open_portal().await;
    let (mut admin, mut ada) = (portal.admin().await, portal.member("ada@example.org").await);
    let application = ada.application("Bookshelf").await;
    let key = ada.key(&application, "development", &["read:posts"], "never").await;
    assert_eq!(from_outside(&portal, "/api/v1/whoami", Some(&key)).await.status, StatusCode::OK);
    let block = [("network", "198.51.100.0/24"), ("hours", "2"), ("reason", "a scan since midnight")];
    // Nobody but an admin, and not without a reason.
    ada.send("/dashboard", "/form/block/add", &block).await;
    admin.send("/admin/blocks", "/form/block/add", &[block[0], block[1], ("reason", "")]).await;
    assert_eq!(from_outside(&portal, "/api/v1/whoami", Some(&key)).await.status, StatusCode::OK);
    for own in ["127.0.0.1", "127.0.0.0/24", "0.0.0.0/0", "nobody"] {
        admin.send("/admin/blocks", "/form/block/add", &[("network", own), block[1], block[2]]).await;
        let text = admin.get("/admin/blocks").await.text();
        assert!(text.contains("Nobody is kept out") && text.contains("field-error"), "{own}: {text}");
    }
    admin.send("/admin/blocks", "/form/block/add", &block).await;

    let refused = from_outside(&portal, "/api/v1/whoami", Some(&key)).await;
    assert_eq!((refused.status, refused.code().as_str()), (StatusCode::FORBIDDEN, "address_blocked"));
    let row = portal.recorded(&refused).await;
    assert_eq!(row.reason.as_deref(), Some("address_blocked"));
    assert!(row.attribution.is_some(), "its owner learns why their key was refused");
    for path in ["/", "/login", "/docs", "/.well-known/openid-configuration"] {
        let answer = from_outside(&portal, path, None).await;
        assert_eq!((answer.status, answer.code().as_str()), (StatusCode::FORBIDDEN, "address_blocked"), "{path}");
    }
    assert_eq!(from_outside(&portal, "/health/live", None).await.status, StatusCode::OK);
    assert_eq!(portal.with_key(&key, "GET", "/api/v1/whoami", "").await.status, StatusCode::OK, "nobody else is");
    let page = admin.get("/admin/blocks").await.text();
    assert!(page.contains("198.51.100.0/24") && page.contains("a scan since midnight"), "{page}");

    let id = between(&page, "name=\"id\" value=\"", "\"").to_owned();
    admin.send("/admin/blocks", "/form/block/end", &[("id", &id), ("reason", "")]).await;
    assert_eq!(from_outside(&portal, "/login", None).await.status, StatusCode::FORBIDDEN);
    ada.send("/dashboard", "/form/block/end", &[("id", &id), ("reason", "let me in")]).await;
    assert_eq!(from_outside(&portal, "/login", None).await.status, StatusCode::FORBIDDEN);
    admin.send("/admin/blocks", "/form/block/end", &[("id", &id), ("reason", "it was our own test")]).await;
    assert_eq!(from_outside(&portal, "/login", None).await.status, StatusCode::OK);
    assert_eq!(from_outside(&portal, "/api/v1/whoami", Some(&key)).await.status, StatusCode::OK);
    let page = admin.get("/admin/audit").await.text();
    let audit = listed(&page);
    for noted in ["Blocked a network", "a scan since midnight", "Ended a block", "it was our own test"] {
        assert!(audit.contains(noted), "{noted}");
    }
}

#[tokio::test]
async fn a_block_ends_by_itself() {
    let portal = open_portal().await;
    let mut admin = portal.admin().await;
    let block = [("network", "198.51.100.77"), ("hours", "1"), ("reason", "tries passwords")];
    admin.send("/admin/blocks", "/form/block/add", &block).await;
    assert_eq!(from_outside(&portal, "/login", None).await.status, StatusCode::FORBIDDEN);
    portal.clock.advance(Duration::HOUR);
    assert_eq!(from_outside(&portal, "/login", None).await.status, StatusCode::OK);
}

#[tokio::test]
async fn what_is_past_its_time_is_removed_and_admins_say_when_that_is() {
    let portal = Portal::start().await;
    let (mut admin, mut ada) = (portal.admin().await, portal.member("ada@example.org").await);
    let application = ada.application("Bookshelf").await;
    let key = ada.key(&application, "development", &["read:posts"], "never").await;
    let old = portal.with_key(&key, "GET", "/api/v1/posts", "").await;
    portal.recorded(&old).await;
    let is_there = async |answer: &Answer| {
        let id = answer.header("x-request-id").parse().unwrap();
        portal.store.request(LogScope::Portal, id).await.unwrap().is_some()
    };
    portal.clock.advance(Duration::days(8));
    server::workers::prune(&portal.state).await.unwrap();
    assert!(is_there(&old).await, "thirty days, where nobody says otherwise");
    admin.sign_in_again("admin@example.org").await;
    ada.sign_in_again("ada@example.org").await;
    let days = days_kept("7", "the privacy notice says a week");
    ada.send("/dashboard", "/form/retention/set", &days).await;
    let mut odd = days;
    odd[0].1 = "0";
    admin.send("/admin/settings", "/form/retention/set", &odd).await;
    let text = admin.get("/admin/settings").await.text();
    assert!(text.contains("Enter a number of days from 1 to 400"), "{text}");
    server::workers::prune(&portal.state).await.unwrap();
    assert!(is_there(&old).await, "neither a developer's word nor an odd one counts");
    admin.send("/admin/settings", "/form/retention/set", &days).await;
    let new = portal.with_key(&key, "GET", "/api/v1/posts", "").await;
    portal.recorded(&new).await;
    server::workers::prune(&portal.state).await.unwrap();
    assert!(!is_there(&old).await && is_there(&new).await);
    let audit = admin.get("/admin/audit").await.text();
    assert!(audit.contains("requests: 30 → 7") && audit.contains("the privacy notice says a week"), "{audit}");
    let usage = ada.get(&format!("/apps/{application}/development/usage?range=30d")).await.text();
    assert!(usage.contains("<dd>2 <span"), "counts stay: {usage}");
}

async fn by_hand(portal: &Portal, sql: &str) {
    let url = &portal.state.config.database_url.0;
    let mut connection = sqlx::SqliteConnection::connect(url).await.unwrap();
    sqlx::raw_sql(sqlx::AssertSqlSafe(sql.to_owned())).execute(&mut connection).await.unwrap();
}

#[tokio::test]
async fn pruning_leaves_the_audit_log_provable() {
    let portal = Portal::start().await;
    let audit = &portal.state.services.audit;
    let mut ada = portal.member("ada@example.org").await;
    let rename = async |browser: &mut crate::support::Browser, name: &str| {
        browser.send("/account/profile", "/form/account/rename", &[("name", name)]).await;
    };
    for name in ["Ada A.", "Ada B.", "Ada C."] {
        rename(&mut ada, name).await;
    }
    audit.seal_heads().await.unwrap();
    portal.clock.advance(Duration::days(100));
    ada.sign_in_again("ada@example.org").await;
    rename(&mut ada, "Ada D.").await;
    audit.seal_heads().await.unwrap();
    let before = audit.verify().await.unwrap();
    let now = portal.clock_now();
    assert_eq!(audit.prune(now - Duration::days(200)).await.unwrap(), 0, "nothing is so old");
    by_hand(&portal, "CREATE TABLE kept AS SELECT * FROM audit_event").await;
    let removed = audit.prune(now - Duration::days(90)).await.unwrap();
    assert!(removed >= 3, "{removed}");
    let after = audit.verify().await.unwrap();
    assert_eq!((after.chains, after.events), (before.chains, before.events - removed));
    assert_eq!(audit.prune(now - Duration::days(90)).await.unwrap(), 0);
    // While another node removes what leads up to the beginning, or where that was broken off, nothing is wrong.
    by_hand(
        &portal,
        "INSERT INTO audit_event SELECT kept.* FROM kept JOIN audit_base AS base ON base.tenant = kept.tenant AND \
         kept.sequence IN (base.sequence - 2, base.sequence - 1)",
    )
    .await;
    audit.verify().await.unwrap();
    assert!(audit.prune(now - Duration::days(90)).await.unwrap() >= 2);
    // Whoever has the database, and not the server, cannot put events before the beginning, have more removed, or remove it themselves.
    by_hand(
        &portal,
        "INSERT INTO audit_event SELECT randomblob(16), tenant, 1, at, account_id, address, action, target, target_name, changes, reason, \
         previous, digest FROM audit_event WHERE action = 'account.renamed' LIMIT 1",
    )
    .await;
    assert!(matches!(audit.verify().await, Err(Fault::Event { sequence: 1, .. })));
    audit.prune(now - Duration::days(90)).await.unwrap();
    audit.verify().await.unwrap();
    by_hand(&portal, "INSERT INTO setting (name, value) VALUES ('retention', 'audit_events=90')").await;
    portal.clock.advance(Duration::days(200));
    server::workers::prune(&portal.state).await.unwrap();
    assert_eq!(audit.verify().await.unwrap().events, after.events, "what this server did not set removes nothing");
    by_hand(&portal, "DELETE FROM audit_event WHERE action = 'account.renamed'").await;
    assert!(matches!(audit.verify().await, Err(Fault::Event { .. } | Fault::Short { .. })));
    // Nor does the server remove anything from a log that is not as it was written.
    assert_eq!(audit.prune(portal.clock_now()).await.unwrap(), 0);
    by_hand(&portal, "UPDATE audit_base SET sequence = sequence + 1").await;
    assert!(matches!(audit.verify().await, Err(Fault::Beginning { .. })));
}

#[tokio::test]
async fn an_admin_sees_who_must_wait_and_lets_them_try_again() {
    let portal = Portal::start().await;
    let (mut admin, mut ada) = (portal.admin().await, portal.member("ada@example.org").await);
    let mut visitor = portal.browser();
    let wrong = [("email", "ada@example.org"), ("password", "not the right one at all")];
    let mut last = String::new();
    for _ in 0..12 {
        visitor.send("/login", "/form/account/sign-in", &wrong).await;
        last = visitor.get("/login").await.text();
        if last.contains("Too many tries") {
            break;
        }
    }
    assert!(last.contains("Too many tries"), "{last}");
    let page = admin.get("/admin/lockouts").await.text();
    assert!(page.contains("the password of ada@example.org"), "{page}");
    let mut found = async |email: &str| {
        let page = admin.get(&format!("/admin/lockouts?email={email}")).await.text();
        page.contains("the password of ada@example.org")
    };
    assert!(found("ADA%40example.org").await && !found("eve%40example.org").await && !found("nonsense").await);
    assert_eq!(ada.get("/admin/lockouts").await.status, StatusCode::NOT_FOUND);
    let id = between(&page, "name=\"id\" value=\"", "\"").to_owned();
    let end = [("id", id.as_str()), ("reason", "she called us")];
    ada.send("/dashboard", "/form/lockout/end", &end).await;
    admin.send("/admin/lockouts", "/form/lockout/end", &[end[0], ("reason", "")]).await;
    assert!(admin.get("/admin/lockouts").await.text().contains("the password of ada@example.org"));
    let overview = admin.get("/admin/overview").await.text();
    assert!(overview.contains("must wait now"), "{overview}");
    while let page = admin.get("/admin/lockouts").await.text()
        && page.contains("name=\"id\"")
    {
        let id = between(&page, "name=\"id\" value=\"", "\"").to_owned();
        admin.send("/admin/lockouts", "/form/lockout/end", &[("id", &id), end[1]]).await;
    }
    visitor.send("/login", "/form/account/sign-in", &wrong).await;
    assert!(!visitor.get("/login").await.text().contains("Too many tries"));
    let page = admin.get("/admin/audit").await.text();
    let audit = listed(&page);
    assert!(audit.contains("Ended a lockout") && audit.contains("she called us"));
}

#[tokio::test]
async fn whoever_waits_beyond_the_first_page_is_listed_and_let_go_too() {
    for portal in [Portal::start().await, Portal::on_postgres().await] {
        let (mut admin, now) = (portal.admin().await, portal.clock_now());
        let mut work = portal.store.begin().await.unwrap();
        for number in 0..450_u32 {
            let network = Ipv6Addr::from_bits((0x2001_0db8_u128 << 96) | (u128::from(number) << 80)).into();
            let name = CounterName { kind: CounterKind::Network, subject: None, network: Some(network) };
            work.counter_hold(&name, now).await.unwrap();
            // Many may try again at one time.
            let locked_until = Some(now + Duration::HOUR + Duration::minutes((number / 150).into()));
            work.counter_set(&name, &AttemptCounter { failures: 50, last_at: now, locked_until }).await.unwrap();
        }
        work.commit().await.unwrap();
        let (mut page, mut pages, mut ids) = ("/admin/lockouts".to_owned(), 0, Vec::new());
        loop {
            let text = admin.get(&page).await.text();
            let rows = text.split("name=\"id\" value=\"").skip(1);
            ids.extend(rows.map(|row| row.split_once('"').unwrap().0.to_owned()));
            pages += 1;
            if !text.contains("href=\"/admin/lockouts?below=") {
                break;
            }
            page = format!("/admin/lockouts?below={}", between(&text, "href=\"/admin/lockouts?below=", "\""));
        }
        let many = ids.len();
        assert_eq!((pages, many, ids.iter().collect::<BTreeSet<_>>().len()), (3, 450, 450));
        let end = [("id", ids[many - 1].as_str()), ("reason", "a wrong rule of their proxy")];
        admin.send("/admin/lockouts", "/form/lockout/end", &end).await;
        assert_eq!(portal.store.lock_count(now).await.unwrap(), 449);
        assert!(!admin.get(&page).await.text().contains(end[0].1));
    }
}

#[tokio::test]
async fn the_overview_shows_what_is_odd_to_admins_alone() {
    let portal = open_portal().await;
    let (mut admin, mut ada) = (portal.admin().await, portal.member("ada@example.org").await);
    for _ in 0..120 {
        from_outside(&portal, "/api/v1/whoami", Some("nonsense")).await;
    }
    tokio::time::sleep(std::time::Duration::from_millis(1_400)).await;
    let page = admin.get("/admin/overview").await.text();
    for shown in ["198.51.100.0/24", "guessing", "/admin/blocks?network=198%2E51%2E100%2E0%2F24", "Signed up"] {
        assert!(page.contains(shown), "{shown}: {page}");
    }
    assert_eq!(ada.get("/admin/overview").await.status, StatusCode::NOT_FOUND);
}
