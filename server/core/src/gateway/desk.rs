//! Judges requests to guarded APIs, for a proxy that asks or for a server's own code.

use super::{
    catalog::{Catalog, KnownApis},
    identity,
};
use crate::{
    authn::{
        Asked, Audience, Door, Facts, Guard, Identity, Principal, Refusal, Rule, Transport, Verdict,
        credential::{Carried, Credential},
        refusal::LimitOf,
    },
    certificate::CertificateThumbprint,
    dpop::PresentedProof,
    limit::{Meter, Reading, network_of},
    port::{StoreError, request_log::CredentialId},
    signing_key::{KeyRing, KeyRingError},
    split::split_once,
};
use latchkey_model::{ApiId, OwnerId, RequestId};
use quick_cache::sync::Cache;
use std::{net::IpAddr, sync::Arc};
use time::OffsetDateTime;

/// A request to a guarded API, as whoever asks about it tells it.
#[derive(Clone, Default)]
pub struct GuardedRequest<'a> {
    /// The method.
    pub method: &'a str,
    /// Other methods that some servers take it for, as they read its fields.
    pub other_methods: Vec<&'a str>,
    /// Whether a field is there by which some servers take it for another path's.
    pub names_other_path: bool,
    /// The path and query, as its caller wrote them.
    pub target: &'a str,
    /// The fields in which credentials travel.
    pub carried: Carried<'a>,
    /// The fields in which proofs travel.
    pub proofs: [Option<&'a [u8]>; 2],
}

/// Where a request came from, and when.
#[derive(Debug, Clone, Copy)]
pub struct Origin {
    /// The id under which it is recorded.
    pub id: RequestId,
    /// When it arrived.
    pub at: OffsetDateTime,
    /// From where.
    pub address: IpAddr,
    /// Who could have read it on its way.
    pub transport: Transport,
    /// The certificate of its connection, if it showed one.
    pub certificate: Option<CertificateThumbprint>,
}

/// What came of a request.
pub struct Judged {
    /// What stood before it.
    pub guard: Arc<Guard>,
    /// After how many changes of the API.
    pub version: i64,
    /// What was decided.
    pub outcome: Outcome,
}

/// What was decided.
pub enum Outcome {
    /// Everybody may, and no credential was looked at; one network may have asked too often.
    Public(Result<(), Refusal>),
    /// The door's decision.
    Judged(Box<Verdict>),
}

/// Who is counted by a route's own limit.
#[derive(Clone, PartialEq, Eq, Hash)]
enum Counted {
    /// A credential, and for whom it acts.
    Credential(CredentialId, OwnerId),
    Network(IpAddr),
}

/// By the API and the policy whose limit it is, and by whom it is for.
type RouteMeters = Cache<(ApiId, Arc<str>, Counted), Arc<Meter>>;

/// What stands before a request.
struct Met<'c, 'r> {
    guard: &'c Arc<Guard>,
    /// After how many changes of the API.
    version: i64,
    path: &'r str,
    query: Option<&'r str>,
}

impl<'c, 'r> Met<'c, 'r> {
    /// What stands before a request to the API of this short name, if there is one.
    fn of(catalog: &'c Catalog, slug: &str, request: &GuardedRequest<'r>) -> Option<Self> {
        let api = catalog.api(slug)?;
        let (path, query) = path_and_query(request.target);
        let guard = if request.names_other_path {
            api.ambiguous()
        } else {
            api.guard(request.method, &request.other_methods, path)
        };
        Some(Self { guard, version: api.api.version, path, query })
    }

    fn credential(&self, request: &GuardedRequest<'r>) -> Credential<'r> {
        Credential::read(Carried { query: self.query, ..request.carried })
    }

    fn judged(&self, outcome: Outcome) -> Judged {
        Judged { guard: Arc::clone(self.guard), version: self.version, outcome }
    }
}

/// The two parts of a target.
fn path_and_query(target: &str) -> (&str, Option<&str>) {
    match split_once(target, b'?') {
        Some((path, query)) => (path, Some(query)),
        None => (target, None),
    }
}

fn facts(origin: Origin, guard: &Arc<Guard>) -> Facts {
    Facts {
        id: origin.id,
        at: origin.at,
        address: origin.address,
        transport: origin.transport,
        certificate: origin.certificate,
        asked: Asked::Guarded(Arc::clone(guard)),
    }
}

/// Judges requests to guarded APIs. Cloning it clones handles.
#[derive(Clone)]
pub struct GatewayDesk {
    door: Door,
    apis: KnownApis,
    ring: KeyRing,
    issuer: Arc<str>,
    meters: Arc<RouteMeters>,
}

impl GatewayDesk {
    /// How many callers are kept in mind for the limits of routes.
    const CAPACITY: usize = 100_000;

    /// A desk at this door.
    pub fn new(door: Door, apis: KnownApis, ring: KeyRing, issuer: Arc<str>) -> Self {
        Self { door, apis, ring, issuer, meters: Arc::new(Cache::new(Self::CAPACITY)) }
    }

    /// Judges a request to the API of this short name; none where there is no such API.
    ///
    /// # Errors
    /// [`StoreError`]: then nobody may be let in.
    pub async fn judge(
        &self,
        slug: &str,
        origin: Origin,
        request: &GuardedRequest<'_>,
    ) -> Result<Option<Judged>, StoreError> {
        let catalog = self.apis.catalog(origin.at).await?;
        let Some(met) = Met::of(&catalog, slug, request) else { return Ok(None) };
        if met.guard.rule == Rule::Public {
            let outcome = Outcome::Public(self.let_anybody_in(met.guard, origin));
            return Ok(Some(met.judged(outcome)));
        }
        let facts = facts(origin, met.guard);
        let credential = met.credential(request);
        let mut verdict = if credential.needs_proof() {
            let url = format!("{}{}", met.guard.api.origin, met.path);
            let proof = PresentedProof { fields: request.proofs, method: request.method, url: &url };
            self.door.judge(&facts, &credential, Some(&proof)).await
        } else {
            self.door.judge(&facts, &credential, None).await
        };
        self.keep_to_limit(met.guard, &mut verdict);
        Ok(Some(met.judged(Outcome::Judged(verdict))))
    }

    /// The same at once, with what the API is told of whoever is let in, where all of that is in mind. None where somebody must be
    /// asked; nothing is counted then, and [`GatewayDesk::judge`] begins anew.
    pub fn judge_at_once(
        &self,
        slug: &str,
        origin: Origin,
        request: &GuardedRequest<'_>,
    ) -> Option<(Judged, Option<Arc<Identity>>)> {
        let catalog = self.apis.remembered(origin.at)?;
        let met = Met::of(&catalog, slug, request)?;
        if met.guard.rule == Rule::Public {
            let outcome = Outcome::Public(self.let_anybody_in(met.guard, origin));
            return Some((met.judged(outcome), None));
        }
        let facts = facts(origin, met.guard);
        if self.door.keeps_out(facts.address, facts.at).is_some() {
            return None;
        }
        let credential = met.credential(request);
        let lookup = self.door.at_hand(&facts, &credential)?;
        let identity = match lookup.entry() {
            Some(entry) => Some(entry.drawn().identity(met.guard.api.id, met.version, facts.at)?),
            None => None,
        };
        let mut verdict = self.door.conclude(&facts, &credential, lookup);
        self.keep_to_limit(met.guard, &mut verdict);
        Some((met.judged(Outcome::Judged(verdict)), identity))
    }

    /// Whether a network may ask for what everybody may have.
    fn let_anybody_in(&self, guard: &Guard, origin: Origin) -> Result<(), Refusal> {
        if let Some(refusal) = self.door.keeps_out(origin.address, origin.at) {
            return Err(refusal);
        }
        match self.over_limit(guard, Counted::Network(network_of(origin.address)), origin.at) {
            Some((_, Some(refusal))) => Err(refusal),
            _ => Ok(()),
        }
    }

    /// Asks the limit of the route too, of whoever is let in.
    fn keep_to_limit(&self, guard: &Guard, verdict: &mut Verdict) {
        let at = verdict.facts.at;
        if let (Ok(_), Some(entry)) = (&verdict.outcome, &verdict.known)
            && let Some((reading, refusal)) =
                self.over_limit(guard, Counted::Credential(entry.credential_id(), entry.owner().id()), at)
        {
            verdict.route = Some(reading);
            if let Some(refusal) = refusal {
                // Only the door knows who is counted here, and has counted the request by then.
                entry.meters().give_back();
                verdict.readings = Some(entry.meters().look(at));
                verdict.outcome = Err(refusal);
            }
        }
    }

    /// Counts a request by the limit of its route, where that has one.
    fn over_limit(&self, guard: &Guard, counted: Counted, at: OffsetDateTime) -> Option<(Reading, Option<Refusal>)> {
        let limit = guard.limit.as_ref()?;
        let name = (guard.api.id, Arc::clone(&limit.policy), counted);
        let new = || Ok::<_, std::convert::Infallible>(Arc::new(Meter::new(limit.quota)));
        let meter = self.meters.get_or_insert_with(&name, new).unwrap_or_else(|never| match never {});
        let reading = meter.spend(at);
        let refusal = reading.retry_after().map(|retry_after| Refusal::RateLimited {
            retry_after,
            quota: limit.quota,
            whose: LimitOf::Route,
        });
        Some((reading, refusal))
    }

    /// What the API is told of a caller who is let in. It is drawn once a minute for each, since a signature costs more than a
    /// decision.
    ///
    /// # Errors
    /// [`KeyRingError`]: then nobody may be let in.
    pub async fn identity(
        &self,
        principal: &Principal,
        api: &Audience,
        version: i64,
        now: OffsetDateTime,
    ) -> Result<Arc<Identity>, KeyRingError> {
        if let Some(identity) = principal.drawn().identity(api.id, version, now) {
            return Ok(identity);
        }
        let drawn = Box::pin(identity::draw(&self.ring, &self.issuer, principal, api, version, now)).await?;
        principal.drawn().keep_identity(Arc::clone(&drawn));
        Ok(drawn)
    }
}
