//! How long things are kept, and removing what is past its time.

mod ahead;
mod place;
mod removed;

use crate::{SeaStore, SeaUnitOfWork, convert::count, error::store_error, setting};
use async_trait::async_trait;
use latchkey_core::port::{Perishable, Removed, RetentionReader, RetentionWriter, StoreError};
use place::Place;
pub(crate) use removed::removed;
use sea_orm::{ConnectionTrait, DatabaseBackend, Statement};
use std::ops::Range;
use time::OffsetDateTime;

/// The name of the setting.
const NAME: &str = "retention";

#[async_trait]
impl RetentionReader for SeaStore {
    async fn retention(&self) -> Result<Option<String>, StoreError> {
        setting::read(&self.reader, NAME).await
    }

    async fn perishables_read_ahead(
        &self,
        what: Perishable,
        times: Range<OffsetDateTime>,
        limit: u64,
    ) -> Result<u64, StoreError> {
        let place = Place::of(what);
        let backend = self.reader.get_database_backend();
        let sql = match (what, backend) {
            // PostgreSQL removes a row where it stands; its indexes are tidied later, and hold nobody up.
            (Perishable::Requests, DatabaseBackend::Sqlite) => ahead::places(self, &place.oldest(limit)).await?,
            _ => place.rows(limit),
        };
        let statement = Statement::from_sql_and_values(backend, sql, place.times(&times).map(Into::into));
        let found = self.reader.query_one_raw(statement).await.map_err(store_error)?;
        let found = found.map(|row| row.try_get_by_index(0)).transpose().map_err(store_error)?;
        Ok(found.map(count).unwrap_or_default())
    }
}

#[async_trait]
impl RetentionWriter for SeaUnitOfWork {
    async fn retention_set(&mut self, written: &str) -> Result<(), StoreError> {
        setting::write(&self.transaction, NAME, written.to_owned()).await
    }

    async fn perishables_prune(
        &mut self,
        what: Perishable,
        times: Range<OffsetDateTime>,
        limit: u64,
    ) -> Result<Removed<OffsetDateTime>, StoreError> {
        let place = Place::of(what);
        let mut limit = limit;
        if let Some(sql) = place.removal_with(limit) {
            // They would go with it, however many they are.
            let values = place.times(&times).map(Into::into);
            let statement = Statement::from_sql_and_values(self.transaction.get_database_backend(), sql, values);
            let rows = self.transaction.execute_raw(statement).await.map_err(store_error)?.rows_affected();
            if rows > 0 {
                return Ok(Removed { rows, rest: times.start });
            }
            limit = 1;
        }
        let sql = place.removal(self.transaction.get_database_backend(), limit);
        let [since, before] = place.times(&times);
        let values = [since.into(), before.into()];
        let Removed { rows, rest } = removed(&self.transaction, &sql, values, place.time, since).await?;
        Ok(Removed { rows, rest: place.read_time(rest)? })
    }
}
