//! When an account was deleted, what its person wants to be told of, and how a session was begun.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

/// Table and column.
const COLUMNS: [(&str, &str); 3] = [("account", "deleted_at"), ("account", "muted_notices"), ("session", "method")];

fn table(name: &str) -> TableAlterStatement {
    Table::alter().table(Alias::new(name)).to_owned()
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let [mut deleted, mut muted, mut method] = COLUMNS.map(|(_, column)| ColumnDef::new(Alias::new(column)));
        let columns = [
            deleted.big_integer().to_owned(),
            muted.text().not_null().default("").to_owned(),
            // Sessions of before are taken for what shows the least.
            method.text().not_null().default("password").to_owned(),
        ];
        for ((name, _), column) in COLUMNS.into_iter().zip(columns) {
            manager.alter_table(table(name).add_column(column).to_owned()).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for (name, column) in COLUMNS {
            manager.alter_table(table(name).drop_column(Alias::new(column)).to_owned()).await?;
        }
        Ok(())
    }
}
