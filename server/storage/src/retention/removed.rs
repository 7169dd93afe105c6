//! Removing the oldest rows, and knowing where those that are left begin.

use crate::error::store_error;
use latchkey_core::port::{Removed, StoreError};
use sea_orm::{ConnectionTrait, DatabaseTransaction, Statement, Value};

/// Runs a statement that removes the oldest rows from a time on, and returns a column that tells theirs.
pub(crate) async fn removed(
    transaction: &DatabaseTransaction,
    sql: &str,
    values: impl IntoIterator<Item = Value>,
    column: &str,
    since: i64,
) -> Result<Removed<i64>, StoreError> {
    let statement = Statement::from_sql_and_values(transaction.get_database_backend(), sql, values);
    let gone = transaction.query_all_raw(statement).await.map_err(store_error)?;
    let mut removed = Removed { rows: gone.len() as u64, rest: since };
    for row in gone {
        removed.rest = removed.rest.max(row.try_get("", column).map_err(store_error)?);
    }
    Ok(removed)
}
