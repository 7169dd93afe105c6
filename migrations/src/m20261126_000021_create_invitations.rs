//! Invitations to teams.

use crate::table::{belongs_to, digest, drop_all, id, index, number, optional_number, table, text, unique};
use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let invitations = table("invitation")
            .col(id("id").primary_key())
            .col(id("team_id"))
            .col(text("email"))
            .col(text("role"))
            .col(text("invited_by"))
            .col(digest("digest"))
            .col(number("created_at"))
            .col(number("expires_at"))
            .col(optional_number("ended_at"))
            .foreign_key(&mut belongs_to("team_id", "team"))
            .to_owned();
        manager.create_table(invitations).await?;
        manager.create_index(unique("invitation", &["digest"])).await?;
        manager.create_index(index("invitation", &["team_id"])).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_all(manager, &["invitation"]).await
    }
}
