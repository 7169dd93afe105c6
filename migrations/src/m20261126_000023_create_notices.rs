//! Notices: what people are told in the portal, beside their mail.

use crate::table::{belongs_to, drop_all, id, index, number, optional_number, table, text, unique};
use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let notices = table("notice")
            .col(id("id").primary_key())
            .col(id("account_id"))
            .col(text("kind"))
            .col(text("subject"))
            .col(text("body"))
            .col(text("occasion"))
            .col(number("created_at"))
            .col(optional_number("seen_at"))
            .foreign_key(&mut belongs_to("account_id", "account"))
            .to_owned();
        manager.create_table(notices).await?;
        manager.create_index(unique("notice", &["account_id", "occasion"])).await?;
        manager.create_index(index("notice", &["account_id", "seen_at"])).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_all(manager, &["notice"]).await
    }
}
