//! Accounts, applications and clients that an admin suspends, since when and why.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

const TABLES: [&str; 3] = ["account", "application", "oauth_client"];
const COLUMNS: [&str; 2] = ["suspended_at", "suspended_because"];

fn table(name: &str) -> TableAlterStatement {
    Table::alter().table(Alias::new(name)).to_owned()
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for name in TABLES {
            let [mut at, mut because] = COLUMNS.map(|column| ColumnDef::new(Alias::new(column)));
            manager.alter_table(table(name).add_column(at.big_integer().null()).to_owned()).await?;
            manager.alter_table(table(name).add_column(because.text().null()).to_owned()).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for name in TABLES {
            for column in COLUMNS {
                manager.alter_table(table(name).drop_column(Alias::new(column)).to_owned()).await?;
            }
        }
        Ok(())
    }
}
