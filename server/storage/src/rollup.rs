//! Counts of requests: by route and status, by bucket alone, and by address.

mod read;
mod write;

use latchkey_core::port::rollup::Counted;
use sea_orm::prelude::Uuid;

/// What stands for an owner or a credential where all of them are counted together.
const ALL: Uuid = Uuid::nil();

/// The table of counts, with the columns of its key.
pub(crate) const fn table(counted: Counted) -> (&'static str, &'static str) {
    match counted {
        Counted::Routes => ("rollup", "owner_id, api_key_id, period, start, route, status, refused"),
        Counted::Buckets => ("bucket_rollup", "owner_id, credential_id, period, start"),
        Counted::Addresses => ("address_rollup", "owner_id, credential_id, period, start, address"),
    }
}

pub(crate) use write::add;
