//! The keys in use, in memory.

use crate::{
    actor::Actor,
    audit::Act,
    jose::{Jwk, JwkError, PrivateKey, PrivateKeyError, SigningAlgorithm, VerifyingKey, sign},
    port::{
        Consumed, Inserted, StoreError,
        signing_key::{SigningKeyRecord, SigningKeyState},
    },
    ports::Ports,
    sealing::{SealError, Sealer},
    secret::MasterKey,
};
use latchkey_model::SigningKeyId;
use serde::Serialize;
use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
};
use time::{Duration, OffsetDateTime};

/// Why there is no key to sign with.
#[derive(Debug, thiserror::Error)]
pub enum KeyRingError {
    /// The store failed.
    #[error("the signing keys could not be read")]
    Store(#[from] StoreError),
    /// A stored key does not open.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// A key cannot be made, read or used.
    #[error(transparent)]
    Key(#[from] PrivateKeyError),
    /// A stored public half cannot be read.
    #[error("a stored public key cannot be read")]
    Public(#[from] JwkError),
    /// There is none of this algorithm, though one was just made.
    #[error("there is no key for {0}")]
    None(SigningAlgorithm),
}

impl From<KeyRingError> for StoreError {
    fn from(error: KeyRingError) -> Self {
        match error {
            KeyRingError::Store(error) => error,
            error => Self::Internal(Box::new(error)),
        }
    }
}

/// A key that others may verify with.
#[derive(Debug, Clone)]
pub struct Published {
    /// Its name.
    pub kid: String,
    /// The public half.
    pub jwk: Jwk,
    verifying: VerifyingKey,
}

struct Signing {
    kid: String,
    key: PrivateKey,
}

/// The keys as they were last read.
#[derive(Default)]
struct Ring {
    signing: HashMap<SigningAlgorithm, Arc<Signing>>,
    published: Vec<Published>,
    read_at: Option<OffsetDateTime>,
}

/// The keys that sign and verify tokens. Cloning it clones a handle.
#[derive(Clone)]
pub struct KeyRing(Arc<Shared>);

struct Shared {
    ports: Ports,
    sealer: Sealer,
    ring: RwLock<Arc<Ring>>,
    /// One at a time reads the keys anew; the others wait for what it read.
    reading: tokio::sync::Mutex<()>,
}

impl KeyRing {
    /// How long what was read is believed: another node may have rotated.
    const LIFE: Duration = Duration::seconds(60);
    /// How often an unknown `kid` may send us to the store.
    const PATIENCE: Duration = Duration::seconds(5);
    /// How long a retired key stays published: longer than any token lives.
    pub const PUBLISHED_AFTER: Duration = Duration::days(1);

    /// A ring on these ports. Nothing is read yet.
    ///
    /// # Errors
    /// [`SealError`].
    pub fn new(ports: Ports, master: &MasterKey) -> Result<Self, SealError> {
        let sealer = Sealer::new(master, "signing-key")?;
        let reading = tokio::sync::Mutex::new(());
        Ok(Self(Arc::new(Shared { ports, sealer, ring: RwLock::default(), reading })))
    }

    /// Signs claims as a token of this type.
    ///
    /// # Errors
    /// [`KeyRingError`].
    pub async fn sign(
        &self,
        algorithm: SigningAlgorithm,
        typ: &str,
        claims: &impl Serialize,
    ) -> Result<String, KeyRingError> {
        let ring = self.fresh().await?;
        let signing = match ring.signing.get(&algorithm) {
            Some(signing) => Arc::clone(signing),
            None => self.begin(algorithm).await?,
        };
        Ok(sign(&signing.key, &signing.kid, typ, claims)?)
    }

    /// The key of this name, for tokens that say they were signed with it. One that is not known is asked for, now and then.
    ///
    /// # Errors
    /// [`KeyRingError`].
    pub async fn verifying(&self, kid: &str) -> Result<Option<VerifyingKey>, KeyRingError> {
        let find = |ring: &Ring| ring.published.iter().find(|one| one.kid == kid).map(|one| one.verifying.clone());
        let ring = self.fresh().await?;
        if let Some(found) = find(&ring) {
            return Ok(Some(found));
        }
        let now = self.0.ports.now();
        if ring.read_at.is_some_and(|at| (now - at).abs() < Self::PATIENCE) {
            return Ok(None);
        }
        Ok(find(&*self.read(Some(&ring)).await?))
    }

    /// Every key that is published.
    ///
    /// # Errors
    /// [`KeyRingError`].
    pub async fn published(&self) -> Result<Vec<Published>, KeyRingError> {
        Ok(self.fresh().await?.published.clone())
    }

    /// Makes sure that there is a key of this algorithm to sign with.
    ///
    /// # Errors
    /// [`KeyRingError`].
    pub async fn prepare(&self, algorithm: SigningAlgorithm) -> Result<(), KeyRingError> {
        if self.fresh().await?.signing.contains_key(&algorithm) {
            return Ok(());
        }
        self.begin(algorithm).await.map(drop)
    }

    /// Lets the next key sign, makes another one to follow it, and notes that somebody did so. Of two nodes that do so at once, one does.
    ///
    /// # Errors
    /// [`KeyRingError`].
    pub async fn rotate(&self, algorithm: SigningAlgorithm, actor: &Actor, act: Act) -> Result<(), KeyRingError> {
        let shared = &*self.0;
        let now = shared.ports.now();
        let keys = shared.ports.store.signing_keys().await?;
        let mut of_this = keys.iter().filter(|key| key.algorithm == algorithm);
        let newest = of_this.clone().map(|key| key.generation).max();
        let active = of_this.clone().find(|key| matches!(key.state, SigningKeyState::Active { .. }));
        let next = of_this.find(|key| key.state == SigningKeyState::Next);
        let (Some(newest), Some(active), Some(next)) = (newest, active, next) else {
            self.prepare(algorithm).await?;
            if newest.is_none() {
                // The first keys of this algorithm: nothing took over, and somebody had them made.
                act.commit_by(actor, shared.ports.store.begin().await?, &shared.ports).await?;
            }
            return Ok(());
        };
        let after = self.make(algorithm, newest + 1, SigningKeyState::Next).await?;
        let mut work = shared.ports.store.begin().await?;
        let retired = work.signing_key_retire(active.id, now).await?;
        let activated = work.signing_key_activate(next.id, now).await?;
        let added = work.signing_key_add(&after).await?;
        if (retired, activated, added) == (Consumed::Won, Consumed::Won, Inserted::Done) {
            act.change("key", active.id, next.id).commit_by(actor, work, &shared.ports).await?;
        }
        self.read(None).await.map(drop)
    }

    /// The first keys of an algorithm: one that signs, one that is next.
    async fn begin(&self, algorithm: SigningAlgorithm) -> Result<Arc<Signing>, KeyRingError> {
        let shared = &*self.0;
        let since = shared.ports.now();
        let first = [
            self.make(algorithm, 0, SigningKeyState::Active { since }).await?,
            self.make(algorithm, 1, SigningKeyState::Next).await?,
        ];
        let mut work = shared.ports.store.begin().await?;
        let mut mine = true;
        for key in &first {
            mine &= work.signing_key_add(key).await? == Inserted::Done;
        }
        // Another node, or another request, was first: its keys are as good.
        if mine {
            work.commit().await?;
        }
        let ring = self.read(None).await?;
        ring.signing.get(&algorithm).cloned().ok_or(KeyRingError::None(algorithm))
    }

    async fn make(
        &self,
        algorithm: SigningAlgorithm,
        generation: i64,
        state: SigningKeyState,
    ) -> Result<SigningKeyRecord, KeyRingError> {
        let ports = &self.0.ports;
        let id = SigningKeyId::from_uuid(ports.uuid());
        // An RSA key takes a good part of a second, in which this thread would serve nobody.
        let made = tokio::task::spawn_blocking(move || PrivateKey::generate(algorithm)).await;
        let (key, pkcs8) = made.unwrap_or(Err(PrivateKeyError::Generate))?;
        Ok(SigningKeyRecord {
            id,
            algorithm,
            generation,
            sealed: self.0.sealer.seal(ports.random(), id.as_uuid().as_bytes(), &pkcs8)?,
            public: key.public_jwk(&id.to_string()),
            created_at: ports.now(),
            state,
        })
    }

    /// The keys as they are known, read anew when that was long ago.
    async fn fresh(&self) -> Result<Arc<Ring>, KeyRingError> {
        let known = self.known();
        let now = self.0.ports.now();
        match known.read_at {
            Some(at) if (now - at).abs() < Self::LIFE => Ok(known),
            _ => self.read(Some(&known)).await,
        }
    }

    fn known(&self) -> Arc<Ring> {
        Arc::clone(&self.0.ring.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Reads the keys, unless somebody did so while this call waited for its turn: then what is known is no more what it `saw`.
    async fn read(&self, saw: Option<&Arc<Ring>>) -> Result<Arc<Ring>, KeyRingError> {
        let _turn = self.0.reading.lock().await;
        let known = self.known();
        if saw.is_some_and(|saw| !Arc::ptr_eq(saw, &known)) {
            return Ok(known);
        }
        let read_at = self.0.ports.now();
        let mut ring = Ring { read_at: Some(read_at), ..Ring::default() };
        for record in self.0.ports.store.signing_keys().await? {
            let kid = record.id.to_string();
            if let SigningKeyState::Active { .. } = record.state {
                let pkcs8 = self.0.sealer.open(record.id.as_uuid().as_bytes(), &record.sealed)?;
                let key = PrivateKey::from_pkcs8(record.algorithm, &pkcs8)?;
                ring.signing.insert(record.algorithm, Arc::new(Signing { kid: kid.clone(), key }));
            }
            let verifying = record.public.verifying(record.algorithm)?;
            ring.published.push(Published { kid, jwk: record.public, verifying });
        }
        let ring = Arc::new(ring);
        *self.0.ring.write().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&ring);
        Ok(ring)
    }
}
