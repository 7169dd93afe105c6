//! The keys of counts that pages read by the thousand hold the counts too, on PostgreSQL: each of an owner's rows lies on a page of its own
//! there, and those of its key lie together. SQLite keeps rows in the order of their key.

use sea_orm_migration::{prelude::*, sea_orm::DatabaseBackend};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

/// Tables, and the columns of their keys.
const COUNTS: [(&str, &str); 2] = [
    ("address_rollup", "owner_id, credential_id, period, start, address"),
    ("bucket_rollup", "owner_id, credential_id, period, start"),
];
/// A key answers by itself for rows that the database has tidied up since they changed: more often than after a fifth of all of them.
const TIDIED: [(&str, &str); 2] =
    [("autovacuum_vacuum_scale_factor", "0.02"), ("autovacuum_vacuum_insert_scale_factor", "0.02")];

/// Makes the key of a table anew, whatever it is called, with these columns beside it.
async fn set_key(manager: &SchemaManager<'_>, table: &str, key: &str, include: &str) -> Result<(), DbErr> {
    let sql = format!(
        "DO $$ BEGIN EXECUTE (SELECT format('ALTER TABLE {table} DROP CONSTRAINT %I, ADD PRIMARY KEY ({key}){include}', conname) \
         FROM pg_constraint WHERE conrelid = '{table}'::regclass AND contype = 'p'); END $$"
    );
    manager.get_connection().execute_unprepared(&sql).await.map(drop)
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        if manager.get_database_backend() != DatabaseBackend::Postgres {
            return Ok(());
        }
        let tidied = TIDIED.map(|(name, value)| format!("{name} = {value}")).join(", ");
        for (table, key) in COUNTS {
            set_key(manager, table, key, " INCLUDE (requests, refused)").await?;
            manager.get_connection().execute_unprepared(&format!("ALTER TABLE {table} SET ({tidied})")).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        if manager.get_database_backend() != DatabaseBackend::Postgres {
            return Ok(());
        }
        let tidied = TIDIED.map(|(name, _)| name).join(", ");
        for (table, key) in COUNTS {
            manager.get_connection().execute_unprepared(&format!("ALTER TABLE {table} RESET ({tidied})")).await?;
            set_key(manager, table, key, "").await?;
        }
        Ok(())
    }
}
