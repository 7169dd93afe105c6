//! Reading what removing the oldest requests will need, before anybody holds the writer for it.
//!
//! A row stands in about a dozen indexes. Where the page of one lies on a busy disk, the writer would be held until it has been read.

use crate::{SeaStore, error::store_error};
use latchkey_core::port::StoreError;
use sea_orm::{DatabaseBackend, FromQueryResult, Statement};
use std::{collections::BTreeMap, fmt::Write};

/// A column of an index of SQLite.
#[derive(FromQueryResult)]
struct Indexed {
    /// The index.
    name: String,
    /// None where it is an expression.
    column: Option<String>,
    /// Whether it holds some rows alone.
    partial: bool,
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

/// The question that counts the requests which a condition and an order tell, and reads the places that they have in all indexes of SQLite.
pub(super) async fn places(store: &SeaStore, which: &str) -> Result<String, StoreError> {
    Ok(question(&indexes(store).await?, which))
}

/// Its indexes of columns. One of something else, which an operator may have made, is not read ahead.
async fn indexes(store: &SeaStore) -> Result<Indexes, StoreError> {
    const SQL: &str = "SELECT list.name AS name, info.name AS column, list.partial AS partial, made.sql AS sql \
                       FROM pragma_index_list('request_log') AS list JOIN pragma_index_info(list.name) AS info \
                       LEFT JOIN sqlite_schema AS made ON made.name = list.name ORDER BY list.name, info.seqno";
    let statement = Statement::from_string(DatabaseBackend::Sqlite, SQL);
    let (mut indexes, mut strange) = (Indexes::new(), Vec::new());
    for one in Indexed::find_by_statement(statement).all(&store.reader).await.map_err(store_error)? {
        let holds = one.sql.and_then(|sql| Some(sql.split_once(" WHERE ")?.1.to_owned()));
        let Some(column) = one.column.filter(|_| one.partial == holds.is_some()) else {
            strange.push(one.name);
            continue;
        };
        let index = indexes.entry(one.name).or_default();
        index.columns.push(column);
        index.holds = holds;
    }
    indexes.retain(|name, _| !strange.contains(name));
    Ok(indexes)
}

fn question(indexes: &Indexes, which: &str) -> String {
    let mut columns: Vec<_> = indexes.values().flat_map(|index| &index.columns).collect();
    columns.sort_unstable();
    columns.dedup();
    let columns: Vec<_> = columns.into_iter().map(|column| format!("\"{column}\" AS \"old_{column}\"")).collect();
    let mut sql = format!("WITH old AS MATERIALIZED (SELECT {} FROM request_log {which})", columns.join(", "));
    sql.push_str(" SELECT (SELECT count(*) FROM old)");
    for (name, index) in indexes {
        let same: Vec<_> = index.columns.iter().map(|column| format!("\"{column}\" IS \"old_{column}\"")).collect();
        let holds = index.holds.as_deref().map(|holds| format!(" AND ({holds})")).unwrap_or_default();
        // Writing to a text cannot fail.
        let _ = write!(
            sql,
            ", (SELECT count(*) FROM old CROSS JOIN request_log INDEXED BY \"{name}\" WHERE {}{holds})",
            same.join(" AND "),
        );
    }
    sql
}

#[cfg(test)]
mod tests {
    use super::*;
    use sea_orm::ConnectionTrait;

    #[tokio::test]
    async fn every_place_of_the_oldest_rows_is_found_and_nothing_else_read() {
        let folder = tempfile::tempdir().unwrap();
        let store = SeaStore::connect(&format!("sqlite://{}/x.db", folder.path().display())).await.unwrap();
        for sql in [
            "CREATE TABLE request_log (id BLOB NOT NULL PRIMARY KEY, at INTEGER NOT NULL, route TEXT, status INTEGER)",
            "CREATE INDEX by_at ON request_log (at)",
            "CREATE INDEX by_route ON request_log (route, id)",
            "CREATE INDEX errors ON request_log (status, id) WHERE status >= 400",
            // Such as an operator might make.
            "CREATE INDEX by_hand ON request_log (lower(route))",
            "CREATE INDEX by_hand_too ON request_log (at)\nwhere status = 404",
            "INSERT INTO request_log VALUES (x'01', 1, NULL, 200), (x'02', 2, '/x', 401), (x'03', 3, '/x', 200), \
             (x'04', 4, '/y', 401)",
        ] {
            store.writer().execute_unprepared(sql).await.unwrap();
        }
        let indexes = indexes(&store).await.unwrap();
        let names: Vec<_> = indexes.keys().map(String::as_str).collect();
        assert_eq!(names, ["by_at", "by_route", "errors", "sqlite_autoindex_request_log_1"]);
        let sql = question(&indexes, "WHERE at < $1 ORDER BY at LIMIT $2");
        let ask = async |sql: &str| {
            let values = [9_i64.into(), 3_i64.into()];
            let statement = Statement::from_sql_and_values(DatabaseBackend::Sqlite, sql, values);
            store.reader.query_all_raw(statement).await.unwrap()
        };
        let answer = ask(&sql).await;
        let found: Vec<i64> = (0..5).map(|column| answer[0].try_get_by_index(column).unwrap()).collect();
        assert_eq!(found, [3, 3, 3, 1, 3], "the three oldest, one of which was refused");
        for step in ask(&format!("EXPLAIN QUERY PLAN {sql}")).await {
            let step: String = step.try_get("", "detail").unwrap();
            assert!(!step.starts_with("SCAN request_log"), "{step}");
        }
    }
}
