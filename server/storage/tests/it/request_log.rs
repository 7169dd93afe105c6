//! The log: exact counts, the right reader, filters that mean what they say.

use crate::support::{Database, NOW, Person, add_key, application, new_key, on_both_databases, person, stored, uuid};
use latchkey_core::port::{
    ApiKeyReader, Consumed, Perishable, RequestLogReader, RetentionReader,
    api_key::{ApiKey, Disabled, Holder, KeyOwner, Traffic},
    request_log::{
        AttributedTo, Attribution, CredentialId, Folded, GroupBy, LastUse, LogScope, RequestBatch, RequestFilter,
        RequestRow, Used,
    },
    rollup::Volume,
};
use latchkey_model::{
    AccountId, ApplicationId, Environment, RequestId,
    trace::{DecisionTrace, Step, StepName, StepOutcome},
};
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

on_both_databases!(
    a_request_is_seen_by_its_team_and_by_admins,
    filters_mean_what_they_say,
    last_use_goes_forward_only,
    a_last_use_of_the_future_gives_way,
    last_uses_wait_for_whoever_changes_two_keys,
    the_first_exposure_stays,
    pages_continue_below_a_request,
    old_rows_are_removed_in_batches,
    a_big_batch_is_written_whole,
    traffic_is_what_was_let_in_by_route_and_address,
    of_a_busy_keys_traffic_the_newest_part_is_looked_at,
    refusals_that_are_alike_are_counted_at_one_row,
    refusals_are_put_together_by_what_they_share,
    whoever_watches_is_told_what_came_late_too,
    a_search_that_finds_little_says_how_far_it_came,
    a_rare_request_is_found_among_many_at_once,
);

pub(crate) async fn key(database: &Database, owner: &Person, called: &str, public_id: &str) -> ApiKey {
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

pub(crate) fn application_of(key: &ApiKey) -> (ApplicationId, Environment) {
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
        volume: Volume { received: 12, sent: 345 },
        stands_for: 1,
        from_many: false,
        last_at: None,
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

pub(crate) async fn write(database: &Database, batch: RequestBatch) {
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
    assert_eq!(database.store.requests(of(ada.account.id), &all, 10).await.unwrap().found, std::slice::from_ref(&hers));
    assert_eq!(database.store.requests(of(eve.account.id), &all, 10).await.unwrap().found, []);
    let seen = database.store.requests(LogScope::Portal, &all, 10).await.unwrap().found;
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
    refused.id = id_at(NOW + Duration::hours(1), 1);
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
            let found = store.requests(LogScope::Account(account), &filter, 10).await.unwrap().found;
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
        RequestFilter { text: Some("0%_d".to_owned()), ..filter() },
        RequestFilter { text: Some("100%_DONE".to_owned()), ..filter() },
        RequestFilter { network: Some("2001:db8::/48".to_owned()), ..filter() },
        RequestFilter { since: Some(NOW + Duration::minutes(1)), ..filter() },
    ] {
        assert_eq!(only(hit.clone()).await, [refused.id], "{hit:?}");
    }
    for miss in [
        RequestFilter { text: Some("%done%".to_owned()), ..filter() },
        RequestFilter { text: Some("_posts".to_owned()), ..filter() },
        RequestFilter { environment: Some(Environment::Production), ..filter() },
        RequestFilter { route: Some("/api/v1/post".to_owned()), ..filter() },
        RequestFilter { until: Some(NOW), ..filter() },
        RequestFilter { reason: Some("' OR 1=1 --".to_owned()), ..filter() },
    ] {
        assert_eq!(only(miss.clone()).await, [], "{miss:?}");
    }
    assert_eq!(only(RequestFilter { refused: Some(false), ..filter() }).await, [served.id]);
    let both = RequestFilter {
        application: Some(application_of(&key).0),
        environment: Some(application_of(&key).1),
        credential: Some(key.id.as_uuid()),
        ..filter()
    };
    assert_eq!(only(both).await, [refused.id, served.id]);
}

/// The id of a request of that time.
fn id_at(at: OffsetDateTime, number: u128) -> RequestId {
    let milliseconds = u128::try_from(at.unix_timestamp_nanos() / 1_000_000).unwrap();
    RequestId::from_uuid(Uuid::from_u128(milliseconds << 80 | 7 << 76 | 2 << 62 | number))
}

fn row_at(at: OffsetDateTime, number: u128) -> RequestRow {
    RequestRow { id: id_at(at, number), at, ..row(None) }
}

async fn refusals_that_are_alike_are_counted_at_one_row(database: &Database) {
    let refused = RequestRow { reason: Some("unknown".to_owned()), ..row(None) };
    write_rows(database, vec![refused.clone()]).await;
    let last_at = NOW + Duration::SECOND;
    for more in [99_999, 1] {
        let folded = vec![Folded { row: refused.id, more, last_at }];
        write(database, RequestBatch { folded, ..RequestBatch::default() }).await;
    }
    let found = database.store.request(LogScope::Portal, refused.id).await.unwrap().unwrap();
    assert_eq!((found.stands_for, found.last_at), (100_001, Some(last_at)));
}

async fn refusals_are_put_together_by_what_they_share(database: &Database) {
    let ada = person(database, "ada@example.org").await;
    let key = key(database, &ada, "Bookshelf", "aaaaaaaaaaaa").await;
    let refused = |number, reason: &str, address: &str| RequestRow {
        id: id_at(NOW + Duration::seconds(number), 1),
        at: NOW + Duration::seconds(number),
        reason: Some(reason.to_owned()),
        address: address.parse().unwrap(),
        ..row(Some(&key))
    };
    let mut rows = vec![
        refused(0, "revoked", "203.0.113.9"),
        refused(1, "revoked", "203.0.113.10"),
        refused(2, "expired", "198.51.100.1"),
        RequestRow { attribution: None, ..refused(3, "unknown", "198.51.100.1") },
    ];
    rows[1].stands_for = 40;
    write_rows(database, rows).await;
    let groups = |by, scope| {
        let store = database.store.clone();
        let filter = RequestFilter { refused: Some(true), ..RequestFilter::default() };
        async move { store.request_groups(scope, &filter, by, 10).await.unwrap().found }
    };
    let by_failure = groups(GroupBy::Failure, LogScope::Account(ada.account.id)).await;
    assert_eq!(by_failure.len(), 2, "what is nobody's is not shown to a team");
    let most = &by_failure[0];
    assert_eq!((most.reason.as_deref(), most.requests, most.addresses), (Some("revoked"), 41, 2));
    assert_eq!((most.first_at, most.last_at), (NOW, NOW + Duration::SECOND));
    assert_eq!(most.credential.as_ref().map(|(id, ..)| *id), Some(key.id.as_uuid()));
    assert_eq!(most.route, Some(("GET".to_owned(), "/api/v1/posts".to_owned())));
    let all = |by| groups(by, LogScope::Portal);
    let from: Vec<_> =
        all(GroupBy::Network).await.into_iter().map(|group| (group.from.unwrap(), group.requests)).collect();
    assert_eq!(from, [("203.0.113.0/24".to_owned(), 41), ("198.51.100.0/24".to_owned(), 2)]);
    let from: Vec<_> = all(GroupBy::Address).await.into_iter().map(|group| group.from.unwrap()).collect();
    assert_eq!(from, ["203.0.113.10", "198.51.100.1", "203.0.113.9"]);
    assert_eq!(all(GroupBy::Reason).await.len(), 3);
    assert_eq!(all(GroupBy::Route).await.iter().map(|group| group.credentials).collect::<Vec<_>>(), [1]);
}

async fn whoever_watches_is_told_what_came_late_too(database: &Database) {
    let rows: Vec<_> = [0, 100, 110, 120].map(|seconds| row_at(NOW + Duration::seconds(seconds), 1)).into();
    write_rows(database, rows.clone()).await;
    let filter = RequestFilter::default();
    let found = database.store.requests_after(LogScope::Portal, &filter, rows[2].id, 10).await.unwrap();
    let expected = [1, 2, 3].map(|at| (rows[at].id, rows[at].stands_for));
    assert_eq!(found, expected, "the oldest first, from a minute before");
    let newest = database.store.requests_after(LogScope::Portal, &filter, rows[2].id, 2).await.unwrap();
    assert_eq!(newest, expected[1..]);
    let ids = [rows[3].id, rows[1].id, RequestId::from_uuid(uuid())];
    let read = database.store.requests_with_ids(LogScope::Portal, &ids).await.unwrap();
    assert_eq!(read.iter().map(|row| row.id).collect::<Vec<_>>(), [rows[1].id, rows[3].id]);
    let nobody = LogScope::Account(AccountId::from_uuid(uuid()));
    assert_eq!(database.store.requests_with_ids(nobody, &ids).await.unwrap(), [], "a stranger reads none of them");
}

async fn a_search_that_finds_little_says_how_far_it_came(database: &Database) {
    // More than one look takes; only the oldest passes.
    let mut rows: Vec<_> = (0..25_000_u32).map(|n| row_at(NOW + Duration::milliseconds(n.into()), n.into())).collect();
    "/needle".clone_into(&mut rows[0].path);
    for some in rows.chunks(5_000) {
        write_rows(database, some.to_vec()).await;
    }
    let mut filter = RequestFilter { text: Some("NEEDLE".to_owned()), ..RequestFilter::default() };
    let mut looks = 0;
    let found = loop {
        let page = database.store.requests(LogScope::Portal, &filter, 10).await.unwrap();
        looks += 1;
        match page.searched_to {
            Some((last, at)) if page.found.is_empty() => {
                assert_eq!(id_at(at, last.as_uuid().as_u128() & 0xffff_ffff), last);
                filter.before = Some(last);
            }
            _ => break page.found,
        }
    };
    assert_eq!((found[0].id, found.len()), (rows[0].id, 1));
    assert!(looks <= 10, "a look sees some thousand at least: {looks}");
}

async fn a_rare_request_is_found_among_many_at_once(database: &Database) {
    let mut rows: Vec<_> = (0..25_000_u32).map(|n| row_at(NOW + Duration::milliseconds(n.into()), n.into())).collect();
    let rare = &mut rows[3];
    rare.status = 503;
    rare.reported = Some("address_not_allowed".to_owned());
    rare.address = "198.51.100.77".parse().unwrap();
    "/rare".clone_into(&mut rare.route);
    let rare = rare.clone();
    for some in rows.chunks(5_000) {
        write_rows(database, some.to_vec()).await;
    }
    let filter = RequestFilter::default;
    for filter in [
        RequestFilter { status: Some(503), ..filter() },
        RequestFilter { reported: true, ..filter() },
        RequestFilter { address: Some(rare.address), ..filter() },
        RequestFilter { network: Some("198.51.100.0/24".to_owned()), ..filter() },
        RequestFilter { route: Some("/rare".to_owned()), text: Some("POSTS".to_owned()), ..filter() },
    ] {
        let page = database.store.requests(LogScope::Portal, &filter, 10).await.unwrap();
        assert_eq!(page.found, std::slice::from_ref(&rare), "{filter:?}");
        assert_eq!(page.searched_to, None, "everything was looked at: {filter:?}");
    }
    let absent = RequestFilter { reason: Some("revoked".to_owned()), status: Some(200), ..filter() };
    let page = database.store.requests(LogScope::Portal, &absent, 10).await.unwrap();
    assert_eq!((page.found, page.searched_to), (Vec::new(), None));
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

async fn a_last_use_of_the_future_gives_way(database: &Database) {
    let ada = person(database, "ada@example.org").await;
    let key = key(database, &ada, "Bookshelf", "aaaaaaaaaaaa").await;
    // The clock was a year ahead, and was then put right.
    for (at, address) in [(NOW + Duration::days(365), "203.0.113.9"), (NOW, "203.0.113.10")] {
        let last_uses = vec![LastUse { used: Used::Key(key.id), at, address: address.parse().unwrap() }];
        write(database, RequestBatch { last_uses, ..RequestBatch::default() }).await;
    }
    let key = database.store.api_key(ada.account.id, key.id).await.unwrap().unwrap();
    assert_eq!((key.last_used_at, key.last_used_from), (Some(NOW), "203.0.113.10".parse().ok()));
}

/// Whoever changes two keys of a row of keys takes the newer first. Taken in another order, each would wait for the other.
async fn last_uses_wait_for_whoever_changes_two_keys(database: &Database) {
    let ada = person(database, "ada@example.org").await;
    let holder = Holder::Team(ada.team);
    let mut keys = Vec::new();
    for public_id in ["aaaaaaaaaaaa", "bbbbbbbbbbbb"] {
        keys.push(key(database, &ada, public_id, public_id).await.id);
    }
    keys.sort_unstable();
    let [older, newer] = keys[..] else { unreachable!("two were made") };
    let address = "203.0.113.9".parse().unwrap();
    let used = |id| LastUse { used: Used::Key(id), at: NOW, address };
    let nothing = RequestBatch::default;
    for (number, batch) in [
        RequestBatch { last_uses: vec![used(older), used(newer)], ..nothing() },
        RequestBatch { exposures: vec![(older, NOW), (newer, NOW)], ..nothing() },
        RequestBatch { last_uses: vec![used(older)], exposures: vec![(newer, NOW)], ..nothing() },
    ]
    .into_iter()
    .enumerate()
    {
        let by = Disabled { at: NOW, by_policy: false };
        let mut work = database.begin().await;
        assert_eq!(work.api_key_disable(holder, newer, by).await.unwrap(), Consumed::Won, "{number}");
        let both = async {
            // The others come meanwhile, and wait.
            tokio::time::sleep(std::time::Duration::from_millis(300)).await;
            assert_eq!(work.api_key_disable(holder, older, by).await.unwrap(), Consumed::Won, "{number}");
            for id in [newer, older] {
                assert_eq!(work.api_key_enable(holder, id, NOW).await.unwrap(), Consumed::Won, "{number}");
            }
            work.commit().await.unwrap();
        };
        tokio::join!(write(database, batch), both);
    }
    for id in [older, newer] {
        let key = database.store.api_key(ada.account.id, id).await.unwrap().unwrap();
        assert_eq!((key.last_used_at, key.exposed_at), (Some(NOW), Some(NOW)));
    }
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
    let below = database.store.requests(LogScope::Portal, &filter, 10).await.unwrap().found;
    assert_eq!(below, [rows[1].clone(), rows[0].clone()]);
    assert_eq!(database.store.requests(LogScope::Portal, &RequestFilter::default(), 3).await.unwrap().found.len(), 3);
}

async fn old_rows_are_removed_in_batches(database: &Database) {
    let mut rows: Vec<_> = (0..5).map(|_| row(None)).collect();
    for old in &mut rows[..3] {
        old.at = NOW - Duration::days(31);
    }
    write_rows(database, rows).await;
    let mut work = database.begin().await;
    let (longest_ago, old) = (OffsetDateTime::UNIX_EPOCH, NOW - Duration::days(31));
    let before = NOW - Duration::days(30);
    // It reads, and no more.
    for (limit, found) in [(2, 2), (9, 3)] {
        let ahead = database.store.perishables_read_ahead(Perishable::Requests, longest_ago..before, limit);
        assert_eq!(ahead.await.unwrap(), found);
    }
    let mut prune = async |times| {
        let removed = work.perishables_prune(Perishable::Requests, times, 2).await.unwrap();
        (removed.rows, removed.rest)
    };
    assert_eq!(prune(longest_ago..before).await, (2, old));
    assert_eq!(prune(old + Duration::SECOND..before).await, (0, old + Duration::SECOND));
    assert_eq!(prune(old..before).await, (1, old), "one that came at the same time");
    assert_eq!(prune(old..before).await, (0, old));
    work.commit().await.unwrap();
    assert_eq!(database.store.requests(LogScope::Portal, &RequestFilter::default(), 10).await.unwrap().found.len(), 2);
}

async fn a_big_batch_is_written_whole(database: &Database) {
    // More columns in all than a statement takes variables, on either database.
    let rows: Vec<_> = (0..4_000).map(|_| row(None)).collect();
    write_rows(database, rows).await;
    let found = database.store.requests(LogScope::Portal, &RequestFilter::default(), 5_000).await.unwrap().found;
    assert_eq!(found.len(), 4_000);
}

async fn traffic_is_what_was_let_in_by_route_and_address(database: &Database) {
    let (ada, eve) = (person(database, "ada@example.org").await, person(database, "eve@example.org").await);
    let key = key(database, &ada, "Bookshelf", "aaaaaaaaaaaa").await;
    let mut rows: Vec<_> = (0..6).map(|n| RequestRow { id: id_at(NOW, n), ..row(Some(&key)) }).collect();
    rows[3].address = "192.0.2.1".parse().unwrap();
    rows[4].reason = Some("rate_limited".to_owned());
    rows[5].at = NOW - Duration::days(2);
    rows[5].id = id_at(rows[5].at, 5);
    write_rows(database, rows).await;
    let traffic = |address: &str, requests| Traffic {
        method: "GET".to_owned(),
        route: "/api/v1/posts".to_owned(),
        address: address.parse().unwrap(),
        requests,
    };
    let since = NOW - Duration::days(1);
    let (hers, portal) = (LogScope::Account(ada.account.id), LogScope::Portal);
    for scope in [hers, portal] {
        let found = database.store.key_traffic(scope, key.id, since).await.unwrap();
        assert_eq!(found.found, [traffic("203.0.113.9", 3), traffic("192.0.2.1", 1)]);
        assert_eq!(found.searched_to, None, "all were looked at");
    }
    let others = database.store.key_traffic(LogScope::Account(eve.account.id), key.id, since).await.unwrap();
    assert_eq!(others.found, []);
}

async fn of_a_busy_keys_traffic_the_newest_part_is_looked_at(database: &Database) {
    let ada = person(database, "ada@example.org").await;
    let key = key(database, &ada, "Bookshelf", "aaaaaaaaaaaa").await;
    let at = |n: u32| NOW + Duration::milliseconds(n.into());
    let mut rows: Vec<_> =
        (0..25_000_u32).map(|n| RequestRow { id: id_at(at(n), n.into()), at: at(n), ..row(Some(&key)) }).collect();
    rows[0].address = "192.0.2.1".parse().unwrap();
    for some in rows.chunks(5_000) {
        write_rows(database, some.to_vec()).await;
    }
    let scope = LogScope::Account(ada.account.id);
    let traffic = database.store.key_traffic(scope, key.id, NOW - Duration::DAY).await.unwrap();
    let (_, since) = traffic.searched_to.unwrap();
    assert_eq!(traffic.found.len(), 1, "the oldest was not looked at: {:?}", traffic.found);
    let looked_at = traffic.found[0].requests;
    assert!((32..=10_000).contains(&looked_at), "{looked_at}");
    assert!(since > NOW, "and the page says since when");
}
