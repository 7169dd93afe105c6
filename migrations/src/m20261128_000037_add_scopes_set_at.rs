//! Since when a key has its scopes, where they were changed after it was made.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

const COLUMN: &str = "scopes_set_at";

fn key() -> TableAlterStatement {
    Table::alter().table(Alias::new("api_key")).to_owned()
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let set_at = ColumnDef::new(Alias::new(COLUMN)).big_integer().null().to_owned();
        manager.alter_table(key().add_column(set_at).to_owned()).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.alter_table(key().drop_column(Alias::new(COLUMN)).to_owned()).await
    }
}
