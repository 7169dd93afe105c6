//! Secrets that must be read back, such as private keys, are sealed before they are stored: AES-256-GCM (NIST SP 800-38D) under a
//! key that is drawn from the server's own secret. Whoever has the database alone has nothing.

use crate::{random::Random, secret::MasterKey};
use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use std::fmt;
use zeroize::Zeroizing;

/// The form of what is sealed, so that another can follow: version, nonce, ciphertext with its tag.
const VERSION: u8 = 1;

/// Why something could not be sealed or opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// The library refused.
    #[error("a secret could not be sealed")]
    Seal,
    /// It was sealed under another secret, for another place, or was changed since.
    #[error("a stored secret cannot be opened: is the data folder's secret the one that it was stored with?")]
    Open,
}

/// Seals secrets of one purpose.
pub struct Sealer(LessSafeKey);

impl Sealer {
    /// A sealer for this purpose.
    ///
    /// # Errors
    /// [`SealError::Seal`].
    pub fn new(master: &MasterKey, purpose: &str) -> Result<Self, SealError> {
        let key = Zeroizing::new(master.derive("seal").digest(purpose.as_bytes()));
        Ok(Self(LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &*key).map_err(|_| SealError::Seal)?)))
    }

    /// Seals a secret for one place, such as the row that it belongs to: it opens nowhere else.
    ///
    /// # Errors
    /// [`SealError::Seal`].
    pub fn seal(&self, random: &dyn Random, place: &[u8], secret: &[u8]) -> Result<Vec<u8>, SealError> {
        let mut nonce = [0; NONCE_LEN];
        random.fill(&mut nonce);
        let mut sealed = secret.to_vec();
        self.0
            .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(place), &mut sealed)
            .map_err(|_| SealError::Seal)?;
        Ok([&[VERSION], &nonce[..], &sealed].concat())
    }

    /// Opens what was sealed for this place.
    ///
    /// # Errors
    /// [`SealError::Open`].
    pub fn open(&self, place: &[u8], sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, SealError> {
        let rest = sealed.strip_prefix(&[VERSION]).ok_or(SealError::Open)?;
        let (nonce, ciphertext) = rest.split_first_chunk::<NONCE_LEN>().ok_or(SealError::Open)?;
        let mut bytes = Zeroizing::new(ciphertext.to_vec());
        let length = self
            .0
            .open_in_place(Nonce::assume_unique_for_key(*nonce), Aad::from(place), &mut bytes)
            .map_err(|_| SealError::Open)?
            .len();
        bytes.truncate(length);
        Ok(bytes)
    }
}

impl fmt::Debug for Sealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sealer")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::SystemRandom;

    #[test]
    fn what_is_sealed_opens_at_its_place_and_under_its_secret_alone() {
        let master = MasterKey::new([7; 32]);
        let sealer = Sealer::new(&master, "signing-key").unwrap();
        let stored = sealer.seal(&SystemRandom, b"row 1", b"a private key").unwrap();
        assert!(!stored.windows(7).any(|window| window == b"private"));
        assert_eq!(*sealer.open(b"row 1", &stored).unwrap(), b"a private key");
        assert_eq!(sealer.open(b"row 2", &stored), Err(SealError::Open));
        for other in [Sealer::new(&master, "other"), Sealer::new(&MasterKey::new([8; 32]), "signing-key")] {
            assert_eq!(other.unwrap().open(b"row 1", &stored), Err(SealError::Open));
        }
        for place in 0..stored.len() {
            let mut changed = stored.clone();
            changed[place] ^= 1;
            assert_eq!(sealer.open(b"row 1", &changed), Err(SealError::Open), "byte {place}");
        }
        assert_eq!(sealer.open(b"row 1", &stored[..10]), Err(SealError::Open));
        assert_ne!(sealer.seal(&SystemRandom, b"row 1", b"a private key").unwrap(), stored, "no nonce comes twice");
    }
}
