//! Addresses and networks that admins keep out for a while.
//!
//! A block holds for everything: the API and guarded APIs, pages, endpoints of OAuth. It is looked at before anything else of a request
//! is, so that whoever is kept out costs next to nothing.

mod list;
mod network;
mod service;

pub use list::{BlockList, Blocks};
pub use network::{BlockedNetwork, ParseBlockedNetworkError};
pub use service::{BlockError, BlockForm, BlockService};
