//! The request log: rows, roll-ups, last uses.

mod bulk;
mod counts;
mod groups;
mod read;
mod write;

use sea_orm::prelude::Uuid;

/// What stands for an owner or a credential where all of them are counted together.
const ALL: Uuid = Uuid::nil();

pub(crate) use read::visible_to;
