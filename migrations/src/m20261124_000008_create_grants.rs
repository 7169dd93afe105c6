//! What people allowed OAuth clients to do, and what was given for it: codes, families of tokens, refresh tokens.

use crate::table::{
    belongs_to, digest, drop_all, id, index, number, optional_id, optional_number, optional_text, table, text, unique,
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
        manager
            .create_table(
                table("oauth_grant")
                    .col(id("id").primary_key())
                    .col(id("account_id"))
                    .col(id("oauth_client_id"))
                    .col(text("scopes"))
                    .col(number("created_at"))
                    .col(optional_number("last_used_at"))
                    .col(optional_text("last_used_from"))
                    .col(optional_number("revoked_at"))
                    .foreign_key(&mut belongs_to("account_id", "account"))
                    .foreign_key(&mut belongs_to("oauth_client_id", "oauth_client"))
                    .to_owned(),
            )
            .await?;
        // An account has one live grant for a client, however many forms it sends at once.
        let one_live = "CREATE UNIQUE INDEX oauth_grant_live ON oauth_grant (account_id, oauth_client_id) WHERE revoked_at IS NULL";
        manager.get_connection().execute_unprepared(one_live).await?;
        manager
            .create_table(
                table("authorization_code")
                    .col(id("id").primary_key())
                    .col(digest("digest"))
                    .col(id("grant_id"))
                    .col(text("redirect_uri"))
                    .col(text("challenge"))
                    .col(text("scopes"))
                    .col(number("expires_at"))
                    .col(optional_number("consumed_at"))
                    .foreign_key(&mut belongs_to("grant_id", "oauth_grant"))
                    .to_owned(),
            )
            .await?;
        manager.create_index(unique("authorization_code", &["digest"])).await?;
        manager.create_index(index("authorization_code", &["expires_at"])).await?;
        manager
            .create_table(
                table("token_family")
                    .col(id("id").primary_key())
                    .col(id("grant_id"))
                    .col(number("expires_at"))
                    .col(optional_number("ended_at"))
                    .foreign_key(&mut belongs_to("grant_id", "oauth_grant"))
                    .to_owned(),
            )
            .await?;
        manager.create_index(index("token_family", &["grant_id"])).await?;
        manager.create_index(index("token_family", &["expires_at"])).await?;
        manager
            .create_table(
                table("refresh_token")
                    .col(id("id").primary_key())
                    .col(text("public_id"))
                    .col(digest("digest"))
                    .col(id("family_id"))
                    .col(optional_id("parent_id"))
                    .col(text("scopes"))
                    .col(number("expires_at"))
                    .col(optional_number("consumed_at"))
                    .col(optional_number("ended_at"))
                    .foreign_key(&mut belongs_to("family_id", "token_family"))
                    .to_owned(),
            )
            .await?;
        manager.create_index(unique("refresh_token", &["public_id"])).await?;
        manager.create_index(index("refresh_token", &["parent_id"])).await?;
        manager.create_index(index("refresh_token", &["family_id"])).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_all(manager, &["refresh_token", "token_family", "authorization_code", "oauth_grant"]).await
    }
}
