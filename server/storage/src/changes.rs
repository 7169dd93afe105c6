//! What other nodes on the same PostgreSQL change about credentials, heard by `LISTEN`.

use crate::{SeaStore, error::store_error};
use latchkey_core::port::{Change, Changes};
use sea_orm::DatabaseBackend;
use sqlx::{PgPool, postgres::PgListener};
use std::time::Duration;
use tokio::sync::mpsc;

/// The channel on which nodes tell one another which key they changed.
pub(crate) const CHANNEL: &str = "latchkey_keys";
/// How many changes may wait to be heard.
const CAPACITY: usize = 1_024;
/// How long to wait before the line is built again.
const PAUSE: Duration = Duration::from_millis(500);
/// How long silence is believed before the line is tried.
const SILENCE: Duration = Duration::from_secs(2);
/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(1);

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
                // What is no public id was not sent by a node of ours.
                let Ok(id) = notification.payload().parse() else { continue };
                if heard.send(Change::Key(id)).await.is_err() {
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
