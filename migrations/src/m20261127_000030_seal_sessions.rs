//! Sessions keep their values sealed from now on: those of before end, and what they kept goes.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        end_all(manager).await
    }

    /// The version before reads nothing that is sealed.
    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        end_all(manager).await
    }
}

async fn end_all(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let sql = "UPDATE session SET data = '', ended_at = COALESCE(ended_at, seen_at)";
    manager.get_connection().execute_unprepared(sql).await.map(drop)
}
