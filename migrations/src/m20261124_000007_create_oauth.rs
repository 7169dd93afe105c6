//! OAuth clients and service accounts with their secrets, the keys that sign tokens, and tokens that were revoked before their end.

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
                table("signing_key")
                    .col(id("id").primary_key())
                    .col(text("algorithm"))
                    .col(number("generation"))
                    .col(digest("sealed"))
                    .col(text("public_jwk"))
                    .col(number("created_at"))
                    .col(optional_number("activated_at"))
                    .col(optional_number("retired_at"))
                    .to_owned(),
            )
            .await?;
        manager.create_index(unique("signing_key", &["algorithm", "generation"])).await?;
        manager
            .create_table(
                table("oauth_client")
                    .col(id("id").primary_key())
                    .col(text("client_id"))
                    .col(text("kind"))
                    .col(id("environment_id"))
                    .col(text("name"))
                    .col(text("auth_method"))
                    .col(text("grants"))
                    .col(text("redirect_uris"))
                    .col(text("scopes"))
                    .col(text("signing_algorithm"))
                    .col(number("access_token_seconds"))
                    .col(id("created_by"))
                    .col(number("created_at"))
                    .col(optional_number("revoked_at"))
                    .col(optional_id("revoked_by"))
                    .col(optional_number("last_used_at"))
                    .col(optional_text("last_used_from"))
                    .col(id("form_id"))
                    .foreign_key(&mut belongs_to("environment_id", "environment"))
                    .to_owned(),
            )
            .await?;
        manager.create_index(unique("oauth_client", &["client_id"])).await?;
        manager.create_index(unique("oauth_client", &["form_id"])).await?;
        manager.create_index(index("oauth_client", &["environment_id", "kind", "created_at"])).await?;
        manager
            .create_table(
                table("client_secret")
                    .col(id("id").primary_key())
                    .col(id("oauth_client_id"))
                    .col(text("public_id"))
                    .col(text("last_four"))
                    .col(digest("digest"))
                    .col(id("created_by"))
                    .col(number("created_at"))
                    .col(optional_number("revoked_at"))
                    .col(optional_number("last_used_at"))
                    .col(optional_text("last_used_from"))
                    .col(id("form_id"))
                    .foreign_key(&mut belongs_to("oauth_client_id", "oauth_client"))
                    .to_owned(),
            )
            .await?;
        manager.create_index(unique("client_secret", &["public_id"])).await?;
        manager.create_index(unique("client_secret", &["form_id"])).await?;
        manager.create_index(index("client_secret", &["oauth_client_id", "created_at"])).await?;
        manager
            .create_table(
                table("revoked_token")
                    .col(id("id").primary_key())
                    .col(id("oauth_client_id"))
                    .col(number("revoked_at"))
                    .col(number("expires_at"))
                    .foreign_key(&mut belongs_to("oauth_client_id", "oauth_client"))
                    .to_owned(),
            )
            .await?;
        manager.create_index(index("revoked_token", &["expires_at"])).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_all(manager, &["revoked_token", "client_secret", "oauth_client", "signing_key"]).await
    }
}
