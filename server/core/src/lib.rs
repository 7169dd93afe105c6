//! Latchkey's rules and services.
#![warn(missing_docs)]

pub mod port;
