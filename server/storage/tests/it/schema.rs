//! The schema: there and back, and what it refuses.

use crate::support::{Database, on_both_databases};
use latchkey_core::port::Store;
use latchkey_storage::SeaStore;
use migrations::{Migrator, State};
use sea_orm::{ConnectionTrait, DatabaseBackend, Statement};
use sea_orm_migration::MigratorTrait;

on_both_databases!(
    every_step_can_be_undone_and_done_again,
    a_database_of_a_newer_version_is_recognised,
    what_belongs_to_nothing_is_refused,
    it_answers_a_ping,
);

async fn every_step_can_be_undone_and_done_again(database: &Database) {
    let writer = database.store.writer();
    assert_eq!(migrations::state(writer).await.unwrap(), State::Current);
    Migrator::down(writer, None).await.unwrap();
    let steps = Migrator::migrations().len();
    assert_eq!(migrations::state(writer).await.unwrap(), State::Behind(steps));
    Migrator::up(writer, None).await.unwrap();
    assert_eq!(migrations::state(writer).await.unwrap(), State::Current);
}

async fn a_database_of_a_newer_version_is_recognised(database: &Database) {
    let writer = database.store.writer();
    writer
        .execute_unprepared("INSERT INTO seaql_migrations (version, applied_at) VALUES ('m20990101_000001_fly', 0)")
        .await
        .unwrap();
    assert_eq!(migrations::state(writer).await.unwrap(), State::Newer("m20990101_000001_fly".to_owned()));
}

async fn what_belongs_to_nothing_is_refused(database: &Database) {
    let orphan = "INSERT INTO membership (team_id, account_id, role, created_at) \
                  VALUES ('019a0000-0000-7000-8000-000000000001', '019a0000-0000-7000-8000-000000000002', 'owner', 0)";
    let error = database.store.writer().execute_unprepared(orphan).await.unwrap_err().to_string();
    assert!(error.to_lowercase().contains("foreign key"), "{error}");
}

async fn it_answers_a_ping(database: &Database) {
    database.store.ping().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_not_there_is_an_error_without_its_password() {
    for url in ["postgres://latchkey:hunter2@127.0.0.1:1/latchkey", "mysql://hunter2", "sqlite:///nowhere/hunter2/x.db"]
    {
        let error = SeaStore::connect(url).await.unwrap_err();
        let source = std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default();
        assert!(!format!("{error} {source}").contains("hunter2"), "{error} {source}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sqlite_plans_a_statement_once_whatever_is_bound() {
    let database = Database::sqlite().await;
    let options = database
        .store
        .writer()
        .query_all_raw(Statement::from_string(DatabaseBackend::Sqlite, "PRAGMA compile_options"));
    let options: Vec<String> = options.await.unwrap().iter().map(|row| row.try_get_by_index(0).unwrap()).collect();
    assert!(options.iter().any(|option| option == "ENABLE_QPSG"), "{options:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres_compiles_no_statement_however_much_it_expects_to_read() {
    let database = Database::postgres().await;
    let setting = Statement::from_string(DatabaseBackend::Postgres, "SHOW jit");
    let row = database.store.reader().query_one_raw(setting).await.unwrap().unwrap();
    assert_eq!(row.try_get_by_index::<String>(0).unwrap(), "off");
}
