//! The scope by which a caller of the demo API deletes all of its data at once.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

const DEMO_API: &str = "01938000-0000-7000-8000-000000000001";
const SCOPE: &str = "delete:account";

fn demo_api() -> Result<sea_orm_migration::sea_orm::prelude::Uuid, DbErr> {
    DEMO_API.parse().map_err(|error| DbErr::Migration(format!("{error}")))
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let insert = Query::insert()
            .into_table(Alias::new("api_scope"))
            .columns(["api_id", "scope", "description", "position"].map(Alias::new))
            .values_panic([
                demo_api()?.into(),
                SCOPE.into(),
                "Delete all of the account's demo data".into(),
                2_i64.into(),
            ])
            .to_owned();
        manager.execute(insert).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let delete = Query::delete()
            .from_table(Alias::new("api_scope"))
            .and_where(Expr::col(Alias::new("api_id")).eq(demo_api()?))
            .and_where(Expr::col(Alias::new("scope")).eq(SCOPE))
            .to_owned();
        manager.execute(delete).await
    }
}
