//! What people are shown of a client, whether an admin has looked at it, and when all of its tokens were ended.

use crate::table::{belongs_to, digest, drop_all, id, optional_number, optional_text, table, text};
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
        for column in [optional_text("logo"), optional_number("verified_at"), optional_number("tokens_ended_at")] {
            manager.alter_table(client().add_column(column).to_owned()).await?;
        }
        manager
            .create_table(
                table("client_logo")
                    .col(id("oauth_client_id").primary_key())
                    .col(text("digest"))
                    .col(digest("png"))
                    .foreign_key(&mut belongs_to("oauth_client_id", "oauth_client"))
                    .to_owned(),
            )
            .await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_all(manager, &["client_logo"]).await?;
        for column in ["tokens_ended_at", "verified_at", "logo"] {
            manager.alter_table(client().drop_column(Alias::new(column)).to_owned()).await?;
        }
        Ok(())
    }
}
