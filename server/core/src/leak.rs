//! Leaked keys: recognised offline by their checksum, told to their owners, and revoked where their settings ask for it.
//!
//! [`finder`] finds our secrets in any bytes; [`rules`] tells other scanners how; [`github`] reads what GitHub's secret scanning
//! sends; [`LeakDesk`] does what a report asks for.

mod desk;
pub mod finder;
pub mod github;
pub mod rules;

pub use desk::{LeakDesk, LeakPlace};
