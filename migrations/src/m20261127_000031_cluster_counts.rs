//! Counts lie in the order in which pages of usage read them: those of one owner and credential together, by time.
//!
//! SQLite keeps them in the key itself, so that a page reads them one after the other, and writing a count touches two trees where it
//! touched five.

use crate::{
    m20261123_000004_create_request_log::rollup_of,
    m20261126_000026_widen_request_log::{ADDRESS_ROLLUP, VOLUMES, address_rollup, from_now_on},
    table::index,
};
use sea_orm_migration::{prelude::*, sea_orm::DatabaseBackend};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

const ROLLUP: [&str; 7] = ["owner_id", "api_key_id", "period", "start", "route", "status", "refused"];
const ROLLUP_BEFORE: [&str; 7] = ["owner_id", "period", "start", "api_key_id", "route", "status", "refused"];
const BY_TIME: [&str; 2] = ["period", "start"];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        rebuild(manager, rollup(&ROLLUP), "rollup", &ROLLUP, true).await?;
        rebuild(manager, address_rollup(), "address_rollup", &ADDRESS_ROLLUP, true).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        rebuild(manager, address_rollup(), "address_rollup", &ADDRESS_ROLLUP, false).await?;
        manager.create_index(index("address_rollup", &["credential_id", "period", "start"])).await?;
        rebuild(manager, rollup(&ROLLUP_BEFORE), "rollup", &ROLLUP_BEFORE, false).await?;
        manager.create_index(index("rollup", &["api_key_id", "period", "start"])).await?;
        manager.create_index(index("rollup", &["owner_id", "api_key_id", "period", "start"])).await
    }
}

fn rollup(key: &[&'static str]) -> TableCreateStatement {
    let mut rollup = rollup_of("owner_id", key);
    for volume in VOLUMES {
        rollup.col(from_now_on(volume, 0));
    }
    rollup
}

/// Makes a table anew, with its rows in the order of its key; its columns stay in their order.
async fn rebuild(
    manager: &SchemaManager<'_>,
    mut created: TableCreateStatement,
    name: &'static str,
    key: &[&str],
    clustered: bool,
) -> Result<(), DbErr> {
    let old = Alias::new(format!("old_{name}"));
    manager.rename_table(Table::rename().table(Alias::new(name), old.clone()).to_owned()).await?;
    if clustered && manager.get_database_backend() == DatabaseBackend::Sqlite {
        created.extra("WITHOUT ROWID");
    }
    let columns: Vec<_> = created.get_columns().iter().map(ColumnDef::get_column_name).collect();
    let (columns, key) = (columns.join(", "), key.join(", "));
    manager.create_table(created).await?;
    let copy = format!("INSERT INTO {name} ({columns}) SELECT {columns} FROM old_{name} ORDER BY {key}");
    manager.get_connection().execute_unprepared(&copy).await?;
    manager.drop_table(Table::drop().table(old).to_owned()).await?;
    manager.create_index(index(name, &BY_TIME)).await
}
