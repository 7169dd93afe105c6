//! Whether a key's people were told that it was seen where others can read it.

use crate::table::index;
use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

const COLUMN: &str = "exposure_told";

fn key() -> TableAlterStatement {
    Table::alter().table(Alias::new("api_key")).to_owned()
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let told = ColumnDef::new(Alias::new(COLUMN)).boolean().not_null().default(false).to_owned();
        manager.alter_table(key().add_column(told).to_owned()).await?;
        manager.create_index(index("api_key", &["exposed_at"])).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_index(Index::drop().name("api_key_by_exposed_at").table(Alias::new("api_key")).to_owned()).await?;
        manager.alter_table(key().drop_column(Alias::new(COLUMN)).to_owned()).await
    }
}
