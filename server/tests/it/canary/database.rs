//! Everything that lies in a database.

use super::planted::text_of;
use crate::support::Portal;
use sqlx::{Column, Row};

/// What every private key in PKCS #8 has inside, before it is sealed: the name of its kind (RFC 5480 section 2.1.1), byte by byte.
pub(super) const UNSEALED_KEY: &str = "\u{6}\u{7}\u{2a}\u{86}\u{48}\u{ce}\u{3d}\u{2}\u{1}";

/// Every value of every table, and the files as they lie on the disk: what was deleted may still be in them.
pub(super) async fn whole(portal: &Portal) -> String {
    let path = portal.folder.path().join("latchkey.db");
    let pool = sqlx::SqlitePool::connect(&format!("sqlite://{}", path.display())).await.unwrap();
    let tables: Vec<String> =
        sqlx::query_scalar("SELECT name FROM sqlite_master WHERE type = 'table'").fetch_all(&pool).await.unwrap();
    assert!(tables.len() > 40, "{tables:?}");
    let mut everything = Vec::new();
    for table in tables {
        let query = sqlx::AssertSqlSafe(format!("SELECT * FROM \"{table}\""));
        for row in sqlx::query(query).fetch_all(&pool).await.unwrap() {
            for column in row.columns() {
                let value = row.try_get_unchecked::<Option<Vec<u8>>, _>(column.ordinal()).unwrap_or_default();
                everything.extend(value.unwrap_or_default());
                everything.push(b'\n');
            }
        }
    }
    for entry in std::fs::read_dir(portal.folder.path()).unwrap() {
        let path = entry.unwrap().path();
        if path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("latchkey.db")) {
            everything.extend(std::fs::read(path).unwrap());
        }
    }
    text_of(&everything)
}
