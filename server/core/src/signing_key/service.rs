//! What admins do with signing keys, and what the clock does.

use super::{KeyRing, KeyRingError};
use crate::{
    actor::{Actor, NotAdmin, NotProven, NotSignedIn},
    audit::{Act, Action, Reason, Tenant},
    jose::SigningAlgorithm,
    port::{
        StoreError,
        signing_key::{SigningKeyRecord, SigningKeyState},
    },
    ports::Ports,
};
use latchkey_model::{FieldErrors, SigningKeyId};
use time::{Duration, OffsetDateTime};

/// Why a signing key could not be shown or rotated.
#[derive(Debug, thiserror::Error)]
pub enum SigningKeyError {
    /// Nobody is signed in.
    #[error(transparent)]
    NotSignedIn(#[from] NotSignedIn),
    /// It is too long ago that the admin showed who they are.
    #[error("the admin must show first who they are")]
    ProveFirst,
    /// Only an admin may.
    #[error("only an admin may see this")]
    Forbidden,
    /// Fields need another look.
    #[error("fields need another look")]
    Invalid(FieldErrors),
    /// The keys could not be read or changed.
    #[error(transparent)]
    Ring(#[from] KeyRingError),
    /// The store failed.
    #[error("the signing keys could not be read")]
    Store(#[from] StoreError),
}

impl From<NotProven> for SigningKeyError {
    fn from(error: NotProven) -> Self {
        match error {
            NotProven::NotSignedIn(error) => Self::NotSignedIn(error),
            NotProven::TooLongAgo => Self::ProveFirst,
        }
    }
}

impl From<NotAdmin> for SigningKeyError {
    fn from(error: NotAdmin) -> Self {
        match error {
            NotAdmin::NotSignedIn(error) => Self::NotSignedIn(error),
            NotAdmin::Developer => Self::Forbidden,
        }
    }
}

/// A key as an admin sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SigningKeyView {
    /// Its name.
    pub id: SigningKeyId,
    /// How it signs.
    pub algorithm: SigningAlgorithm,
    /// What it does.
    pub state: SigningKeyState,
    /// When it was made.
    pub created_at: OffsetDateTime,
}

impl From<SigningKeyRecord> for SigningKeyView {
    fn from(record: SigningKeyRecord) -> Self {
        Self { id: record.id, algorithm: record.algorithm, state: record.state, created_at: record.created_at }
    }
}

/// Shows and rotates signing keys.
#[derive(Clone)]
pub struct SigningKeyService {
    ports: Ports,
    ring: KeyRing,
}

impl SigningKeyService {
    /// How long a key signs before the clock lets the next one do so.
    pub const ROTATED_AFTER: Duration = Duration::days(90);

    /// The service.
    pub fn new(ports: Ports, ring: KeyRing) -> Self {
        Self { ports, ring }
    }

    /// Every key, the newest of each algorithm first.
    ///
    /// # Errors
    /// [`SigningKeyError`].
    pub async fn list(&self, actor: &Actor) -> Result<Vec<SigningKeyView>, SigningKeyError> {
        actor.admin()?;
        Ok(self.ports.store.signing_keys().await?.into_iter().map(SigningKeyView::from).collect())
    }

    /// Lets the next key of this algorithm sign.
    ///
    /// # Errors
    /// [`SigningKeyError`].
    pub async fn rotate(
        &self,
        actor: &Actor,
        algorithm: SigningAlgorithm,
        reason: &str,
    ) -> Result<(), SigningKeyError> {
        actor.admin()?;
        let reason = FieldErrors::at("reason", reason.parse::<Reason>()).map_err(SigningKeyError::Invalid)?;
        actor.proven(self.ports.now())?;
        let rotated = Act::new(Tenant::Portal, Action::SigningKeyRotated, algorithm.as_str(), "");
        Ok(self.ring.rotate(algorithm, actor, rotated.because(reason)).await?)
    }

    /// What the clock does: rotates keys that have signed long enough, and removes those that nothing good was signed with any more.
    ///
    /// # Errors
    /// [`SigningKeyError`].
    pub async fn keep_house(&self) -> Result<(), SigningKeyError> {
        let now = self.ports.now();
        for key in self.ports.store.signing_keys().await? {
            if let SigningKeyState::Active { since } = key.state
                && now - since >= Self::ROTATED_AFTER
            {
                let rotated = Act::new(Tenant::Portal, Action::SigningKeyRotated, key.algorithm.as_str(), "");
                let rotated = rotated.because(format!("it had signed for {} days", Self::ROTATED_AFTER.whole_days()));
                // Nobody asks for it but the clock.
                self.ring.rotate(key.algorithm, &Actor::Anonymous, rotated).await?;
            }
        }
        let mut work = self.ports.store.begin().await?;
        work.signing_key_prune(now - KeyRing::PUBLISHED_AFTER).await?;
        Ok(work.commit().await?)
    }
}
