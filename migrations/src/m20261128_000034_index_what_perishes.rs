//! Indexes by the time after which a row is removed, where there was none: what is over is found without reading what is not.

use crate::table::index;
use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

const WHOLE: [(&str, &str); 3] = [("mail", "created_at"), ("mailed_link", "asked_at"), ("notice", "created_at")];

/// Those that hold some rows: the name, the table, the column, and which.
const PARTS: [(&str, &str, &str, &str); 2] = [
    ("session_ended", "session", "ended_at", "ended_at IS NOT NULL"),
    ("alert_over", "alert", "raised_at", "NOT going"),
];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for (table, column) in WHOLE {
            manager.create_index(index(table, &[column])).await?;
        }
        for (name, table, column, which) in PARTS {
            let sql = format!("CREATE INDEX {name} ON {table} ({column}) WHERE {which}");
            manager.get_connection().execute_unprepared(&sql).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for (name, table, _, _) in PARTS {
            manager.drop_index(Index::drop().name(name).table(Alias::new(table)).to_owned()).await?;
        }
        for (table, column) in WHOLE {
            let name = format!("{table}_by_{column}");
            manager.drop_index(Index::drop().name(name).table(Alias::new(table)).to_owned()).await?;
        }
        Ok(())
    }
}
