//! Devices on which nobody can sign in, apps that register themselves, and apps that are told of sign-outs.

use crate::table::{
    belongs_to, digest, drop_all, id, index, number, optional_digest, optional_id, optional_number, optional_text,
    table, text, unique,
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
                table("device_code")
                    .col(id("id").primary_key())
                    .col(digest("digest"))
                    .col(digest("user_code"))
                    .col(id("oauth_client_id"))
                    .col(text("scopes"))
                    .col(number("interval_seconds"))
                    .col(number("expires_at"))
                    .col(optional_number("polled_at"))
                    .col(text("state"))
                    .col(optional_number("answered_at"))
                    .col(optional_id("grant_id"))
                    .col(optional_text("allowed_scopes"))
                    .col(optional_number("signed_in_at"))
                    .col(optional_digest("session_digest"))
                    .foreign_key(&mut belongs_to("oauth_client_id", "oauth_client"))
                    .to_owned(),
            )
            .await?;
        manager.create_index(unique("device_code", &["digest"])).await?;
        manager.create_index(unique("device_code", &["user_code"])).await?;
        manager.create_index(index("device_code", &["expires_at"])).await?;
        manager
            .create_table(
                table("registration")
                    .col(id("environment_id").primary_key())
                    .col(text("policy"))
                    .col(id("decided_by"))
                    .col(number("decided_at"))
                    .col(optional_text("public_id"))
                    .col(optional_digest("digest"))
                    .foreign_key(&mut belongs_to("environment_id", "environment"))
                    .to_owned(),
            )
            .await?;
        manager.create_index(unique("registration", &["public_id"])).await?;
        // One environment of the whole portal takes apps of anybody.
        let one_open = "CREATE UNIQUE INDEX registration_open ON registration (policy) WHERE policy = 'open'";
        manager.get_connection().execute_unprepared(one_open).await?;
        manager
            .create_table(
                table("registered_client")
                    .col(id("oauth_client_id").primary_key())
                    .col(text("public_id"))
                    .col(digest("digest"))
                    .foreign_key(&mut belongs_to("oauth_client_id", "oauth_client"))
                    .to_owned(),
            )
            .await?;
        manager.create_index(unique("registered_client", &["public_id"])).await?;
        manager
            .create_table(
                table("logout_notice")
                    .col(id("id").primary_key())
                    .col(id("oauth_client_id"))
                    .col(text("uri"))
                    .col(text("subject"))
                    .col(text("session_name"))
                    .col(number("attempts"))
                    .col(number("due_at"))
                    .foreign_key(&mut belongs_to("oauth_client_id", "oauth_client"))
                    .to_owned(),
            )
            .await?;
        manager.create_index(index("logout_notice", &["due_at"])).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_all(manager, &["logout_notice", "registered_client", "registration", "device_code"]).await
    }
}
