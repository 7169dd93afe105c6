//! People, their teams, their sessions, and the link that makes the first admin.

use crate::table::{
    belongs_to, digest, drop_all, id, index, number, optional_id, optional_number, table, text, unique,
};
use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .create_table(
                table("account")
                    .col(id("id").primary_key())
                    .col(text("email"))
                    .col(text("email_canonical"))
                    .col(text("name"))
                    .col(text("role"))
                    .col(text("password_hash"))
                    .col(number("created_at"))
                    .to_owned(),
            )
            .await?;
        manager.create_index(unique("account", &["email_canonical"])).await?;
        manager
            .create_table(
                table("team").col(id("id").primary_key()).col(text("name")).col(number("created_at")).to_owned(),
            )
            .await?;
        manager
            .create_table(
                table("membership")
                    .col(id("team_id"))
                    .col(id("account_id"))
                    .col(text("role"))
                    .col(number("created_at"))
                    .primary_key(Index::create().col(Alias::new("team_id")).col(Alias::new("account_id")))
                    .foreign_key(&mut belongs_to("team_id", "team"))
                    .foreign_key(&mut belongs_to("account_id", "account"))
                    .to_owned(),
            )
            .await?;
        manager.create_index(index("membership", &["account_id"])).await?;
        manager
            .create_table(
                table("session")
                    .col(id("id").primary_key())
                    .col(digest("digest"))
                    .col(optional_id("account_id"))
                    .col(text("data"))
                    .col(number("created_at"))
                    .col(number("seen_at"))
                    .col(number("expires_at"))
                    .col(optional_number("ended_at"))
                    .col(text("user_agent"))
                    .col(text("address"))
                    .foreign_key(&mut belongs_to("account_id", "account"))
                    .to_owned(),
            )
            .await?;
        manager.create_index(unique("session", &["digest"])).await?;
        manager.create_index(index("session", &["account_id", "seen_at"])).await?;
        manager.create_index(index("session", &["expires_at"])).await?;
        manager
            .create_table(
                table("setup_link")
                    .col(digest("digest").primary_key())
                    .col(number("created_at"))
                    .col(number("expires_at"))
                    .col(optional_number("spent_at"))
                    .to_owned(),
            )
            .await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_all(manager, &["setup_link", "session", "membership", "team", "account"]).await
    }
}
