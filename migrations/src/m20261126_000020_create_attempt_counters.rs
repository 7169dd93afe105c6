//! Tries that failed: for an account from one network, for a network, for an account from everywhere, for a browser that is known.

use crate::table::{digest, drop_all, index, number, optional_digest, optional_number, optional_text, table, text};
use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let counters = table("attempt_counter")
            .col(digest("id").primary_key())
            .col(text("kind"))
            .col(optional_digest("subject"))
            .col(optional_text("network"))
            .col(number("failures"))
            .col(number("last_at"))
            .col(optional_number("locked_until"))
            .to_owned();
        manager.create_table(counters).await?;
        manager.create_index(index("attempt_counter", &["network", "last_at"])).await?;
        manager.create_index(index("attempt_counter", &["last_at"])).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_all(manager, &["attempt_counter"]).await
    }
}
