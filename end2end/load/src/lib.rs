//! A load generator for comparing servers on one machine: raw HTTP/1.1 over loopback, one thread, no allocation per request.
//!
//! It measures ratios, not records: scenarios take turns ([`rounds`]), so that noise hits all of them alike, and the table
//! ([`table`]) says how each compares with the first. It needs a core of its own: pin it to one, and the server to another.

mod answer;
mod client;
pub mod closed;
mod error;
pub mod mix;
pub mod open;
mod random;
pub mod report;
pub mod request;
pub mod rounds;
mod swarm;
pub mod table;
mod target;
#[cfg(test)]
mod test_server;
mod zipf;

pub use answer::AnswerFault;
pub use error::LoadError;
pub use target::Target;
