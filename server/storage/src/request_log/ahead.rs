//! Reading what removing the oldest rows will need, before anybody holds the writer for it.
//!
//! A row stands in a dozen and a half of indexes. Where the page of one lies on a busy disk, the writer would be held until it has been read.

use crate::{SeaStore, error::store_error};
use latchkey_core::port::StoreError;
use sea_orm::{ConnectionTrait, DatabaseBackend, FromQueryResult, Statement, Value};
use std::{collections::BTreeMap, fmt::Write};

/// A column of an index of SQLite.
#[derive(FromQueryResult)]
struct Indexed {
    /// The index.
    name: String,
    /// None where it is an expression.
    column: Option<String>,
    /// As it was made; none where a key implies it.
    sql: Option<String>,
}

/// An index.
#[derive(Default)]
struct Index {
    columns: Vec<String>,
    /// Which rows have a place in it, where that is not all of them.
    holds: Option<String>,
}

/// Its indexes, by their names.
type Indexes = BTreeMap<String, Index>;

/// Reads these rows, the first of which a condition and an order tell, and the places in all indexes that they have.
pub(super) async fn read(
    store: &SeaStore,
    which: &str,
    values: impl IntoIterator<Item = Value>,
) -> Result<(), StoreError> {
    let backend = store.reader.get_database_backend();
    let sql = match backend {
        // PostgreSQL removes a row where it stands; its indexes are tidied later, and hold nobody up.
        DatabaseBackend::Postgres => {
            format!("SELECT count(status) FROM (SELECT status FROM request_log {which}) AS old")
        }
        _ => places(&indexes(store).await?, which),
    };
    let statement = Statement::from_sql_and_values(backend, sql, values);
    store.reader.query_all_raw(statement).await.map_err(store_error)?;
    Ok(())
}

async fn indexes(store: &SeaStore) -> Result<Indexes, StoreError> {
    const SQL: &str = "SELECT list.name AS name, info.name AS column, made.sql AS sql FROM pragma_index_list('request_log') AS list \
                       JOIN pragma_index_info(list.name) AS info LEFT JOIN sqlite_schema AS made ON made.name = list.name \
                       ORDER BY list.name, info.seqno";
    let statement = Statement::from_string(DatabaseBackend::Sqlite, SQL);
    let mut indexes = Indexes::new();
    for one in Indexed::find_by_statement(statement).all(&store.reader).await.map_err(store_error)? {
        let index = indexes.entry(one.name).or_default();
        index.columns.extend(one.column);
        index.holds = one.sql.and_then(|sql| Some(sql.split_once(" WHERE ")?.1.to_owned()));
    }
    Ok(indexes)
}

/// The question for all places that these rows have.
fn places(indexes: &Indexes, which: &str) -> String {
    let mut columns: Vec<_> = indexes.values().flat_map(|index| &index.columns).collect();
    columns.sort_unstable();
    columns.dedup();
    let columns: Vec<_> = columns.into_iter().map(|column| format!("\"{column}\" AS \"old_{column}\"")).collect();
    let mut sql = format!("WITH old AS MATERIALIZED (SELECT {} FROM request_log {which})", columns.join(", "));
    for (place, (name, index)) in indexes.iter().enumerate() {
        let same: Vec<_> = index.columns.iter().map(|column| format!("\"{column}\" IS \"old_{column}\"")).collect();
        let (and, holds) = index.holds.as_deref().map_or(("", ""), |holds| (" AND ", holds));
        // Writing to a text cannot fail.
        let _ = write!(
            sql,
            "{} SELECT count(*) FROM old CROSS JOIN request_log INDEXED BY \"{name}\" WHERE {}{and}{holds}",
            if place == 0 { "" } else { " UNION ALL" },
            same.join(" AND "),
        );
    }
    sql
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn every_place_of_the_oldest_rows_is_looked_at() {
        let folder = tempfile::tempdir().unwrap();
        let store = SeaStore::connect(&format!("sqlite://{}/x.db", folder.path().display())).await.unwrap();
        for sql in [
            "CREATE TABLE request_log (id BLOB NOT NULL PRIMARY KEY, at INTEGER NOT NULL, route TEXT, reason TEXT)",
            "CREATE INDEX by_at ON request_log (at)",
            "CREATE INDEX by_route ON request_log (route, id)",
            "CREATE INDEX refused ON request_log (id) WHERE reason IS NOT NULL",
            "INSERT INTO request_log VALUES (x'01', 1, NULL, NULL), (x'02', 2, '/x', 'revoked'), (x'03', 3, '/x', NULL), \
             (x'04', 4, '/y', 'revoked')",
        ] {
            store.writer().execute_unprepared(sql).await.unwrap();
        }
        let indexes = indexes(&store).await.unwrap();
        let names: Vec<_> = indexes.keys().map(String::as_str).collect();
        assert_eq!(names, ["by_at", "by_route", "refused", "sqlite_autoindex_request_log_1"]);
        let sql = places(&indexes, "WHERE at < $1 ORDER BY at LIMIT $2");
        let statement = Statement::from_sql_and_values(DatabaseBackend::Sqlite, sql, [9_i64.into(), 3_i64.into()]);
        let found = store.reader.query_all_raw(statement).await.unwrap();
        let found: Vec<i64> = found.iter().map(|row| row.try_get_by_index(0).unwrap()).collect();
        assert_eq!(found, [3, 3, 1, 3], "the three oldest, of which one was refused");
        read(&store, "ORDER BY id LIMIT $1", [3_i64.into()]).await.unwrap();
    }
}
