//! The request log: rows and last uses.

mod groups;
mod pace;
mod read;
mod write;
