//! APIs of operators' own: their short names, whose credentials they take, and their policies.

use crate::table::{number, optional_number, optional_text, unique};
use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

/// Columns of what every guarded API has, and the demo API does not.
const TEXTS: [&str; 5] = ["slug", "environments", "policies", "verifiers", "editors"];

fn api() -> TableAlterStatement {
    Table::alter().table(Alias::new("api")).to_owned()
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for name in TEXTS {
            manager.alter_table(api().add_column(optional_text(name)).to_owned()).await?;
        }
        for name in ["version", "created_at"] {
            manager.alter_table(api().add_column(number(name).default(0)).to_owned()).await?;
        }
        manager.alter_table(api().add_column(optional_number("retired_at")).to_owned()).await?;
        manager.create_index(unique("api", &["slug"])).await?;
        // One scope means one thing: a credential that holds it holds it at one API.
        manager.create_index(unique("api_scope", &["scope"])).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for (table, index) in [("api_scope", "api_scope_by_scope"), ("api", "api_by_slug")] {
            manager.drop_index(Index::drop().name(index).table(Alias::new(table)).to_owned()).await?;
        }
        for name in ["retired_at", "created_at", "version"].into_iter().chain(TEXTS.into_iter().rev()) {
            manager.alter_table(api().drop_column(Alias::new(name)).to_owned()).await?;
        }
        Ok(())
    }
}
