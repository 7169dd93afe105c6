//! The door with its look-up: what stands between the pure decision and the store.

use super::{
    credential::Credential,
    decide::{Facts, Lookup, decide},
    known_keys::{Found, KnownKeys},
    verdict::Verdict,
};
use crate::{
    api_key::{PlainApiKey, Rotations},
    limit::{Limiter, Quota, network_of},
    secret::DigestKey,
};
use std::{net::IpAddr, sync::Arc};

/// Judges requests.
#[derive(Clone)]
pub struct Door {
    known: KnownKeys,
    pepper: DigestKey,
    rotations: Rotations,
    /// Keys that turned out to be nobody's, by network: whoever makes them up may not make us ask the store for ever.
    strangers: Arc<Limiter<IpAddr>>,
}

impl Door {
    /// A door that remembers keys here; `unknown_quota` is how many keys that nobody has each network may try.
    pub fn new(known: KnownKeys, pepper: DigestKey, rotations: Rotations, unknown_quota: Quota) -> Self {
        Self { known, pepper, rotations, strangers: Arc::new(Limiter::new(unknown_quota)) }
    }

    /// Judges one request: mostly from memory, with one query for a key that is not in it, and none for what is no well-formed
    /// key.
    pub async fn judge(&self, facts: &Facts, credential: &Credential) -> Verdict {
        let lookup = match credential {
            // A key in the URL is looked up too: its owner is told only if it is really theirs.
            Credential::ApiKey { key, .. } | Credential::InQuery { key: Some(key), .. } => self.find(facts, key).await,
            _ => Lookup::NotAsked,
        };
        let mut verdict = decide(facts, credential, lookup);
        if verdict.readings.is_none() {
            verdict.network = Some(self.strangers.look(&network_of(facts.address), facts.at));
        }
        if let Ok(principal) = &verdict.outcome
            && principal.entry().begin_takeover()
        {
            self.rotations.first_use(Arc::clone(principal.entry()), facts.at).await;
        }
        verdict
    }

    async fn find(&self, facts: &Facts, key: &PlainApiKey) -> Lookup {
        let id = key.public_id();
        let found = match self.known.remembered(id, facts.at) {
            Some(Found::Key(entry)) => Ok(Found::Key(entry)),
            remembered => {
                let network = network_of(facts.address);
                if let Some(retry_after) = self.strangers.look(&network, facts.at).retry_after {
                    return Lookup::TooManyUnknown { retry_after };
                }
                match remembered {
                    Some(nothing) => Ok(nothing),
                    None => self.known.look_up(id, facts.at).await,
                }
            }
        };
        match found {
            Ok(Found::Key(entry)) => Lookup::Found { presented: key.digest(&self.pepper), entry },
            Ok(Found::Nothing) => {
                let _ = self.strangers.check(&network_of(facts.address), facts.at);
                Lookup::Unknown
            }
            Err(error) => {
                tracing::error!(error = &error as &dyn std::error::Error, "the door cannot ask the store");
                Lookup::Unavailable
            }
        }
    }
}
