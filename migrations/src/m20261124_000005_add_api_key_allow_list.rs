//! From where an API key may be used: networks with spaces between; none lets every address in.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

const COLUMN: &str = "allowed_from";

fn alter() -> TableAlterStatement {
    Table::alter().table(Alias::new("api_key")).to_owned()
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let column = ColumnDef::new(Alias::new(COLUMN)).text().not_null().default("").to_owned();
        manager.alter_table(alter().add_column(column).to_owned()).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.alter_table(alter().drop_column(Alias::new(COLUMN)).to_owned()).await
    }
}
