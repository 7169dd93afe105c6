//! Other providers that people sign in with, and whose accounts their identities there open; how somebody signed in, for ID tokens.

use crate::table::{belongs_to, digest, drop_all, id, index, number, optional_number, table, text};
use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

/// What remembers how a person had signed in.
const SIGN_INS: [&str; 3] = ["authorization_code", "token_family", "device_code"];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .create_table(
                table("identity_provider")
                    .col(id("id").primary_key())
                    .col(text("name"))
                    .col(text("protocol"))
                    .col(text("client_id"))
                    .col(digest("sealed_secret"))
                    .col(text("scopes"))
                    .col(number("created_at"))
                    .col(optional_number("disabled_at"))
                    .to_owned(),
            )
            .await?;
        manager
            .create_table(
                table("linked_identity")
                    .col(id("identity_provider_id"))
                    .col(text("subject"))
                    .col(text("label"))
                    .col(id("account_id"))
                    .col(number("linked_at"))
                    .col(optional_number("last_used_at"))
                    .primary_key(
                        Index::create().col(Alias::new("identity_provider_id")).col(Alias::new("subject")).primary(),
                    )
                    .foreign_key(&mut belongs_to("identity_provider_id", "identity_provider"))
                    .foreign_key(&mut belongs_to("account_id", "account"))
                    .to_owned(),
            )
            .await?;
        manager.create_index(index("linked_identity", &["account_id", "linked_at"])).await?;
        for name in SIGN_INS {
            let method = ColumnDef::new(Alias::new("signed_in_by")).text().not_null().default("password").to_owned();
            manager.alter_table(Table::alter().table(Alias::new(name)).add_column(method).to_owned()).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for name in SIGN_INS {
            let column = Alias::new("signed_in_by");
            manager.alter_table(Table::alter().table(Alias::new(name)).drop_column(column).to_owned()).await?;
        }
        drop_all(manager, &["linked_identity", "identity_provider"]).await
    }
}
