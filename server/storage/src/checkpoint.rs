//! Moving what SQLite's log holds into the database, beside whoever writes: within a commit, it would hold the writer for as long as a
//! disk takes to find a few hundred pages.

use crate::connect::ConnectError;
use latchkey_core::courtesy;
use sqlx::{
    Executor, SqliteConnection, SqlitePool,
    sqlite::{SqliteConnectOptions, SqlitePoolOptions},
};
use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};
use tokio::sync::watch;

/// For how long commits are waited for that can be moved together: pages that many of them changed are moved once.
const PAUSE: Duration = Duration::from_millis(500);
/// After so many transactions housekeeping waits until the log is moved: what they write in a tenth of a second is some thousand pages.
const HOUSEKEEPING_AT_A_STRETCH: u32 = 8;

/// Where commits are told. When its last clone is dropped, nobody moves the log any more.
#[derive(Debug, Clone)]
pub(crate) struct Commits {
    told: watch::Sender<()>,
    pool: SqlitePool,
    /// How often somebody kept house.
    housekeeping: Arc<AtomicU32>,
}

impl Commits {
    /// Watches for commits from now on, on a connection of its own.
    ///
    /// # Errors
    /// When the database cannot be opened once more.
    pub(crate) async fn watch(options: SqliteConnectOptions) -> Result<Self, ConnectError> {
        let pool = SqlitePoolOptions::new()
            .max_connections(1)
            .idle_timeout(None)
            .max_lifetime(None)
            .after_connect(|connection, _| Box::pin(go_last(connection)))
            .connect_with(options)
            .await
            .map_err(ConnectError::Open)?;
        let (told, commits) = watch::channel(());
        tokio::spawn(move_the_log(pool.clone(), commits));
        Ok(Self { told, pool, housekeeping: Arc::default() })
    }

    /// Says that something was committed.
    pub(crate) fn note(&self) {
        self.told.send_replace(());
    }

    /// Makes room for housekeeping, before its next transaction: every few of them, what is there is moved, and waited for. It writes without
    /// a pause, and as long as frames are added, SQLite cannot begin its log anew, and one that has grown long is moved within commits.
    pub(crate) async fn make_room(&self) {
        if self.housekeeping.fetch_add(1, Ordering::Relaxed) % HOUSEKEEPING_AT_A_STRETCH
            == HOUSEKEEPING_AT_A_STRETCH - 1
        {
            move_now(&self.pool).await;
        }
    }

    /// Moves nothing any more: whoever closes the last connection does so for the last time.
    pub(crate) async fn close(self) {
        self.pool.close().await;
    }
}

/// Has the thread of this connection go last: moving some hundred pages takes some milliseconds, for which no request shall wait. It holds
/// nothing meanwhile that a writer needs, and a log that has grown long is moved within commits.
async fn go_last(connection: &mut SqliteConnection) -> Result<(), sqlx::Error> {
    // This is called on that thread, after each step of a statement.
    connection.lock_handle().await?.set_progress_handler(1, || {
        courtesy::go_last();
        true
    });
    connection.execute("SELECT 1").await?;
    connection.lock_handle().await?.remove_progress_handler();
    Ok(())
}

async fn move_the_log(pool: SqlitePool, mut commits: watch::Receiver<()>) {
    while commits.changed().await.is_ok() {
        tokio::time::sleep(PAUSE).await;
        commits.mark_unchanged();
        move_now(&pool).await;
        if pool.is_closed() {
            return;
        }
    }
}

/// It waits for nobody, and nobody for it: what others read still, or write meanwhile, is for the next time.
async fn move_now(pool: &SqlitePool) {
    if let Err(error) = sqlx::query("PRAGMA wal_checkpoint(PASSIVE)").execute(pool).await
        && !pool.is_closed()
    {
        tracing::debug!(%error, "the log of SQLite stays as it is for now");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SeaStore;
    use latchkey_core::port::Store;
    use sea_orm::ConnectionTrait;

    #[tokio::test]
    async fn the_log_does_not_grow_with_what_is_written() {
        let folder = tempfile::tempdir().unwrap();
        let store = SeaStore::connect(&format!("sqlite://{}/x.db", folder.path().display())).await.unwrap();
        store.writer().execute_unprepared("CREATE TABLE t (x BLOB)").await.unwrap();
        let length = |name| std::fs::metadata(folder.path().join(name)).unwrap().len();
        for number in 1..=4 {
            store.writer().execute_unprepared("INSERT INTO t VALUES (zeroblob(1000000))").await.unwrap();
            store.begin().await.unwrap().commit().await.unwrap();
            let moved = async {
                while length("x.db") < number * 1_000_000 {
                    tokio::time::sleep(PAUSE).await;
                }
            };
            tokio::time::timeout(Duration::from_secs(20), moved).await.unwrap();
        }
        assert!(length("x.db-wal") < 2_500_000, "what is moved makes room for what comes");
        store.close().await.unwrap();
        assert!(!folder.path().join("x.db-wal").exists(), "whoever closes leaves the database alone behind");
    }

    #[tokio::test]
    async fn keeping_house_makes_room_for_itself() {
        let folder = tempfile::tempdir().unwrap();
        let store = SeaStore::connect(&format!("sqlite://{}/x.db", folder.path().display())).await.unwrap();
        let table = "CREATE TABLE setting (name TEXT PRIMARY KEY, value TEXT NOT NULL)";
        store.writer().execute_unprepared(table).await.unwrap();
        // Without a pause, in which the log would be moved anyway: some 60 MB of it.
        for number in 0..60 {
            let mut work = store.begin_housekeeping().await.unwrap();
            work.retention_set(&number.to_string().repeat(500_000)).await.unwrap();
            work.commit().await.unwrap();
        }
        let log = std::fs::metadata(folder.path().join("x.db-wal")).unwrap().len();
        assert!(log < 20_000_000, "{log}");
        store.close().await.unwrap();
    }
}
