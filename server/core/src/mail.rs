//! Mails: written in the transaction of what they tell of, sent by the postman soon after.
//!
//! Until a server for mail is set, admins read in the outbox what would have been sent. A link that its reader alone may open is
//! sealed in the store, and gone from it once the mail is on its way.

mod account_letter;
mod body;
mod carrier;
mod leak_letter;
mod letter;
mod outbox;
mod postman;
mod secret_letter;

pub use carrier::{CarryError, MailCarrier, Message};
pub use leak_letter::FoundKey;
pub use letter::Letter;
pub(crate) use letter::page_of;
pub use outbox::{OutboxError, OutboxMail, OutboxPage, OutboxService};
pub use postman::Postman;
pub use secret_letter::{LetterError, SecretLetter};
