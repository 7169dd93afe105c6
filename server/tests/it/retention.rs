//! Removing what is past its time: everything goes, and nobody waits for it.

use crate::{
    stage::{Stage, Tokens},
    support::Portal,
};
use latchkey_core::port::{
    RequestLogReader, Store,
    request_log::{LogScope, RequestBatch, RequestRow},
};
use latchkey_model::RequestId;
use latchkey_storage::SeaStore;
use sea_orm::{ConnectionTrait, Statement};
use server::config::Given;
use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};
use time::Duration;

pub(crate) async fn rows(store: &SeaStore, table: &str) -> i64 {
    let reader = store.reader();
    let count = Statement::from_string(reader.get_database_backend(), format!("SELECT count(*) FROM {table}"));
    reader.query_one_raw(count).await.unwrap().unwrap().try_get_by_index(0).unwrap()
}

async fn others_write_while_old_rows_are_removed(portal: Portal) {
    const OLD: i64 = 5_000;
    let name = match portal.store.writer().get_database_backend() {
        sea_orm::DatabaseBackend::Postgres => "int8send(number)",
        _ => "CAST(number AS BLOB)",
    };
    let sql = format!(
        "INSERT INTO used_name (name, expires_at) \
         WITH RECURSIVE numbers(number) AS (SELECT CAST(1 AS BIGINT) UNION ALL SELECT number + 1 FROM numbers WHERE number < {OLD}) \
         SELECT {name}, 0 FROM numbers"
    );
    portal.store.writer().execute_unprepared(&sql).await.unwrap();
    assert_eq!(rows(&portal.store, "used_name").await, OLD);
    let removing = async { server::workers::prune(&portal.state).await.unwrap() };
    let left = left_while(&portal.store, "used_name", removing).await;
    assert_eq!(rows(&portal.store, "used_name").await, 0);
    assert!(left.iter().any(|left| (1..OLD).contains(left)), "nobody came between: {left:?}");
}

/// How many rows of a table others find who write while something is done, each time that it is their turn.
pub(crate) async fn left_while<T>(store: &SeaStore, table: &'static str, done: impl Future<Output = T>) -> Vec<i64> {
    let is_over = Arc::new(AtomicBool::new(false));
    let (store, told) = (store.clone(), Arc::clone(&is_over));
    let others = tokio::spawn(async move {
        let mut left = Vec::new();
        while !told.load(Ordering::Relaxed) {
            store.begin().await.unwrap().commit().await.unwrap();
            left.push(rows(&store, table).await);
        }
        left
    });
    done.await;
    is_over.store(true, Ordering::Relaxed);
    others.await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn others_write_while_old_rows_are_removed_from_sqlite() {
    others_write_while_old_rows_are_removed(Portal::start().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn others_write_while_old_rows_are_removed_from_postgres() {
    others_write_while_old_rows_are_removed(Portal::on_postgres().await).await;
}

#[tokio::test]
async fn what_is_wrong_with_one_kind_of_things_keeps_none_of_the_others() {
    let portal = Portal::start().await;
    for sql in [
        "INSERT INTO used_name (name, expires_at) VALUES (X'61', 0)",
        "INSERT INTO attempt_counter (id, kind, failures, last_at) VALUES (X'61', 'network', 9, 0)",
        "CREATE TRIGGER broken BEFORE DELETE ON used_name BEGIN SELECT RAISE(ABORT, 'broken'); END",
    ] {
        portal.store.writer().execute_unprepared(sql).await.unwrap();
    }
    assert!(server::workers::prune(&portal.state).await.is_err(), "it is told");
    assert_eq!((rows(&portal.store, "used_name").await, rows(&portal.store, "attempt_counter").await), (1, 0));
}

async fn refresh_tokens_go_with_their_family_a_week_after_its_end(portal: Portal) {
    let mut stage = Stage::on(portal, &[]).await;
    let mut tokens = stage.tokens().await;
    for _ in 0..20 {
        tokens = Tokens::of(&stage.refresh(&tokens.refresh).await);
    }
    let there =
        async |portal: &Portal| (rows(&portal.store, "token_family").await, rows(&portal.store, "refresh_token").await);
    assert_eq!(there(&stage.portal).await, (1, 21));
    // Each has ended by now, but who comes with one of them shall learn that it was spent.
    stage.portal.clock.advance(Duration::days(186));
    server::workers::prune(&stage.portal.state).await.unwrap();
    assert_eq!(there(&stage.portal).await, (1, 21));
    stage.portal.clock.advance(Duration::days(2));
    server::workers::prune(&stage.portal.state).await.unwrap();
    assert_eq!(there(&stage.portal).await, (0, 0));
}

#[tokio::test]
async fn refresh_tokens_go_with_their_family_on_sqlite() {
    refresh_tokens_go_with_their_family_a_week_after_its_end(Portal::start().await).await;
}

#[tokio::test]
async fn refresh_tokens_go_with_their_family_on_postgres() {
    refresh_tokens_go_with_their_family_a_week_after_its_end(Portal::on_postgres().await).await;
}

async fn invitations_go_a_week_after_they_expired(portal: Portal) {
    let mut ada = portal.member("ada@example.org").await;
    let team = ada.team_id().await;
    let invite = [("team", team.as_str()), ("email", "eve@example.org"), ("role", "viewer")];
    ada.send(&format!("/teams/{team}"), "/form/team/invite", &invite).await;
    // It could be taken for a week.
    for (days, left) in [(13, 1), (2, 0)] {
        portal.clock.advance(Duration::days(days));
        server::workers::prune(&portal.state).await.unwrap();
        assert_eq!(rows(&portal.store, "invitation").await, left);
    }
}

#[tokio::test]
async fn invitations_go_from_sqlite() {
    invitations_go_a_week_after_they_expired(Portal::start().await).await;
}

#[tokio::test]
async fn invitations_go_from_postgres() {
    invitations_go_a_week_after_they_expired(Portal::on_postgres().await).await;
}

async fn messages_go_with_a_webhook_that_is_removed(portal: Portal) {
    let mut ada = portal.member("ada@example.org").await;
    let team = ada.team_id().await;
    let (of, alerts) = (format!("team:{team}"), format!("/teams/{team}/alerts"));
    let hook = [("of", of.as_str()), ("name", "On call"), ("url", "https://hook.invalid/")];
    let added = ada.send(&format!("{alerts}/webhooks/new"), "/form/webhook/add", &hook).await;
    let page = added.location().to_owned();
    let named = [("of", of.as_str()), ("id", page.rsplit('/').next().unwrap())];
    for _ in 0..30 {
        ada.send(&page, "/form/webhook/test", &named).await;
    }
    ada.send(&page, "/form/webhook/remove", &named).await;
    let there =
        async |portal: &Portal| (rows(&portal.store, "webhook").await, rows(&portal.store, "webhook_delivery").await);
    assert_eq!(there(&portal).await, (1, 30), "nobody waits until they are gone");
    assert_eq!(portal.state.services.courier.deliver().await.unwrap(), 0, "and nothing of them goes out");
    portal.clock.advance(Duration::SECOND);
    server::workers::prune(&portal.state).await.unwrap();
    assert_eq!(there(&portal).await, (0, 0));
}

#[tokio::test]
async fn messages_go_with_a_webhook_from_sqlite() {
    messages_go_with_a_webhook_that_is_removed(Portal::start().await).await;
}

#[tokio::test]
async fn messages_go_with_a_webhook_from_postgres() {
    messages_go_with_a_webhook_that_is_removed(Portal::on_postgres().await).await;
}

#[tokio::test]
async fn single_requests_take_no_more_room_than_they_may_and_the_oldest_go() {
    const MORE: i64 = 3_000;
    const ROOM: u64 = 1_000_000;
    let portal = Portal::with(Given { log_megabytes: "1".parse().ok(), ..Given::default() }).await;
    let mut last = portal.recorded(&portal.api("GET", "/api/v1/posts", &[], "").await).await;
    // By themselves, and with everything else that is past its time.
    for by_themselves in [true, false] {
        let ports = &portal.state.services.ports;
        let rows = (1..=MORE).map(|number| {
            let at = last.at + Duration::seconds(number);
            RequestRow { id: RequestId::from_uuid(ports.uuid_at(at)), at, ..last.clone() }
        });
        let rows: Vec<_> = rows.collect();
        let (oldest, newest) = (last.id, rows[rows.len() - 1].clone());
        let mut work = portal.store.begin().await.unwrap();
        work.record(&RequestBatch { rows, ..RequestBatch::default() }).await.unwrap();
        work.commit().await.unwrap();
        if by_themselves {
            server::workers::make_room(&portal.state).await.unwrap();
        } else {
            server::workers::prune(&portal.state).await.unwrap();
        }
        let (left, bytes) = portal.store.request_log_size().await.unwrap();
        assert!(left * bytes <= ROOM && (left + 1) * bytes > ROOM, "{left} rows of {bytes} bytes");
        let there = async |id| portal.store.request(LogScope::Portal, id).await.unwrap().is_some();
        assert_eq!((there(oldest).await, there(newest.id).await), (false, true));
        last = newest;
    }
}
