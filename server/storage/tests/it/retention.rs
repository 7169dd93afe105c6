//! Removing what is past its time, of every kind.

use crate::support::{Database, NOW, on_both_databases};
use latchkey_core::{
    audit::Tenant,
    port::{
        AuditReader, Perishable, RetentionReader,
        audit::{AuditBase, AuditHead},
    },
};
use sea_orm::ConnectionTrait;
use time::{Duration, OffsetDateTime};

on_both_databases!(
    of_every_kind_what_is_over_is_looked_for,
    counters_that_lock_something_stay,
    a_chain_begins_no_earlier_than_another_node_has_said,
);

async fn of_every_kind_what_is_over_is_looked_for(database: &Database) {
    for what in Perishable::all() {
        let times = OffsetDateTime::UNIX_EPOCH..NOW;
        assert_eq!(database.store.perishables_read_ahead(what, times, 8).await.unwrap(), 0, "{what:?}");
        assert_eq!(database.prune(what, NOW).await, 0, "{what:?}");
    }
}

async fn counters_that_lock_something_stay(database: &Database) {
    let locked = |until: Option<OffsetDateTime>| {
        until.map_or("NULL".to_owned(), |until| (until.unix_timestamp() * 1_000_000).to_string())
    };
    for (id, until) in [("a", None), ("b", Some(NOW - Duration::SECOND)), ("c", Some(NOW + Duration::HOUR))] {
        let sql = format!(
            "INSERT INTO attempt_counter (id, kind, failures, last_at, locked_until) \
             VALUES (CAST('{id}' AS {}), 'network', 9, 0, {})",
            if database.store.writer().get_database_backend() == sea_orm::DatabaseBackend::Sqlite {
                "BLOB"
            } else {
                "BYTEA"
            },
            locked(until)
        );
        database.store.writer().execute_unprepared(&sql).await.unwrap();
    }
    assert_eq!(database.prune(Perishable::AttemptCounters, NOW).await, 2);
    assert_eq!(database.prune(Perishable::AttemptCounters, NOW + Duration::DAY).await, 1);
}

async fn a_chain_begins_no_earlier_than_another_node_has_said(database: &Database) {
    let bases = [3, 7, 5].map(|sequence| AuditBase {
        head: AuditHead { tenant: Tenant::Portal, sequence, digest: [7; 32] },
        seal: [8; 32],
    });
    for base in &bases {
        let mut work = database.begin().await;
        work.audit_base_set(base).await.unwrap();
        work.commit().await.unwrap();
    }
    assert_eq!(database.store.audit_bases().await.unwrap(), [bases[1]]);
}
