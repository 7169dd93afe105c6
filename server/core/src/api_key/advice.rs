//! What should be changed about a key: scopes that nobody uses, keys that nobody uses, keys that are too old.

use super::{ApiKeyError, ApiKeyService, KeyList};
use crate::{
    actor::Actor,
    port::{
        StoreError,
        api_key::{ApiKey, KeyPolicy, KeyState},
        rollup::Period,
    },
};
use latchkey_model::{ApiKeyId, ApplicationId, Environment, Scope, ScopeSet};
use std::collections::{BTreeMap, BTreeSet};
use time::{Duration, OffsetDateTime};

/// How many keys that the first page of a list leaves out are looked at there: those that were used longest ago, and as many of the
/// oldest.
const ADVISED_BEYOND: u64 = 50;

/// What is advised about one key.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Advice {
    /// Scopes that it holds and did not need in the last 30 days.
    pub unused_scopes: ScopeSet,
    /// For how many days it has been idle, if that is too long.
    pub idle_days: Option<i64>,
    /// How many days old it is, if it should have been rotated.
    pub overdue_days: Option<i64>,
}

impl Advice {
    /// For how long a scope must go unused, in days, and a key with it.
    pub const WINDOW_DAYS: i64 = 30;
    /// After how many days a key counts as idle where the policy does not say.
    const IDLE_DAYS: i64 = 90;

    /// Whether there is nothing to say.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    fn of(key: &ApiKey, used: &BTreeSet<Scope>, policy: Option<&KeyPolicy>, now: OffsetDateTime) -> Self {
        let age = (now - key.created_at).whole_days();
        if key.state(now) != KeyState::Live || key.is_pending() {
            return Self::default();
        }
        // Whoever switches a key on again has as long to use it as whoever makes one.
        let idle_since = [key.last_used_at, key.enabled_at].into_iter().flatten().fold(key.created_at, Ord::max);
        let idle = (now - idle_since).whole_days();
        let for_a_window = |since: OffsetDateTime| (now - since).whole_days() >= Self::WINDOW_DAYS;
        let in_use = key.last_used_at.is_some_and(|at| !for_a_window(at));
        let allowed = policy.and_then(|policy| policy.disable_idle_days).map_or(Self::IDLE_DAYS, i64::from);
        let rotate_after = policy.and_then(|policy| policy.rotate_after_days).map(i64::from);
        let idle_days = Some(idle).filter(|idle| *idle >= allowed);
        Self {
            // A key that does nothing at all is idle: there is no use in saying so once for each scope. And what it may do since
            // yesterday it need not have done.
            unused_scopes: if in_use && for_a_window(key.scopes_set_at) {
                key.settings.scopes.iter().filter(|scope| !used.contains(*scope)).cloned().collect()
            } else {
                ScopeSet::default()
            },
            idle_days,
            overdue_days: rotate_after.filter(|limit| age >= *limit && key.replaced.is_none()).map(|_| age),
        }
    }
}

impl ApiKeyService {
    /// What is advised about the keys on a page of an environment's list; where that is the first of several, also about those that were
    /// used longest ago and the oldest. Keys about which there is nothing to say are left out.
    ///
    /// # Errors
    /// [`ApiKeyError`].
    pub async fn advice(
        &self,
        actor: &Actor,
        application: ApplicationId,
        environment: Environment,
        listed: &KeyList,
    ) -> Result<Vec<(ApiKey, Advice)>, ApiKeyError> {
        let (account, store) = (actor.account()?, &self.ports.store);
        let policy = store.key_policy(account.id, application, environment).await?;
        let mut keys = listed.keys.clone();
        if listed.beyond > 0 {
            let now = self.ports.now();
            let oldest = store.oldest_keys(account.id, application, environment, now, ADVISED_BEYOND).await?;
            let known: BTreeSet<_> = keys.iter().map(|key| key.id).collect();
            keys.extend(oldest.into_iter().filter(|key| !known.contains(&key.id)));
        }
        self.advice_about(policy.as_ref(), keys).await
    }

    /// What is advised about keys of one owner. The caller has seen that the actor may know of them.
    pub(crate) async fn advice_about(
        &self,
        policy: Option<&KeyPolicy>,
        keys: Vec<ApiKey>,
    ) -> Result<Vec<(ApiKey, Advice)>, ApiKeyError> {
        let now = self.ports.now();
        let Some(owner) = keys.first().map(|key| key.owner.id()) else { return Ok(Vec::new()) };
        let ids: Vec<_> = keys.iter().map(|key| key.id).collect();
        let used = self.used_scopes(self.ports.store.routes_called(owner, &ids, window_start(now)).await?).await?;
        let nothing = BTreeSet::new();
        let advice = keys.into_iter().map(|key| {
            let used = used.get(&key.id).unwrap_or(&nothing);
            let advice = Advice::of(&key, used, policy, now);
            (key, advice)
        });
        Ok(advice.filter(|(_, advice)| !advice.is_empty()).collect())
    }

    /// What is advised about one key.
    ///
    /// # Errors
    /// [`ApiKeyError`].
    pub async fn advice_for(&self, actor: &Actor, key: &ApiKey) -> Result<Advice, ApiKeyError> {
        actor.account()?;
        let now = self.ports.now();
        let policy = self.ports.store.key_policy_of(key.id).await?;
        let called = self.ports.store.routes_called(key.owner.id(), &[key.id], window_start(now)).await?;
        let used = self.used_scopes(called).await?.remove(&key.id).unwrap_or_default();
        Ok(Advice::of(key, &used, policy.as_ref(), now))
    }

    /// The scopes that each key needed for what it was let in to. Where one of several would have done, all of them count: nobody is
    /// advised to take away what may be in use.
    async fn used_scopes(
        &self,
        called: Vec<(ApiKeyId, String)>,
    ) -> Result<BTreeMap<ApiKeyId, BTreeSet<Scope>>, StoreError> {
        let scopes = self.route_scopes.now(self.ports.now()).await?;
        let mut used: BTreeMap<ApiKeyId, BTreeSet<Scope>> = BTreeMap::new();
        for (key, route) in called {
            let (method, pattern) = route.split_once(' ').unwrap_or(("", &route));
            let needed = scopes.needed(method, pattern);
            used.entry(key).or_default().extend(needed.all.iter().chain(needed.any.iter()).cloned());
        }
        Ok(used)
    }
}

fn window_start(now: OffsetDateTime) -> i64 {
    Period::Day.start_of(now - Duration::days(Advice::WINDOW_DAYS))
}
