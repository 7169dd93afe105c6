//! What became of each mail, and the links in mails that only their reader may open.

use crate::table::{
    drop_all, id, index, number, optional_digest, optional_id, optional_number, optional_text, table, text, unique,
};
use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

const MAIL: [&str; 7] =
    ["sealed_link", "useful_until", "attempts", "next_attempt_at", "sent_at", "given_up_at", "problem"];
const VERIFIED: &str = "email_verified_at";
const VERSION: &str = "password_version";

fn alter(table: &'static str) -> TableAlterStatement {
    Table::alter().table(Alias::new(table)).to_owned()
}

fn from_zero(name: &'static str) -> ColumnDef {
    number(name).default(0).to_owned()
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let [link, useful, attempts, next, sent, given_up, problem] = MAIL;
        for column in [
            optional_digest(link),
            optional_number(useful),
            from_zero(attempts),
            from_zero(next),
            optional_number(sent),
            optional_number(given_up),
            optional_text(problem),
        ] {
            manager.alter_table(alter("mail").add_column(column).to_owned()).await?;
        }
        manager.create_index(index("mail", &["next_attempt_at"])).await?;
        manager.alter_table(alter("account").add_column(optional_number(VERIFIED)).to_owned()).await?;
        for table in ["account", "session"] {
            manager.alter_table(alter(table).add_column(from_zero(VERSION)).to_owned()).await?;
        }
        let links = table("mailed_link")
            .col(id("id").primary_key())
            .col(text("purpose"))
            .col(text("email"))
            .col(optional_id("account_id"))
            .col(optional_text("name"))
            .col(optional_text("password_hash"))
            .col(optional_digest("digest"))
            .col(number("asked_at"))
            .col(optional_number("answered_at"))
            .col(optional_number("expires_at"))
            .col(optional_number("spent_at"))
            .to_owned();
        manager.create_table(links).await?;
        manager.create_index(unique("mailed_link", &["digest"])).await?;
        manager.create_index(index("mailed_link", &["answered_at"])).await?;
        manager.create_index(index("mailed_link", &["account_id"])).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_all(manager, &["mailed_link"]).await?;
        for (table, column) in [("session", VERSION), ("account", VERSION), ("account", VERIFIED)] {
            manager.alter_table(alter(table).drop_column(Alias::new(column)).to_owned()).await?;
        }
        let by_time = Index::drop().name("mail_by_next_attempt_at").table(Alias::new("mail")).to_owned();
        manager.drop_index(by_time).await?;
        for column in MAIL {
            manager.alter_table(alter("mail").drop_column(Alias::new(column)).to_owned()).await?;
        }
        Ok(())
    }
}
