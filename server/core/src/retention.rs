//! How long things are kept, and removing what is past its time in batches so small that nobody waits for them.

mod kept;
mod service;

pub use kept::{Kept, Retention};
pub use service::{Pruned, RetentionError, RetentionService};
