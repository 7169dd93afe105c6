//! A letter with a link in it that its reader alone may open.

use super::Letter;
use crate::{
    port::{Inserted, StoreError, UnitOfWork, mail::SealedLink},
    ports::Ports,
    sealing::{SealError, Sealer},
};
use std::fmt;
use time::OffsetDateTime;
use zeroize::Zeroizing;

/// Why a letter was not written.
#[derive(Debug, thiserror::Error)]
pub enum LetterError {
    /// Its link could not be sealed.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A letter and its link.
pub struct SecretLetter {
    pub(super) letter: Letter,
    pub(super) link: Zeroizing<String>,
    pub(super) useful_until: OffsetDateTime,
}

impl fmt::Debug for SecretLetter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SecretLetter").field(&self.letter).finish()
    }
}

impl SecretLetter {
    /// Writes it, in the transaction of what it tells of. [`Inserted::Duplicate`] when its reader was told of the occasion before.
    ///
    /// # Errors
    /// [`LetterError`].
    pub async fn send(
        self,
        work: &mut dyn UnitOfWork,
        ports: &Ports,
        sealer: &Sealer,
        recipient: &str,
    ) -> Result<Inserted, LetterError> {
        let mut mail = self.letter.to(recipient, ports);
        let place = mail.id.as_uuid();
        mail.link = Some(SealedLink(sealer.seal(ports.random(), place.as_bytes(), self.link.as_bytes())?));
        mail.useful_until = Some(self.useful_until);
        Ok(work.mail_add(&mail).await?)
    }
}
