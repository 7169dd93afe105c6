//! The pure decision.

use super::{
    credential::Credential,
    refusal::Refusal,
    verdict::{Principal, Steps, Verdict},
};
use crate::{
    api_key::format::MalformedKey,
    limit::LimitState,
    port::{
        api_key::{ApiKey, StoredApiKey},
        request_log::Attribution,
    },
    secret::digests_equal,
};
use latchkey_model::ApiKeyId;
use std::net::IpAddr;
use time::OffsetDateTime;

/// What is known of a request besides its credential.
#[derive(Debug, Clone, Copy)]
pub struct Facts {
    /// When it arrived.
    pub at: OffsetDateTime,
    /// From where.
    pub address: IpAddr,
    /// Whether it came over TLS, or from this machine itself while TLS is not required of it.
    pub secure: bool,
    /// The scope that its route needs; none for a route that any valid credential may call.
    pub needed_scope: Option<&'static str>,
}

/// What the store said of the key that was presented.
pub enum Lookup {
    /// Nothing was asked: the credential is not one to look up.
    NotAsked,
    /// No answer.
    Unavailable,
    /// No key has this public id.
    Unknown,
    /// A key has, and this is the digest of what was presented.
    Found {
        /// The stored key.
        stored: Box<StoredApiKey>,
        /// The presented key's digest.
        presented: [u8; 32],
    },
}

/// Decides about one request. Pure but for `limit`, which is asked once, and only when everything else held.
pub fn decide(
    facts: &Facts,
    credential: &Credential,
    lookup: Lookup,
    limit: impl FnOnce(&ApiKeyId) -> LimitState,
) -> Verdict {
    let mut steps = Steps::new();
    let key = match one_credential(facts, credential) {
        Ok(key) => key,
        Err(refusal) => return refused(steps, refusal, lookup, credential),
    };
    steps.passed(format!("API key in {}", key.0));

    let key = match key.1 {
        Ok(key) => key,
        Err(why) => return refused(steps, Refusal::Malformed { why: why.clone() }, lookup, credential),
    };
    steps.passed("well formed, the checksum matches");

    let (stored, presented) = match lookup {
        Lookup::Found { stored, presented } => (stored, presented),
        Lookup::Unknown => return refused(steps, Refusal::UnknownKey, Lookup::Unknown, credential),
        // A well-formed key that nobody looked up is a fault of ours: it lets nobody in.
        Lookup::Unavailable | Lookup::NotAsked => {
            return refused(steps, Refusal::StoreUnavailable, Lookup::Unavailable, credential);
        }
    };
    let attribution = Some(attribution_of(&stored.key));
    let refuse = |steps: Steps, refusal: Refusal, limit: Option<LimitState>| Verdict {
        trace: steps.failed(&refusal),
        outcome: Err(refusal),
        attribution: attribution.clone(),
        claimed_public_id: None,
        exposed: false,
        limit,
    };
    let record = &stored.key;
    if !digests_equal(&stored.digest, &presented) {
        return refuse(steps, Refusal::WrongSecret, None);
    }
    steps.passed(format!("{} of {}", record.name, stored.application_name));

    if let Some(refusal) = ended(record, facts.at) {
        return refuse(steps, refusal, None);
    }
    steps.passed(record.expires_at.map_or_else(|| "does not expire".to_owned(), |at| format!("ends on {}", at.date())));

    // The digest covers the prefix, so that a key cannot name another environment than its own: this says which it is.
    debug_assert_eq!(key.environment(), record.environment);
    steps.passed(record.environment.as_str());
    let allowed = &record.allowed_from;
    if !allowed.admits(facts.address) {
        let refusal = Refusal::AddressNotAllowed { address: facts.address, allowed: allowed.clone() };
        return refuse(steps, refusal, None);
    }
    steps.passed(if allowed.is_empty() {
        format!("{}, any address may use this key", facts.address)
    } else {
        format!("{}, allowed: {allowed}", facts.address)
    });

    match facts.needed_scope {
        None => steps.passed("none needed"),
        Some(needed) if record.scopes.contains(needed) => steps.passed(format!("holds {needed}")),
        Some(needed) => {
            let refusal = Refusal::InsufficientScope { needed, held: record.scopes.clone() };
            return refuse(steps, refusal, None);
        }
    }

    let limit = limit(&record.id);
    if let Some(retry_after) = limit.retry_after {
        return refuse(steps, Refusal::RateLimited { retry_after }, Some(limit));
    }
    steps.passed(format!("{} of {} left", limit.remaining, limit.quota.requests));

    Verdict {
        outcome: Ok(Some(Principal {
            application_id: record.application_id,
            application_name: stored.application_name.clone(),
            environment_id: record.environment_id,
            environment: record.environment,
            api_key_id: record.id,
            api_key_name: record.name.clone(),
            api_key_hint: record.hint(),
            scopes: record.scopes.clone(),
            expires_at: record.expires_at,
        })),
        trace: steps.all_passed(),
        attribution,
        claimed_public_id: None,
        exposed: false,
        limit: Some(limit),
    }
}

type PresentedKey<'a> = (super::credential::Via, Result<&'a crate::api_key::format::PlainApiKey, &'a MalformedKey>);

/// The first step: exactly one credential, where a credential may be, over a safe channel.
fn one_credential<'a>(facts: &Facts, credential: &'a Credential) -> Result<PresentedKey<'a>, Refusal> {
    let presented = match credential {
        Credential::InQuery { parameter, .. } => {
            return Err(Refusal::CredentialInQuery { parameter: parameter.clone() });
        }
        Credential::Missing => return Err(Refusal::MissingCredential),
        Credential::Ambiguous { first, second } => {
            return Err(Refusal::AmbiguousCredentials { first: *first, second: *second });
        }
        Credential::UnknownScheme => return Err(Refusal::UnknownScheme),
        Credential::ApiKey { via, key } => (*via, Ok(key)),
        Credential::Malformed { via, why } => (*via, Err(why)),
    };
    if facts.secure { Ok(presented) } else { Err(Refusal::TlsRequired) }
}

/// A refusal before the look-up's answer counted. A key of ours that was exposed is attributed all the same.
fn refused(steps: Steps, refusal: Refusal, lookup: Lookup, credential: &Credential) -> Verdict {
    let unsafe_place = matches!(refusal, Refusal::CredentialInQuery { .. } | Refusal::TlsRequired);
    let attribution = match lookup {
        Lookup::Found { stored, presented } if digests_equal(&stored.digest, &presented) => {
            Some(attribution_of(&stored.key))
        }
        _ => None,
    };
    let claimed_public_id = match credential {
        Credential::Malformed { why: MalformedKey::Checksum { public_id }, .. } => Some(public_id.clone()),
        Credential::InQuery { key: Some(key), .. } => Some(key.public_id().to_owned()),
        Credential::ApiKey { key, .. } if unsafe_place => Some(key.public_id().to_owned()),
        _ => None,
    };
    Verdict {
        trace: steps.failed(&refusal),
        outcome: Err(refusal),
        // Whoever made up a key around a known id exposed nothing.
        exposed: unsafe_place && attribution.is_some(),
        attribution,
        claimed_public_id,
        limit: None,
    }
}

fn ended(key: &ApiKey, now: OffsetDateTime) -> Option<Refusal> {
    if let Some(at) = key.revoked_at {
        return Some(Refusal::Revoked { at });
    }
    key.expires_at.filter(|at| *at <= now).map(|at| Refusal::Expired { at })
}

/// Whom a request made with this key belongs to.
pub(crate) fn attribution_of(key: &ApiKey) -> Attribution {
    Attribution {
        team_id: key.team_id,
        application_id: key.application_id,
        environment_id: key.environment_id,
        environment: key.environment,
        api_key_id: key.id,
        key_hint: key.hint(),
        key_name: key.name.as_str().to_owned(),
    }
}

#[cfg(test)]
mod tests;
