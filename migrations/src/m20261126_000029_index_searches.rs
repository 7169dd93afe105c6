//! Indexes by which rare requests are found among millions, and a page of usage reads its own counts alone.
//!
//! Most requests are let in, belong to a team, and are reported by nothing: those have no place in the indexes that others are found by.

use crate::table::index;
use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

/// Those that held every row, with their columns.
const WHOLE: [&[&str]; 3] = [&["reason", "id"], &["reported", "id"], &["account_id", "id"]];

/// Those that hold some: the name, the columns, and which.
const PARTS: [(&str, &str, &str); 5] = [
    ("request_log_refused_by_environment", "environment_id, id", "reason IS NOT NULL"),
    ("request_log_by_reason", "reason, id", "reason IS NOT NULL"),
    ("request_log_reported", "id", "reported IS NOT NULL"),
    ("request_log_by_account", "account_id, id", "account_id IS NOT NULL"),
    ("request_log_by_error", "status, id", "status >= 400"),
];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for columns in WHOLE {
            remove(manager, "request_log", columns).await?;
        }
        for (name, columns, which) in PARTS {
            let sql = format!("CREATE INDEX {name} ON request_log ({columns}) WHERE {which}");
            manager.get_connection().execute_unprepared(&sql).await?;
        }
        for column in ["network", "route"] {
            manager.create_index(index("request_log", &[column, "id"])).await?;
        }
        // Where counts of all credentials together are asked for, those of all other owners are beside the point.
        manager.create_index(index("rollup", &COUNTS)).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        remove(manager, "rollup", &COUNTS).await?;
        for column in ["network", "route"] {
            remove(manager, "request_log", &[column, "id"]).await?;
        }
        for (name, ..) in PARTS {
            let index = Index::drop().name(name).table(Alias::new("request_log")).to_owned();
            manager.drop_index(index).await?;
        }
        for columns in WHOLE {
            manager.create_index(index("request_log", columns)).await?;
        }
        Ok(())
    }
}

const COUNTS: [&str; 4] = ["owner_id", "api_key_id", "period", "start"];

async fn remove(manager: &SchemaManager<'_>, table: &'static str, columns: &[&'static str]) -> Result<(), DbErr> {
    let name = format!("{table}_by_{}", columns.join("_"));
    manager.drop_index(Index::drop().name(name).table(Alias::new(table)).to_owned()).await
}
