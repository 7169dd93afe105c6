//! The door with its look-up: what stands between the pure decision and the store.

use super::{
    credential::Credential,
    decide::{Facts, Lookup, decide},
    verdict::Verdict,
};
use crate::{
    limit::{Limiter, Quota},
    ports::Ports,
    secret::DigestKey,
};
use latchkey_model::ApiKeyId;
use std::sync::Arc;

/// Judges requests.
#[derive(Clone)]
pub struct Door {
    ports: Ports,
    pepper: DigestKey,
    limiter: Arc<Limiter<ApiKeyId>>,
}

impl Door {
    /// A door with one quota for every key.
    pub fn new(ports: Ports, pepper: DigestKey, quota: Quota) -> Self {
        Self { ports, pepper, limiter: Arc::new(Limiter::new(quota)) }
    }

    /// Judges one request: at most one query, and none for what is no well-formed key.
    pub async fn judge(&self, facts: &Facts, credential: &Credential) -> Verdict {
        let lookup = match credential {
            // A key in the URL is looked up too: its owner is told only if it is really theirs.
            Credential::ApiKey { key, .. } | Credential::InQuery { key: Some(key), .. } => {
                match self.ports.store.api_key_for_door(key.public_id()).await {
                    Ok(Some(stored)) => Lookup::Found { stored: Box::new(stored), presented: key.digest(&self.pepper) },
                    Ok(None) => Lookup::Unknown,
                    Err(error) => {
                        tracing::error!(error = &error as &dyn std::error::Error, "the door cannot ask the store");
                        Lookup::Unavailable
                    }
                }
            }
            _ => Lookup::NotAsked,
        };
        decide(facts, credential, lookup, |id| self.limiter.check(id, facts.at))
    }
}
