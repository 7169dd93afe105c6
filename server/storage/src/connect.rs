//! Opening a database.

use crate::{api_key::for_door, checkpoint::Commits, error::store_error, work::SeaUnitOfWork};
use async_trait::async_trait;
use latchkey_core::{
    courtesy::{self, Courtesy},
    port::{Changes, Store, StoreError, UnitOfWork},
};
use sea_orm::{
    ConnectionTrait, DatabaseBackend, DatabaseConnection, DbErr, SqliteTransactionMode, SqlxPostgresConnector,
    SqlxSqliteConnector, TransactionOptions, TransactionTrait,
};
use sqlx::{
    Executor, SqliteConnection,
    postgres::{PgConnectOptions, PgPoolOptions},
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};
use std::{
    str::FromStr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

/// Why a database could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The URL is not one of a database that we speak to.
    #[error("the database URL must begin with sqlite:// or postgres://")]
    UnknownScheme,
    /// The URL cannot be read. Its text is not repeated: it may hold a password.
    #[error("the database URL cannot be read")]
    Url(#[source] sqlx::Error),
    /// The database cannot be reached or opened.
    #[error("the database cannot be opened")]
    Open(#[source] sqlx::Error),
    /// SQLite is older than the version that fixed lost writes with several connections in WAL mode.
    #[error("SQLite {found} is too old: at least 3.51.3 is needed")]
    OldSqlite {
        /// The version found.
        found: String,
    },
}

/// The threads on which SQLite writes, one at a time. The system shows 15 characters of it.
const WRITING_THREAD: &str = "lk-sqlite-write";
/// The thread on which its log is moved into the database.
const MOVING_THREAD: &str = "lk-sqlite-move";

/// Lets every other thread of the process go before those of this name: what they write is mostly the record of requests, for which no
/// other request shall wait. On Linux, where each thread has a niceness of its own; elsewhere nothing happens.
fn give_way(thread: &str) {
    let Ok(threads) = std::fs::read_dir("/proc/self/task") else { return };
    for entry in threads.flatten() {
        let named = std::fs::read_to_string(entry.path().join("comm")).is_ok_and(|name| name.trim_end() == thread);
        let id = entry.file_name().to_str().and_then(|id| id.parse().ok()).and_then(rustix::process::Pid::from_raw);
        if let (true, Some(id)) = (named, id) {
            courtesy::give_way(Some(id));
        }
    }
}

/// After so many steps of its machine, a writing connection lets whoever waits for the core go first: in memory, they take less than a
/// tenth of a millisecond.
const STEPS_AT_A_STRETCH: i32 = 500;

/// Lets others go first in the middle of a statement too.
async fn give_way_within_statements(connection: &mut SqliteConnection) -> Result<(), sqlx::Error> {
    let mut courtesy = Courtesy::default();
    connection.lock_handle().await?.set_progress_handler(STEPS_AT_A_STRETCH, move || {
        courtesy.show();
        true
    });
    Ok(())
}

/// A database: where reads go, and where writes go.
#[derive(Debug, Clone)]
pub struct SeaStore {
    pub(crate) reader: DatabaseConnection,
    writer: DatabaseConnection,
    /// A connection of SQLite that writes and does not wait for the disk. Whoever uses it has the writer's turn.
    housekeeper: Option<DatabaseConnection>,
    begin: TransactionOptions,
    /// Where commits of SQLite are told.
    commits: Option<Commits>,
    /// The statement by which the door looks a key up.
    pub(crate) for_door: Arc<str>,
}

impl SeaStore {
    /// A page of usage takes three at once, and must leave some to the door.
    const READERS: u32 = 8;
    const POSTGRES_CONNECTIONS: u32 = 16;
    /// A page asks for milliseconds of work: compiling the question first, or starting processes that answer parts of it, would take longer
    /// than answering it.
    const AT_ONCE: &str = "SET jit = off; SET max_parallel_workers_per_gather = 0";
    const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);
    /// After so many pages the writer itself moves its log into the database: where nobody else comes to it for long.
    const CHECKPOINT_PAGES: &str = "10000";
    const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

    /// Opens `sqlite://path` (made if it is missing) or `postgres://…`.
    ///
    /// # Errors
    /// [`ConnectError`]; none of its texts repeats the URL.
    pub async fn connect(url: &str) -> Result<Self, ConnectError> {
        if url.starts_with("sqlite:") {
            Self::connect_sqlite(url).await
        } else if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            Self::connect_postgres(url).await
        } else {
            Err(ConnectError::UnknownScheme)
        }
    }

    /// One connection writes at a time, several read. `synchronous = FULL`: in WAL mode, less can lose a commit that was acknowledged, which
    /// only housekeeping may.
    async fn connect_sqlite(url: &str) -> Result<Self, ConnectError> {
        let options = SqliteConnectOptions::from_str(url)
            .map_err(ConnectError::Url)?
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(Self::BUSY_TIMEOUT)
            .pragma("wal_autocheckpoint", Self::CHECKPOINT_PAGES);
        // One connection, one thread, as long as the process lives.
        let one = || {
            let one = SqlitePoolOptions::new().max_connections(1).idle_timeout(None).max_lifetime(None);
            one.acquire_timeout(Self::ACQUIRE_TIMEOUT)
                .after_connect(|connection, _| Box::pin(give_way_within_statements(connection)))
        };
        let writing = options.clone().thread_name(|_| WRITING_THREAD.to_owned()).create_if_missing(true);
        let writer = one().connect_with(writing.clone()).await.map_err(ConnectError::Open)?;
        let housekeeping = writing.synchronous(SqliteSynchronous::Normal).create_if_missing(false);
        // It never moves the log while it has the writer's turn.
        let housekeeping = housekeeping.pragma("wal_autocheckpoint", "0");
        let housekeeper = one().connect_with(housekeeping).await.map_err(ConnectError::Open)?;
        let moving = options.clone().thread_name(|_| MOVING_THREAD.to_owned());
        let commits = Commits::watch(moving).await?;
        give_way(WRITING_THREAD);
        let found: String =
            sqlx::query_scalar("SELECT sqlite_version()").fetch_one(&writer).await.map_err(ConnectError::Open)?;
        if is_older(&found, [3, 51, 3]) {
            return Err(ConnectError::OldSqlite { found });
        }
        let reader = SqlitePoolOptions::new()
            .max_connections(Self::READERS)
            .acquire_timeout(Self::ACQUIRE_TIMEOUT)
            .connect_with(options.pragma("query_only", "ON"))
            .await
            .map_err(ConnectError::Open)?;
        Ok(Self {
            for_door: for_door(DatabaseBackend::Sqlite),
            reader: SqlxSqliteConnector::from_sqlx_sqlite_pool(reader),
            writer: SqlxSqliteConnector::from_sqlx_sqlite_pool(writer),
            housekeeper: Some(SqlxSqliteConnector::from_sqlx_sqlite_pool(housekeeper)),
            // A deferred transaction that reads first and writes later fails as busy at once, whatever the timeout.
            begin: TransactionOptions {
                sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
                ..TransactionOptions::default()
            },
            commits: Some(commits),
        })
    }

    async fn connect_postgres(url: &str) -> Result<Self, ConnectError> {
        let options = PgConnectOptions::from_str(url).map_err(ConnectError::Url)?.application_name("latchkey");
        let pool = PgPoolOptions::new()
            .max_connections(Self::POSTGRES_CONNECTIONS)
            .acquire_timeout(Self::ACQUIRE_TIMEOUT)
            .after_connect(|connection, _| Box::pin(async { connection.execute(Self::AT_ONCE).await.map(drop) }))
            .connect_with(options)
            .await
            .map_err(ConnectError::Open)?;
        let connection = SqlxPostgresConnector::from_sqlx_postgres_pool(pool);
        Ok(Self {
            for_door: for_door(DatabaseBackend::Postgres),
            reader: connection.clone(),
            writer: connection,
            housekeeper: None,
            begin: TransactionOptions::default(),
            commits: None,
        })
    }

    /// Counts every statement from now on that this thread asks through SeaORM: for tests that say how many a request needs. Threads that
    /// work beside requests, as the record's, and clones made before do not count.
    pub fn count_statements(&mut self) -> Arc<AtomicU64> {
        let count = Arc::new(AtomicU64::new(0));
        let counting = std::thread::current().id();
        for connection in [&mut self.reader, &mut self.writer].into_iter().chain(&mut self.housekeeper) {
            let counted = Arc::clone(&count);
            connection.set_metric_callback(move |_| {
                if std::thread::current().id() == counting {
                    counted.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        count
    }

    /// The connection that writes: for migrations.
    pub fn writer(&self) -> &DatabaseConnection {
        &self.writer
    }

    /// A connection that reads: for whoever looks after the schema.
    pub fn reader(&self) -> &DatabaseConnection {
        &self.reader
    }

    /// Closes every connection.
    ///
    /// # Errors
    /// When a connection does not close.
    pub async fn close(self) -> Result<(), DbErr> {
        if let Some(commits) = self.commits {
            commits.close().await;
        }
        self.reader.close().await?;
        if let Some(housekeeper) = self.housekeeper {
            housekeeper.close().await?;
        }
        self.writer.close().await
    }
}

#[async_trait]
impl Store for SeaStore {
    async fn begin(&self) -> Result<Box<dyn UnitOfWork>, StoreError> {
        let transaction = self.writer.begin_with_options(self.begin).await.map_err(store_error)?;
        Ok(Box::new(SeaUnitOfWork { transaction, turn: None, commits: self.commits.clone() }))
    }

    async fn begin_housekeeping(&self) -> Result<Box<dyn UnitOfWork>, StoreError> {
        let (Some(housekeeper), Some(commits)) = (&self.housekeeper, &self.commits) else {
            let transaction = self.writer.begin_with_options(self.begin).await.map_err(store_error)?;
            transaction.execute_unprepared("SET LOCAL synchronous_commit = off").await.map_err(store_error)?;
            return Ok(Box::new(SeaUnitOfWork { transaction, turn: None, commits: None }));
        };
        commits.make_room().await;
        let turn = self.writer.get_sqlite_connection_pool().acquire().await;
        let turn = turn.map_err(|error| StoreError::Unavailable(error.into()))?;
        let transaction = housekeeper.begin_with_options(self.begin).await.map_err(store_error)?;
        Ok(Box::new(SeaUnitOfWork { transaction, turn: Some(turn), commits: Some(commits.clone()) }))
    }

    async fn ping(&self) -> Result<(), StoreError> {
        self.reader.execute_unprepared("SELECT 1").await.map_err(store_error)?;
        Ok(())
    }

    fn changes(&self) -> Changes {
        self.listen()
    }
}

fn is_older(version: &str, least: [u32; 3]) -> bool {
    let parts: Vec<u32> = version.split('.').map_while(|part| part.parse().ok()).collect();
    parts.as_slice() < least.as_slice()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn t09_old_sqlite_is_recognised() {
        for (version, older) in [("3.51.2", true), ("3.51.3", false), ("3.52.0", false), ("3.7.0", true), ("", true)] {
            assert_eq!(is_older(version, [3, 51, 3]), older, "{version}");
        }
    }

    #[tokio::test]
    async fn t10_a_reading_connection_of_sqlite_cannot_write() {
        let folder = tempfile::tempdir().unwrap();
        let store = SeaStore::connect(&format!("sqlite://{}/x.db", folder.path().display())).await.unwrap();
        store.writer.execute_unprepared("CREATE TABLE t (x INTEGER)").await.unwrap();
        let error = store.reader.execute_unprepared("INSERT INTO t VALUES (1)").await.unwrap_err().to_string();
        assert!(error.contains("readonly"), "{error}");
    }
}
