//! The values of a session, sealed: an address that somebody wants to go on to once they are signed in may hold a mailed link's secret.

use crate::{
    port::session::{SealedValues, SessionDigest},
    ports::Ports,
    sealing::{SealError, Sealer},
};
use base64::{Engine, engine::general_purpose::STANDARD_NO_PAD};
use std::sync::Arc;
use zeroize::Zeroizing;

/// Seals the values of sessions, each for its own session.
#[derive(Clone)]
pub struct SessionValues {
    ports: Ports,
    sealer: Arc<Sealer>,
}

impl SessionValues {
    pub(crate) fn new(ports: Ports, sealer: Arc<Sealer>) -> Self {
        Self { ports, sealer }
    }

    /// Seals the values of the session with this digest.
    ///
    /// # Errors
    /// [`SealError::Seal`].
    pub fn seal(&self, session: &SessionDigest, values: &[u8]) -> Result<SealedValues, SealError> {
        Ok(SealedValues(STANDARD_NO_PAD.encode(self.sealer.seal(self.ports.random(), session, values)?)))
    }

    /// Opens what was sealed for the session with this digest.
    ///
    /// # Errors
    /// [`SealError::Open`].
    pub fn open(&self, session: &SessionDigest, sealed: &SealedValues) -> Result<Zeroizing<Vec<u8>>, SealError> {
        self.sealer.open(session, &STANDARD_NO_PAD.decode(&sealed.0).map_err(|_| SealError::Open)?)
    }
}
