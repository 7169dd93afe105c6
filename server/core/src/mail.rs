//! Mails: written in the transaction of what they tell of.
//!
//! Until a server for mail is set, admins read in the outbox what would have been sent.

mod letter;
mod outbox;

pub use letter::Letter;
pub use outbox::{OutboxError, OutboxPage, OutboxService};
