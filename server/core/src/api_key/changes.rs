//! The one way in which a key is changed: commit, make the door forget, answer.

use super::format::PublicId;
use crate::{
    authn::KnownKeys,
    memory::commit_and_forget,
    port::{Change, StoreError, UnitOfWork},
};

/// Commits changes of keys.
#[derive(Clone)]
pub struct KeyChanges(KnownKeys);

impl KeyChanges {
    /// Changes that this memory of the door forgets.
    pub fn new(known: KnownKeys) -> Self {
        Self(known)
    }

    /// Commits a change of these keys, as [`commit_and_forget`] does.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn commit(&self, work: Box<dyn UnitOfWork>, keys: &[PublicId]) -> Result<(), StoreError> {
        let (known, keys) = (self.0.clone(), keys.to_vec());
        let changes = keys.iter().copied().map(Change::Key).collect();
        commit_and_forget(work, changes, move || keys.into_iter().for_each(|key| known.forget(key))).await
    }
}
