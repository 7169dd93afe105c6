//! When a client's secret was first reported as found elsewhere.

use crate::table::optional_number;
use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

const COLUMN: &str = "leaked_at";

fn secret() -> TableAlterStatement {
    Table::alter().table(Alias::new("client_secret")).to_owned()
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.alter_table(secret().add_column(optional_number(COLUMN)).to_owned()).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.alter_table(secret().drop_column(Alias::new(COLUMN)).to_owned()).await
    }
}
