//! What people allow OAuth clients to do: the page of authorized apps, and taking it back.

mod service;

pub use service::{GrantError, GrantService};
