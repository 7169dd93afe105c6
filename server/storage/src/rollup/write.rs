//! Counts that are added to what is stored, put together, and removed.

use super::ALL;
use crate::{
    SeaUnitOfWork,
    bulk::Bulk,
    convert::{count, number},
    error::store_error,
};
use async_trait::async_trait;
use latchkey_core::port::{
    RollupWriter, StoreError,
    rollup::{AddressCounts, AddressKey, Period, RollupCounts, RollupKey},
};
use latchkey_model::OwnerId;
use sea_orm::{ConnectionTrait, DatabaseTransaction, Statement, Value, prelude::Uuid};
use std::collections::BTreeMap;

/// On a clash, adds what is new to what is stored.
const ROLLUPS: Bulk = Bulk {
    head: "INSERT INTO rollup (owner_id, period, start, api_key_id, route, status, refused, requests, \
           latency_0, latency_1, latency_2, latency_3, latency_4, latency_5, latency_6, latency_7, latency_8, latency_9, \
           latency_10, latency_11, bytes_in, bytes_out) VALUES ",
    tail: " ON CONFLICT (owner_id, period, start, api_key_id, route, status, refused) DO UPDATE SET \
           requests = rollup.requests + excluded.requests, latency_0 = rollup.latency_0 + excluded.latency_0, \
           latency_1 = rollup.latency_1 + excluded.latency_1, latency_2 = rollup.latency_2 + excluded.latency_2, \
           latency_3 = rollup.latency_3 + excluded.latency_3, latency_4 = rollup.latency_4 + excluded.latency_4, \
           latency_5 = rollup.latency_5 + excluded.latency_5, latency_6 = rollup.latency_6 + excluded.latency_6, \
           latency_7 = rollup.latency_7 + excluded.latency_7, latency_8 = rollup.latency_8 + excluded.latency_8, \
           latency_9 = rollup.latency_9 + excluded.latency_9, latency_10 = rollup.latency_10 + excluded.latency_10, \
           latency_11 = rollup.latency_11 + excluded.latency_11, bytes_in = rollup.bytes_in + excluded.bytes_in, \
           bytes_out = rollup.bytes_out + excluded.bytes_out",
    columns: 22,
};

fn counted((key, counts): &(RollupKey, RollupCounts)) -> Vec<Value> {
    let mut values: Vec<Value> = Vec::with_capacity(ROLLUPS.columns);
    values.extend([
        key.owner_id.map_or(ALL, OwnerId::as_uuid).into(),
        key.period.as_str().into(),
        key.start.into(),
        key.credential.unwrap_or(ALL).into(),
        key.route.as_str().into(),
        i64::from(key.status).into(),
        key.refused.into(),
        number(counts.requests).into(),
    ]);
    values.extend(counts.latency.iter().map(|count| Value::from(number(*count))));
    values.extend([number(counts.volume.received).into(), number(counts.volume.sent).into()]);
    values
}

/// The same by bucket alone.
const BUCKETS: Bulk = Bulk {
    head: "INSERT INTO bucket_rollup (owner_id, credential_id, period, start, requests, refused) VALUES ",
    tail: " ON CONFLICT (owner_id, credential_id, period, start) DO UPDATE SET \
           requests = bucket_rollup.requests + excluded.requests, refused = bucket_rollup.refused + excluded.refused",
    columns: 6,
};

/// What is counted of a bucket: all requests, and those that the door refused.
type BucketCounts = ((Uuid, Uuid, Period, i64), (u64, u64));

/// These counts added up by bucket.
fn by_bucket(rollups: &[(RollupKey, RollupCounts)]) -> Vec<BucketCounts> {
    let mut sums = BTreeMap::<_, (u64, u64)>::new();
    for (key, counts) in rollups {
        let (owner, credential) = (key.owner_id.map_or(ALL, OwnerId::as_uuid), key.credential.unwrap_or(ALL));
        let (requests, refused) = sums.entry((owner, credential, key.period, key.start)).or_default();
        *requests += counts.requests;
        *refused += if key.refused { counts.requests } else { 0 };
    }
    sums.into_iter().collect()
}

fn of_bucket(((owner, credential, period, start), (requests, refused)): &BucketCounts) -> Vec<Value> {
    vec![
        (*owner).into(),
        (*credential).into(),
        period.as_str().into(),
        (*start).into(),
        number(*requests).into(),
        number(*refused).into(),
    ]
}

const ADDRESSES: Bulk = Bulk {
    head: "INSERT INTO address_rollup (owner_id, credential_id, period, start, address, requests, refused) VALUES ",
    tail: " ON CONFLICT (owner_id, credential_id, period, start, address) DO UPDATE SET \
           requests = address_rollup.requests + excluded.requests, refused = address_rollup.refused + excluded.refused",
    columns: 7,
};

fn from_address((key, counts): &(AddressKey, AddressCounts)) -> Vec<Value> {
    vec![
        key.owner_id.map_or(ALL, OwnerId::as_uuid).into(),
        key.credential.unwrap_or(ALL).into(),
        key.period.as_str().into(),
        key.start.into(),
        key.address.map(|address| address.to_string()).unwrap_or_default().into(),
        number(counts.requests).into(),
        number(counts.refused).into(),
    ]
}

/// Adds these counts to what is stored.
pub(crate) async fn add(
    transaction: &DatabaseTransaction,
    rollups: &[(RollupKey, RollupCounts)],
    addresses: &[(AddressKey, AddressCounts)],
) -> Result<(), StoreError> {
    ADDRESSES.run(transaction, addresses, |counts| Ok(from_address(counts))).await?;
    ROLLUPS.run(transaction, rollups, |counts| Ok(counted(counts))).await?;
    BUCKETS.run(transaction, &by_bucket(rollups), |counts| Ok(of_bucket(counts))).await
}

#[async_trait]
impl RollupWriter for SeaUnitOfWork {
    async fn addresses_together(&mut self, keys: &[AddressKey]) -> Result<u64, StoreError> {
        let backend = self.transaction.get_database_backend();
        let sql = "DELETE FROM address_rollup WHERE owner_id = $1 AND credential_id = $2 AND period = $3 AND start = $4 AND address = $5 \
                   RETURNING requests, refused";
        let (mut sums, mut removed) = (BTreeMap::<AddressKey, AddressCounts>::new(), 0);
        for key in keys.iter().filter(|key| key.address.is_some()) {
            let mut values = from_address(&(*key, AddressCounts::default()));
            values.truncate(5);
            let statement = Statement::from_sql_and_values(backend, sql, values);
            let Some(row) = self.transaction.query_one_raw(statement).await.map_err(store_error)? else { continue };
            let read = |column| row.try_get("", column).map(count).map_err(store_error);
            let counts = AddressCounts { requests: read("requests")?, refused: read("refused")? };
            *sums.entry(AddressKey { address: None, ..*key }).or_default() += counts;
            removed += 1;
        }
        let sums: Vec<_> = sums.into_iter().collect();
        ADDRESSES.run(&self.transaction, &sums, |counts| Ok(from_address(counts))).await?;
        Ok(removed)
    }
}
