//! The log: exact counts, the right reader, filters that mean what they say.

use crate::support::{Database, NOW, Person, add_key, application, new_key, on_both_databases, person, stored, uuid};
use latchkey_core::port::{
    ApiKeyReader, RequestLogReader,
    api_key::{ApiKey, KeyOwner, Traffic},
    request_log::{
        AttributedTo, Attribution, CredentialId, LastUse, LogScope, Period, RequestBatch, RequestFilter, RequestRow,
        RollupCounts, RollupKey, Used,
    },
};
use latchkey_model::{
    ApplicationId, Environment, RequestId,
    trace::{DecisionTrace, Step, StepName, StepOutcome},
};
use time::Duration;

on_both_databases!(
    a_request_is_seen_by_its_team_and_by_admins,
    filters_mean_what_they_say,
    rollups_add_up,
    last_use_goes_forward_only,
    the_first_exposure_stays,
    pages_continue_below_a_request,
    old_rows_are_removed_in_batches,
    a_big_batch_is_written_whole,
    traffic_is_what_was_let_in_by_route_and_address,
);

async fn key(database: &Database, owner: &Person, called: &str, public_id: &str) -> ApiKey {
    let application = application(database, owner, called).await;
    add_key(database, &new_key(owner, &application, public_id)).await;
    stored(database, public_id).await.key
}

fn attributed_to(key: &ApiKey) -> AttributedTo {
    match &key.owner {
        KeyOwner::Environment { team_id, application_id, environment_id, environment, .. } => {
            AttributedTo::Environment {
                team_id: *team_id,
                application_id: *application_id,
                environment_id: *environment_id,
                environment: *environment,
            }
        }
        KeyOwner::Account { account_id, .. } => AttributedTo::Account(*account_id),
    }
}

fn application_of(key: &ApiKey) -> (ApplicationId, Environment) {
    attributed_to(key).application().unwrap()
}

fn row(key: Option<&ApiKey>) -> RequestRow {
    RequestRow {
        id: RequestId::from_uuid(uuid()),
        at: NOW,
        method: "GET".to_owned(),
        route: "/api/v1/posts".to_owned(),
        path: "/api/v1/posts".to_owned(),
        status: 200,
        reason: None,
        reported: None,
        address: "203.0.113.9".parse().unwrap(),
        user_agent: "curl".to_owned(),
        duration_us: 1_234,
        attribution: key.map(|key| Attribution {
            owner: attributed_to(key),
            credential: CredentialId::Key(key.id),
            hint: key.hint(),
            name: key.settings.name.to_string(),
        }),
        trace: DecisionTrace::complete(vec![Step {
            name: StepName::Credential,
            outcome: StepOutcome::Passed,
            detail: "API key".to_owned(),
        }]),
        remedy: None,
    }
}

async fn write(database: &Database, batch: RequestBatch) {
    let mut work = database.begin().await;
    work.record(&batch).await.unwrap();
    work.commit().await.unwrap();
}

async fn write_rows(database: &Database, rows: Vec<RequestRow>) {
    write(database, RequestBatch { rows, ..RequestBatch::default() }).await;
}

async fn a_request_is_seen_by_its_team_and_by_admins(database: &Database) {
    let (ada, eve) = (person(database, "ada@example.org").await, person(database, "eve@example.org").await);
    let key = key(database, &ada, "Bookshelf", "aaaaaaaaaaaa").await;
    let (hers, nobodys) = (row(Some(&key)), row(None));
    write_rows(database, vec![hers.clone(), nobodys.clone()]).await;
    let all = RequestFilter::default();
    let of = |account| LogScope::Account(account);
    assert_eq!(database.store.requests(of(ada.account.id), &all, 10).await.unwrap(), std::slice::from_ref(&hers));
    assert_eq!(database.store.requests(of(eve.account.id), &all, 10).await.unwrap(), []);
    let seen = database.store.requests(LogScope::Portal, &all, 10).await.unwrap();
    assert_eq!(seen, [nobodys.clone(), hers.clone()], "the newest first");
    assert_eq!(database.store.request(of(ada.account.id), hers.id).await.unwrap(), Some(hers.clone()));
    assert_eq!(database.store.request(of(eve.account.id), hers.id).await.unwrap(), None);
    assert_eq!(database.store.request(of(ada.account.id), nobodys.id).await.unwrap(), None);
    assert_eq!(database.store.request(LogScope::Portal, nobodys.id).await.unwrap(), Some(nobodys));
}

async fn filters_mean_what_they_say(database: &Database) {
    let ada = person(database, "ada@example.org").await;
    let key = key(database, &ada, "Bookshelf", "aaaaaaaaaaaa").await;
    let served = row(Some(&key));
    let mut refused = row(Some(&key));
    refused.status = 401;
    refused.reason = Some("revoked".to_owned());
    refused.reported = Some("address_not_allowed".to_owned());
    refused.method = String::from("POST");
    refused.path = String::from("/api/v1/posts/100%_done");
    refused.address = "2001:db8::1".parse().unwrap();
    refused.at = NOW + Duration::hours(1);
    write_rows(database, vec![served.clone(), refused.clone()]).await;
    let filter = RequestFilter::default;
    let only = |filter: RequestFilter| {
        let (store, account) = (database.store.clone(), ada.account.id);
        async move {
            let found = store.requests(LogScope::Account(account), &filter, 10).await.unwrap();
            found.into_iter().map(|row| row.id).collect::<Vec<_>>()
        }
    };
    for hit in [
        RequestFilter { refused: Some(true), ..filter() },
        RequestFilter { reason: Some("revoked".to_owned()), ..filter() },
        RequestFilter { method: Some("POST".to_owned()), ..filter() },
        RequestFilter { status: Some(401), ..filter() },
        RequestFilter { reported: true, ..filter() },
        RequestFilter { address: Some("2001:db8::1".parse().unwrap()), ..filter() },
        // To the letter: wildcards of SQL are letters like others.
        RequestFilter { path_contains: Some("0%_d".to_owned()), ..filter() },
        RequestFilter { since: Some(NOW + Duration::minutes(1)), ..filter() },
    ] {
        assert_eq!(only(hit.clone()).await, [refused.id], "{hit:?}");
    }
    for miss in [
        RequestFilter { path_contains: Some("%done%".to_owned()), ..filter() },
        RequestFilter { path_contains: Some("_posts".to_owned()), ..filter() },
        RequestFilter { environment: Some(Environment::Production), ..filter() },
        RequestFilter { reason: Some("' OR 1=1 --".to_owned()), ..filter() },
    ] {
        assert_eq!(only(miss.clone()).await, [], "{miss:?}");
    }
    assert_eq!(only(RequestFilter { refused: Some(false), ..filter() }).await, [served.id]);
    let both = RequestFilter {
        application: Some(application_of(&key).0),
        environment: Some(application_of(&key).1),
        api_key: Some(key.id),
        ..filter()
    };
    assert_eq!(only(both).await, [refused.id, served.id]);
}

async fn rollups_add_up(database: &Database) {
    let (ada, eve) = (person(database, "ada@example.org").await, person(database, "eve@example.org").await);
    let key = key(database, &ada, "Bookshelf", "aaaaaaaaaaaa").await;
    let rollup = RollupKey {
        period: Period::Hour,
        start: Period::Hour.start_of(NOW),
        owner_id: key.owner.id(),
        credential: Some(key.id.as_uuid()),
        route: "GET /api/v1/posts".to_owned(),
        status: 200,
        refused: false,
    };
    let mut counts = RollupCounts { requests: 3, ..RollupCounts::default() };
    counts.latency[0] = 2;
    counts.latency[11] = 1;
    let other = RollupKey { status: 401, refused: true, ..rollup.clone() };
    let together = |one: &RollupKey| RollupKey { credential: None, ..one.clone() };
    for _ in 0..2 {
        let rollups = vec![
            (rollup.clone(), counts),
            (other.clone(), counts),
            (together(&rollup), counts),
            (together(&other), counts),
        ];
        write(database, RequestBatch { rollups, ..RequestBatch::default() }).await;
    }
    let read = |account| {
        let store = database.store.clone();
        let (application, environment) = application_of(&key);
        async move { store.rollups(account, application, environment, Period::Hour, 0).await.unwrap() }
    };
    let mut found = read(ada.account.id).await;
    found.sort_by_key(|(key, _)| key.status);
    let mut twice = RollupCounts { requests: 6, ..RollupCounts::default() };
    twice.latency[0] = 4;
    twice.latency[11] = 2;
    assert_eq!(found, [(together(&rollup), twice), (together(&other), twice)], "all keys together");
    assert_eq!(read(eve.account.id).await, []);
    let mut of_key = database.store.key_rollups(ada.account.id, key.id, Period::Hour, 0).await.unwrap();
    of_key.sort_by_key(|(key, _)| key.status);
    assert_eq!(of_key, [(rollup, twice), (other, twice)]);
    let called = database.store.routes_called(&[key.id], 0).await.unwrap();
    assert_eq!(called, [], "by the day, and there is no day yet");
    assert_eq!(database.store.key_rollups(eve.account.id, key.id, Period::Hour, 0).await.unwrap(), []);
    let mut work = database.begin().await;
    assert_eq!(work.rollup_prune(Period::Day, i64::MAX).await.unwrap(), 0);
    assert_eq!(work.rollup_prune(Period::Hour, Period::Hour.start_of(NOW)).await.unwrap(), 0);
    assert_eq!(work.rollup_prune(Period::Hour, Period::Hour.start_of(NOW) + 1).await.unwrap(), 4);
}

async fn last_use_goes_forward_only(database: &Database) {
    let ada = person(database, "ada@example.org").await;
    let key = key(database, &ada, "Bookshelf", "aaaaaaaaaaaa").await;
    for (at, address) in [(NOW, "203.0.113.9"), (NOW - Duration::hours(1), "203.0.113.10")] {
        let last_uses = vec![LastUse { used: Used::Key(key.id), at, address: address.parse().unwrap() }];
        write(database, RequestBatch { last_uses, ..RequestBatch::default() }).await;
    }
    let key = database.store.api_key(ada.account.id, key.id).await.unwrap().unwrap();
    assert_eq!((key.last_used_at, key.last_used_from), (Some(NOW), "203.0.113.9".parse().ok()));
}

async fn the_first_exposure_stays(database: &Database) {
    let ada = person(database, "ada@example.org").await;
    let key = key(database, &ada, "Bookshelf", "aaaaaaaaaaaa").await;
    for at in [NOW, NOW + Duration::hours(1)] {
        write(database, RequestBatch { exposures: vec![(key.id, at)], ..RequestBatch::default() }).await;
    }
    let key = database.store.api_key(ada.account.id, key.id).await.unwrap().unwrap();
    assert_eq!(key.exposed_at, Some(NOW));
}

async fn pages_continue_below_a_request(database: &Database) {
    let rows: Vec<_> = (0..5).map(|_| row(None)).collect();
    write_rows(database, rows.clone()).await;
    let filter = RequestFilter { before: Some(rows[2].id), ..RequestFilter::default() };
    let below = database.store.requests(LogScope::Portal, &filter, 10).await.unwrap();
    assert_eq!(below, [rows[1].clone(), rows[0].clone()]);
    assert_eq!(database.store.requests(LogScope::Portal, &RequestFilter::default(), 3).await.unwrap().len(), 3);
}

async fn old_rows_are_removed_in_batches(database: &Database) {
    let mut rows: Vec<_> = (0..5).map(|_| row(None)).collect();
    for old in &mut rows[..3] {
        old.at = NOW - Duration::days(31);
    }
    write_rows(database, rows).await;
    let mut work = database.begin().await;
    let before = NOW - Duration::days(30);
    assert_eq!(work.request_prune(before, 2).await.unwrap(), 2);
    assert_eq!(work.request_prune(before, 2).await.unwrap(), 1);
    assert_eq!(work.request_prune(before, 2).await.unwrap(), 0);
    work.commit().await.unwrap();
    assert_eq!(database.store.requests(LogScope::Portal, &RequestFilter::default(), 10).await.unwrap().len(), 2);
}

async fn a_big_batch_is_written_whole(database: &Database) {
    // More columns in all than a statement takes variables, on either database.
    let rows: Vec<_> = (0..4_000).map(|_| row(None)).collect();
    write_rows(database, rows).await;
    let found = database.store.requests(LogScope::Portal, &RequestFilter::default(), 5_000).await.unwrap();
    assert_eq!(found.len(), 4_000);
}

async fn traffic_is_what_was_let_in_by_route_and_address(database: &Database) {
    let (ada, eve) = (person(database, "ada@example.org").await, person(database, "eve@example.org").await);
    let key = key(database, &ada, "Bookshelf", "aaaaaaaaaaaa").await;
    let mut rows: Vec<_> = (0..6).map(|_| row(Some(&key))).collect();
    rows[3].address = "192.0.2.1".parse().unwrap();
    rows[4].reason = Some("rate_limited".to_owned());
    rows[5].at = NOW - Duration::days(2);
    write_rows(database, rows).await;
    let traffic = |address: &str, requests| Traffic {
        method: "GET".to_owned(),
        route: "/api/v1/posts".to_owned(),
        address: address.parse().unwrap(),
        requests,
    };
    let since = NOW - Duration::days(1);
    let found = database.store.key_traffic(ada.account.id, key.id, since).await.unwrap();
    assert_eq!(found, [traffic("203.0.113.9", 3), traffic("192.0.2.1", 1)]);
    assert_eq!(database.store.key_traffic(eve.account.id, key.id, since).await.unwrap(), []);
}
