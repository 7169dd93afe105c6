//! What is asked for beside a password: codes of an app, recovery codes, passkeys; and what an operator sets for the whole portal.

use crate::table::{
    belongs_to, digest, drop_all, flag, id, index, number, optional_id, optional_number, table, text, unique,
};
use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

const ACCOUNT: &str = "has_second_factor";

fn account() -> TableAlterStatement {
    Table::alter().table(Alias::new("account")).to_owned()
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.alter_table(account().add_column(flag(ACCOUNT).default(false).to_owned()).to_owned()).await?;
        let totp = table("totp")
            .col(id("account_id").primary_key())
            .col(digest("sealed_seed"))
            .col(number("last_step"))
            .col(number("created_at"))
            .col(optional_number("last_used_at"))
            .foreign_key(&mut belongs_to("account_id", "account"))
            .to_owned();
        let codes = table("recovery_code")
            .col(digest("digest").primary_key())
            .col(id("account_id"))
            .col(number("created_at"))
            .col(optional_number("spent_at"))
            .foreign_key(&mut belongs_to("account_id", "account"))
            .to_owned();
        let passkeys = table("passkey")
            .col(id("id").primary_key())
            .col(id("account_id"))
            .col(digest("credential_id"))
            .col(text("name"))
            .col(text("data"))
            .col(number("created_at"))
            .col(optional_number("last_used_at"))
            .foreign_key(&mut belongs_to("account_id", "account"))
            .to_owned();
        let ceremonies = table("passkey_ceremony")
            .col(id("id").primary_key())
            .col(optional_id("account_id"))
            .col(text("state"))
            .col(number("expires_at"))
            .col(optional_number("spent_at"))
            .to_owned();
        let settings = table("setting").col(text("name").primary_key()).col(text("value")).to_owned();
        for table in [totp, codes, passkeys, ceremonies, settings] {
            manager.create_table(table).await?;
        }
        manager.create_index(index("recovery_code", &["account_id"])).await?;
        manager.create_index(index("passkey", &["account_id"])).await?;
        manager.create_index(unique("passkey", &["credential_id"])).await?;
        manager.create_index(index("passkey_ceremony", &["expires_at"])).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_all(manager, &["setting", "passkey_ceremony", "passkey", "recovery_code", "totp"]).await?;
        manager.alter_table(account().drop_column(Alias::new(ACCOUNT)).to_owned()).await
    }
}
