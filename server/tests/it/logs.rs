//! Usage and logs: what is counted and listed, for whom, in which form, and as it comes.

use crate::support::{Browser, LOOPBACK, Portal, mistyped};
use axum::body::{Body, BodyDataStream};
use futures_util::StreamExt;
use http::{Request, StatusCode, header};
use latchkey_core::port::{
    Store,
    request_log::{RequestBatch, RequestRow},
    rollup::{Period, RollupCounts, RollupKey},
};
use latchkey_model::RequestId;
use server::config::Given;
use std::{collections::BTreeMap, time::Duration};

const STRANGER: &str = "198.51.100.77:4711";

/// Until the writer has come by.
async fn written() {
    tokio::time::sleep(Duration::from_millis(700)).await;
}

async fn stranger_asks(portal: &Portal, key: &str) -> crate::support::Answer {
    let request = Request::builder().uri("/api/v1/whoami").header("authorization", format!("Bearer {key}"));
    portal.send_from(STRANGER, request.body(Body::empty()).unwrap()).await
}

/// A portal with an application of Ada's, and a key of it.
async fn stage() -> (Portal, Browser, String, String) {
    // Strangers come from elsewhere, by plain HTTP.
    let portal = Portal::with(Given { require_tls: Some(false), ..Given::default() }).await;
    let mut ada = portal.member("ada@example.org").await;
    let application = ada.application("Bookshelf").await;
    let key = ada.key(&application, "development", &["read:posts"], "never").await;
    (portal, ada, application, key)
}

#[tokio::test]
async fn of_hours_that_are_over_the_busiest_addresses_stay_apart() {
    let (portal, mut ada, application, key) = stage().await;
    for host in (1..=105).chain([7]) {
        let request = Request::builder().uri("/api/v1/whoami").header("authorization", format!("Bearer {key}"));
        let from = format!("198.51.100.{host}:4711");
        assert_eq!(portal.send_from(&from, request.body(Body::empty()).unwrap()).await.status, StatusCode::OK);
        // Of those that come at once, some are told apart, and the rest counted together.
        if host % 15 == 0 {
            written().await;
        }
    }
    written().await;
    written().await;
    let usage = format!("/apps/{application}/development/usage");
    server::workers::prune(&portal.state).await.unwrap();
    let text = ada.get(&usage).await.text();
    assert!(text.contains("198.51.100.7<") && !text.contains("others, counted together"), "the hour goes on: {text}");
    // Today is read by the day, which goes on; yesterday by the hour.
    portal.clock.advance(time::Duration::hours(13));
    server::workers::prune(&portal.state).await.unwrap();
    let text = ada.get(&usage).await.text();
    assert!(text.contains("198.51.100.7<") && text.contains("others, counted together"), "{text}");
    assert!(text.contains("<dd>106 <span"), "{text}");
}

#[tokio::test]
async fn usage_is_counted_for_a_key_an_application_and_the_portal() {
    let (portal, mut ada, application, key) = stage().await;
    let mut admin = portal.admin().await;
    let mut eve = portal.member("eve@example.org").await;
    let id = ada.key_id(&application, "development").await;
    let other = ada.key(&application, "production", &["read:posts"], "never").await;
    for _ in 0..3 {
        assert_eq!(portal.with_key(&key, "GET", "/api/v1/posts", "").await.status, StatusCode::OK);
    }
    assert_eq!(portal.with_key(&other, "GET", "/api/v1/whoami", "").await.status, StatusCode::OK);
    assert_eq!(stranger_asks(&portal, "nonsense").await.status, StatusCode::UNAUTHORIZED);
    written().await;
    let usage = format!("/apps/{application}/development/usage");
    let text = ada.get(&usage).await.text();
    assert!(text.contains("<dd>3 <span") && text.contains("GET /api/v1/posts"), "{text}");
    // Every column leads to its requests, and every address and route to theirs.
    let logs = format!("/apps/{application}/development/logs?");
    assert!(
        text.contains(&format!("{logs}since="))
            && text.contains(&format!("{logs}route=%2Fapi%2Fv1%2Fposts&amp;method=GET&amp;since=")),
        "{text}"
    );
    let of_key = ada.get(&format!("{usage}?key={id}")).await.text();
    assert!(of_key.contains("<dd>3 <span") && of_key.contains(&format!("/logs?key={id}&amp;since=")), "{of_key}");
    let all = ada.get(&format!("/apps/{application}/usage")).await.text();
    assert!(all.contains("<dd>4 <span"), "all environments together: {all}");
    let everybodys = admin.get("/admin/usage").await.text();
    assert!(everybodys.contains("<dd>5 <span"), "the stranger's, too: {everybodys}");
    // So do the columns on the page of the key, and on the overview.
    let own = ada.get(&format!("/apps/{application}/development/keys/{id}")).await.text();
    assert!(own.contains(&format!("/logs?key={id}&amp;since=")), "{own}");
    let overview = admin.get("/admin/overview").await.text();
    assert!(overview.contains("/admin/logs?since="), "{overview}");
    for path in [&usage, &format!("{usage}?key={id}"), &format!("/apps/{application}/usage"), "/admin/usage"] {
        assert_eq!(eve.get(path).await.status, StatusCode::NOT_FOUND, "{path}");
    }
    // A key of another environment is not on this page.
    let elsewhere = format!("/apps/{application}/production/usage?key={id}");
    assert_eq!(ada.get(&elsewhere).await.status, StatusCode::NOT_FOUND);
    for odd in ["?key=1", "?client=1", &format!("?key={id}&client={id}")] {
        assert_eq!(ada.get(&format!("{usage}{odd}")).await.status, StatusCode::NOT_FOUND, "{odd}");
    }
}

#[tokio::test]
async fn usage_and_requests_are_had_as_files_by_whom_they_concern() {
    let (portal, mut ada, application, key) = stage().await;
    let mut eve = portal.member("eve@example.org").await;
    assert_eq!(portal.with_key(&key, "GET", "/api/v1/posts", "").await.status, StatusCode::OK);
    let agent = Request::builder().uri("/api/v1/whoami").header("user-agent", "=cmd|' /C calc'!A0");
    let agent = agent.header("authorization", format!("Bearer {}", mistyped(&key))).body(Body::empty()).unwrap();
    assert_eq!(portal.send_from(LOOPBACK, agent).await.status, StatusCode::UNAUTHORIZED);
    written().await;
    let here = format!("/apps/{application}/development");
    let counts = ada.get(&format!("{here}/usage/export?range=1h&format=csv")).await;
    assert_eq!(counts.header("content-type"), "text/csv; charset=utf-8; header=present");
    assert!(counts.header("content-disposition").contains("latchkey-usage.csv"));
    let text = counts.text();
    assert!(text.starts_with("start,seconds,route,status,refused,requests,"), "{text}");
    assert!(text.contains(",60,GET /api/v1/posts,200,false,1,"), "{text}");
    let line = ada.get(&format!("{here}/usage/export?format=json")).await.text();
    let line: serde_json::Value = serde_json::from_str(line.lines().next().unwrap()).unwrap();
    assert_eq!((&line["route"], &line["requests"]), (&"GET /api/v1/posts".into(), &1.into()));

    let requests = ada.get(&format!("{here}/logs/export?format=csv")).await.text();
    assert_eq!(requests.lines().count(), 3, "a head and two rows: {requests}");
    assert!(
        requests.contains("bad_checksum") && requests.contains(",'=cmd|"),
        "no formula of a stranger's: {requests}"
    );
    let refused = ada.get(&format!("{here}/logs/export?format=json&outcome=refused")).await.text();
    let row: serde_json::Value = serde_json::from_str(&refused).unwrap();
    assert_eq!((&row["status"], &row["stands_for"]), (&401.into(), &1.into()));
    for secret in [&key, &mistyped(&key)] {
        assert!(!requests.contains(secret.as_str()) && !refused.contains(secret.as_str()), "r53");
    }
    for file in ["usage/export", "logs/export", "logs/live"] {
        assert_eq!(eve.get(&format!("{here}/{file}")).await.status, StatusCode::NOT_FOUND, "{file}");
        let anonymous = portal.browser().get(&format!("{here}/{file}")).await;
        assert!(anonymous.location().starts_with("/login"), "{file}: {anonymous:?}");
    }
    for file in ["/admin/usage/export", "/admin/failures/export", "/admin/failures/live"] {
        assert_eq!(eve.get(file).await.status, StatusCode::NOT_FOUND, "{file}");
    }
}

/// The parts in which a file leaves.
async fn parts_of(browser: &Browser, path: &str) -> Vec<String> {
    let crate::support::At::Here(front) = &browser.server else { panic!("in this process") };
    let request = Request::builder().uri(path).header(header::COOKIE, browser.cookie_header());
    let peer: std::net::SocketAddr = LOOPBACK.parse().unwrap();
    let response = front.of(peer.into()).answer(request.body(Body::empty()).unwrap()).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    let mut body = response.into_body().into_data_stream();
    let mut parts = Vec::new();
    while let Some(part) = body.next().await {
        parts.push(String::from_utf8(part.unwrap().to_vec()).unwrap());
    }
    parts
}

#[tokio::test]
async fn a_file_of_many_counts_leaves_in_parts_and_has_all_of_them() {
    const HOURS: i64 = 168;
    const ROUTES: i64 = 15;
    for portal in [Portal::start().await, Portal::on_postgres().await] {
        let admin = portal.admin().await;
        let now = Period::Hour.start_of(portal.clock_now());
        let counted = |number: i64| {
            let (start, route) = (now - number / ROUTES * 3_600, format!("GET /v1/{}", number % ROUTES));
            let (owner_id, credential) = (None, None);
            let period = Period::Hour;
            let key = RollupKey { period, start, owner_id, credential, route, status: 200, refused: false };
            let requests = u64::try_from(number + 1).unwrap();
            (key, RollupCounts { requests, ..RollupCounts::default() })
        };
        let rollups: Vec<_> = (0..HOURS * ROUTES).map(counted).collect();
        let expected: BTreeMap<_, _> =
            rollups.iter().map(|(key, counts)| ((key.start, key.route.clone()), counts.requests)).collect();
        let mut work = portal.store.begin().await.unwrap();
        work.record(&RequestBatch { rollups, ..RequestBatch::default() }).await.unwrap();
        work.commit().await.unwrap();

        let lines = parts_of(&admin, "/admin/usage/export?range=7d&format=json").await;
        assert_eq!(lines.len(), 3, "a thousand at once");
        let lines = lines.concat();
        let told: Vec<_> = lines
            .lines()
            .map(|line| {
                let line: serde_json::Value = serde_json::from_str(line).unwrap();
                let start = line["start"].as_str().unwrap();
                let start = time::OffsetDateTime::parse(start, &time::format_description::well_known::Rfc3339).unwrap();
                let route = line["route"].as_str().unwrap().to_owned();
                ((start.unix_timestamp(), route), line["requests"].as_u64().unwrap())
            })
            .collect();
        assert!(told.is_sorted_by_key(|((start, _), _)| *start), "the oldest first");
        assert_eq!(told.len(), expected.len(), "each of them once");
        assert_eq!(told.into_iter().collect::<BTreeMap<_, _>>(), expected);
        let table = parts_of(&admin, "/admin/usage/export?range=7d&format=csv").await.concat();
        assert_eq!((table.lines().count(), table.matches("start,seconds,route").count()), (2_521, 1), "one head");
    }
}

#[tokio::test]
async fn requests_are_found_by_what_one_knows_of_them() {
    let (portal, mut ada, application, key) = stage().await;
    let mut eve = portal.member("eve@example.org").await;
    let served = portal.with_key(&key, "GET", "/api/v1/posts", "").await;
    let refused = portal.with_key(&key, "POST", "/api/v1/posts", "{}").await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    written().await;
    let logs = format!("/apps/{application}/development/logs");
    let ids = [served.header("x-request-id"), refused.header("x-request-id")];
    let mut found = async |filter: &str| {
        let text = ada.get(&format!("{logs}?{filter}")).await.text();
        ids.map(|id| text.contains(&format!("href=\"/logs/{id}\"")))
    };
    assert_eq!(found("").await, [true, true]);
    assert_eq!(found("text=WEB+backend").await, [true, true], "the key's name, whatever the case");
    assert_eq!(found("text=nothing").await, [false, false]);
    assert_eq!(found("route=%2Fapi%2Fv1%2Fposts&method=post").await, [false, true]);
    assert_eq!(found("since=2026-11-23T12%3A00%3A00Z").await, [true, true]);
    assert_eq!(found("until=2026-11-23T12%3A00%3A00Z").await, [false, false]);
    assert_eq!(found("since=tomorrow&status=lots").await, [true, true], "what cannot be read filters nothing");
    let groups = ada.get(&format!("{logs}?view=failures")).await.text();
    assert!(groups.contains("insufficient_scope") && groups.contains("POST /api/v1/posts"), "{groups}");
    assert!(groups.contains("reason=insufficient%5Fscope"), "a group leads to its requests: {groups}");
    // The form keeps what a link asked for.
    for method in ["patch", "HEAD", "OPTIONS", "OTHER"] {
        let form = ada.get(&format!("{logs}?method={method}")).await.text();
        let chosen = format!("value=\"{}\" selected", method.to_uppercase());
        assert!(form.contains(&chosen) && form.contains("name=\"route\""), "{method}: {form}");
    }
    // By its id, whoever may see it is led to it.
    let asked = ada.get(&format!("{logs}?request={}", ids[1])).await;
    assert_eq!(asked.location(), format!("/logs/{}", ids[1]));
    assert_eq!(ada.get(asked.location()).await.status, StatusCode::OK);
    assert_eq!(eve.get(asked.location()).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn times_are_those_of_who_reads() {
    let (portal, mut ada, application, key) = stage().await;
    assert_eq!(portal.with_key(&key, "GET", "/api/v1/posts", "").await.status, StatusCode::OK);
    written().await;
    let usage = format!("/apps/{application}/development/usage");
    assert!(ada.get(&usage).await.text().contains("Last 24 hours, UTC"));
    ada.cookies.insert("latchkey_zone".to_owned(), "Asia/Kolkata".to_owned());
    let text = ada.get(&usage).await.text();
    assert!(text.contains("Last 24 hours, Asia/Kolkata") && text.contains("17:30: 1 served"), "{text}");
    ada.cookies.insert("latchkey_zone".to_owned(), "../../etc/passwd".to_owned());
    assert!(ada.get(&usage).await.text().contains("Last 24 hours, UTC"));
}

#[tokio::test]
async fn views_are_kept_for_their_person_alone() {
    let (portal, mut ada, application, _) = stage().await;
    let mut eve = portal.member("eve@example.org").await;
    let logs = format!("/apps/{application}/development/logs");
    let view = [("page", logs.as_str()), ("query", "outcome=refused&status=401"), ("name", "Bad keys")];
    let kept = ada.send(&logs, "/form/request-log/save-view", &view).await;
    assert_eq!(kept.status, StatusCode::SEE_OTHER);
    let text = ada.get(&logs).await.text();
    assert!(text.contains("Bad keys") && text.contains(&format!("{logs}?outcome=refused&amp;status=401")), "{text}");
    let id = crate::support::between(&text, "name=\"id\" value=\"", "\"").to_owned();
    eve.send("/dashboard", "/form/request-log/remove-view", &[("id", &id)]).await;
    assert!(ada.get(&logs).await.text().contains("Bad keys"), "r54: a stranger removes nothing");
    for page in ["https://evil.example/logs", "//evil.example/logs", "/login", "/apps/../login"] {
        let odd = [("page", page), ("query", "a=1"), ("name", "Odd")];
        ada.send(&logs, "/form/request-log/save-view", &odd).await;
        assert!(!ada.get(&logs).await.text().contains("Odd"), "{page}");
    }
    ada.send(&logs, "/form/request-log/remove-view", &[("id", &id)]).await;
    assert!(!ada.get(&logs).await.text().contains("Bad keys"));
}

/// A line on which requests are told as they come.
pub(crate) struct Line(BodyDataStream, pub(crate) String);

impl Line {
    pub(crate) async fn open(browser: &Browser, path: &str, last: Option<&str>) -> Self {
        let crate::support::At::Here(front) = &browser.server else { panic!("in this process") };
        let mut request = Request::builder().uri(path).header(header::COOKIE, browser.cookie_header());
        if let Some(last) = last {
            request = request.header("last-event-id", last);
        }
        let peer: std::net::SocketAddr = LOOPBACK.parse().unwrap();
        let response = front.of(peer.into()).answer(request.body(Body::empty()).unwrap()).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        assert_eq!(response.headers()["x-accel-buffering"], "no");
        Self(response.into_body().into_data_stream(), String::new())
    }

    /// What was told until this was among it, or the second is over.
    pub(crate) async fn hears(&mut self, what: &str) -> bool {
        let until = tokio::time::Instant::now() + Duration::from_secs(1);
        while !self.1.contains(what) {
            match tokio::time::timeout_at(until, self.0.next()).await {
                Ok(Some(Ok(more))) => self.1.push_str(std::str::from_utf8(&more).unwrap()),
                _ => return false,
            }
        }
        true
    }
}

#[tokio::test]
async fn whoever_watches_hears_of_a_failure_within_a_second() {
    let (portal, mut ada, application, key) = stage().await;
    let mut eve = portal.member("eve@example.org").await;
    let hers = eve.application("Shop").await;
    let watched = format!("/apps/{application}/development/logs/live?outcome=refused");
    let mut line = Line::open(&ada, &watched, None).await;
    let mut other = Line::open(&eve, &format!("/apps/{hers}/development/logs/live"), None).await;
    assert_eq!(portal.with_key(&key, "GET", "/api/v1/posts", "").await.status, StatusCode::OK);
    let refused = portal.with_key(&mistyped(&key), "GET", "/api/v1/posts", "").await;
    let id = refused.header("x-request-id");
    assert!(line.hears(&format!("id: {id}")).await, "{}", line.1);
    assert!(line.1.contains("\"reason\":\"bad_checksum\""), "{}", line.1);
    assert_eq!(line.1.matches("data:").count(), 1, "what was served is filtered out: {}", line.1);
    assert!(!other.hears("data:").await, "r54: nothing of another team's: {}", other.1);
    drop(line);
    // What came while the line was down is told when it is up again.
    let missed = portal.with_key(&mistyped(&key), "GET", "/api/v1/whoami", "").await;
    written().await;
    let mut again = Line::open(&ada, &watched, Some(id)).await;
    assert!(again.hears(&format!("id: {}", missed.header("x-request-id"))).await, "{}", again.1);
    // Told to stop, the server ends the lines.
    portal.state.stopping.send_replace(true);
    let end = async { while again.0.next().await.is_some() {} };
    assert!(tokio::time::timeout(Duration::from_secs(1), end).await.is_ok());
    // Whoever left the team, or signed out, opens no line.
    let cookies = ada.cookies.clone();
    ada.send("/dashboard", "/form/account/sign-out", &[]).await;
    ada.cookies = cookies;
    assert!(ada.get(&watched).await.location().starts_with("/login"));
}

#[tokio::test]
async fn whoever_watches_is_told_of_all_that_came_at_once_or_that_some_are_left_out() {
    const MANY: i64 = 1_200;
    let (portal, ..) = stage().await;
    let admin = portal.admin().await;
    let row = portal.recorded(&stranger_asks(&portal, "nonsense").await).await;
    // Within one millisecond, nobody knows which came first.
    portal.clock.advance(time::Duration::SECOND);
    let (ports, now) = (&portal.state.services.ports, portal.clock_now());
    let came_at = |at| RequestRow { id: RequestId::from_uuid(ports.uuid_at(at)), at, ..row.clone() };
    let write = async |rows: Vec<RequestRow>| {
        let mut work = portal.store.begin().await.unwrap();
        work.record(&RequestBatch { rows, ..RequestBatch::default() }).await.unwrap();
        work.commit().await.unwrap();
    };
    let mut line = Line::open(&admin, "/admin/logs/live", None).await;
    let half_a_minute_ago = now - time::Duration::seconds(30);
    let rows = (0..MANY).map(|number| came_at(half_a_minute_ago + time::Duration::milliseconds(number)));
    write(rows.collect()).await;
    let last = stranger_asks(&portal, "nonsense").await;
    for _ in 0..10 {
        if line.hears(&format!("id: {}", last.header("x-request-id"))).await {
            break;
        }
    }
    assert_eq!(line.1.matches("data:").count(), 1_200 + 1, "{:.2000}", line.1);
    assert!(!line.1.contains("left-out"));
    drop(line);
    // Of what came before the last minutes, it is said that some did.
    let long_ago = RequestId::from_uuid(ports.uuid_at(now - time::Duration::minutes(20))).to_string();
    let mut back = Line::open(&admin, "/admin/logs/live", Some(&long_ago)).await;
    assert!(!back.hears("left-out").await, "none did");
    write(vec![came_at(now - time::Duration::minutes(10))]).await;
    let mut back = Line::open(&admin, "/admin/logs/live", Some(&long_ago)).await;
    let said = "event: left-out\ndata: Not all that came before 11:55:01 are shown here.";
    assert!(back.hears(said).await, "{:.2000}", back.1);
}

#[tokio::test]
async fn a_flood_takes_few_rows_and_nobody_elses() {
    let (portal, mut ada, application, key) = stage().await;
    let mut admin = portal.admin().await;
    for _ in 0..200 {
        assert_ne!(stranger_asks(&portal, "nonsense").await.status, StatusCode::OK);
    }
    let own = portal.with_key(&mistyped(&key), "GET", "/api/v1/whoami", "").await;
    let row = portal.recorded(&own).await;
    assert_eq!((row.stands_for, row.reason.as_deref()), (1, Some("bad_checksum")));
    written().await;
    written().await;
    let file = admin.get("/admin/failures/export?format=json").await.text();
    let rows: Vec<serde_json::Value> = file.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let floods: Vec<_> = rows.iter().filter(|row| row["address"] == "198.51.100.77").collect();
    assert!(floods.len() <= 20, "ten of each kind have rows: {file}");
    let counted: u64 = floods.iter().map(|row| row["stands_for"].as_u64().unwrap()).sum();
    assert_eq!(counted, 200, "and all are counted: {file}");
    let groups = admin.get("/admin/failures?view=addresses").await.text();
    assert!(groups.contains("198.51.100.77") && groups.contains(">200<"), "{groups}");
    assert!(groups.contains("/admin/blocks?network=198"), "from where they can be blocked");
    let usage = admin.get("/admin/usage").await.text();
    assert!(usage.contains("<dd>201 <span"), "{usage}");
    assert!(ada.get(&format!("/apps/{application}/development/usage")).await.text().contains("<dd>1 <span"));
}
