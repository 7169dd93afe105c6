//! Nodes on one PostgreSQL hear what the others change; SQLite has one node.

use crate::support::{Database, add_key, application, new_key, person};
use latchkey_core::port::{Change, Changes, Store};
use sea_orm::ConnectionTrait;
use std::time::Duration;
use tokio::{sync::mpsc::Receiver, time::timeout};

async fn next(changes: &mut Receiver<Change>) -> Change {
    timeout(Duration::from_secs(20), changes.recv()).await.expect("something is heard").expect("somebody listens")
}

#[tokio::test(flavor = "multi_thread")]
async fn sqlite_has_one_node() {
    let database = Database::sqlite().await;
    assert!(matches!(database.store.changes(), Changes::Alone));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_committed_change_is_heard_and_an_undone_one_is_not() {
    let database = Database::postgres().await;
    let Changes::Heard(mut changes) = database.store.changes() else { panic!("nodes on PostgreSQL hear one another") };
    assert_eq!(next(&mut changes).await, Change::Hearing);
    let mut work = database.begin().await;
    work.announce(&Change::Key("aaaaaaaaaaaa".parse().unwrap())).await.unwrap();
    drop(work);
    let ada = person(&database, "ada@example.org").await;
    let bookshelf = application(&database, &ada, "Bookshelf").await;
    add_key(&database, &new_key(&ada, &bookshelf, "bbbbbbbbbbbb")).await;
    let mut work = database.begin().await;
    work.announce(&Change::Key("bbbbbbbbbbbb".parse().unwrap())).await.unwrap();
    work.announce(&Change::Suspensions).await.unwrap();
    work.commit().await.unwrap();
    assert_eq!(next(&mut changes).await, Change::Key("bbbbbbbbbbbb".parse().unwrap()));
    assert_eq!(next(&mut changes).await, Change::Suspensions);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_line_is_said_and_built_anew() {
    let database = Database::postgres().await;
    let Changes::Heard(mut changes) = database.store.changes() else { panic!("nodes on PostgreSQL hear one another") };
    assert_eq!(next(&mut changes).await, Change::Hearing);
    let kill = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
                WHERE query LIKE 'LISTEN%' AND datname = current_database() AND pid <> pg_backend_pid()";
    database.store.writer().execute_unprepared(kill).await.unwrap();
    assert_eq!(next(&mut changes).await, Change::Deaf);
    assert_eq!(next(&mut changes).await, Change::Hearing);
    let mut work = database.begin().await;
    work.announce(&Change::Key("cccccccccccc".parse().unwrap())).await.unwrap();
    work.commit().await.unwrap();
    assert_eq!(next(&mut changes).await, Change::Key("cccccccccccc".parse().unwrap()));
}
