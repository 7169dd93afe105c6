//! Whether programs may send an account's password.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

const COLUMN: &str = "programs_may_use_password";

fn account() -> TableAlterStatement {
    Table::alter().table(Alias::new("account")).to_owned()
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let allowed = ColumnDef::new(Alias::new(COLUMN)).boolean().not_null().default(false).to_owned();
        manager.alter_table(account().add_column(allowed).to_owned()).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.alter_table(account().drop_column(Alias::new(COLUMN)).to_owned()).await
    }
}
