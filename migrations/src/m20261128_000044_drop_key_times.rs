//! A key's requests are found by their ids alone, which hold their times: a second index of a key's times was one more page to write for
//! each request.

use crate::table::index;
use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let index = Index::drop().name("request_log_by_api_key_id_at").table(Alias::new("request_log")).to_owned();
        manager.drop_index(index).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_index(index("request_log", &["api_key_id", "at"])).await
    }
}
