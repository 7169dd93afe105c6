//! Whatever takes mails to their readers.

use crate::port::mail::Mail;
use async_trait::async_trait;
use zeroize::Zeroizing;

/// A mail with everything in it, as it leaves.
pub struct Message<'a> {
    /// The mail.
    pub mail: &'a Mail,
    /// Its text, for readers who want no more.
    pub text: Zeroizing<String>,
    /// The same as a page.
    pub html: Zeroizing<String>,
}

/// Why a mail was not taken. The texts are for admins.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CarryError {
    /// The server cannot be had at all, or does not let us in: it is the same for every mail.
    #[error("{0}")]
    Unreachable(String),
    /// This mail was not taken now; it may be later.
    #[error("{0}")]
    Later(String),
    /// This mail is never taken, as when nobody has its address.
    #[error("{0}")]
    Never(String),
}

/// Takes mails to their readers.
#[async_trait]
pub trait MailCarrier: Send + Sync + 'static {
    /// Takes one mail, and returns when somebody else answers for it.
    async fn carry(&self, message: &Message<'_>) -> Result<(), CarryError>;
}
