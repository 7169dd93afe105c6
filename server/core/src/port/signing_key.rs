//! The keys that sign tokens.

use super::{Consumed, Inserted, StoreError};
use crate::jose::{Jwk, SigningAlgorithm};
use async_trait::async_trait;
use latchkey_model::SigningKeyId;
use time::OffsetDateTime;

/// What a key does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SigningKeyState {
    /// It is published, and signs nothing yet: whoever keeps a copy of our keys has it when it begins.
    Next,
    /// It signs.
    Active {
        /// Since when.
        since: OffsetDateTime,
    },
    /// It signs nothing more, and is published as long as something that it signed can be good.
    Retired {
        /// Since when.
        at: OffsetDateTime,
    },
}

/// A key as it is stored.
#[derive(Clone)]
pub struct SigningKeyRecord {
    /// Its name, the `kid` of what it signs.
    pub id: SigningKeyId,
    /// How it signs.
    pub algorithm: SigningAlgorithm,
    /// Which of the keys of this algorithm it is, from 0 on: two nodes never make the same one.
    pub generation: i64,
    /// The private half, sealed for this row.
    pub sealed: Vec<u8>,
    /// The public half.
    pub public: Jwk,
    /// When it was made.
    pub created_at: OffsetDateTime,
    /// What it does.
    pub state: SigningKeyState,
}

/// Questions about signing keys.
#[async_trait]
pub trait SigningKeyReader {
    /// Every key that is published, the newest of each algorithm first.
    async fn signing_keys(&self) -> Result<Vec<SigningKeyRecord>, StoreError>;
}

/// Changes to signing keys.
#[async_trait]
pub trait SigningKeyWriter {
    /// Adds a key; [`Inserted::Duplicate`] when its generation is there.
    async fn signing_key_add(&mut self, key: &SigningKeyRecord) -> Result<Inserted, StoreError>;

    /// Lets a key sign that did not yet.
    async fn signing_key_activate(&mut self, id: SigningKeyId, at: OffsetDateTime) -> Result<Consumed, StoreError>;

    /// Lets a key sign no more.
    async fn signing_key_retire(&mut self, id: SigningKeyId, at: OffsetDateTime) -> Result<Consumed, StoreError>;

    /// Removes keys that were retired before; returns how many.
    async fn signing_key_prune(&mut self, retired_before: OffsetDateTime) -> Result<u64, StoreError>;
}
