//! What other nodes on the same PostgreSQL change about credentials, heard by `LISTEN`.

use crate::{SeaStore, error::store_error};
use latchkey_core::port::{Change, Changes, StoreError};
use sea_orm::{ConnectionTrait, DatabaseBackend, DatabaseTransaction, Statement};
use sqlx::{PgPool, postgres::PgListener};
use std::time::Duration;
use tokio::sync::mpsc;

/// The channel on which nodes tell one another which credential they changed.
const CHANNEL: &str = "latchkey_keys";
/// What is sent when an API was changed: no id is written so.
const APIS: &str = "apis";
/// What is sent when sessions were ended.
const SESSIONS: &str = "sessions";
/// What is sent when something was suspended or reinstated.
const SUSPENSIONS: &str = "suspensions";
/// What is sent when a network was kept out, or let in again.
const BLOCKS: &str = "blocks";
/// How many changes may wait to be heard.
const CAPACITY: usize = 1_024;
/// How long to wait before the line is built again.
const PAUSE: Duration = Duration::from_millis(500);
/// How long silence is believed before the line is tried.
const SILENCE: Duration = Duration::from_secs(2);
/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(1);

/// What was changed, by the name that was sent: each kind of name is written in its own way.
fn change_of(name: &str) -> Option<Change> {
    match name {
        APIS => return Some(Change::Apis),
        SESSIONS => return Some(Change::Sessions),
        SUSPENSIONS => return Some(Change::Suspensions),
        BLOCKS => return Some(Change::Blocks),
        _ => {}
    }
    let key = || name.parse().ok().map(Change::Key);
    let client = || name.parse().ok().map(Change::Client);
    key().or_else(client).or_else(|| name.parse().ok().map(Change::Token))
}

/// The name of what was changed; that the line broke or stands is each node's own affair.
fn name_of(change: &Change) -> Option<String> {
    match change {
        Change::Key(id) => Some(id.to_string()),
        Change::Client(id) => Some(id.to_string()),
        Change::Token(id) => Some(id.to_string()),
        Change::Apis => Some(APIS.to_owned()),
        Change::Sessions => Some(SESSIONS.to_owned()),
        Change::Suspensions => Some(SUSPENSIONS.to_owned()),
        Change::Blocks => Some(BLOCKS.to_owned()),
        Change::Deaf | Change::Hearing => None,
    }
}

/// Tells the other nodes, at the commit, what was changed.
pub(crate) async fn announce(transaction: &DatabaseTransaction, change: &Change) -> Result<(), StoreError> {
    if let (DatabaseBackend::Postgres, Some(name)) = (transaction.get_database_backend(), name_of(change)) {
        let values = [CHANNEL.into(), name.into()];
        let notify = Statement::from_sql_and_values(DatabaseBackend::Postgres, "SELECT pg_notify($1, $2)", values);
        transaction.execute_raw(notify).await.map_err(store_error)?;
    }
    Ok(())
}

impl SeaStore {
    pub(crate) fn listen(&self) -> Changes {
        if self.reader.get_database_backend() != DatabaseBackend::Postgres {
            return Changes::Alone;
        }
        let (heard, changes) = mpsc::channel(CAPACITY);
        tokio::spawn(listen_for_ever(self.reader.get_postgres_connection_pool().clone(), heard));
        Changes::Heard(changes)
    }
}

/// Listens, and builds the line anew whenever it breaks: the listener does not recover from a reset by itself.
async fn listen_for_ever(pool: PgPool, heard: mpsc::Sender<Change>) {
    loop {
        if let Err(error) = listen_until_broken(&pool, &heard).await {
            let error = store_error(sea_orm::DbErr::Conn(sea_orm::RuntimeErr::SqlxError(std::sync::Arc::new(error))));
            tracing::warn!(error = &error as &dyn std::error::Error, "the line to the other nodes broke");
        }
        if heard.send(Change::Deaf).await.is_err() {
            return;
        }
        tokio::time::sleep(PAUSE).await;
    }
}

async fn listen_until_broken(pool: &PgPool, heard: &mpsc::Sender<Change>) -> Result<(), sqlx::Error> {
    let mut listener = PgListener::connect_with(pool).await?;
    listener.eager_reconnect(false);
    listener.listen(CHANNEL).await?;
    if heard.send(Change::Hearing).await.is_err() {
        return Ok(());
    }
    loop {
        match tokio::time::timeout(SILENCE, listener.try_recv()).await {
            Ok(Ok(Some(notification))) => {
                // What names nothing was not sent by a node of ours.
                let Some(change) = change_of(notification.payload()) else { continue };
                if heard.send(change).await.is_err() {
                    return Ok(());
                }
            }
            Ok(Ok(None)) => return Ok(()),
            Ok(Err(error)) => return Err(error),
            Err(_) => {
                let alive = sqlx::query("SELECT 1").execute(&mut listener);
                tokio::time::timeout(PATIENCE, alive).await.map_err(|_| sqlx::Error::PoolTimedOut)??;
            }
        }
    }
}
