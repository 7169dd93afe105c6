//! When a webhook was removed, whose messages go later; and indexes by which those and old invitations are found.

use crate::table::{index, optional_number};
use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

const REMOVED: &str = "webhook_removed";

fn webhook() -> TableAlterStatement {
    Table::alter().table(Alias::new("webhook")).to_owned()
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.alter_table(webhook().add_column(optional_number("removed_at")).to_owned()).await?;
        let sql = format!("CREATE INDEX {REMOVED} ON webhook (removed_at) WHERE removed_at IS NOT NULL");
        manager.get_connection().execute_unprepared(&sql).await?;
        manager.create_index(index("invitation", &["expires_at"])).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let named =
            |name: &'static str, table: &'static str| Index::drop().name(name).table(Alias::new(table)).to_owned();
        manager.drop_index(named("invitation_by_expires_at", "invitation")).await?;
        // Whoever does not know that they are removed would show them again.
        let removed = "DELETE FROM webhook WHERE removed_at IS NOT NULL";
        manager.get_connection().execute_unprepared(removed).await?;
        manager.drop_index(named(REMOVED, "webhook")).await?;
        manager.alter_table(webhook().drop_column(Alias::new("removed_at")).to_owned()).await
    }
}
