//! Keys of people beside keys of applications; rotations, switching off, notes, limits; counts and demo data by owner, an
//! environment or an account.
//!
//! SQLite cannot let a column be empty that was not, nor take a foreign key away, so the tables are made anew and filled from the
//! old ones: the same way on both databases.

use crate::table::{
    belongs_to, digest, drop_all, flag, id, index, number, optional_id, optional_number, optional_text, table, text,
    unique,
};
use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    /// All of it or nothing, on SQLite too: whoever pulls the plug finds the tables as they were.
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        rebuild_keys(manager).await?;
        rebuild_rollups(manager).await?;
        rebuild_posts(manager).await?;
        for column in [optional_id("account_id"), optional_text("reported")] {
            manager.alter_table(alter("request_log").add_column(column).to_owned()).await?;
        }
        for column in ["account_id", "reported"] {
            manager.create_index(index("request_log", &[column, "id"])).await?;
        }
        manager.create_index(index("request_log", &["api_key_id", "at"])).await?;
        add_policies(manager).await?;
        manager
            .create_table(
                table("mail")
                    .col(id("id").primary_key())
                    .col(text("recipient"))
                    .col(text("subject"))
                    .col(text("body"))
                    .col(text("occasion"))
                    .col(number("created_at"))
                    .to_owned(),
            )
            .await?;
        manager.create_index(unique("mail", &["recipient", "occasion"])).await
    }

    /// The way back: what the older version has no place for (personal access tokens and what they did) is left behind.
    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_all(manager, &["mail"]).await?;
        for column in ["disable_idle_days", "rotate_after_days", "revoke_leaked"] {
            manager.alter_table(alter("environment").drop_column(Alias::new(column)).to_owned()).await?;
        }
        for name in ["request_log_by_api_key_id_at", "request_log_by_reported_id", "request_log_by_account_id_id"] {
            manager.drop_index(Index::drop().name(name).table(Alias::new("request_log")).to_owned()).await?;
        }
        for column in ["reported", "account_id"] {
            manager.alter_table(alter("request_log").drop_column(Alias::new(column)).to_owned()).await?;
        }
        rename(manager, "api_key", "new_api_key").await?;
        rename(manager, "rollup", "new_rollup").await?;
        rename(manager, "post", "new_post").await?;
        rename(manager, "idempotent_answer", "new_idempotent_answer").await?;
        for (name, indexes) in [
            (
                "new_api_key",
                &["public_id", "form_id", "environment_id_created_at", "account_id_created_at", "expires_at"][..],
            ),
            ("new_rollup", &["period_start", "api_key_id_period_start"][..]),
            ("new_post", &["owner_id_id"][..]),
            ("new_idempotent_answer", &["created_at"][..]),
        ] {
            for columns in indexes {
                let index = format!("{}_by_{columns}", name.trim_start_matches("new_"));
                manager.drop_index(Index::drop().name(index).table(Alias::new(name)).to_owned()).await?;
            }
        }
        crate::m20261123_000002_create_applications::create_keys(manager).await?;
        crate::m20261124_000005_add_api_key_allow_list::Migration.up(manager).await?;
        crate::m20261123_000004_create_request_log::create_rollups(manager).await?;
        crate::m20261123_000003_create_demo_posts::Migration.up(manager).await?;
        let key = "id, public_id, last_four, digest, environment_id, name, scopes, allowed_from, created_by, created_at, \
                   expires_at, revoked_at, revoked_by, last_used_at, last_used_from, exposed_at, form_id";
        let rollup = rollup_columns();
        let known = "IN (SELECT id FROM environment)";
        for sql in [
            format!("INSERT INTO api_key ({key}) SELECT {key} FROM new_api_key WHERE environment_id {known}"),
            format!(
                "INSERT INTO rollup (environment_id, {rollup}) SELECT owner_id, {rollup} FROM new_rollup \
                 WHERE owner_id {known} AND api_key_id IN (SELECT id FROM new_api_key)"
            ),
            format!(
                "INSERT INTO post (environment_id, {POST}) SELECT owner_id, {POST} FROM new_post WHERE owner_id {known}"
            ),
            format!(
                "INSERT INTO idempotent_answer (environment_id, {ANSWER}) SELECT owner_id, {ANSWER} \
                 FROM new_idempotent_answer WHERE owner_id {known}"
            ),
        ] {
            run(manager, &sql).await?;
        }
        drop_all(manager, &["new_api_key", "new_rollup", "new_post", "new_idempotent_answer"]).await
    }
}

const POST: &str = "id, title, body, version, created_at, updated_at";
const ANSWER: &str = "key, fingerprint, post, body, etag, created_at";

fn rollup_columns() -> String {
    let latencies: Vec<_> = (0..12).map(|bucket| format!("latency_{bucket}")).collect();
    format!("period, start, api_key_id, route, status, refused, requests, {}", latencies.join(", "))
}

fn alter(name: &'static str) -> TableAlterStatement {
    Table::alter().table(Alias::new(name)).to_owned()
}

async fn rename(manager: &SchemaManager<'_>, from: &'static str, to: &'static str) -> Result<(), DbErr> {
    manager.rename_table(Table::rename().table(Alias::new(from), Alias::new(to)).to_owned()).await
}

async fn run(manager: &SchemaManager<'_>, sql: &str) -> Result<(), DbErr> {
    manager.get_connection().execute_unprepared(sql).await.map(drop)
}

async fn rebuild_keys(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    rename(manager, "api_key", "old_api_key").await?;
    manager
        .create_table(
            table("api_key")
                .col(id("id").primary_key())
                .col(text("public_id"))
                .col(text("last_four"))
                .col(digest("digest"))
                .col(optional_id("environment_id"))
                .col(optional_id("account_id"))
                .col(text("name"))
                .col(text("scopes"))
                .col(text("allowed_from"))
                .col(flag("report_only"))
                .col(text("limits"))
                .col(text("notes"))
                .col(id("created_by"))
                .col(number("created_at"))
                .col(optional_number("expires_at"))
                .col(optional_number("disabled_at"))
                .col(flag("disabled_by_policy"))
                .col(optional_number("enabled_at"))
                .col(optional_number("revoked_at"))
                .col(optional_id("revoked_by"))
                .col(optional_text("revoked_because"))
                .col(id("lineage"))
                .col(optional_id("takes_over_from"))
                .col(optional_number("overlap_seconds"))
                .col(optional_number("takeover_started_at"))
                .col(optional_id("replaced_by"))
                .col(optional_number("retires_at"))
                .col(optional_number("last_used_at"))
                .col(optional_text("last_used_from"))
                .col(optional_number("exposed_at"))
                .col(optional_number("leaked_at"))
                .col(optional_text("leaked_place"))
                .col(optional_number("told_days"))
                .col(id("form_id"))
                .foreign_key(&mut belongs_to("environment_id", "environment"))
                .foreign_key(&mut belongs_to("account_id", "account"))
                .to_owned(),
        )
        .await?;
    run(
        manager,
        "INSERT INTO api_key (id, public_id, last_four, digest, environment_id, name, scopes, allowed_from, report_only, \
         limits, notes, created_by, created_at, expires_at, disabled_by_policy, revoked_at, revoked_by, revoked_because, \
         lineage, last_used_at, last_used_from, exposed_at, form_id) \
         SELECT id, public_id, last_four, digest, environment_id, name, scopes, allowed_from, FALSE, '', '', created_by, \
         created_at, expires_at, FALSE, revoked_at, revoked_by, CASE WHEN revoked_at IS NULL THEN NULL ELSE 'asked' END, \
         id, last_used_at, last_used_from, exposed_at, form_id FROM old_api_key",
    )
    .await?;
    drop_all(manager, &["old_api_key"]).await?;
    manager.create_index(unique("api_key", &["public_id"])).await?;
    manager.create_index(unique("api_key", &["form_id"])).await?;
    manager.create_index(index("api_key", &["environment_id", "created_at"])).await?;
    manager.create_index(index("api_key", &["account_id", "created_at"])).await?;
    manager.create_index(index("api_key", &["expires_at"])).await
}

async fn rebuild_rollups(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    rename(manager, "rollup", "old_rollup").await?;
    // The key comes second: the page of one key reads its rows alone, and that of an environment reads its own.
    let key = ["owner_id", "period", "start", "api_key_id", "route", "status", "refused"];
    manager.create_table(crate::m20261123_000004_create_request_log::rollup_of("owner_id", &key)).await?;
    let columns = rollup_columns();
    run(manager, &format!("INSERT INTO rollup (owner_id, {columns}) SELECT environment_id, {columns} FROM old_rollup"))
        .await?;
    drop_all(manager, &["old_rollup"]).await?;
    // All keys of an owner together, under a key that is none: a page about all of them reads these rows alone.
    let nobody = match manager.get_database_backend() {
        sea_orm_migration::sea_orm::DatabaseBackend::Postgres => "'00000000-0000-0000-0000-000000000000'::uuid",
        _ => "x'00000000000000000000000000000000'",
    };
    let sums: Vec<_> = (0..12).map(|bucket| format!("sum(latency_{bucket})")).collect();
    run(
        manager,
        &format!(
            "INSERT INTO rollup (owner_id, {columns}) SELECT owner_id, period, start, {nobody}, route, status, refused, \
             sum(requests), {} FROM rollup GROUP BY owner_id, period, start, route, status, refused",
            sums.join(", ")
        ),
    )
    .await?;
    manager.create_index(index("rollup", &["period", "start"])).await?;
    manager.create_index(index("rollup", &["api_key_id", "period", "start"])).await
}

async fn rebuild_posts(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    rename(manager, "post", "old_post").await?;
    manager
        .create_table(
            table("post")
                .col(id("id").primary_key())
                .col(id("owner_id"))
                .col(text("title"))
                .col(text("body"))
                .col(number("version"))
                .col(number("created_at"))
                .col(number("updated_at"))
                .to_owned(),
        )
        .await?;
    run(manager, &format!("INSERT INTO post (owner_id, {POST}) SELECT environment_id, {POST} FROM old_post")).await?;
    rename(manager, "idempotent_answer", "old_idempotent_answer").await?;
    manager
        .create_table(
            table("idempotent_answer")
                .col(id("owner_id"))
                .col(text("key"))
                .col(digest("fingerprint"))
                .col(id("post"))
                .col(text("body"))
                .col(text("etag"))
                .col(number("created_at"))
                .primary_key(Index::create().col(Alias::new("owner_id")).col(Alias::new("key")))
                .to_owned(),
        )
        .await?;
    run(
        manager,
        &format!("INSERT INTO idempotent_answer (owner_id, {ANSWER}) SELECT environment_id, {ANSWER} FROM old_idempotent_answer"),
    )
    .await?;
    drop_all(manager, &["old_idempotent_answer", "old_post"]).await?;
    manager.create_index(index("post", &["owner_id", "id"])).await?;
    manager.create_index(index("idempotent_answer", &["created_at"])).await
}

/// How each environment treats its keys: a leaked one is revoked at once in production, unless somebody says otherwise.
async fn add_policies(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let revoke = ColumnDef::new(Alias::new("revoke_leaked")).boolean().not_null().default(false).to_owned();
    for column in [revoke, optional_number("disable_idle_days"), optional_number("rotate_after_days")] {
        manager.alter_table(alter("environment").add_column(column).to_owned()).await?;
    }
    run(manager, "UPDATE environment SET revoke_leaked = TRUE WHERE kind = 'production'").await
}
