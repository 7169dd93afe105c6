//! Counts of requests: by route and status, by bucket alone, and by address.

mod read;
mod write;

use sea_orm::prelude::Uuid;

/// What stands for an owner or a credential where all of them are counted together.
const ALL: Uuid = Uuid::nil();

/// The tables of counts, with the columns of their keys.
const TABLES: [(&str, &str); 3] = [
    ("rollup", "owner_id, api_key_id, period, start, route, status, refused"),
    ("bucket_rollup", "owner_id, credential_id, period, start"),
    ("address_rollup", "owner_id, credential_id, period, start, address"),
];

pub(crate) use write::add;
