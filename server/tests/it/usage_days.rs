//! Usage by the day: days are those of whoever looks, on the page, in its links and in its files.

use crate::support::{Browser, Portal, days_kept};
use http::StatusCode;
use latchkey_core::port::{
    request_log::RequestBatch,
    rollup::{Period, RollupCounts, RollupKey},
};
use latchkey_model::{Environment, OwnerId};
use time::{Duration, OffsetDateTime, macros::datetime};

/// Of the sentence that says why days are UTC's.
const WHY_UTC: &str = "added up from counts by the hour, which do not go back that far";

/// Until the writer has come by.
async fn written() {
    tokio::time::sleep(std::time::Duration::from_millis(700)).await;
}

/// A browser of Ada's in this time zone, with an application of hers.
async fn ada(portal: &Portal, zone: &str) -> (Browser, String) {
    let mut ada = portal.member("ada@example.org").await;
    let application = ada.application("Bookshelf").await;
    ada.cookies.insert("latchkey_zone".to_owned(), zone.to_owned());
    (ada, application)
}

/// Counts requests to the development environment.
async fn count(portal: &Portal, application: &str, counted: &[(Period, OffsetDateTime, u64)]) {
    let store = &portal.state.services.ports.store;
    let (account, _) = store.account_by_email("ada@example.org").await.unwrap().unwrap();
    let found = store.application(account.id, application.parse().unwrap(), portal.clock_now()).await.unwrap().unwrap();
    let owner_id = Some(OwnerId::from(found.environment_id(Environment::Development)));
    let rollup = |&(period, start, requests): &(Period, OffsetDateTime, u64)| {
        let (start, route, status) = (start.unix_timestamp(), "GET /api/v1/posts".to_owned(), 200);
        let key = RollupKey { period, start, owner_id, credential: None, route, status, refused: false };
        (key, RollupCounts { requests, ..RollupCounts::default() })
    };
    let rollups = counted.iter().map(rollup).collect();
    let mut work = store.begin().await.unwrap();
    work.record(&RequestBatch { rollups, ..RequestBatch::default() }).await.unwrap();
    work.commit().await.unwrap();
}

/// The lines of a file: when each begins, how long that is, and how many came.
async fn lines(browser: &mut Browser, path: &str) -> Vec<(String, i64, u64)> {
    let file = browser.get(path).await.text();
    let line = |line: &str| {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        let start = line["start"].as_str().unwrap().to_owned();
        (start, line["seconds"].as_i64().unwrap(), line["requests"].as_u64().unwrap())
    };
    file.lines().map(line).collect()
}

/// As a link of a page carries it.
fn in_link(since: &str, until: &str) -> String {
    let encoded = |at: &str| at.replace('-', "%2D").replace(':', "%3A");
    format!("since={}&amp;until={}", encoded(since), encoded(until))
}

#[tokio::test]
async fn days_begin_with_their_first_full_hour_and_lead_to_their_requests() {
    let portal = Portal::start().await;
    let (mut ada, application) = ada(&portal, "Asia/Kolkata").await;
    let key = ada.key(&application, "development", &["read:posts"], "never").await;
    // A quarter to six in the evening there, ten past midnight, and half an hour later.
    for (advance, requests) in [(15, 1), (6 * 60 + 25, 2), (30, 4)] {
        portal.clock.advance(Duration::minutes(advance));
        for _ in 0..requests {
            assert_eq!(portal.with_key(&key, "GET", "/api/v1/posts", "").await.status, StatusCode::OK);
        }
        written().await;
    }
    let usage = format!("/apps/{application}/development/usage");
    let text = ada.get(&format!("{usage}?range=30d")).await.text();
    assert!(text.contains("Last 30 days, Asia/Kolkata, days from 00:30 on"), "{text}");
    assert!(text.contains("23 Nov: 3 served") && text.contains("24 Nov: 4 served"), "{text}");
    assert!(text.contains("<dd>7 <span") && !text.contains(WHY_UTC), "{text}");
    // Each column leads to its own requests, and no others.
    for (since, until, requests) in
        [("2026-11-22T19:00:00Z", "2026-11-23T19:00:00Z", 3), ("2026-11-23T19:00:00Z", "2026-11-24T19:00:00Z", 4)]
    {
        let link = in_link(since, until);
        assert!(text.contains(&link), "{link}: {text}");
        let logs = format!("/apps/{application}/development/logs?{}", link.replace("&amp;", "&"));
        let logs = ada.get(&logs).await.text();
        assert_eq!(logs.matches("data-label=\"Answer\"").count(), requests, "{logs}");
    }
    // The file has the same days.
    let expected = [("2026-11-22T19:00:00Z", 3), ("2026-11-23T19:00:00Z", 4)]
        .map(|(start, requests)| (start.to_owned(), 86_400, requests));
    assert_eq!(lines(&mut ada, &format!("{usage}/export?range=30d&format=json")).await, expected);
    // Hours are UTC's, and shown as clocks show them there.
    for range in ["24h", "7d"] {
        let text = ada.get(&format!("{usage}?range={range}")).await.text();
        assert!(text.contains("23:30: 2 served") && text.contains("00:30: 4 served"), "{range}: {text}");
        assert!(text.contains(&in_link("2026-11-23T18:00:00Z", "2026-11-23T19:00:00Z")), "{range}: {text}");
    }
    // Whoever looks from elsewhere has other days.
    ada.cookies.remove("latchkey_zone");
    let text = ada.get(&format!("{usage}?range=90d")).await.text();
    assert!(text.contains("Last 90 days, UTC<") && text.contains("23 Nov: 7 served"), "{text}");
}

async fn a_day_of_25_hours_is_whole(portal: Portal) {
    let (mut ada, application) = ada(&portal, "Europe/Berlin").await;
    // The thirtieth day back from then is the one on which clocks are set back.
    let counted = [
        (Period::Hour, datetime!(2026-10-24 21:00 UTC), 10),
        (Period::Hour, datetime!(2026-10-24 22:00 UTC), 1),
        (Period::Day, datetime!(2026-10-24 0:00 UTC), 11),
        (Period::Hour, datetime!(2026-10-25 22:00 UTC), 2),
        (Period::Hour, datetime!(2026-10-25 23:00 UTC), 4),
        (Period::Day, datetime!(2026-10-25 0:00 UTC), 6),
    ];
    count(&portal, &application, &counted).await;
    for usage in [format!("/apps/{application}/development/usage"), format!("/apps/{application}/usage")] {
        let text = ada.get(&format!("{usage}?range=30d")).await.text();
        assert!(text.contains("Last 30 days, Europe/Berlin<"), "{text}");
        assert!(text.contains("25 Oct: 3 served") && text.contains("26 Oct: 4 served"), "{text}");
        assert!(text.contains(&in_link("2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z")), "{text}");
        // The sums are those of its columns, and of those of the time before.
        assert!(text.contains("<dd>7 <span") && text.contains("(10 before)"), "{text}");
        let expected = [("2026-10-24T22:00:00Z", 90_000, 3), ("2026-10-25T23:00:00Z", 86_400, 4)]
            .map(|(start, seconds, requests)| (start.to_owned(), seconds, requests));
        assert_eq!(lines(&mut ada, &format!("{usage}/export?range=30d&format=json")).await, expected);
    }
}

#[tokio::test]
async fn a_day_of_25_hours_is_whole_on_sqlite() {
    a_day_of_25_hours_is_whole(Portal::start().await).await;
}

#[tokio::test]
async fn a_day_of_25_hours_is_whole_on_postgres() {
    a_day_of_25_hours_is_whole(Portal::on_postgres().await).await;
}

#[tokio::test]
async fn where_hours_were_removed_days_are_utcs_and_the_page_says_so() {
    let portal = Portal::start().await;
    let mut admin = portal.admin().await;
    let (mut ada, application) = ada(&portal, "Europe/Berlin").await;
    let counted = [
        (Period::Hour, datetime!(2026-11-03 23:00 UTC), 5),
        (Period::Day, datetime!(2026-11-03 0:00 UTC), 5),
        (Period::Hour, datetime!(2026-11-20 9:00 UTC), 2),
        (Period::Day, datetime!(2026-11-20 0:00 UTC), 2),
    ];
    count(&portal, &application, &counted).await;
    let usage = format!("/apps/{application}/development/usage");
    let whose = |text: &str| (text.contains("04 Nov: 5 served"), text.contains("03 Nov: 5 served"));
    // As long as hours are kept where nobody says otherwise, days are those of whoever looks.
    server::workers::prune(&portal.state).await.unwrap();
    let text = ada.get(&format!("{usage}?range=30d")).await.text();
    assert_eq!(whose(&text), (true, false), "{text}");
    let days = days_kept("30", "The disk is small");
    admin.send("/admin/settings", "/form/retention/set", &days).await;
    server::workers::prune(&portal.state).await.unwrap();
    let text = ada.get(&format!("{usage}?range=30d")).await.text();
    assert_eq!(whose(&text), (false, true), "nothing is lost: {text}");
    assert!(text.contains("Last 30 days, UTC<") && text.contains(WHY_UTC), "{text}");
    assert!(text.contains(&in_link("2026-11-03T00:00:00Z", "2026-11-04T00:00:00Z")), "{text}");
    let expected = [("2026-11-03T00:00:00Z", 5), ("2026-11-20T00:00:00Z", 2)]
        .map(|(start, requests)| (start.to_owned(), 86_400, requests));
    assert_eq!(lines(&mut ada, &format!("{usage}/export?range=30d&format=json")).await, expected);
    // Weeks are by the hour as ever, and whose days are UTC's anyway is told nothing.
    let week = ada.get(&format!("{usage}?range=7d")).await.text();
    assert!(week.contains("Last 7 days, Europe/Berlin<") && week.contains("20 Nov 10:00: 2 served"), "{week}");
    ada.cookies.remove("latchkey_zone");
    let text = ada.get(&format!("{usage}?range=30d")).await.text();
    assert!(!text.contains(WHY_UTC) && whose(&text) == (false, true), "{text}");
}
