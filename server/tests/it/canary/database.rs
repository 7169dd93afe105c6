//! Everything that lies in a database.

use super::planted::text_of;
use crate::support::Portal;
use sqlx::{Column, ColumnIndex, Decode, Row};
use std::path::Path;

/// What every private key in PKCS #8 has inside, before it is sealed: the name of its kind (RFC 5480 section 2.1.1), byte by byte.
pub(super) const UNSEALED_KEY: &str = "\u{6}\u{7}\u{2a}\u{86}\u{48}\u{ce}\u{3d}\u{2}\u{1}";

/// Every value of every table, and the files as they lie on the disk: what was deleted may still be in them.
pub(super) async fn whole(portal: &Portal) -> String {
    let url = &portal.state.config.database_url.0;
    let everything =
        if url.starts_with("postgres") { of_postgres(url).await } else { of_sqlite(url, portal.folder.path()).await };
    text_of(&everything)
}

async fn of_sqlite(url: &str, folder: &Path) -> Vec<u8> {
    let pool = sqlx::SqlitePool::connect(url).await.unwrap();
    let tables = "SELECT name FROM sqlite_master WHERE type = 'table'";
    let tables: Vec<String> = sqlx::query_scalar(tables).fetch_all(&pool).await.unwrap();
    assert!(tables.len() > 40, "{tables:?}");
    let mut everything = Vec::new();
    for table in tables {
        everything.extend(values(&sqlx::query(all_of(&table)).fetch_all(&pool).await.unwrap()));
    }
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("latchkey.db")) {
            everything.extend(std::fs::read(path).unwrap());
        }
    }
    everything
}

async fn of_postgres(url: &str) -> Vec<u8> {
    let pool = sqlx::PgPool::connect(url).await.unwrap();
    let tables = "SELECT tablename::text FROM pg_tables WHERE schemaname = 'public'";
    let tables: Vec<String> = sqlx::query_scalar(tables).fetch_all(&pool).await.unwrap();
    assert!(tables.len() > 40, "{tables:?}");
    let mut everything = Vec::new();
    for table in tables {
        everything.extend(values(&sqlx::query(all_of(&table)).fetch_all(&pool).await.unwrap()));
    }
    // What is only in memory is written first. Tables, what they keep elsewhere, and indexes.
    sqlx::query("CHECKPOINT").execute(&pool).await.unwrap();
    let files = "SELECT pg_read_binary_file(pg_relation_filepath(oid)) FROM pg_class \
                 WHERE relkind IN ('r', 't', 'i') AND relnamespace <> 'pg_catalog'::regnamespace";
    everything.extend(values(&sqlx::query(files).fetch_all(&pool).await.unwrap()));
    everything
}

fn all_of(table: &str) -> sqlx::AssertSqlSafe<String> {
    sqlx::AssertSqlSafe(format!("SELECT * FROM \"{table}\""))
}

/// Every value as the bytes that the database sends for it: texts and bytes are themselves.
fn values<R: Row>(rows: &[R]) -> Vec<u8>
where
    usize: ColumnIndex<R>,
    for<'r> Option<Vec<u8>>: Decode<'r, R::Database>,
{
    let mut everything = Vec::new();
    for row in rows {
        for column in row.columns() {
            let value = row.try_get_unchecked::<Option<Vec<u8>>, _>(column.ordinal()).unwrap_or_default();
            everything.extend(value.unwrap_or_default());
            everything.push(b'\n');
        }
    }
    everything
}
