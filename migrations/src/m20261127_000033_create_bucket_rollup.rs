//! Counts by the bucket alone: a chart of two weeks of hours reads a few hundred of them, where it added up tens of thousands.

use crate::table::{drop_all, id, index, key, number, table, text};
use sea_orm_migration::{prelude::*, sea_orm::DatabaseBackend};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

const KEY: [&str; 4] = ["owner_id", "credential_id", "period", "start"];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let mut created = table("bucket_rollup")
            .col(id("owner_id"))
            .col(id("credential_id"))
            .col(text("period"))
            .col(number("start"))
            .col(number("requests"))
            .col(number("refused"))
            .primary_key(&mut key(&KEY))
            .to_owned();
        if manager.get_database_backend() == DatabaseBackend::Sqlite {
            created.extra("WITHOUT ROWID");
        }
        manager.create_table(created).await?;
        if manager.get_database_backend() == DatabaseBackend::Postgres {
            // What another process counts meanwhile waits, and is not lost between the two tables.
            manager.get_connection().execute_unprepared("LOCK TABLE rollup IN SHARE MODE").await?;
        }
        let sums = "INSERT INTO bucket_rollup (owner_id, credential_id, period, start, requests, refused) \
                    SELECT owner_id, api_key_id, period, start, sum(requests), sum(CASE WHEN refused THEN requests ELSE 0 END) \
                    FROM rollup GROUP BY owner_id, api_key_id, period, start";
        manager.get_connection().execute_unprepared(sums).await?;
        manager.create_index(index("bucket_rollup", &["period", "start"])).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_all(manager, &["bucket_rollup"]).await
    }
}
