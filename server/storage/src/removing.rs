//! Removing the oldest rows, and knowing where those that are left begin.

use crate::error::store_error;
use latchkey_core::port::{Removed, StoreError};
use sea_orm::{ConnectionTrait, DatabaseTransaction, Statement, Value};

/// Runs a statement that removes the oldest rows and returns a column that tells their time, and says which is the last of those times.
pub(crate) async fn removed(
    transaction: &DatabaseTransaction,
    sql: &str,
    values: impl IntoIterator<Item = Value>,
    column: &str,
) -> Result<Removed<Option<i64>>, StoreError> {
    let statement = Statement::from_sql_and_values(transaction.get_database_backend(), sql, values);
    let gone = transaction.query_all_raw(statement).await.map_err(store_error)?;
    let mut removed = Removed { rows: gone.len() as u64, rest: None };
    for row in gone {
        removed.rest = removed.rest.max(Some(row.try_get("", column).map_err(store_error)?));
    }
    Ok(removed)
}
