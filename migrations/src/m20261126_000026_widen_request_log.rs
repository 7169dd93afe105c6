//! Rows that stand for many alike, data volume, counts by address, networks that are kept out, where pruned chains begin, and views of the log that people keep.

use crate::table::{belongs_to, digest, drop_all, id, index, key, number, optional_number, optional_text, table, text};
use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

pub(crate) const VOLUMES: [&str; 2] = ["bytes_in", "bytes_out"];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for column in [from_now_on("stands_for", 1), optional_number("last_at"), optional_text("network")] {
            add(manager, "request_log", column).await?;
        }
        for column in VOLUMES {
            add(manager, "request_log", from_now_on(column, 0)).await?;
            add(manager, "rollup", from_now_on(column, 0)).await?;
        }
        manager.create_index(index("request_log", &["address", "id"])).await?;
        // Refusals alone: among millions that were let in, they are found by it.
        let refused = "CREATE INDEX request_log_refused ON request_log (id) WHERE reason IS NOT NULL";
        manager.get_connection().execute_unprepared(refused).await?;
        manager.create_table(address_rollup()).await?;
        manager.create_index(index("address_rollup", &["period", "start"])).await?;
        manager.create_index(index("address_rollup", &["credential_id", "period", "start"])).await?;
        manager
            .create_table(
                table("block")
                    .col(id("id").primary_key())
                    .col(text("network"))
                    .col(text("reason"))
                    .col(id("created_by"))
                    .col(number("created_at"))
                    .col(number("expires_at"))
                    .to_owned(),
            )
            .await?;
        manager.create_index(index("block", &["expires_at"])).await?;
        manager
            .create_table(
                table("audit_base")
                    .col(text("tenant").primary_key())
                    .col(number("sequence"))
                    .col(digest("digest"))
                    .col(digest("seal"))
                    .to_owned(),
            )
            .await?;
        manager
            .create_table(
                table("saved_view")
                    .col(id("id").primary_key())
                    .col(id("account_id"))
                    .col(text("page"))
                    .col(text("name"))
                    .col(text("query"))
                    .col(number("created_at"))
                    .foreign_key(&mut belongs_to("account_id", "account"))
                    .to_owned(),
            )
            .await?;
        manager.create_index(index("saved_view", &["account_id", "page"])).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_all(manager, &["saved_view", "audit_base", "block", "address_rollup"]).await?;
        manager.get_connection().execute_unprepared("DROP INDEX request_log_refused").await?;
        let index = Index::drop().name("request_log_by_address_id").table(Alias::new("request_log")).to_owned();
        manager.drop_index(index).await?;
        for column in VOLUMES {
            remove(manager, "rollup", column).await?;
            remove(manager, "request_log", column).await?;
        }
        for column in ["network", "last_at", "stands_for"] {
            remove(manager, "request_log", column).await?;
        }
        Ok(())
    }
}

/// The key of counts by address.
pub(crate) const ADDRESS_ROLLUP: [&str; 5] = ["owner_id", "credential_id", "period", "start", "address"];

/// Counts by address.
pub(crate) fn address_rollup() -> TableCreateStatement {
    table("address_rollup")
        .col(id("owner_id"))
        .col(id("credential_id"))
        .col(text("period"))
        .col(number("start"))
        .col(text("address"))
        .col(number("requests"))
        .col(number("refused"))
        .primary_key(&mut key(&ADDRESS_ROLLUP))
        .to_owned()
}

/// A number that the rows of before have too.
pub(crate) fn from_now_on(name: &'static str, before: i64) -> ColumnDef {
    ColumnDef::new(Alias::new(name)).big_integer().not_null().default(before).to_owned()
}

async fn add(manager: &SchemaManager<'_>, table: &'static str, column: ColumnDef) -> Result<(), DbErr> {
    manager.alter_table(Table::alter().table(Alias::new(table)).add_column(column).to_owned()).await
}

async fn remove(manager: &SchemaManager<'_>, table: &'static str, column: &'static str) -> Result<(), DbErr> {
    let alter = Table::alter().table(Alias::new(table)).drop_column(Alias::new(column)).to_owned();
    manager.alter_table(alter).await
}
