//! Counts: exact, added up by what a page asks for, and nobody else's.

use crate::{
    request_log::{application_of, key, write},
    support::{Database, NOW, on_both_databases, person},
};
use latchkey_core::port::{
    ApplicationReader, Perishable, RetentionReader, RollupReader,
    request_log::RequestBatch,
    rollup::{
        AddressCounts, AddressKey, BucketSum, Buckets, Counted, CountsOf, Period, RollupCounts, RollupKey, RouteSum,
        Steps, Volume,
    },
};
use latchkey_model::{Environment, OwnerId};
use migrations::Migrator;
use sea_orm_migration::MigratorTrait;
use std::ops::Range;
use time::OffsetDateTime;

on_both_databases!(
    rollups_add_up,
    rollups_come_in_parts,
    addresses_are_counted_apart,
    the_addresses_beyond_the_busiest_are_counted_together,
    counts_of_before_are_added_up_by_bucket,
    days_of_any_time_zone_are_added_up_from_hours,
    it_is_known_from_when_on_there_are_hours,
);

const HOUR: i64 = 3_600;
const DAY: i64 = 86_400;
/// All hours, each for itself.
const HOURLY: Steps =
    Steps { buckets: Buckets { period: Period::Hour, since: 0, until: i64::MAX }, seconds: HOUR, part: HOUR };

/// All buckets of a period.
fn ever(period: Period) -> Buckets {
    Buckets { period, since: 0, until: i64::MAX }
}

async fn rollups_add_up(database: &Database) {
    let (ada, eve) = (person(database, "ada@example.org").await, person(database, "eve@example.org").await);
    let key = key(database, &ada, "Bookshelf", "aaaaaaaaaaaa").await;
    let rollup = RollupKey {
        period: Period::Hour,
        start: Period::Hour.start_of(NOW),
        owner_id: Some(key.owner.id()),
        credential: Some(key.id.as_uuid()),
        route: "GET /api/v1/posts".to_owned(),
        status: 200,
        refused: false,
    };
    let volume = Volume { received: 1, sent: 2 };
    let mut counts = RollupCounts { requests: 3, volume, ..RollupCounts::default() };
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
        async move {
            let of = CountsOf::Environment(account, application, environment);
            store.rollups(of, Period::Hour, 0).await.unwrap()
        }
    };
    let mut found = read(ada.account.id).await;
    found.sort_by_key(|(key, _)| key.status);
    let volume = Volume { received: 2, sent: 4 };
    let mut twice = RollupCounts { requests: 6, volume, ..RollupCounts::default() };
    twice.latency[0] = 4;
    twice.latency[11] = 2;
    assert_eq!(found, [(together(&rollup), twice), (together(&other), twice)], "all keys together");
    assert_eq!(read(eve.account.id).await, []);
    let mut of_key =
        database.store.rollups(CountsOf::Credential(key.owner.id(), key.id.as_uuid()), Period::Hour, 0).await.unwrap();
    of_key.sort_by_key(|(key, _)| key.status);
    assert_eq!(of_key, [(rollup, twice), (other, twice)]);
    let called = database.store.routes_called(key.owner.id(), &[key.id], 0).await.unwrap();
    assert_eq!(called, [], "by the day, and there is no day yet");
    let sums = |of| {
        let store = database.store.clone();
        async move { store.bucket_sums(of, &[HOURLY]).await.unwrap() }
    };
    let start = Period::Hour.start_of(NOW);
    let both = [BucketSum { period: Period::Hour, start, requests: 12, refused: 6 }];
    assert_eq!(sums(CountsOf::Application(ada.account.id, application_of(&key).0)).await, both);
    assert_eq!(sums(CountsOf::Application(eve.account.id, application_of(&key).0)).await, []);
    assert_eq!(sums(CountsOf::Portal).await, [], "the portal's counts are rows of their own");
    let of_routes = |since, until| {
        let store = database.store.clone();
        let of = CountsOf::Credential(key.owner.id(), key.id.as_uuid());
        async move { store.route_sums(of, &[Buckets { period: Period::Hour, since, until }]).await.unwrap() }
    };
    let mut by_route = of_routes(start, start + 1).await;
    by_route.sort_by_key(|sum| sum.refused);
    let both = [(200, false), (401, true)].map(|(status, refused)| RouteSum {
        route: "GET /api/v1/posts".to_owned(),
        status,
        refused,
        counts: twice,
    });
    assert_eq!(by_route, both);
    for (since, until) in [(start + 1, i64::MAX), (0, start)] {
        assert_eq!(of_routes(since, until).await, [], "from then on, and before that");
    }
    let hours = |since, until| Buckets { period: Period::Hour, since, until };
    let apart = [hours(0, start), hours(start, start + 1), ever(Period::Day)];
    let of_key = CountsOf::Credential(key.owner.id(), key.id.as_uuid());
    assert_eq!(database.store.route_sums(of_key, &apart).await.unwrap().len(), 2, "each part for itself");
    // It reads, and no more.
    let at = |seconds| OffsetDateTime::from_unix_timestamp(seconds).unwrap();
    for (counted, found) in Counted::ALL.into_iter().zip([3, 2, 0]) {
        let what = Perishable::Counts(counted, Period::Hour);
        assert_eq!(database.store.perishables_read_ahead(what, at(0)..at(start + 1), 3).await.unwrap(), found);
    }
    let mut work = database.begin().await;
    let mut removed = async |counted, period, starts: Range<i64>, limit| {
        let times = at(starts.start)..at(starts.end);
        let removed = work.perishables_prune(Perishable::Counts(counted, period), times, limit).await.unwrap();
        (removed.rows, removed.rest.unix_timestamp())
    };
    assert_eq!(removed(Counted::Routes, Period::Day, 0..start * 2, 9).await, (0, 0));
    assert_eq!(removed(Counted::Routes, Period::Hour, 0..start, 9).await, (0, 0));
    assert_eq!(removed(Counted::Routes, Period::Hour, 0..start + 1, 3).await, (3, start));
    assert_eq!(removed(Counted::Routes, Period::Hour, start + 1..start * 2, 3).await, (0, start + 1));
    assert_eq!(removed(Counted::Routes, Period::Hour, start..start + 1, 3).await, (1, start));
    assert_eq!(removed(Counted::Buckets, Period::Hour, 0..start + 1, 9).await, (2, start), "their sums by bucket");
    assert_eq!(removed(Counted::Addresses, Period::Hour, 0..start + 1, 9).await, (0, 0), "none was counted");
}

async fn rollups_come_in_parts(database: &Database) {
    let (ada, eve) = (person(database, "ada@example.org").await, person(database, "eve@example.org").await);
    let key = key(database, &ada, "Bookshelf", "aaaaaaaaaaaa").await;
    let (application, environment) = application_of(&key);
    let found = database.store.application(ada.account.id, application, NOW).await.unwrap().unwrap();
    let other = Environment::ALL.into_iter().find(|other| *other != environment).unwrap();
    let owners = [environment, other].map(|kind| OwnerId::from(found.environment_id(kind)));
    let mut expected = Vec::new();
    for start in [0, 3_600, 7_200] {
        for route in ["GET /a", "GET /b"] {
            for (status, refused) in [(200, false), (401, false), (401, true)] {
                for owner_id in owners {
                    let (period, credential, route) = (Period::Hour, None, route.to_owned());
                    let key = RollupKey { period, start, owner_id: Some(owner_id), credential, route, status, refused };
                    let requests = 1 + expected.len() as u64;
                    expected.push((key, RollupCounts { requests, ..RollupCounts::default() }));
                }
            }
        }
    }
    let of_key = RollupKey { credential: Some(key.id.as_uuid()), ..expected[0].0.clone() };
    let mut rollups = expected.clone();
    rollups.push((of_key, RollupCounts { requests: 7, ..RollupCounts::default() }));
    write(database, RequestBatch { rollups, ..RequestBatch::default() }).await;
    let all = async |of, since, limit: u64| {
        let (mut all, mut last) = (Vec::new(), None);
        loop {
            let part = database.store.rollups_page(of, Period::Hour, since, last.as_ref(), limit).await.unwrap();
            assert!(part.len() as u64 <= limit);
            let Some((key, _)) = part.last() else { return all };
            last = Some(key.clone());
            all.extend(part);
        }
    };
    // Of one bucket, route and status, the environments come in the order of their ids.
    expected.sort_by(|(one, _), (other, _)| {
        let place = |key: &RollupKey| (key.start, key.route.clone(), key.status, key.refused, key.owner_id);
        place(one).cmp(&place(other))
    });
    let of_application = CountsOf::Application(ada.account.id, application);
    for limit in [1, 5, 12, 100] {
        assert_eq!(all(of_application, 0, limit).await, expected, "{limit} at once");
    }
    assert_eq!(all(of_application, 3_600, 5).await, expected[12..], "from a time on");
    assert_eq!(all(CountsOf::Environment(ada.account.id, application, other), 0, 5).await.len(), 18);
    assert_eq!(all(CountsOf::Credential(key.owner.id(), key.id.as_uuid()), 0, 5).await.len(), 1);
    assert_eq!(all(CountsOf::Application(eve.account.id, application), 0, 5).await, [], "r54");
}

async fn addresses_are_counted_apart(database: &Database) {
    let (ada, eve) = (person(database, "ada@example.org").await, person(database, "eve@example.org").await);
    let key = key(database, &ada, "Bookshelf", "aaaaaaaaaaaa").await;
    let counted = |owner_id, credential, address: Option<&str>, requests, refused| {
        let address = address.map(|address| address.parse().unwrap());
        let start = Period::Hour.start_of(NOW);
        let key = AddressKey { period: Period::Hour, start, owner_id, credential, address };
        (key, AddressCounts { requests, refused })
    };
    let owner = Some(key.owner.id());
    for _ in 0..2 {
        let addresses = vec![
            counted(owner, None, Some("203.0.113.9"), 5, 1),
            counted(owner, None, Some("2001:db8::1"), 7, 0),
            counted(owner, None, None, 1, 1),
            counted(owner, Some(key.id.as_uuid()), Some("203.0.113.9"), 2, 0),
            counted(None, None, Some("192.0.2.1"), 100, 100),
        ];
        write(database, RequestBatch { addresses, ..RequestBatch::default() }).await;
    }
    let read = |of| {
        let store = database.store.clone();
        async move { store.addresses(of, &[ever(Period::Hour)], 2).await.unwrap() }
    };
    let (application, environment) = application_of(&key);
    let found = read(CountsOf::Environment(ada.account.id, application, environment)).await;
    let counts = |requests, refused| AddressCounts { requests, refused };
    assert_eq!(found, [("2001:db8::1".parse().ok(), counts(14, 0)), ("203.0.113.9".parse().ok(), counts(10, 2))]);
    assert_eq!(read(CountsOf::Environment(eve.account.id, application, environment)).await, []);
    assert_eq!(
        read(CountsOf::Credential(key.owner.id(), key.id.as_uuid())).await,
        [("203.0.113.9".parse().ok(), counts(4, 0))]
    );
    assert_eq!(read(CountsOf::Portal).await, [("192.0.2.1".parse().ok(), counts(200, 200))]);
    let start = Period::Hour.start_of(NOW);
    let halves = [(0, start), (start, start + 1)].map(|(since, until)| Buckets { period: Period::Hour, since, until });
    let of_application = CountsOf::Application(ada.account.id, application);
    assert_eq!(
        database.store.addresses(of_application, &halves, 2).await.unwrap(),
        found,
        "in all environments, of all parts"
    );
    assert_eq!(database.store.addresses(of_application, &halves[..1], 2).await.unwrap(), [], "before that");
}

async fn the_addresses_beyond_the_busiest_are_counted_together(database: &Database) {
    let start = Period::Day.start_of(NOW);
    let of = |address: Option<&str>| AddressKey {
        period: Period::Day,
        start,
        owner_id: None,
        credential: None,
        address: address.map(|address| address.parse().unwrap()),
    };
    let counted = |requests, refused| AddressCounts { requests, refused };
    let addresses = vec![
        (of(Some("192.0.2.1")), counted(9, 0)),
        (of(Some("192.0.2.2")), counted(3, 3)),
        (of(Some("192.0.2.3")), counted(7, 1)),
        (of(Some("2001:db8::1")), counted(2, 0)),
        (of(None), counted(1, 1)),
    ];
    write(database, RequestBatch { addresses, ..RequestBatch::default() }).await;
    let beyond = database.store.addresses_beyond(Period::Day, start, 2).await.unwrap();
    assert_eq!(beyond, [of(Some("192.0.2.2")), of(Some("2001:db8::1"))], "those with the least");
    let mut work = database.begin().await;
    assert_eq!(work.addresses_together(&beyond).await.unwrap(), 2);
    assert_eq!(work.addresses_together(&beyond).await.unwrap(), 0, "they are counted once");
    work.commit().await.unwrap();
    let found = database.store.addresses(CountsOf::Portal, &[ever(Period::Day)], 10).await.unwrap();
    let address = |text: &str| Some(text.parse().unwrap());
    let expected =
        [(address("192.0.2.1"), counted(9, 0)), (address("192.0.2.3"), counted(7, 1)), (None, counted(6, 4))];
    assert_eq!(found, expected, "nothing is lost");
    assert_eq!(database.store.addresses_beyond(Period::Day, start, 2).await.unwrap(), []);
    assert_eq!(database.store.addresses_beyond(Period::Hour, start, 0).await.unwrap(), []);
}

async fn counts_of_before_are_added_up_by_bucket(database: &Database) {
    let counted = |start, route: &str, refused, requests| {
        let (route, status) = (route.to_owned(), if refused { 401 } else { 200 });
        let key = RollupKey { period: Period::Hour, start, owner_id: None, credential: None, route, status, refused };
        (key, RollupCounts { requests, ..RollupCounts::default() })
    };
    let rollups = vec![
        counted(0, "GET /a", false, 5),
        counted(0, "GET /a", true, 2),
        counted(0, "GET /b", false, 4),
        counted(3_600, "GET /b", true, 1),
    ];
    write(database, RequestBatch { rollups, ..RequestBatch::default() }).await;
    let sums = || async {
        let mut sums = database.store.bucket_sums(CountsOf::Portal, &[HOURLY]).await.unwrap();
        sums.sort_by_key(|sum| sum.start);
        sums
    };
    let written = sums().await;
    let expected = [(0, 11, 2), (3_600, 1, 1)];
    assert_eq!(
        written,
        expected.map(|(start, requests, refused)| BucketSum { period: Period::Hour, start, requests, refused })
    );
    let writer = database.store.writer();
    // Back to before there were such sums.
    let later = Migrator::migrations().iter().rev().position(|step| step.name().contains("create_bucket_rollup"));
    Migrator::down(writer, Some(u32::try_from(later.unwrap() + 1).unwrap())).await.unwrap();
    Migrator::up(writer, None).await.unwrap();
    assert_eq!(sums().await, written);
}

/// Requests of everybody and nobody.
fn everybodys(period: Period, start: i64, requests: u64) -> (RollupKey, RollupCounts) {
    let (route, status, refused) = ("GET /a".to_owned(), 200, false);
    let key = RollupKey { period, start, owner_id: None, credential: None, route, status, refused };
    (key, RollupCounts { requests, ..RollupCounts::default() })
}

async fn days_of_any_time_zone_are_added_up_from_hours(database: &Database) {
    let hours = [
        (10 * DAY - 2 * HOUR, 1),
        (10 * DAY - HOUR, 2),
        (11 * DAY - 2 * HOUR, 4),
        (11 * DAY - HOUR, 8),
        (12 * DAY - HOUR, 16),
        (12 * DAY, 32),
    ];
    let mut rollups: Vec<_> = hours.map(|(start, requests)| everybodys(Period::Hour, start, requests)).into();
    rollups.push(everybodys(Period::Day, 12 * DAY, 64));
    write(database, RequestBatch { rollups, ..RequestBatch::default() }).await;
    let steps =
        |period, since, until, seconds, part| Steps { buckets: Buckets { period, since, until }, seconds, part };
    let sums = async |steps: &[Steps]| {
        let mut sums = database.store.bucket_sums(CountsOf::Portal, steps).await.unwrap();
        sums.sort_by_key(|sum| (sum.start, sum.period));
        sums.into_iter().map(|sum| (sum.period, sum.start, sum.requests)).collect::<Vec<_>>()
    };
    let (hour, day) = (Period::Hour, Period::Day);
    let first = 10 * DAY - HOUR;
    let whole = [steps(hour, first, first + 2 * DAY, DAY, DAY)];
    assert_eq!(sums(&whole).await, [(hour, first, 6), (hour, first + DAY, 8)]);
    // Then one that has an hour more, and one that is UTC's.
    let days = [
        steps(hour, first, first + DAY, DAY, DAY),
        steps(hour, first + DAY, 12 * DAY, DAY + HOUR, DAY + HOUR),
        steps(day, 12 * DAY, 13 * DAY, DAY, DAY),
    ];
    assert_eq!(sums(&days).await, [(hour, first, 6), (hour, first + DAY, 24), (day, 12 * DAY, 64)]);
    // Those of the first hour, of the first two, of an hour more than there is, and of a day of UTC beside them.
    let (early, end) = (10 * DAY - 2 * HOUR, 12 * DAY + HOUR);
    let one = [steps(hour, early, end, DAY, HOUR)];
    assert_eq!(sums(&one).await, [(hour, early, 1), (hour, early + DAY, 4)]);
    let two = [steps(hour, early, end, DAY, 2 * HOUR), steps(day, 12 * DAY, 13 * DAY, DAY, DAY)];
    let expected = [(hour, early, 3), (hour, early + DAY, 12), (hour, early + 2 * DAY, 16), (day, 12 * DAY, 64)];
    assert_eq!(sums(&two).await, expected);
    let none = [steps(hour, 10 * DAY, 11 * DAY, DAY, 5 * HOUR)];
    assert_eq!(sums(&none).await, []);
    assert_eq!(sums(&[]).await, []);
}

async fn it_is_known_from_when_on_there_are_hours(database: &Database) {
    let since = async |counted| database.store.hours_since(counted).await.unwrap();
    assert_eq!(since(Counted::Buckets).await, None, "nothing was counted");
    // Nobody came on the two days between.
    let rollups = [10, 11, 14]
        .map(|day| [everybodys(Period::Day, day * DAY, 1), everybodys(Period::Hour, day * DAY + 5 * HOUR, 1)]);
    let rollups = rollups.into_iter().flatten().collect();
    write(database, RequestBatch { rollups, ..RequestBatch::default() }).await;
    assert_eq!(since(Counted::Buckets).await, None, "none was removed");
    for (before, left) in [(11, 11), (12, 12), (14, 12), (15, 15)] {
        let at = OffsetDateTime::from_unix_timestamp(before * DAY).unwrap();
        database.prune(Perishable::Counts(Counted::Buckets, Period::Hour), at).await;
        assert_eq!(since(Counted::Buckets).await, Some(left * DAY), "those before day {before} were removed");
    }
    assert_eq!(since(Counted::Routes).await, None, "these are still there");
}
