//! The request log: rows, roll-ups, last uses.

mod bulk;
mod read;
mod write;

pub(crate) use read::visible_to;
