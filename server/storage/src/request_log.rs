//! The request log: rows, roll-ups, last uses.

mod read;
mod write;
