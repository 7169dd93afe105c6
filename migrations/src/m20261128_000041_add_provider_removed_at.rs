//! When an identity provider was removed, whose links go later; and an index by which the notices are found that their person has not seen.

use crate::table::{index, optional_number};
use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

const REMOVED: &str = "identity_provider_removed";
const UNSEEN: &str = "notice_unseen";

fn provider() -> TableAlterStatement {
    Table::alter().table(Alias::new("identity_provider")).to_owned()
}

async fn run(manager: &SchemaManager<'_>, sql: &str) -> Result<(), DbErr> {
    manager.get_connection().execute_unprepared(sql).await?;
    Ok(())
}

async fn drop_index(manager: &SchemaManager<'_>, name: &'static str, table: &'static str) -> Result<(), DbErr> {
    manager.drop_index(Index::drop().name(name).table(Alias::new(table)).to_owned()).await
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.alter_table(provider().add_column(optional_number("removed_at")).to_owned()).await?;
        run(manager, &format!("CREATE INDEX {REMOVED} ON identity_provider (removed_at) WHERE removed_at IS NOT NULL"))
            .await?;
        run(manager, &format!("CREATE INDEX {UNSEEN} ON notice (account_id, id) WHERE seen_at IS NULL")).await?;
        drop_index(manager, "notice_by_account_id_seen_at", "notice").await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_index(index("notice", &["account_id", "seen_at"])).await?;
        drop_index(manager, UNSEEN, "notice").await?;
        // Whoever does not know that they are removed would offer them again.
        run(manager, "DELETE FROM identity_provider WHERE removed_at IS NOT NULL").await?;
        drop_index(manager, REMOVED, "identity_provider").await?;
        manager.alter_table(provider().drop_column(Alias::new("removed_at")).to_owned()).await
    }
}
