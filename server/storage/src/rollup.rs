//! Counts of requests: by route and status, by bucket alone, and by address.

mod read;
mod write;

use sea_orm::prelude::Uuid;

/// What stands for an owner or a credential where all of them are counted together.
const ALL: Uuid = Uuid::nil();

/// The tables of counts.
const TABLES: [&str; 3] = ["rollup", "bucket_rollup", "address_rollup"];

pub(crate) use write::add;
