//! What somebody wants to be called, and their password, are asked for when they have the mail, and kept nowhere before.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

const COLUMNS: [&str; 2] = ["name", "password_hash"];

fn links() -> TableAlterStatement {
    Table::alter().table(Alias::new("mailed_link")).to_owned()
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for column in COLUMNS {
            manager.alter_table(links().drop_column(Alias::new(column)).to_owned()).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for column in COLUMNS {
            let column = ColumnDef::new(Alias::new(column)).text().null().to_owned();
            manager.alter_table(links().add_column(column).to_owned()).await?;
        }
        Ok(())
    }
}
