//! API keys and personal access tokens: one table, one machinery.

mod policy;
mod read;
mod row;
mod watch;
mod write;

pub(crate) use read::for_door;
pub(crate) use row::{keys_with_surroundings as find_keys, works_at};
