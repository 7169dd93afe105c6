//! APIs with their scopes, applications with their environments, and API keys. The demo API is the first API.

use crate::table::{
    belongs_to, digest, drop_all, id, index, number, optional_id, optional_number, optional_text, table, text, unique,
};
use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

const DEMO_API: &str = "01938000-0000-7000-8000-000000000001";
const DEMO_SCOPES: [(&str, &str); 2] =
    [("read:posts", "Read posts"), ("write:posts", "Create, change and delete posts")];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        create_apis(manager).await?;
        manager
            .create_table(
                table("application")
                    .col(id("id").primary_key())
                    .col(id("team_id"))
                    .col(text("name"))
                    .col(text("name_folded"))
                    .col(number("created_at"))
                    .foreign_key(&mut belongs_to("team_id", "team"))
                    .to_owned(),
            )
            .await?;
        manager.create_index(unique("application", &["team_id", "name_folded"])).await?;
        manager
            .create_table(
                table("environment")
                    .col(id("id").primary_key())
                    .col(id("application_id"))
                    .col(text("kind"))
                    .foreign_key(&mut belongs_to("application_id", "application"))
                    .to_owned(),
            )
            .await?;
        manager.create_index(unique("environment", &["application_id", "kind"])).await?;
        create_keys(manager).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_all(manager, &["api_key", "environment", "application", "api_scope", "api"]).await
    }
}

pub(crate) async fn create_keys(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    manager
        .create_table(
            table("api_key")
                .col(id("id").primary_key())
                .col(text("public_id"))
                .col(text("last_four"))
                .col(digest("digest"))
                .col(id("environment_id"))
                .col(text("name"))
                .col(text("scopes"))
                .col(id("created_by"))
                .col(number("created_at"))
                .col(optional_number("expires_at"))
                .col(optional_number("revoked_at"))
                .col(optional_id("revoked_by"))
                .col(optional_number("last_used_at"))
                .col(optional_text("last_used_from"))
                .col(optional_number("exposed_at"))
                .col(id("form_id"))
                .foreign_key(&mut belongs_to("environment_id", "environment"))
                .to_owned(),
        )
        .await?;
    manager.create_index(unique("api_key", &["public_id"])).await?;
    manager.create_index(unique("api_key", &["form_id"])).await?;
    manager.create_index(index("api_key", &["environment_id", "created_at"])).await
}

async fn create_apis(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    manager
        .create_table(
            table("api")
                .col(id("id").primary_key())
                .col(optional_id("team_id"))
                .col(text("name"))
                .col(text("audience"))
                .foreign_key(&mut belongs_to("team_id", "team"))
                .to_owned(),
        )
        .await?;
    manager.create_index(unique("api", &["audience"])).await?;
    manager
        .create_table(
            table("api_scope")
                .col(id("api_id"))
                .col(text("scope"))
                .col(text("description"))
                .col(number("position"))
                .primary_key(Index::create().col(Alias::new("api_id")).col(Alias::new("scope")))
                .foreign_key(&mut belongs_to("api_id", "api"))
                .to_owned(),
        )
        .await?;
    let demo: sea_orm_migration::sea_orm::prelude::Uuid =
        DEMO_API.parse().map_err(|error| DbErr::Migration(format!("{error}")))?;
    let insert = Query::insert()
        .into_table(Alias::new("api"))
        .columns(["id", "name", "audience"].map(Alias::new))
        .values_panic([demo.into(), "Demo API".into(), "urn:latchkey:demo-api".into()])
        .to_owned();
    manager.execute(insert).await?;
    for (position, (scope, description)) in (0_i64..).zip(DEMO_SCOPES) {
        let insert = Query::insert()
            .into_table(Alias::new("api_scope"))
            .columns(["api_id", "scope", "description", "position"].map(Alias::new))
            .values_panic([demo.into(), scope.into(), description.into(), position.into()])
            .to_owned();
        manager.execute(insert).await?;
    }
    Ok(())
}
