//! Every API with its policies as they are in force, kept at hand.

use super::{
    path::{is_plain, readings},
    policy::{Access, Methods, Policies, Policy},
};
use crate::{
    access_token::Audiences,
    authn::{Audience, Guard, RouteLimit, Rule},
    memory::{Freshness, Memory, Remembered, commit_and_forget},
    openid::identity_scopes,
    port::{
        Change, Store, StoreError, UnitOfWork,
        api::{Api, GuardedApi},
    },
};
use latchkey_model::{ApiSlug, ScopeSet};
use matchit::Router;
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    fmt::Write,
    sync::Arc,
};
use time::OffsetDateTime;
use url::Url;

/// Two policies of which nobody could say which one counts.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0} and {1} cover the same requests")]
pub struct PolicyConflict(pub String, pub String);

/// An API with its policies, ready to be asked.
pub struct ApiInForce {
    /// As it is stored.
    pub api: GuardedApi,
    /// As decisions need it.
    pub audience: Arc<Audience>,
    paths: Router<Arc<PathPolicies>>,
    /// The same, for servers that forget the case of letters.
    folded: Router<Arc<PathPolicies>>,
    has_capitals: bool,
    uncovered: Arc<Guard>,
    ambiguous: Arc<Guard>,
}

/// The policies of one path.
struct PathPolicies {
    by_method: Vec<(Methods, Arc<Guard>)>,
    wrong_method: Arc<Guard>,
}

impl ApiInForce {
    /// Makes an API's policies ready. Those that were stored fit together; if they do not, nothing is covered.
    pub fn new(api: GuardedApi) -> Self {
        let audience = Arc::new(Audience {
            id: api.id,
            slug: api.slug.clone(),
            url: api.settings.base_url.clone(),
            origin: origin_of(&api.settings.base_url),
            scopes: api.settings.scope_set(),
            environments: api.settings.environments.clone(),
        });
        let guard = |pattern: &str, rule, limit| {
            let route = format!("{}:{pattern}", audience.slug).into();
            Arc::new(Guard { api: Arc::clone(&audience), route, rule, limit })
        };
        let by_path = match conflict(&api.policies) {
            None => by_path(&api.policies),
            Some(conflict) => {
                tracing::error!(%conflict, api = %audience.slug, "the policies of an API contradict one another: it takes no request");
                BTreeMap::new()
            }
        };
        let made = |path: &str, policies: &[&Policy]| {
            let by_method = in_order(policies).map(|policy| {
                let limit = policy.limit.map(|quota| RouteLimit { quota, policy: policy.to_string().into() });
                (policy.methods.clone(), guard(path, rule_of(policy, &audience.environments), limit))
            });
            let wrong_method = guard(path, Rule::WrongMethod { allow: allowed(policies) }, None);
            Arc::new(PathPolicies { by_method: by_method.collect(), wrong_method })
        };
        let (mut paths, mut folded) = (Router::new(), Router::new());
        let mut put = |path: &str, policies: &Arc<PathPolicies>| {
            // What is taken is taken by a policy of its own: conflicts were looked for.
            let _ = paths.insert(path, Arc::clone(policies));
            let _ = folded.insert(path.to_lowercase(), Arc::clone(policies));
        };
        let made: Vec<_> = by_path.iter().map(|(path, policies)| (*path, made(path, policies), policies)).collect();
        for (path, ready, _) in &made {
            put(path, ready);
        }
        // What ends where the rest begins has no rest: it is covered too, unless by a policy of its own.
        for (_, ready, policies) in &made {
            let Some(before) = policies.first().and_then(|policy| policy.path.before_rest()) else { continue };
            for end in [format!("{before}/"), before.to_owned()].iter().filter(|end| !end.is_empty()) {
                put(end, ready);
            }
        }
        let has_capitals = by_path.keys().any(|path| path.bytes().any(|byte| byte.is_ascii_uppercase()));
        let (uncovered, ambiguous) = (guard("*", Rule::Uncovered, None), guard("*", Rule::Ambiguous, None));
        Self { api, audience, paths, folded, has_capitals, uncovered, ambiguous }
    }

    /// What stands before a request of which nobody can say what it asks for.
    pub(super) fn ambiguous(&self) -> &Arc<Guard> {
        &self.ambiguous
    }

    /// What stands before a request with this method, under whatever other names it may be taken for, to this path.
    pub fn guard(&self, method: &str, other_methods: &[&str], path: &str) -> &Arc<Guard> {
        // Most are, and this is what each request waits for.
        if is_plain(path) {
            return self.agreed(method, other_methods, std::iter::once(path));
        }
        let Some(readings) = readings(path) else { return &self.ambiguous };
        self.agreed(method, other_methods, readings.iter().map(|reading| &**reading))
    }

    /// What stands before all of these readings of a path alike.
    fn agreed<'p>(&self, method: &str, other_methods: &[&str], readings: impl Iterator<Item = &'p str>) -> &Arc<Guard> {
        let mut found: Option<&Arc<Guard>> = None;
        for reading in readings {
            // Letters beyond ASCII may be large ones too.
            let may_have_capitals = reading.bytes().any(|byte| byte.is_ascii_uppercase() || !byte.is_ascii());
            let folds = self.has_capitals || may_have_capitals;
            let folded = folds.then(|| self.folded.at(&reading.to_lowercase()).ok().map(|found| &**found.value));
            let exact = self.paths.at(reading).ok().map(|found| &**found.value);
            for policies in [Some(exact), folded].into_iter().flatten() {
                for method in std::iter::once(method).chain(other_methods.iter().copied()) {
                    let guard = self.of(policies, method);
                    if found.is_some_and(|other| !Arc::ptr_eq(other, guard)) {
                        return &self.ambiguous;
                    }
                    found = Some(guard);
                }
            }
        }
        found.unwrap_or(&self.ambiguous)
    }

    fn of<'a>(&'a self, policies: Option<&'a PathPolicies>, method: &str) -> &'a Arc<Guard> {
        let Some(policies) = policies else { return &self.uncovered };
        let exact = policies.by_method.iter().find(|(methods, _)| methods.name(method));
        let fitting = exact.or_else(|| policies.by_method.iter().find(|(methods, _)| methods.contain(method)));
        fitting.map_or(&policies.wrong_method, |(_, guard)| guard)
    }
}

/// The scheme, host and port of an address.
fn origin_of(address: &str) -> String {
    address.parse::<Url>().map(|url| url.origin().ascii_serialization()).unwrap_or_default()
}

fn rule_of(policy: &Policy, all: &BTreeSet<latchkey_model::Environment>) -> Rule {
    match &policy.access {
        Access::Public => Rule::Public,
        Access::Holders(scopes) => {
            let named = &policy.environments;
            // An API that stopped taking an environment takes it nowhere.
            let environments = if named.is_empty() { all.clone() } else { named & all };
            Rule::Holders { scopes: scopes.clone(), environments }
        }
    }
}

/// Those that name their methods first: a star is for the others.
fn in_order<'a>(policies: &'a [&Policy]) -> impl Iterator<Item = &'a Policy> {
    let named = policies.iter().filter(|policy| policy.methods != Methods::Any);
    let star = policies.iter().filter(|policy| policy.methods == Methods::Any);
    named.chain(star).copied()
}

fn by_path(policies: &Policies) -> BTreeMap<&str, Vec<&Policy>> {
    let mut by_path: BTreeMap<&str, Vec<&Policy>> = BTreeMap::new();
    for policy in policies.iter() {
        by_path.entry(policy.path.as_str()).or_default().push(policy);
    }
    by_path
}

/// Two of these policies of which nobody could say which one counts, if there are such.
pub(super) fn conflict(policies: &Policies) -> Option<PolicyConflict> {
    let by_path = by_path(policies);
    let mut paths = Router::new();
    by_path.iter().find_map(|(path, policies)| {
        let other = paths.insert(path.to_lowercase(), ()).err().map(|error| conflict_of(&by_path, path, &error));
        check_methods(policies).err().or(other)
    })
}

fn check_methods(policies: &[&Policy]) -> Result<(), PolicyConflict> {
    for (index, one) in policies.iter().enumerate() {
        for other in &policies[index + 1..] {
            let both = match (&one.methods, &other.methods) {
                (Methods::Any, Methods::Any) => true,
                (Methods::These(some), Methods::These(others)) => !some.is_disjoint(others),
                _ => false,
            };
            if both {
                return Err(PolicyConflict(one.to_string(), other.to_string()));
            }
        }
    }
    Ok(())
}

fn conflict_of(by_path: &BTreeMap<&str, Vec<&Policy>>, path: &str, error: &matchit::InsertError) -> PolicyConflict {
    let other = match error {
        matchit::InsertError::Conflict { with } => with.clone(),
        _ => path.to_owned(),
    };
    let first = |policies: &Vec<&Policy>| policies.first().map(ToString::to_string);
    // Found by its small letters: servers differ in whether they tell two cases apart.
    let found = by_path.iter().find(|(known, _)| **known != path && known.to_lowercase() == other);
    let written = found.and_then(|(_, policies)| first(policies)).unwrap_or(other);
    PolicyConflict(by_path.get(path).and_then(first).unwrap_or_default(), written)
}

fn allowed(policies: &[&Policy]) -> String {
    let mut names = BTreeSet::new();
    for policy in policies {
        if let Methods::These(these) = &policy.methods {
            names.extend(these.iter().map(String::as_str));
            names.extend(these.contains("GET").then_some("HEAD"));
        }
    }
    names.into_iter().fold(String::new(), |mut text, name| {
        let comma = if text.is_empty() { "" } else { ", " };
        let _ = write!(text, "{comma}{name}");
        text
    })
}

/// Every API that tokens are made for, and what stands before the guarded ones.
pub struct Catalog {
    demo: (String, ScopeSet),
    gateway: Arc<str>,
    apis: HashMap<ApiSlug, Arc<ApiInForce>>,
    freshness: Freshness,
}

impl Remembered for Catalog {
    fn freshness(&self) -> &Freshness {
        &self.freshness
    }
}

/// The scopes that a route needs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NeededScopes {
    /// Each of them.
    pub all: ScopeSet,
    /// One of these.
    pub any: ScopeSet,
}

impl NeededScopes {
    /// Whether who holds these has what is needed.
    pub fn are_held(&self, held: &ScopeSet) -> bool {
        self.all.is_subset(held) && (self.any.is_empty() || !self.any.intersection(held).is_empty())
    }
}

impl Catalog {
    fn new(
        demo: String,
        gateway: Arc<str>,
        built_in: Vec<Api>,
        guarded: Vec<GuardedApi>,
        freshness: Freshness,
    ) -> Self {
        let scopes = built_in.into_iter().flat_map(|api| api.scopes).map(|one| one.scope).collect();
        let apis = guarded.into_iter().map(|api| (api.slug.clone(), Arc::new(ApiInForce::new(api)))).collect();
        Self { demo: (demo, scopes), gateway, apis, freshness }
    }

    /// The API of this short name.
    pub fn api(&self, slug: &str) -> Option<&Arc<ApiInForce>> {
        self.apis.get(slug)
    }

    /// Every guarded API.
    pub fn apis(&self) -> impl Iterator<Item = &Arc<ApiInForce>> {
        self.apis.values()
    }

    /// The scopes of the demo API.
    pub fn scopes_of_demo(&self) -> &ScopeSet {
        &self.demo.1
    }

    /// Whether one of these is an API that there is.
    pub fn has_any_of(&self, audiences: &Audiences) -> bool {
        audiences.iter().any(|name| name == &*self.gateway || self.named(name).is_some())
    }

    fn named(&self, resource: &str) -> Option<ScopeSet> {
        if resource == self.demo.0 {
            return Some(self.demo.1.clone());
        }
        let found = self.apis.values().find(|api| api.audience.url == resource);
        found.map(|api| api.audience.scopes.clone())
    }

    /// What is left of scopes where a client asks for tokens for these APIs alone (RFC 8707 section 2); none where one of them is
    /// unknown, or nothing is left for it: a token for an API is never had by way of another one's scopes. Scopes about the person's
    /// identity are no API's, and stay.
    pub fn narrowed<'a>(&self, scopes: &ScopeSet, resources: impl IntoIterator<Item = &'a str>) -> Option<ScopeSet> {
        let identity = identity_scopes();
        let is_identity = |scope: &str| identity.iter().any(|one| one.scope.as_str() == scope);
        let mut theirs: Option<Vec<ScopeSet>> = None;
        for resource in resources {
            let all = self.named(resource)?;
            let left = all.intersection(scopes);
            // What is known of a person is told under the demo API's name.
            let about_a_person = resource == self.demo.0 && scopes.iter().any(|scope| is_identity(scope.as_str()));
            if left.is_empty() && !about_a_person {
                return None;
            }
            theirs.get_or_insert_default().push(left);
        }
        let Some(theirs) = theirs else { return Some(scopes.clone()) };
        let kept = scopes.iter().filter(|scope| {
            let scope = scope.as_str();
            is_identity(scope) || theirs.iter().any(|api| api.contains(scope))
        });
        Some(kept.cloned().collect())
    }

    /// Whether a client asks for a token for the gateway, which is for nothing else besides: no API that it is sent to can pass it on.
    pub fn is_for_gateway(&self, resources: &[&str]) -> bool {
        matches!(resources, [only] if *only == &*self.gateway)
    }

    /// For which APIs a token with these scopes is: those that were asked for, or else those whose scopes it holds. What is known of a
    /// person is told by this server itself, under the demo API's name.
    pub fn audiences(&self, scopes: &ScopeSet, resources: &[&str]) -> Audiences {
        let (demo, of_demo) = &self.demo;
        let holds_any = |theirs: &ScopeSet| theirs.iter().any(|scope| scopes.contains(scope.as_str()));
        let mut names: BTreeSet<&str> = resources.iter().copied().collect();
        if resources.is_empty() {
            let held = self.apis.values().filter(|api| holds_any(&api.audience.scopes));
            names.extend(held.map(|api| api.audience.url.as_str()));
            if names.is_empty() || holds_any(of_demo) {
                names.insert(demo);
            }
        }
        if identity_scopes().iter().any(|identity| scopes.contains(identity.scope.as_str())) {
            names.insert(demo);
        }
        Audiences::new(names.into_iter().map(str::to_owned).collect())
    }

    /// The scopes that a route of a guarded API needs, by the name under which it is counted. Of a policy that is gone nobody knows
    /// any more: any scope of the API may be needed.
    pub fn needed(&self, method: &str, route: &str) -> Option<NeededScopes> {
        let (slug, pattern) = route.split_once(':')?;
        let api = self.api(slug)?;
        let of_path: Vec<_> = api.api.policies.iter().filter(|one| one.path.as_str() == pattern).collect();
        let exact = of_path.iter().copied().find(|one| one.methods.name(method));
        let policy = exact.or_else(|| in_order(&of_path).find(|one| one.methods.contain(method)));
        Some(match policy.map(|policy| &policy.access) {
            Some(Access::Public) => NeededScopes::default(),
            Some(Access::Holders(scopes)) if !scopes.is_empty() => {
                NeededScopes { all: scopes.clone(), any: ScopeSet::default() }
            }
            Some(Access::Holders(_)) | None => {
                NeededScopes { all: ScopeSet::default(), any: api.audience.scopes.clone() }
            }
        })
    }
}

/// The catalog as it is known. Cloning it clones a handle.
#[derive(Clone)]
pub struct KnownApis(Arc<Known>);

struct Known {
    store: Arc<dyn Store>,
    demo: String,
    gateway: Arc<str>,
    memory: Memory<(), Catalog>,
}

impl KnownApis {
    /// There is one catalog. A memory with room for one thing would keep none: the newest must prove itself against others first.
    const CAPACITY: usize = 64;

    /// Nothing is read yet. The demo API and the gateway have these names in tokens.
    pub fn new(store: Arc<dyn Store>, demo: String, gateway: Arc<str>) -> Self {
        Self(Arc::new(Known { store, demo, gateway, memory: Memory::new(Self::CAPACITY) }))
    }

    /// The catalog, where it is in mind.
    pub(super) fn remembered(&self, now: OffsetDateTime) -> Option<Arc<Catalog>> {
        self.0.memory.remembered(&(), now)
    }

    /// The catalog, from memory mostly.
    ///
    /// # Errors
    /// [`StoreError`]: then nobody may be let in.
    pub async fn catalog(&self, now: OffsetDateTime) -> Result<Arc<Catalog>, StoreError> {
        let known = &*self.0;
        if let Some(catalog) = self.remembered(now) {
            return Ok(catalog);
        }
        let load = |freshness| async move {
            let (built_in, guarded) = (known.store.built_in_apis().await?, known.store.guarded_apis().await?);
            Ok(Some(Catalog::new(known.demo.clone(), Arc::clone(&known.gateway), built_in, guarded, freshness)))
        };
        let found = Box::pin(known.memory.look_up(&(), now, load)).await?;
        found.ok_or_else(|| StoreError::Unavailable("there is no catalog".into()))
    }

    /// Commits a change of an API: whoever asks from now on is judged by it, on the other nodes too.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn commit(&self, work: Box<dyn UnitOfWork>) -> Result<(), StoreError> {
        let known = self.clone();
        commit_and_forget(work, vec![Change::Apis], move || known.forget()).await
    }

    /// Forgets the catalog: whoever asks from now on, asks the store.
    pub fn forget(&self) {
        self.0.memory.forget(&());
    }

    /// Forgets it in another age.
    pub fn forget_all(&self) {
        self.0.memory.forget_all();
    }

    /// Says whether the line to the other nodes is broken.
    pub fn set_deaf(&self, deaf: bool) {
        self.0.memory.set_deaf(deaf);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::port::api::{ApiScope, ApiSettings};
    use latchkey_model::{ApiId, Environment, TeamId};
    use uuid::Uuid;

    fn api(slug: &str, scopes: &str, policies: &str) -> GuardedApi {
        let scopes: ScopeSet = scopes.parse().unwrap();
        let described =
            |scope: &latchkey_model::Scope| ApiScope { scope: scope.clone(), description: String::new(), api: None };
        GuardedApi {
            id: ApiId::from_uuid(Uuid::from_u128(1)),
            team_id: TeamId::from_uuid(Uuid::from_u128(2)),
            slug: slug.parse().unwrap(),
            settings: ApiSettings {
                name: "Orders".parse().unwrap(),
                base_url: format!("https://{slug}.example.org"),
                scopes: scopes.iter().map(described).collect(),
                environments: Environment::ALL.into(),
                verifiers: BTreeSet::new(),
                editors: BTreeSet::new(),
            },
            policies: policies.lines().map(|line| line.parse::<Policy>().unwrap()).collect(),
            version: 1,
            created_at: OffsetDateTime::UNIX_EPOCH,
        }
    }

    const POLICIES: &str = "GET /health public\n\
        GET /v1/orders orders:read 60/1m\n\
        POST /v1/orders orders:write\n\
        * /v1/orders/{id} orders:write\n\
        GET /v1/orders/{id} orders:read\n\
        GET /public/{*rest} public\n\
        HEAD /v1/orders/{id}/lines orders:admin\n\
        GET /v1/orders/{id}/lines orders:read\n\
        GET /Reports/{id} orders:read\n\
        * /admin/{*rest} orders:admin";

    fn said(method: &str, others: &[&str], path: &str) -> String {
        let api = ApiInForce::new(api("orders", "orders:read orders:write orders:admin", POLICIES));
        let guard = api.guard(method, others, path);
        let limit = if guard.limit.is_some() { " limited" } else { "" };
        match &guard.rule {
            Rule::Public => format!("public{limit}"),
            Rule::Holders { scopes, .. } => format!("{scopes}{limit}"),
            Rule::Uncovered => "uncovered".to_owned(),
            Rule::WrongMethod { allow } => format!("allow {allow}"),
            Rule::Ambiguous => "ambiguous".to_owned(),
        }
    }

    #[test]
    fn the_most_exact_policy_counts() {
        for (method, path, expected) in [
            ("GET", "/health", "public"),
            ("HEAD", "/health", "public"),
            ("POST", "/health", "allow GET, HEAD"),
            ("GET", "/v1/orders", "orders:read limited"),
            ("POST", "/v1/orders", "orders:write"),
            ("DELETE", "/v1/orders", "allow GET, HEAD, POST"),
            ("GET", "/v1/orders/7", "orders:read"),
            ("PATCH", "/v1/orders/A-7", "orders:write"),
            ("GET", "/v1/orders/7/lines", "orders:read"),
            ("HEAD", "/v1/orders/7/lines", "orders:admin"),
            ("GET", "/v1/orders/7/8", "uncovered"),
            ("GET", "/", "uncovered"),
            ("GET", "/admin", "orders:admin"),
            ("GET", "/admin/", "orders:admin"),
            ("BREW", "/admin/a/b", "orders:admin"),
            ("GET", "/public/a.css", "public"),
            ("GET", "/public", "public"),
            ("GET", "/Reports/7", "orders:read"),
        ] {
            assert_eq!(said(method, &[], path), expected, "{method} {path}");
        }
    }

    #[test]
    fn r46_what_servers_may_read_in_two_ways_is_refused_where_it_matters() {
        for path in [
            "/public/../admin",
            "/public/%2e%2e/admin/users",
            "/public/..%2fadmin",
            "/public/..;/admin/x",
            "//admin",
            "/ADMIN/users",
            "/reports/7",
            "/y\\..\\admin//..\\x",
            "/admin./users",
            "/public/\\..\\..\\admin",
            "/health/",
            "/health;x",
            "/Health",
            "/v1/orders/",
            "/v1/orders%2f7",
            "/v1/orders/..",
            "/public/a%00",
            "no-path",
            "*",
        ] {
            let said = said("GET", &[], path);
            assert!(said == "ambiguous", "{path}: {said}");
        }
        // Where every reading leads to the same policy, none of them gets anybody further.
        for (path, expected) in [
            ("/public/A%20b.css", "public"),
            ("/public/a//b", "public"),
            ("/public/a;v=1", "public"),
            ("/admin/%2e/x", "orders:admin"),
            ("/admin//x/", "orders:admin"),
            ("/nothing/Here/", "uncovered"),
        ] {
            assert_eq!(said("GET", &[], path), expected, "{path}");
        }
    }

    #[test]
    fn r46_a_method_that_stands_in_another_field_counts_too() {
        assert_eq!(said("GET", &["DELETE"], "/v1/orders/7"), "ambiguous");
        assert_eq!(said("POST", &["GET"], "/health"), "ambiguous");
        assert_eq!(said("POST", &["PATCH"], "/v1/orders/7"), "orders:write");
    }

    #[test]
    fn policies_that_contradict_one_another_cover_nothing() {
        for (policies, both) in [
            ("GET /a any\nGET,PUT /a public", ("GET /a any", "GET,PUT /a public")),
            ("* /a any\n* /a public", ("* /a any", "* /a public")),
            ("GET /a/{b} any\nGET /a/{c} public", ("GET /a/{c} public", "GET /a/{b} any")),
            ("GET /a any\nGET /A public", ("GET /a any", "GET /A public")),
        ] {
            let api = api("orders", "", policies);
            let found = conflict(&api.policies).unwrap();
            assert_eq!((found.0.as_str(), found.1.as_str()), both);
            let api = ApiInForce::new(api);
            assert_eq!(api.guard("GET", &[], "/a").rule, Rule::Uncovered);
        }
        assert_eq!(conflict(&api("orders", "", "* /a any\nGET /a public\nPUT /a any").policies), None);
    }

    fn catalog() -> Catalog {
        let demo: Vec<_> = ["read:posts", "write:posts"]
            .map(|scope| ApiScope { scope: scope.parse().unwrap(), description: String::new(), api: None })
            .into();
        let demo = Api {
            id: ApiId::from_uuid(Uuid::nil()),
            name: "Demo API".parse().unwrap(),
            audience: "urn:demo".to_owned(),
            scopes: demo,
        };
        let apis = vec![api("orders", "orders:read orders:write", POLICIES), api("stock", "stock:read", "")];
        let freshness = Freshness::new(OffsetDateTime::UNIX_EPOCH, 0);
        Catalog::new("https://k/api/v1".to_owned(), "https://k/gateway".into(), vec![demo], apis, freshness)
    }

    #[test]
    fn rfc8707_2_2_a_token_is_for_the_apis_that_are_named_or_that_its_scopes_are_of() {
        const ORDERS: &str = "https://orders.example.org";
        const DEMO: &str = "https://k/api/v1";
        let catalog = catalog();
        for (scopes, resources, kept, audiences) in [
            ("read:posts", &[][..], "read:posts", &[DEMO][..]),
            ("", &[], "", &[DEMO]),
            ("orders:read", &[], "orders:read", &[ORDERS]),
            ("orders:read read:posts", &[], "orders:read read:posts", &[DEMO, ORDERS]),
            ("orders:read openid", &[], "openid orders:read", &[DEMO, ORDERS]),
            ("orders:read read:posts", &[ORDERS], "orders:read", &[ORDERS]),
            ("orders:read read:posts openid", &[ORDERS], "openid orders:read", &[DEMO, ORDERS]),
            ("orders:read read:posts", &[DEMO], "read:posts", &[DEMO]),
            (
                "orders:read stock:read",
                &[ORDERS, "https://stock.example.org"],
                "orders:read stock:read",
                &[ORDERS, "https://stock.example.org"],
            ),
        ] {
            let scopes: ScopeSet = scopes.parse().unwrap();
            let narrowed = catalog.narrowed(&scopes, resources.iter().copied()).unwrap();
            assert_eq!(narrowed.to_string(), kept, "{scopes} {resources:?}");
            let expected = Audiences::new(audiences.iter().map(|name| (*name).to_owned()).collect());
            assert_eq!(catalog.audiences(&narrowed, resources), expected, "{scopes} {resources:?}");
        }
        let some: ScopeSet = "openid read:posts".parse().unwrap();
        for refused in ["https://other.example.org", ORDERS, "https://k/gateway"] {
            assert_eq!(catalog.narrowed(&some, [refused]), None, "{refused}");
        }
        assert_eq!(catalog.narrowed(&some, [DEMO]), Some(some));
        assert!(catalog.is_for_gateway(&["https://k/gateway"]));
        assert!(!catalog.is_for_gateway(&["https://k/gateway", ORDERS]) && !catalog.is_for_gateway(&[]));
    }

    #[test]
    fn the_record_of_a_route_says_which_scopes_it_needed() {
        let catalog = catalog();
        let needed = |method: &str, route: &str| catalog.needed(method, route);
        let of = |all: &str, any: &str| Some(NeededScopes { all: all.parse().unwrap(), any: any.parse().unwrap() });
        assert_eq!(needed("GET", "orders:/v1/orders/{id}"), of("orders:read", ""));
        assert_eq!(needed("GET", "orders:/health"), of("", ""));
        assert_eq!(needed("GET", "orders:/gone"), of("", "orders:read orders:write"));
        assert_eq!(needed("GET", "/api/v1/posts"), None);
        let held: ScopeSet = "orders:read".parse().unwrap();
        assert!(needed("GET", "orders:/gone").unwrap().are_held(&held));
        assert!(!needed("PUT", "orders:/v1/orders/{id}").unwrap().are_held(&held));
    }
}
