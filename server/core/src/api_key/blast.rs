//! What a change of a key would break: the requests of the last 24 hours, and how many of them would be refused.

use super::{AllowList, ApiKeyError, ApiKeyService};
use crate::{
    actor::Actor,
    gateway::NeededScopes,
    port::{
        api_key::{AddressMode, ApiKey, KeySettings, Traffic},
        request_log::{Found, LogScope},
        rollup::{CountsOf, Period},
    },
};
use latchkey_model::{AccountRole, ScopeSet};
use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
};
use time::{Duration, OffsetDateTime};

/// What a key did in the last 24 hours, and what a change would have done to it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BlastRadius {
    /// Requests that were let in: exact.
    pub requests: u64,
    /// The same by route, the busiest first: exact.
    pub routes: Vec<(String, u64)>,
    /// From where they came, the busiest first, as far as single requests were kept and looked at.
    pub addresses: Vec<(IpAddr, u64)>,
    /// How many single requests were kept and looked at.
    pub kept: u64,
    /// Since when they were looked at, where there are more than anybody waits for: the newest ones alone.
    pub newest_since: Option<OffsetDateTime>,
    /// How many of [`BlastRadius::requests`] would have been refused.
    pub refused: u64,
    /// Whether that number is drawn from those that were kept, rather than counted.
    pub estimated: bool,
}

impl BlastRadius {
    /// Whether a person should look before the change is made: it would have refused something, or may have, as far as can be
    /// told from the requests that were kept.
    pub fn needs_asking(&self) -> bool {
        self.refused > 0 || self.estimated
    }
}

/// A change of a key that may refuse what was let in before.
#[derive(Debug, Clone, Copy)]
enum Narrowing<'a> {
    /// It ends, or will.
    Everything,
    /// It may do less, or from fewer places.
    Settings { scopes: &'a ScopeSet, networks: Option<&'a AllowList> },
}

impl ApiKeyService {
    /// What ending a key, or the end of its rotation, would break. The caller has seen that the actor may know of the key.
    ///
    /// # Errors
    /// [`ApiKeyError`].
    pub async fn blast_radius(&self, actor: &Actor, key: &ApiKey) -> Result<BlastRadius, ApiKeyError> {
        self.replay(actor, key, Narrowing::Everything).await
    }

    /// What new settings would break.
    ///
    /// # Errors
    /// [`ApiKeyError`].
    pub async fn blast_radius_of(
        &self,
        actor: &Actor,
        key: &ApiKey,
        settings: &KeySettings,
    ) -> Result<BlastRadius, ApiKeyError> {
        let networks = match settings.address_mode {
            AddressMode::Enforce => Some(&settings.allowed_from),
            AddressMode::ReportOnly => None,
        };
        self.replay(actor, key, Narrowing::Settings { scopes: &settings.scopes, networks }).await
    }

    /// The caller has seen that the actor may know of the key.
    async fn replay(&self, actor: &Actor, key: &ApiKey, change: Narrowing<'_>) -> Result<BlastRadius, ApiKeyError> {
        let account = actor.account()?;
        let scope = match account.role {
            AccountRole::Admin => LogScope::Portal,
            AccountRole::Developer => LogScope::Account(account.id),
        };
        // From the start of an hour, since counts are kept by the hour.
        let first = Period::Hour.start_of(self.ports.now() - Duration::DAY);
        let since = OffsetDateTime::from_unix_timestamp(first).unwrap_or(OffsetDateTime::UNIX_EPOCH);
        let counts = self
            .ports
            .store
            .rollups(CountsOf::Credential(key.owner.id(), key.id.as_uuid()), Period::Hour, first)
            .await?;
        let mut routes: BTreeMap<String, u64> = BTreeMap::new();
        for (slot, sums) in counts.into_iter().filter(|(slot, _)| !slot.refused) {
            *routes.entry(slot.route).or_default() += sums.requests;
        }
        let Found { found, searched_to } = self.ports.store.key_traffic(scope, key.id, since).await?;
        let looked_at = LookedAt { traffic: &found, newest_since: searched_to.map(|(_, at)| at) };
        let scopes = self.route_scopes.now(self.ports.now()).await?;
        Ok(measure(routes, looked_at, change, |method, route| scopes.needed(method, route)))
    }
}

/// Single requests that a change is tried on.
#[derive(Clone, Copy)]
struct LookedAt<'a> {
    traffic: &'a [Traffic],
    /// Since when, where older ones were left out.
    newest_since: Option<OffsetDateTime>,
}

fn measure(
    routes: BTreeMap<String, u64>,
    LookedAt { traffic, newest_since }: LookedAt<'_>,
    change: Narrowing<'_>,
    needed: impl Fn(&str, &str) -> NeededScopes,
) -> BlastRadius {
    let mut addresses: BTreeMap<IpAddr, u64> = BTreeMap::new();
    for one in traffic {
        *addresses.entry(one.address).or_default() += one.requests;
    }
    let counted: u64 = routes.values().sum();
    let kept: u64 = traffic.iter().map(|one| one.requests).sum();
    let requests = counted.max(kept);
    let in_part = kept < requests || newest_since.is_some();
    let lacks = |scopes: &ScopeSet, method: &str, route: &str| !needed(method, route).are_held(scopes);
    let (refused, estimated) = match change {
        Narrowing::Everything => (requests, false),
        Narrowing::Settings { scopes, networks } => {
            let by_scope: u64 = routes
                .iter()
                .filter(|(route, _)| {
                    let (method, pattern) = route.split_once(' ').unwrap_or(("", route));
                    lacks(scopes, method, pattern)
                })
                .map(|(_, count)| count)
                .sum();
            let outside = |one: &Traffic| networks.is_some_and(|networks| !networks.admits(one.address));
            if traffic.iter().any(outside) {
                let refused = traffic
                    .iter()
                    .filter(|one| outside(one) || lacks(scopes, &one.method, &one.route))
                    .map(|one| one.requests)
                    .sum::<u64>();
                let scaled = if kept == 0 { 0 } else { u128::from(refused) * u128::from(requests) / u128::from(kept) };
                (u64::try_from(scaled).unwrap_or(u64::MAX).max(by_scope), in_part)
            } else {
                // Nobody outside was seen; among requests that were not kept or not looked at there may have been somebody.
                (by_scope, networks.is_some_and(|networks| !networks.is_empty()) && in_part)
            }
        }
    };
    BlastRadius {
        requests,
        routes: most_first(routes),
        addresses: most_first(addresses),
        kept,
        newest_since,
        refused,
        estimated,
    }
}

fn most_first<K: Ord>(counts: BTreeMap<K, u64>) -> Vec<(K, u64)> {
    let mut counts: Vec<_> = counts.into_iter().collect();
    counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    counts
}

/// Whether a change takes something away that a caller may need: a scope, or a place to call from.
pub fn takes_away(before: &KeySettings, after: &KeySettings) -> bool {
    let networks = |settings: &KeySettings| -> BTreeSet<String> { settings.allowed_from.iter().collect() };
    let refuses_some =
        |settings: &KeySettings| settings.address_mode == AddressMode::Enforce && !settings.allowed_from.is_empty();
    !before.scopes.is_subset(&after.scopes)
        || (refuses_some(after) && (!refuses_some(before) || !networks(before).is_subset(&networks(after))))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn needed(method: &str, route: &str) -> NeededScopes {
        let all = match (method, route) {
            ("GET", "/posts") => "read:posts",
            ("POST", "/posts") => "write:posts",
            _ => "",
        };
        NeededScopes { all: all.parse().unwrap(), any: ScopeSet::default() }
    }

    fn traffic(method: &str, address: &str, requests: u64) -> Traffic {
        Traffic { method: method.to_owned(), route: "/posts".to_owned(), address: address.parse().unwrap(), requests }
    }

    /// All that were kept.
    fn all(traffic: &[Traffic]) -> LookedAt<'_> {
        LookedAt { traffic, newest_since: None }
    }

    fn routes(reads: u64, writes: u64) -> BTreeMap<String, u64> {
        [("GET /posts".to_owned(), reads), ("POST /posts".to_owned(), writes)].into()
    }

    #[test]
    fn ending_a_key_refuses_everything() {
        let radius = measure(routes(7, 3), all(&[traffic("GET", "192.0.2.1", 7)]), Narrowing::Everything, needed);
        assert_eq!((radius.requests, radius.refused, radius.estimated), (10, 10, false));
        assert_eq!(radius.routes[0], ("GET /posts".to_owned(), 7));
    }

    #[test]
    fn a_scope_less_refuses_exactly_the_routes_that_need_it() {
        let scopes: ScopeSet = "read:posts".parse().unwrap();
        let change = Narrowing::Settings { scopes: &scopes, networks: None };
        let radius = measure(routes(7, 3), all(&[]), change, needed);
        assert_eq!((radius.refused, radius.estimated), (3, false));
    }

    #[test]
    fn fewer_networks_are_replayed_from_the_requests_that_were_kept() {
        let scopes: ScopeSet = "read:posts write:posts".parse().unwrap();
        let networks: AllowList = "192.0.2.0/24".parse().unwrap();
        let change = Narrowing::Settings { scopes: &scopes, networks: Some(&networks) };
        let kept =
            [traffic("GET", "192.0.2.1", 60), traffic("GET", "198.51.100.1", 20), traffic("POST", "198.51.100.1", 20)];
        let whole = measure(routes(80, 20), all(&kept), change, needed);
        assert_eq!((whole.refused, whole.estimated), (40, false));
        let sampled = measure(routes(800, 200), all(&kept), change, needed);
        assert_eq!((sampled.requests, sampled.kept, sampled.refused, sampled.estimated), (1_000, 100, 400, true));
        assert_eq!(whole.addresses[0].1, 60);
        let newest = LookedAt { newest_since: Some(OffsetDateTime::UNIX_EPOCH), ..all(&kept[..1]) };
        let newest = measure(routes(50, 10), newest, change, needed);
        assert_eq!((newest.refused, newest.estimated, newest.needs_asking()), (0, true, true), "older ones may differ");
        let unseen = measure(routes(80, 20), all(&[traffic("GET", "192.0.2.1", 2)]), change, needed);
        assert_eq!(
            (unseen.refused, unseen.estimated, unseen.needs_asking()),
            (0, true, true),
            "two of a hundred say little"
        );
    }
}
