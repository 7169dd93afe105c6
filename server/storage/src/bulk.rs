//! Many rows with few statements: the roll-ups and last uses of a busy second.
//!
//! Under load the writer brings some thousand counts a second, and it shares a core with the requests that it counts. A statement of
//! its own for each, or one of a new length for each batch, which the database must parse anew, costs several times as much; so rows go
//! in blocks of a few fixed lengths, whose statements are written once and stay prepared.

use crate::error::store_error;
use latchkey_core::port::StoreError;
use sea_orm::{ConnectionTrait, DatabaseBackend, DatabaseTransaction, Statement, Value};
use std::fmt::Write;

/// The lengths of blocks, the longest first. The longest still takes less than half a millisecond, after which whoever waits for the
/// core gets it.
const BLOCKS: [usize; 3] = [64, 8, 1];

/// A statement with a list of rows in it.
pub(crate) struct Bulk {
    /// What stands before the rows.
    pub(crate) head: &'static str,
    /// What stands after them.
    pub(crate) tail: &'static str,
    /// Values in a row.
    pub(crate) columns: usize,
}

impl Bulk {
    /// Runs the statement for all rows, each of which is drawn when its block's turn has come.
    pub(crate) async fn run<T>(
        &self,
        transaction: &DatabaseTransaction,
        rows: &[T],
        draw: impl Fn(&T) -> Result<Vec<Value>, StoreError>,
    ) -> Result<(), StoreError> {
        let backend = transaction.get_database_backend();
        let mut left = rows;
        while let Some(block) = BLOCKS.into_iter().find(|block| *block <= left.len()) {
            let (rows, others) = left.split_at(block);
            left = others;
            let mut values = Vec::with_capacity(block * self.columns);
            for row in rows {
                values.extend(draw(row)?);
            }
            let statement = Statement::from_sql_and_values(backend, self.sql(backend, block), values);
            transaction.execute_raw(statement).await.map_err(store_error)?;
        }
        Ok(())
    }

    /// The statement for so many rows: `… VALUES (?, ?), (?, ?) …`. PostgreSQL numbers its values; SQLite looks numbers up by
    /// their names, one after the other, which for thousands of them takes longer than all the rest.
    fn sql(&self, backend: DatabaseBackend, rows: usize) -> String {
        let numbered = backend == DatabaseBackend::Postgres;
        let mut sql = String::with_capacity(self.head.len() + self.tail.len() + rows * self.columns * 7);
        sql.push_str(self.head);
        let mut number = 0;
        for row in 0..rows {
            sql.push_str(if row == 0 { "(" } else { ", (" });
            for column in 0..self.columns {
                number += 1;
                sql.push_str(if column == 0 { "" } else { ", " });
                if numbered {
                    // Writing to a text cannot fail.
                    let _ = write!(sql, "${number}");
                } else {
                    sql.push('?');
                }
            }
            sql.push(')');
        }
        sql.push_str(self.tail);
        sql
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_numbers_its_values() {
        let bulk = Bulk { head: "INSERT INTO t VALUES ", tail: " ON CONFLICT DO NOTHING", columns: 2 };
        let (postgres, sqlite) = (DatabaseBackend::Postgres, DatabaseBackend::Sqlite);
        assert_eq!(bulk.sql(postgres, 1), "INSERT INTO t VALUES ($1, $2) ON CONFLICT DO NOTHING");
        assert_eq!(bulk.sql(postgres, 2), "INSERT INTO t VALUES ($1, $2), ($3, $4) ON CONFLICT DO NOTHING");
        assert_eq!(bulk.sql(sqlite, 2), "INSERT INTO t VALUES (?, ?), (?, ?) ON CONFLICT DO NOTHING");
    }
}
