//! What went through the door. The rows stand alone: they survive what they tell of, so they carry its names and have no
//! foreign keys.

use crate::table::{belongs_to, drop_all, flag, id, index, key, number, optional_id, optional_text, table, text};
use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .create_table(
                table("request_log")
                    .col(id("id").primary_key())
                    .col(number("at"))
                    .col(text("method"))
                    .col(text("route"))
                    .col(text("path"))
                    .col(number("status"))
                    .col(optional_text("reason"))
                    .col(text("address"))
                    .col(text("user_agent"))
                    .col(number("duration_us"))
                    .col(optional_id("team_id"))
                    .col(optional_id("application_id"))
                    .col(optional_id("environment_id"))
                    .col(optional_text("environment"))
                    .col(optional_id("api_key_id"))
                    .col(optional_text("key_hint"))
                    .col(optional_text("key_name"))
                    .col(text("trace"))
                    .col(optional_text("remedy"))
                    .to_owned(),
            )
            .await?;
        for column in ["team_id", "application_id", "environment_id", "api_key_id", "reason"] {
            manager.create_index(index("request_log", &[column, "id"])).await?;
        }
        manager.create_index(index("request_log", &["at"])).await?;
        create_rollups(manager).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_all(manager, &["rollup", "request_log"]).await
    }
}

pub(crate) async fn create_rollups(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let key = ["environment_id", "period", "start", "api_key_id", "route", "status", "refused"];
    let mut rollup = rollup_of("environment_id", &key);
    rollup.foreign_key(&mut belongs_to("environment_id", "environment"));
    manager.create_table(rollup).await?;
    manager.create_index(index("rollup", &["period", "start"])).await
}

/// Counts of owners whose ids are in this column, with this key.
pub(crate) fn rollup_of(owner: &'static str, columns: &[&'static str]) -> TableCreateStatement {
    let mut rollup = table("rollup");
    rollup
        .col(id(owner))
        .col(text("period"))
        .col(number("start"))
        .col(id("api_key_id"))
        .col(text("route"))
        .col(number("status"))
        .col(flag("refused"))
        .col(number("requests"));
    for bucket in 0..12 {
        rollup.col(ColumnDef::new(Alias::new(format!("latency_{bucket}"))).big_integer().not_null());
    }
    rollup.primary_key(&mut key(columns)).to_owned()
}
