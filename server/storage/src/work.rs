//! The writing transaction.

use crate::{changes::announce, checkpoint::Commits, error::store_error};
use async_trait::async_trait;
use latchkey_core::port::{Change, Consumed, Inserted, StoreError, UnitOfWork};
use sea_orm::{DatabaseTransaction, DbErr};
use sqlx::{Sqlite, pool::PoolConnection};

/// A writing transaction; dropping it undoes it.
#[derive(Debug)]
pub struct SeaUnitOfWork {
    pub(crate) transaction: DatabaseTransaction,
    /// The connection of SQLite that others write on, where this is another one: they wait until this is over.
    pub(crate) turn: Option<PoolConnection<Sqlite>>,
    pub(crate) commits: Option<Commits>,
}

#[async_trait]
impl UnitOfWork for SeaUnitOfWork {
    async fn announce(&mut self, change: &Change) -> Result<(), StoreError> {
        announce(&self.transaction, change).await
    }

    async fn commit(self: Box<Self>) -> Result<(), StoreError> {
        self.transaction.commit().await.map_err(store_error)?;
        drop(self.turn);
        if let Some(commits) = &self.commits {
            commits.note();
        }
        Ok(())
    }
}

/// The verdict of an `INSERT … ON CONFLICT DO NOTHING`.
pub(crate) fn inserted(result: Result<u64, DbErr>) -> Result<Inserted, StoreError> {
    match result {
        Ok(0) | Err(DbErr::RecordNotInserted) => Ok(Inserted::Duplicate),
        Ok(_) => Ok(Inserted::Done),
        Err(error) => Err(store_error(error)),
    }
}

/// The verdict of a conditional UPDATE or DELETE.
pub(crate) fn consumed(rows: u64) -> Consumed {
    if rows == 1 { Consumed::Won } else { Consumed::Lost }
}
