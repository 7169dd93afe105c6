//! The audit log: a chain of events for each tenant, where it ends, and what was sealed of it.

use crate::table::{digest, drop_all, id, number, optional_id, optional_text, table, text, unique};
use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // No row of another table takes an event with it when it goes.
        let events = table("audit_event")
            .col(id("id").primary_key())
            .col(text("tenant"))
            .col(number("sequence"))
            .col(number("at"))
            .col(optional_id("account_id"))
            .col(optional_text("address"))
            .col(text("action"))
            .col(text("target"))
            .col(text("target_name"))
            .col(text("changes"))
            .col(text("reason"))
            .col(digest("previous"))
            .col(digest("digest"))
            .to_owned();
        let heads = table("audit_head")
            .col(text("tenant").primary_key())
            .col(number("sequence"))
            .col(digest("digest"))
            .to_owned();
        let seals = table("audit_seal")
            .col(text("tenant"))
            .col(number("day"))
            .col(number("sequence"))
            .col(digest("digest"))
            .col(digest("seal"))
            .primary_key(Index::create().col(Alias::new("tenant")).col(Alias::new("day")))
            .to_owned();
        for table in [events, heads, seals] {
            manager.create_table(table).await?;
        }
        manager.create_index(unique("audit_event", &["tenant", "sequence"])).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_all(manager, &["audit_seal", "audit_head", "audit_event"]).await
    }
}
