//! The demo API's posts, and the answers kept for requests that come twice.

use crate::table::{belongs_to, digest, drop_all, id, index, number, table, text};
use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .create_table(
                table("post")
                    .col(id("id").primary_key())
                    .col(id("environment_id"))
                    .col(text("title"))
                    .col(text("body"))
                    .col(number("version"))
                    .col(number("created_at"))
                    .col(number("updated_at"))
                    .foreign_key(&mut belongs_to("environment_id", "environment"))
                    .to_owned(),
            )
            .await?;
        manager.create_index(index("post", &["environment_id", "id"])).await?;
        manager
            .create_table(
                table("idempotent_answer")
                    .col(id("environment_id"))
                    .col(text("key"))
                    .col(digest("fingerprint"))
                    .col(id("post"))
                    .col(text("body"))
                    .col(text("etag"))
                    .col(number("created_at"))
                    .primary_key(Index::create().col(Alias::new("environment_id")).col(Alias::new("key")))
                    .foreign_key(&mut belongs_to("environment_id", "environment"))
                    .to_owned(),
            )
            .await?;
        manager.create_index(index("idempotent_answer", &["created_at"])).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_all(manager, &["idempotent_answer", "post"]).await
    }
}
