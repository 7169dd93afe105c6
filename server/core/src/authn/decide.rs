//! The pure decision.

use super::{
    asked::{Asked, Guard, Rule},
    credential::{Credential, Via},
    entry::{Entry, Record},
    person::PersonProblem,
    refusal::{LimitOf, Refusal},
    verdict::{Principal, Verdict},
};
use crate::{
    access_token::{AccessToken, Binding, TokenEnd, TokenProblem},
    api_key::format::{MalformedKey, PublicId},
    certificate::CertificateThumbprint,
    dpop::ProofProblem,
    limit::Readings,
    port::api_key::{AddressMode, ApiKey, KeyState},
    secret::digests_equal,
};
use latchkey_model::{RequestId, ScopeSet};
use std::{borrow::Cow, net::IpAddr, sync::Arc};
use time::{Duration, OffsetDateTime};

/// What is known of a request besides its credential.
#[derive(Debug, Clone)]
pub struct Facts {
    /// The id under which it is recorded, and which the log names it by.
    pub id: RequestId,
    /// When it arrived.
    pub at: OffsetDateTime,
    /// From where.
    pub address: IpAddr,
    /// Who could have read it on its way.
    pub transport: Transport,
    /// The certificate of its connection, if it showed one.
    pub certificate: Option<CertificateThumbprint>,
    /// What it asks for.
    pub asked: Asked,
}

/// Who could have read a request on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    /// Nobody: it came over TLS, or from this machine itself while TLS is not required of it.
    Private,
    /// Everybody: it came over plain HTTP.
    InTheClear,
    /// Nobody knows: the proxy that brought it does not say.
    Unsaid,
}

/// What the store said of the key that was presented.
pub enum Lookup {
    /// Nothing was asked: the credential is not one to look up.
    NotAsked,
    /// Nothing was asked: too many keys from this network were nobody's.
    TooManyUnknown {
        /// How long to wait.
        retry_after: Duration,
    },
    /// No answer.
    Unavailable,
    /// No key has this public id.
    Unknown,
    /// A key has, and this is the digest of what was presented.
    Found {
        /// What is known of the key.
        entry: Arc<Entry>,
        /// The presented key's digest.
        presented: [u8; 32],
    },
    /// A token of ours, proven by its signature or found by its digest.
    Proven {
        /// What is known of it.
        entry: Arc<Entry>,
        /// What the caller showed of the key that it may be bound to.
        held: Held,
    },
    /// No token of ours.
    NotProven(TokenProblem),
    /// Nobody comes as themselves so.
    NotAPerson {
        /// Whose account it is, where it is anybody's.
        known: Option<Arc<Entry>>,
        /// What is wrong.
        why: PersonProblem,
    },
    /// What goes with every request of a browser or a connection is nobody's.
    Nobody,
}

impl Lookup {
    /// The credential that was found.
    pub(crate) fn entry(&self) -> Option<&Entry> {
        match self {
            Self::Found { entry, .. } | Self::Proven { entry, .. } => Some(entry),
            _ => None,
        }
    }
}

/// What a caller showed of the key that its token may be bound to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Held {
    /// Nothing: whoever bears the token is taken for its holder.
    Nothing,
    /// It holds the key with this thumbprint.
    Key(String),
    /// It sent a proof that is none.
    NotProven(ProofProblem),
}

/// Decides about one request, without a query, a lock or an allocation. Pure but for the key's meters, which are asked once, and
/// only when everything else held.
pub fn decide(facts: &Facts, credential: &Credential<'_>, lookup: Lookup) -> Verdict {
    let (via, key) = match one_credential(facts, credential) {
        Ok(presented) => presented,
        Err(refusal) => return stopped_early(facts, credential, refusal, lookup),
    };
    let verdict = |outcome, known, claimed_public_id| Verdict {
        outcome,
        known,
        claimed_public_id,
        via: Some(via),
        exposed: false,
        reported: false,
        readings: None,
        network: None,
        route: None,
        facts: facts.clone(),
    };
    if let Err(why) = key {
        let claimed = claimed_by(why);
        return verdict(Err(Refusal::Malformed { why: why.clone() }), None, claimed);
    }
    let (entry, shown) = match lookup {
        Lookup::Found { entry, presented } => (entry, Shown::Digest(presented)),
        Lookup::Proven { entry, held } => (entry, Shown::Token(held)),
        Lookup::NotProven(why) => return verdict(Err(Refusal::NotAToken { why }), None, None),
        Lookup::NotAPerson { known, why } => return verdict(Err(Refusal::NotAPerson { why }), known, None),
        // A cookie that names no session any more, or a certificate of no client, is as good as none.
        Lookup::Nobody => return verdict(Err(Refusal::MissingCredential), None, None),
        Lookup::Unknown => return verdict(Err(Refusal::UnknownKey), None, None),
        Lookup::TooManyUnknown { retry_after } => {
            return verdict(Err(Refusal::TooManyFailures { retry_after }), None, None);
        }
        // A well-formed credential that nobody looked up is a fault of ours: it lets nobody in.
        Lookup::Unavailable | Lookup::NotAsked => return verdict(Err(Refusal::StoreUnavailable), None, None),
    };
    match admit(facts, &entry, &shown) {
        Err(refusal) => {
            // A caller with a good credential learns how its limits stand, whatever it was refused for.
            let readings = refusal.is_of_a_good_credential().then(|| entry.meters().look(facts.at));
            Verdict { readings, ..verdict(Err(refusal), Some(entry), None) }
        }
        Ok(Admitted { reported }) => {
            let meters = entry.meters();
            // Who asks on behalf of others asks as often as those do.
            let readings = match facts.asked {
                Asked::Gateway => meters.look(facts.at),
                Asked::Demo { .. } | Asked::Guarded(_) => meters.spend(facts.at),
            };
            let outcome = match over_limit(&readings).filter(|_| !matches!(facts.asked, Asked::Gateway)) {
                Some(refusal) => Err(refusal),
                None => Ok(Principal::new(Arc::clone(&entry))),
            };
            Verdict { reported, readings: Some(readings), ..verdict(outcome, Some(entry), None) }
        }
    }
}

/// What came with a credential that is known.
enum Shown {
    /// The digest of a key.
    Digest([u8; 32]),
    /// A token, and what its caller holds.
    Token(Held),
}

struct Admitted {
    /// Whether a check that only reports would have refused.
    reported: bool,
}

/// Every check of a known credential but its limits, in order.
fn admit(facts: &Facts, entry: &Entry, shown: &Shown) -> Result<Admitted, Refusal> {
    let admitted = match (entry.record(), shown) {
        (Record::Key(stored), Shown::Digest(presented)) => {
            if !digests_equal(&stored.digest, presented) {
                return Err(Refusal::WrongSecret);
            }
            let key = &stored.key;
            still_works(key, facts.at)?;
            is_for(facts, entry)?;
            let settings = &key.settings;
            let admitted = settings.allowed_from.admits(facts.address);
            if !admitted && settings.address_mode == AddressMode::Enforce {
                return Err(Refusal::AddressNotAllowed {
                    address: facts.address,
                    allowed: settings.allowed_from.clone(),
                });
            }
            admitted
        }
        (Record::Token(token), Shown::Token(held)) => {
            if !token.is_for(&facts.asked) {
                return Err(Refusal::NotAToken { why: TokenProblem::Audience });
            }
            is_held(token.binding.as_ref(), held, facts.certificate)?;
            match token.ended {
                Some(TokenEnd::Suspended(suspension)) => return Err(Refusal::Suspended(suspension)),
                Some(end) => return Err(Refusal::TokenEnded { end }),
                None if token.expires_at <= facts.at => return Err(Refusal::TokenExpired { at: token.expires_at }),
                None => {}
            }
            is_for(facts, entry)?;
            true
        }
        (Record::Person(person), Shown::Token(Held::Nothing)) => {
            if person.ends_at.is_some_and(|end| end <= facts.at) {
                return Err(Refusal::MissingCredential);
            }
            true
        }
        // A key that was found and not compared, or a token that was compared like a key, lets nobody in.
        (Record::Key(_), Shown::Token(_)) | (Record::Token(_) | Record::Person(_), _) => {
            return Err(Refusal::WrongSecret);
        }
    };
    may_do(&facts.asked, entry)?;
    Ok(Admitted { reported: !admitted })
}

/// Whether what is asked for takes credentials of this environment. A key needs no other check of its own: the digest covers the
/// prefix, so it cannot name another environment than its own. What belongs to a person belongs to none.
fn is_for(facts: &Facts, entry: &Entry) -> Result<(), Refusal> {
    let Asked::Guarded(guard) = &facts.asked else { return Ok(()) };
    let Some(held) = entry.counted_for().environment() else { return Ok(()) };
    let taken = match &guard.rule {
        Rule::Holders { environments, .. } => environments,
        Rule::Public | Rule::Uncovered | Rule::WrongMethod { .. } | Rule::Ambiguous => &guard.api.environments,
    };
    if taken.contains(&held) { Ok(()) } else { Err(Refusal::WrongEnvironment { held, taken: taken.clone() }) }
}

/// Whether whoever holds these scopes may do what is asked.
fn may_do(asked: &Asked, entry: &Entry) -> Result<(), Refusal> {
    let held = entry.scopes();
    let lacking = |needed| Err(Refusal::InsufficientScope { needed, held: held.clone() });
    match asked {
        Asked::Demo { needed_scope: Some(needed) } if !held.contains(needed) => lacking(Cow::Borrowed(*needed)),
        // Of a machine's own, and of nobody who acts for somebody else.
        Asked::Gateway if !entry.token().is_some_and(AccessToken::is_of_the_client_itself) => Err(Refusal::NotCovered),
        Asked::Demo { .. } | Asked::Gateway => Ok(()),
        Asked::Guarded(guard) => match &guard.rule {
            Rule::Uncovered => Err(Refusal::NotCovered),
            Rule::WrongMethod { allow } => Err(Refusal::MethodNotCovered { allow: allow.clone() }),
            Rule::Ambiguous => Err(Refusal::AmbiguousRequest),
            Rule::Public => Ok(()),
            Rule::Holders { scopes, .. } if scopes.is_empty() && holds_any(guard, held) => Ok(()),
            Rule::Holders { scopes, .. } if !scopes.is_empty() && scopes.is_subset(held) => Ok(()),
            Rule::Holders { .. } => lacking(guard.needed()),
        },
    }
}

/// Whether a credential was made for this API at all.
fn holds_any(guard: &Guard, held: &ScopeSet) -> bool {
    guard.api.scopes.iter().any(|scope| held.contains(scope.as_str()))
}

/// Whether whoever sends the token is who it was made for (RFC 9449 section 7.1, RFC 8705 section 3).
fn is_held(binding: Option<&Binding>, held: &Held, certificate: Option<CertificateThumbprint>) -> Result<(), Refusal> {
    match (binding, held) {
        (_, Held::NotProven(why)) => Err(Refusal::NotHeld { why: *why }),
        (None, Held::Nothing) => Ok(()),
        (Some(Binding::Dpop(bound)), Held::Key(key)) if bound == key => Ok(()),
        (Some(Binding::Certificate(bound)), Held::Nothing) if certificate == Some(*bound) => Ok(()),
        (Some(Binding::Certificate(_)), _) => Err(Refusal::WrongCertificate),
        // With no proof where one is needed, with another key's, or with one for a token that is bound to none.
        _ => Err(Refusal::WrongHolder),
    }
}

fn still_works(key: &ApiKey, now: OffsetDateTime) -> Result<(), Refusal> {
    match key.state(now) {
        KeyState::Live => Ok(()),
        KeyState::Revoked(revoked) => Err(Refusal::Revoked { at: revoked.at, because: revoked.because }),
        KeyState::RotatedOut(at) => Err(Refusal::RotatedOut { at }),
        KeyState::Expired(at) => Err(Refusal::Expired { at }),
        KeyState::Suspended(suspension) => Err(Refusal::Suspended(suspension)),
        KeyState::Disabled(disabled) => Err(Refusal::Disabled { at: disabled.at, by_policy: disabled.by_policy }),
    }
}

fn over_limit(readings: &Readings) -> Option<Refusal> {
    let (reading, owners) = readings.refused()?;
    let whose = if owners { LimitOf::Owner } else { LimitOf::Credential };
    Some(Refusal::RateLimited { retry_after: reading.retry_after()?, quota: reading.quota, whose })
}

type Presented<'a> = (Via, Result<(), &'a MalformedKey>);

/// The first step: exactly one credential, where a credential may be, over a safe channel.
fn one_credential<'a>(facts: &Facts, credential: &'a Credential<'_>) -> Result<Presented<'a>, Refusal> {
    let presented = match credential {
        Credential::InQuery { parameter, .. } => {
            return Err(Refusal::CredentialInQuery { parameter: parameter.clone() });
        }
        Credential::Missing => return Err(Refusal::MissingCredential),
        Credential::Ambiguous { first, second } => {
            return Err(Refusal::AmbiguousCredentials { first: *first, second: *second });
        }
        Credential::UnknownScheme => return Err(Refusal::UnknownScheme),
        // A password is for this server alone: no other API is trusted with it.
        Credential::Password(_) if !matches!(facts.asked, Asked::Demo { .. }) => return Err(Refusal::UnknownScheme),
        Credential::Password(_) => (Via::Basic, Ok(())),
        Credential::Session(session) if !session.by_our_page => return Err(Refusal::ForgedRequest),
        Credential::Session(_) => (Via::Session, Ok(())),
        Credential::Certificate(_) => (Via::Certificate, Ok(())),
        Credential::ApiKey { via, .. } | Credential::AccessToken { via, .. } => (*via, Ok(())),
        Credential::Malformed { via, why } => (*via, Err(why)),
    };
    if facts.transport == Transport::Private { Ok(presented) } else { Err(Refusal::TlsRequired) }
}

/// A refusal before the look-up's answer counted. A key or token of ours that was exposed is attributed all the same.
pub(super) fn stopped_early(facts: &Facts, credential: &Credential<'_>, refusal: Refusal, lookup: Lookup) -> Verdict {
    let in_query = matches!(refusal, Refusal::CredentialInQuery { .. });
    let unsafe_place = in_query || refusal == Refusal::TlsRequired;
    let known = match lookup {
        Lookup::Found { entry, presented } if entry.is_key(&presented) => Some(entry),
        Lookup::Proven { entry, .. } => Some(entry),
        _ => None,
    };
    let claimed_public_id = match credential {
        Credential::Malformed { why, .. } => claimed_by(why),
        Credential::InQuery { key: Some(key), .. } => Some(key.public_id()),
        Credential::ApiKey { key, .. } if unsafe_place => Some(key.public_id()),
        _ => None,
    };
    Verdict {
        outcome: Err(refusal),
        // Whoever made up a key around a known id exposed nothing, and what a proxy forgot to say is no reason to alarm anybody.
        exposed: known.is_some() && unsafe_place && (in_query || facts.transport == Transport::InTheClear),
        known,
        claimed_public_id,
        via: None,
        reported: false,
        readings: None,
        network: None,
        route: None,
        facts: facts.clone(),
    }
}

fn claimed_by(why: &MalformedKey) -> Option<PublicId> {
    match why {
        MalformedKey::Checksum { public_id } => Some(*public_id),
        MalformedKey::NotOurs | MalformedKey::Shape => None,
    }
}

#[cfg(test)]
mod tests;
