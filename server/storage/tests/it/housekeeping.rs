//! Transactions that wait for no disk: as whole as any other.

use crate::support::{Database, on_both_databases};
use latchkey_core::port::{RetentionReader, Store};

on_both_databases!(what_is_not_committed_is_undone, whoever_writes_next_finds_it_done);

async fn what_is_not_committed_is_undone(database: &Database) {
    let mut work = database.store.begin_housekeeping().await.unwrap();
    work.retention_set("undone").await.unwrap();
    drop(work);
    let mut work = database.store.begin().await.unwrap();
    work.retention_set("done").await.unwrap();
    work.commit().await.unwrap();
    assert_eq!(database.store.retention().await.unwrap().as_deref(), Some("done"));
}

async fn whoever_writes_next_finds_it_done(database: &Database) {
    for number in 0..20 {
        let mut work = database.store.begin_housekeeping().await.unwrap();
        work.retention_set(&number.to_string()).await.unwrap();
        // It waits until the other is over, and loses nothing of it.
        let store = database.store.clone();
        let other = tokio::spawn(async move {
            let mut work = store.begin().await.unwrap();
            work.retention_set(&format!("{number} and one more")).await.unwrap();
            work.commit().await.unwrap();
        });
        tokio::task::yield_now().await;
        work.commit().await.unwrap();
        other.await.unwrap();
        assert_eq!(database.store.retention().await.unwrap(), Some(format!("{number} and one more")));
    }
}
