//! Signing in with OpenID Connect, requests that clients push, tokens that mean nothing outside, keys of clients, names that may come
//! once.

use crate::table::{
    belongs_to, digest, drop_all, id, index, number, optional_digest, optional_number, table, text, unique,
};
use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

/// A column of a table that has rows already.
fn add(table: &'static str, column: ColumnDef) -> TableAlterStatement {
    Table::alter().table(Alias::new(table)).add_column(column).to_owned()
}

fn optional(name: &'static str) -> ColumnDef {
    ColumnDef::new(Alias::new(name)).text().null().to_owned()
}

fn word(name: &'static str, default: &'static str) -> ColumnDef {
    ColumnDef::new(Alias::new(name)).text().not_null().default(default).to_owned()
}

fn flag(name: &'static str, default: bool) -> ColumnDef {
    ColumnDef::new(Alias::new(name)).boolean().not_null().default(default).to_owned()
}

fn zero(name: &'static str) -> ColumnDef {
    ColumnDef::new(Alias::new(name)).big_integer().not_null().default(0).to_owned()
}

fn added() -> Vec<(&'static str, ColumnDef)> {
    let client = [
        word("token_form", "jwt"),
        word("subject_type", "public"),
        optional("keys"),
        flag("dpop_required", false),
        flag("pushed_only", false),
        flag("pkce_required", true),
        flag("high_security", false),
        word("post_logout_redirect_uris", ""),
        optional("backchannel_logout_uri"),
    ];
    let sign_in =
        || [zero("signed_in_at"), optional_digest("session_digest"), word("id_token_claims", ""), optional("binding")];
    let of = |table: &'static str, columns: Vec<ColumnDef>| columns.into_iter().map(move |column| (table, column));
    of("oauth_client", client.into())
        .chain(of("authorization_code", sign_in().into()))
        .chain(of("authorization_code", vec![optional("nonce")]))
        .chain(of("token_family", sign_in().into()))
        .chain(of(
            "refresh_token",
            vec![
                ColumnDef::new(Alias::new("access_token_id")).uuid().null().to_owned(),
                optional_number("access_token_used_at"),
            ],
        ))
        .collect()
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for (table, column) in added() {
            manager.alter_table(add(table, column)).await?;
        }
        manager.create_index(index("refresh_token", &["access_token_id"])).await?;
        manager.create_index(index("token_family", &["session_digest"])).await?;
        manager
            .create_table(
                table("pushed_request")
                    .col(id("id").primary_key())
                    .col(digest("digest"))
                    .col(id("oauth_client_id"))
                    .col(text("parameters"))
                    .col(number("expires_at"))
                    .col(ColumnDef::new(Alias::new("opened")).boolean().not_null())
                    .col(optional_number("consumed_at"))
                    .foreign_key(&mut belongs_to("oauth_client_id", "oauth_client"))
                    .to_owned(),
            )
            .await?;
        manager.create_index(unique("pushed_request", &["digest"])).await?;
        manager.create_index(index("pushed_request", &["expires_at"])).await?;
        manager
            .create_table(
                table("opaque_token")
                    .col(id("id").primary_key())
                    .col(text("public_id"))
                    .col(digest("digest"))
                    .col(id("oauth_client_id"))
                    .col(text("claims"))
                    .col(number("expires_at"))
                    .foreign_key(&mut belongs_to("oauth_client_id", "oauth_client"))
                    .to_owned(),
            )
            .await?;
        manager.create_index(unique("opaque_token", &["public_id"])).await?;
        manager.create_index(index("opaque_token", &["expires_at"])).await?;
        manager
            .create_table(table("used_name").col(digest("name").primary_key()).col(number("expires_at")).to_owned())
            .await?;
        manager.create_index(index("used_name", &["expires_at"])).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_all(manager, &["used_name", "opaque_token", "pushed_request"]).await?;
        for name in ["refresh_token_by_access_token_id", "token_family_by_session_digest"] {
            manager.drop_index(Index::drop().name(name).to_owned()).await?;
        }
        for (table, column) in added().into_iter().rev() {
            let name = Alias::new(column.get_column_name());
            manager.alter_table(Table::alter().table(Alias::new(table)).drop_column(name).to_owned()).await?;
        }
        Ok(())
    }
}
