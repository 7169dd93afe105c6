//! Tries that failed.

use crate::{
    SeaStore, SeaUnitOfWork,
    convert::{digest, micros, time, word},
    entity::attempt_counter::{ActiveModel, Column, Entity, Model},
    error::{Corrupt, store_error},
    work::{consumed, inserted},
};
use ::time::OffsetDateTime;
use async_trait::async_trait;
use latchkey_core::{
    port::{
        Consumed, Inserted, LockoutReader, LockoutWriter, StoreError,
        lockout::{AttemptCounter, CounterKind, CounterName, Lock},
    },
    secret::sha256,
};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, Condition, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect,
    sea_query::OnConflict,
};
use std::net::IpAddr;

fn id(name: &CounterName) -> Vec<u8> {
    let network = name.network.map(|network| network.to_string()).unwrap_or_default();
    let subject = name.subject.unwrap_or_default();
    sha256(&[name.kind.as_str().as_bytes(), b"|", &subject, b"|", network.as_bytes()].concat()).to_vec()
}

fn from_row(row: &Model) -> Result<(CounterName, AttemptCounter), StoreError> {
    let name = CounterName {
        kind: word(&row.kind, "kind")?,
        subject: row.subject.as_deref().map(digest).transpose()?,
        network: row.network.as_deref().map(|network| word(network, "network")).transpose()?,
    };
    let counter = AttemptCounter {
        failures: u32::try_from(row.failures).unwrap_or(u32::MAX),
        last_at: time(row.last_at)?,
        locked_until: row.locked_until.map(time).transpose()?,
    };
    Ok((name, counter))
}

#[async_trait]
impl LockoutReader for SeaStore {
    async fn subjects_tried(&self, network: IpAddr, since: OffsetDateTime) -> Result<u64, StoreError> {
        Entity::find()
            .filter(Column::Network.eq(network.to_string()))
            .filter(Column::LastAt.gte(micros(since)))
            .filter(Column::Kind.eq(CounterKind::Pair.as_str()))
            .filter(Column::Failures.gt(0))
            .count(&self.reader)
            .await
            .map_err(store_error)
    }

    async fn lock_count(&self, now: OffsetDateTime) -> Result<u64, StoreError> {
        Entity::find().filter(Column::LockedUntil.gt(micros(now))).count(&self.reader).await.map_err(store_error)
    }

    async fn longest_locks(
        &self,
        now: OffsetDateTime,
        of: Option<&[[u8; 32]]>,
        below: Option<Lock>,
        limit: u64,
    ) -> Result<Vec<Lock>, StoreError> {
        let of = of.map(|subjects| Column::Subject.is_in(subjects.iter().map(|subject| subject.to_vec())));
        // Of those that end at one time, the order is that of their ids.
        let below = below.map(|(name, until)| {
            let later = Condition::all().add(Column::LockedUntil.eq(micros(until))).add(Column::Id.gt(id(&name)));
            Condition::any().add(Column::LockedUntil.lt(micros(until))).add(later)
        });
        let longest = Entity::find()
            .filter(Column::LockedUntil.gt(micros(now)))
            .filter(Condition::all().add_option(of).add_option(below))
            .order_by_desc(Column::LockedUntil)
            .order_by_asc(Column::Id)
            .limit(limit);
        let rows = longest.all(&self.reader).await.map_err(store_error)?;
        rows.iter()
            .map(|row| {
                let (name, counter) = from_row(row)?;
                Ok((name, counter.locked_until.unwrap_or(now)))
            })
            .collect()
    }

    async fn lock(&self, name: &CounterName, now: OffsetDateTime) -> Result<Option<OffsetDateTime>, StoreError> {
        let row = Entity::find_by_id(id(name)).one(&self.reader).await.map_err(store_error)?;
        let until = row.and_then(|row| row.locked_until).map(time).transpose()?;
        Ok(until.filter(|until| *until > now))
    }

    async fn locks(&self, now: OffsetDateTime) -> Result<Vec<Lock>, StoreError> {
        let rows =
            Entity::find().filter(Column::LockedUntil.gt(micros(now))).all(&self.reader).await.map_err(store_error)?;
        let locks = rows.iter().map(|row| {
            let (name, counter) = from_row(row)?;
            Ok((name, counter.locked_until.unwrap_or(now)))
        });
        locks.collect()
    }
}

#[async_trait]
impl LockoutWriter for SeaUnitOfWork {
    async fn counter_hold(&mut self, name: &CounterName, now: OffsetDateTime) -> Result<AttemptCounter, StoreError> {
        let row = ActiveModel {
            id: Set(id(name)),
            kind: Set(name.kind.as_str().to_owned()),
            subject: Set(name.subject.map(|subject| subject.to_vec())),
            network: Set(name.network.map(|network| network.to_string())),
            failures: Set(0),
            last_at: Set(micros(now)),
            locked_until: Set(None),
        };
        let insert = Entity::insert(row).on_conflict(OnConflict::new().do_nothing().to_owned());
        let (Inserted::Done | Inserted::Duplicate) = inserted(insert.exec_without_returning(&self.transaction).await)?;
        let held = Entity::find_by_id(id(name)).lock_exclusive().one(&self.transaction).await.map_err(store_error)?;
        let (_, counter) = from_row(&held.ok_or(Corrupt { what: "counter" })?)?;
        Ok(counter)
    }

    async fn counter_set(&mut self, name: &CounterName, counter: &AttemptCounter) -> Result<(), StoreError> {
        let set = ActiveModel {
            failures: Set(counter.failures.into()),
            last_at: Set(micros(counter.last_at)),
            locked_until: Set(counter.locked_until.map(micros)),
            ..Default::default()
        };
        let update = Entity::update_many().set(set).filter(Column::Id.eq(id(name)));
        update.exec(&self.transaction).await.map_err(store_error)?;
        Ok(())
    }

    async fn counter_remove(&mut self, name: &CounterName) -> Result<Consumed, StoreError> {
        let removed = Entity::delete_by_id(id(name)).exec(&self.transaction).await.map_err(store_error)?;
        Ok(consumed(removed.rows_affected))
    }
}
