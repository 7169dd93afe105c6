//! The one way in which a key is changed: commit, make the door forget, answer.

use super::format::PublicId;
use crate::{
    authn::KnownKeys,
    port::{StoreError, UnitOfWork},
};

/// Commits changes of keys.
#[derive(Clone)]
pub struct KeyChanges(KnownKeys);

impl KeyChanges {
    /// Changes that this memory of the door forgets.
    pub fn new(known: KnownKeys) -> Self {
        Self(known)
    }

    /// Commits a change of these keys. When it returns, no request that begins from now on is judged by what was true before.
    ///
    /// It runs to its end even if whoever asked goes away: a change that is committed and not forgotten would leave a revoked key
    /// working.
    ///
    /// # Errors
    /// [`StoreError`]: then the change may or may not be there, and the door asks anew in both cases.
    pub async fn commit(&self, mut work: Box<dyn UnitOfWork>, keys: &[PublicId]) -> Result<(), StoreError> {
        let (known, keys) = (self.0.clone(), keys.to_vec());
        let finished = tokio::spawn(async move {
            let mut outcome = Ok(());
            for key in &keys {
                outcome = work.api_key_announce(*key).await;
                if outcome.is_err() {
                    break;
                }
            }
            if outcome.is_ok() {
                outcome = work.commit().await;
            }
            for key in keys {
                known.forget(key);
            }
            outcome
        });
        finished.await.unwrap_or_else(|error| Err(StoreError::Internal(Box::new(error))))
    }
}
