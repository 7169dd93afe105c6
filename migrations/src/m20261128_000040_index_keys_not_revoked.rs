//! An index of the keys of an environment that nobody has revoked, by when they were made: a list shows those first, and whoever makes
//! a key counts those that have not ended. All that the count asks of a key is in it.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

const NAME: &str = "api_key_not_revoked";

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // SQLite looks at the row of what is revoked or not, unless the index tells it.
        let sql = format!(
            "CREATE INDEX {NAME} ON api_key (environment_id, created_at, expires_at, retires_at, revoked_at) \
             WHERE revoked_at IS NULL"
        );
        manager.get_connection().execute_unprepared(&sql).await?;
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_index(Index::drop().name(NAME).table(Alias::new("api_key")).to_owned()).await
    }
}
