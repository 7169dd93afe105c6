//! Posts of people, apart by environment: those that there are, are of production, as is what a person does without an app.

use crate::table::{digest, drop_all, id, index, key, number, table, text};
use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

const ANSWER: &str = "key, fingerprint, post, body, etag, created_at";
/// What people have elsewhere than in production.
const OF_PEOPLE: &str = "environment <> 'production' AND owner_id NOT IN (SELECT id FROM environment)";

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.alter_table(post().add_column(environment()).to_owned()).await?;
        run(
            manager,
            "UPDATE post SET environment = (SELECT kind FROM environment WHERE environment.id = post.owner_id) \
             WHERE owner_id IN (SELECT id FROM environment WHERE kind <> 'production')",
        )
        .await?;
        manager.create_index(index("post", &["owner_id", "environment", "id"])).await?;
        drop_index(manager, "post_by_owner_id_id").await?;
        let select = "owner_id, COALESCE((SELECT kind FROM environment WHERE environment.id = owner_id), 'production')";
        rebuild_answers(manager, &["owner_id", "environment", "key"], "owner_id, environment", select).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // Whoever does not know them apart would show them in production.
        for table in ["post", "idempotent_answer"] {
            run(manager, &format!("DELETE FROM {table} WHERE {OF_PEOPLE}")).await?;
        }
        rebuild_answers(manager, &["owner_id", "key"], "owner_id", "owner_id").await?;
        manager.create_index(index("post", &["owner_id", "id"])).await?;
        drop_index(manager, "post_by_owner_id_environment_id").await?;
        manager.alter_table(post().drop_column(Alias::new("environment")).to_owned()).await
    }
}

fn post() -> TableAlterStatement {
    Table::alter().table(Alias::new("post")).to_owned()
}

fn environment() -> ColumnDef {
    text("environment").default("production").to_owned()
}

async fn run(manager: &SchemaManager<'_>, sql: &str) -> Result<(), DbErr> {
    manager.get_connection().execute_unprepared(sql).await?;
    Ok(())
}

async fn drop_index(manager: &SchemaManager<'_>, name: &'static str) -> Result<(), DbErr> {
    manager.drop_index(Index::drop().name(name).table(Alias::new("post")).to_owned()).await
}

/// Makes the table of answers anew under another key: SQLite cannot change one.
async fn rebuild_answers(
    manager: &SchemaManager<'_>,
    columns: &[&'static str],
    owner: &str,
    select: &str,
) -> Result<(), DbErr> {
    let old = Alias::new("old_idempotent_answer");
    manager.rename_table(Table::rename().table(Alias::new("idempotent_answer"), old).to_owned()).await?;
    let mut answers = table("idempotent_answer");
    answers.col(id("owner_id"));
    if columns.contains(&"environment") {
        answers.col(environment());
    }
    for column in [text("key"), digest("fingerprint"), id("post"), text("body"), text("etag"), number("created_at")] {
        answers.col(column);
    }
    manager.create_table(answers.primary_key(&mut key(columns)).to_owned()).await?;
    let copy = format!(
        "INSERT INTO idempotent_answer ({owner}, {ANSWER}) SELECT {select}, {ANSWER} FROM old_idempotent_answer"
    );
    run(manager, &copy).await?;
    drop_all(manager, &["old_idempotent_answer"]).await?;
    manager.create_index(index("idempotent_answer", &["created_at"])).await
}
