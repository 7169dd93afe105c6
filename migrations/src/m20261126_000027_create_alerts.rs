//! Alerts, their rules, the networks that credentials are used from, and webhooks with their messages.

use crate::table::{
    belongs_to, digest, drop_all, flag, id, index, number, optional_digest, optional_number, optional_text, table,
    text, unique,
};
use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        create_alerts(manager).await?;
        create_seen_networks(manager).await?;
        create_webhooks(manager).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_all(manager, &["webhook_attempt", "webhook_delivery", "webhook", "seen_network", "alert", "alert_rule"])
            .await
    }
}

/// What was raised, and the rules.
async fn create_alerts(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    manager
        .create_table(
            table("alert_rule")
                .col(text("tenant"))
                .col(text("kind"))
                .col(flag("is_on"))
                .col(flag("people"))
                .col(flag("webhooks"))
                .col(optional_number("percent"))
                .col(optional_number("at_least"))
                .col(optional_number("minutes"))
                .col(optional_number("hours"))
                .primary_key(Index::create().col(Alias::new("tenant")).col(Alias::new("kind")))
                .to_owned(),
        )
        .await?;
    manager
        .create_table(
            table("alert")
                .col(id("id").primary_key())
                .col(text("tenant"))
                .col(text("kind"))
                .col(id("subject_id"))
                .col(text("title"))
                .col(text("body"))
                .col(text("occasion"))
                .col(text("facts"))
                .col(text("url"))
                .col(number("raised_at"))
                .col(flag("going"))
                .col(optional_number("ended_at"))
                .to_owned(),
        )
        .await?;
    manager.create_index(unique("alert", &["tenant", "occasion"])).await?;
    manager.create_index(index("alert", &["tenant", "id"])).await?;
    manager.create_index(index("alert", &["tenant", "kind", "subject_id", "ended_at"])).await?;
    // Of what lasts, one at a time, however many nodes look.
    let going = "CREATE UNIQUE INDEX alert_going ON alert (tenant, kind, subject_id) WHERE going";
    manager.get_connection().execute_unprepared(going).await?;
    Ok(())
}

/// The networks that credentials are used from.
async fn create_seen_networks(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    manager
        .create_table(
            table("seen_network")
                .col(id("credential_id"))
                .col(text("network"))
                .col(id("owner_id"))
                .col(text("address"))
                .col(number("first_at"))
                .col(number("last_at"))
                .col(flag("told"))
                .primary_key(Index::create().col(Alias::new("credential_id")).col(Alias::new("network")))
                .to_owned(),
        )
        .await?;
    let untold = "CREATE INDEX seen_network_untold ON seen_network (first_at) WHERE NOT told";
    manager.get_connection().execute_unprepared(untold).await?;
    manager.create_index(index("seen_network", &["last_at"])).await?;
    Ok(())
}

/// Webhooks, messages and tries.
async fn create_webhooks(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    manager
        .create_table(
            table("webhook")
                .col(id("id").primary_key())
                .col(text("tenant"))
                .col(text("name"))
                .col(text("url"))
                .col(digest("sealed_secret"))
                .col(optional_digest("former_sealed_secret"))
                .col(optional_number("former_until"))
                .col(id("created_by"))
                .col(number("created_at"))
                .col(optional_number("failing_since"))
                .col(optional_number("off_at"))
                .col(optional_text("off_because"))
                .to_owned(),
        )
        .await?;
    manager.create_index(index("webhook", &["tenant"])).await?;
    manager
        .create_table(
            table("webhook_delivery")
                .col(id("id").primary_key())
                .col(id("webhook_id"))
                .col(text("event"))
                .col(text("body"))
                .col(number("created_at"))
                .col(number("attempts"))
                .col(number("next_attempt_at"))
                .col(optional_number("taken_at"))
                .col(optional_number("given_up_at"))
                .foreign_key(&mut belongs_to("webhook_id", "webhook"))
                .to_owned(),
        )
        .await?;
    manager.create_index(index("webhook_delivery", &["webhook_id", "id"])).await?;
    manager.create_index(index("webhook_delivery", &["created_at"])).await?;
    let due = "CREATE INDEX webhook_delivery_due ON webhook_delivery (next_attempt_at) \
               WHERE taken_at IS NULL AND given_up_at IS NULL";
    manager.get_connection().execute_unprepared(due).await?;
    manager
        .create_table(
            table("webhook_attempt")
                .col(id("id").primary_key())
                .col(id("delivery_id"))
                .col(number("at"))
                .col(optional_number("status"))
                .col(optional_text("problem"))
                .col(number("took_us"))
                .foreign_key(&mut belongs_to("delivery_id", "webhook_delivery"))
                .to_owned(),
        )
        .await?;
    manager.create_index(index("webhook_attempt", &["delivery_id"])).await
}
