//! Clients that are known by a certificate, and whose tokens are bound to it.

use crate::table::optional_text;
use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

fn client() -> TableAlterStatement {
    Table::alter().table(Alias::new("oauth_client")).to_owned()
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.alter_table(client().add_column(optional_text("certificate_subject")).to_owned()).await?;
        let bound = ColumnDef::new(Alias::new("certificate_bound")).boolean().not_null().default(false).to_owned();
        manager.alter_table(client().add_column(bound).to_owned()).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for column in ["certificate_bound", "certificate_subject"] {
            manager.alter_table(client().drop_column(Alias::new(column)).to_owned()).await?;
        }
        Ok(())
    }
}
